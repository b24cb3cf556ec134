"""Orders that came by polling although a webhook should have announced them.

Counted from orders, not from quiet: a store where nothing happens is never said to be silent. WordPress sends webhooks by its
own cron, which a shop without visitors runs late, so an order has two hours before it counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from portal.tenancy.scope import Scope

SPAN, GRACE = timedelta(hours=24), timedelta(hours=2)
FEWEST = 3
"""Fewer unannounced orders are chance: one made while the portal restarted, say."""
_LOST = """
WITH made AS MATERIALIZED (
  SELECT external_id FROM orders WHERE org_id = portal_org() AND connection_id = $1 AND deleted_at IS NULL
    AND business_at >= $2 AND business_at < $3 AND created_at >= $2 AND created_at < $3 LIMIT 5000
), told AS MATERIALIZED (
  SELECT DISTINCT unnest(about) AS told FROM webhook_deliveries
  WHERE org_id = portal_org() AND connection_id = $1 AND received_at >= $2
)
SELECT count(*) AS orders, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM told WHERE told = 'orders:' || external_id)) AS lost
FROM made
"""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Of `orders` made between `since` and two hours ago, `lost` were not announced by any delivery."""

    since: datetime
    orders: int
    lost: int

    @property
    def telling(self) -> bool:
        """Whether that is worth saying: some few, and a good part of all."""
        return self.lost >= FEWEST and self.lost * 4 >= self.orders


async def silence(scope: Scope, connection_id: int, *, active_since: datetime | None, now: datetime) -> Silence | None:
    """Of the last day, or since all webhooks for orders are active; None when they are not, or only just."""
    if active_since is None:
        return None
    since, until = max(now - SPAN - GRACE, active_since), now - GRACE
    if since >= until:
        return None
    if await scope.sql.fetchval(
        "SELECT EXISTS (SELECT FROM webhook_deliveries WHERE org_id = portal_org() AND connection_id = $1"
        " AND processed_at IS NULL AND received_at < $2)",
        connection_id,
        now - timedelta(minutes=5),
    ):
        return None  # what the waiting ones tell of is not known yet
    row = await scope.sql.fetchrow(_LOST, connection_id, since, until)
    return Silence(since=since, orders=row["orders"], lost=row["lost"])
