"""Amazon's orders, refunds and fees are compared by day and money: the last week every night, sixty days within a week."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from portal.connectors.amazon import proven
from portal.sandbox.basket import charge
from portal.sync.engine import Outcome
from portal.sync.proof.outcomes import Comparison, latest
from portal.tenancy.scope import tenant
from tests.connectors.amazon.conftest import Open
from tests.connectors.amazon.test_through_the_ledger import Connect, Connected, connect

__all__ = ["connect"]


async def proof(shop: Connected) -> dict[str, Comparison]:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        return await latest(scope, shop.connection_id)


def night(monkeypatch: pytest.MonkeyPatch, place: int) -> None:
    """The older days of another night."""

    def older(now: datetime) -> Any:
        end = now - proven.RECENT - proven.SLICE * place + timedelta(days=1)
        return end - timedelta(days=15), end

    monkeypatch.setattr(proven, "older", older)


async def test_every_day_of_sixty_is_proven_within_a_week_and_an_old_edit_is_found(
    opened: Open, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await connect(await opened(orders=400))
    night(monkeypatch, 0)
    assert await shop.sync() is Outcome.SUCCESS
    found = await proof(shop)
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(
        ("products", "orders", "refunds", "fees"), "even"
    )
    first = {day.day for day in found["orders"].days}
    assert len(found["orders"].windows) == 2
    now = shop.account.store.clock.now()
    order = next(
        row
        for row in shop.account.store.orders.values()
        if row.status == "completed" and 30 < (now - row.created) / 86_400 < 50 and not row.refunds
    )
    order.fee = charge("Nachtrag", 777, order.person._replace(country=""))
    order.settle()
    healed = 0
    for place in range(1, 6):
        night(monkeypatch, place)
        await shop.sync()
        healed += (await proof(shop))["orders"].different
    assert healed == 1
    found = await proof(shop)
    days = {day.day for day in found["orders"].days}
    assert first < days
    local = {row["day"] for row in await shop.rows(_DAYS)}
    assert days >= local, "every day with orders of the last sixty"
    assert all(day.even and day.at is not None for day in found["orders"].days)
    assert len({day.at for day in found["orders"].days}) >= 4
    for stream in ("refunds", "fees"):
        assert found[stream].days
        assert all(day.even for day in found[stream].days)


_DAYS = """
SELECT DISTINCT business_day AS day FROM orders WHERE connection_id = $1 AND deleted_at IS NULL
AND business_day > now()::date - 57 AND business_day < now()::date
"""


async def test_a_lost_refund_and_fee_come_back_and_a_refund_amazon_does_not_list_is_told(
    opened: Open, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await connect(await opened(orders=300))
    night(monkeypatch, 0)
    await shop.sync()
    async with tenant(shop.rt.database, shop.org) as scope:
        recent = "refunded_at BETWEEN now() - interval '20 days' AND now() - interval '7 days'"
        lost = await scope.sql.fetchval(f"SELECT count(*) FROM refunds WHERE {recent}")
        assert lost, "the account has refunds of these days"
        await scope.sql.execute(f"DELETE FROM refunds WHERE {recent}")
        await scope.sql.execute(
            "DELETE FROM refund_lines l WHERE NOT EXISTS (SELECT FROM refunds WHERE external_id = l.refund_id)"
        )
        await scope.sql.execute(
            "DELETE FROM fees WHERE charged_at BETWEEN now() - interval '20 days' AND now() - interval '7 days'"
        )
        await scope.sql.execute(
            """INSERT INTO refunds (org_id, connection_id, external_id, modified_at, arrived_at, content, order_id, amount,
                 own_currency, refunded_at, reason, business_day, currency)
               SELECT org_id, connection_id, 'R-INVENTED', now() - interval '9 d', now() - interval '1 h', '\\x00', external_id,
                 5, currency, now() - interval '9 days', '', now()::date - 9, currency FROM orders LIMIT 1"""
        )
    await shop.sync()
    found = await proof(shop)
    assert found["fees"].state == "healed"
    assert found["refunds"].missing >= 1
    assert found["refunds"].healed == found["refunds"].missing
    assert (found["refunds"].state, found["refunds"].extra) == ("different", 1)
    [extra] = found["refunds"].lists["extra"]
    assert "Nothing was deleted" in extra.why
    assert await shop.rows("SELECT 1 FROM refunds WHERE connection_id = $1 AND external_id = 'R-INVENTED'")
