"""What a refund takes from its order: the currency, the rate, whether it counts, whether it still exists.

A pure function of the two stored rows, applied again whenever either changes, so that the order of arrival does not matter.
A refund is gone when its order no longer names it: a copy of the order that is at least as new as the refund (creating a
refund dates the order anew) and arrived after it. Deleting a refund does not date the order anew (WooCommerce).
"""

from __future__ import annotations

from portal.commerce.tables import rate


def settle(condition: str) -> str:
    """SQL that settles organization $1's refunds `r` under `condition`."""
    return f"""
UPDATE refunds r SET (currency, rate, counted, unlisted) = (
  SELECT c.currency, {rate("c.currency", "r.business_day")},
         coalesce(s.counted, false) AND r.deleted_at IS NULL AND NOT g.unlisted, g.unlisted
  FROM organizations o
  LEFT JOIN orders s ON s.org_id = r.org_id AND s.connection_id = r.connection_id AND s.external_id = r.order_id
  CROSS JOIN LATERAL (SELECT coalesce(r.own_currency, s.currency) AS currency) c
  CROSS JOIN LATERAL (
    SELECT coalesce(r.external_id <> ALL(s.refund_ids) AND s.modified_at >= r.refunded_at AND s.arrived_at > r.arrived_at,
                    false) AS unlisted
  ) g
  WHERE o.id = r.org_id
)
WHERE r.org_id = $1 AND {condition}
"""  # noqa: S608 - built from constants


SETTLE = settle("r.connection_id = $2 AND r.external_id = ANY($3::text[])")
SETTLE_ALL = settle("true")
