"""An account through the engine into the ledger: what the portal then says equals the account's own truth, to the cent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from portal.connectors.amazon import history
from portal.foundation.outbound import OutboundClient
from portal.foundation.runtime import Runtime
from portal.sandbox.truth import truth
from portal.stores import service as stores
from portal.stores.service import test_credentials as try_credentials
from portal.sync import engine
from portal.sync.engine import Outcome
from portal.sync.jobs import request_sync
from portal.sync.stream import Patience
from portal.tenancy.scope import platform, tenant
from tests.connectors.amazon.conftest import Open, Seller

QUICK = Patience(waits=(0.05, 0.1), longest_wait=3.0, page_seconds=30.0)
Totals = dict[tuple[str, str], tuple[int, Decimal, Decimal]]


@dataclass
class Connected:
    """An account and the connection of an organization to it."""

    rt: Runtime
    account: Seller
    org: UUID
    connection_id: int

    async def sync(self) -> Outcome:
        async with tenant(self.rt.database, self.org) as scope:
            row, _ = await request_sync(scope, org_id=self.org, connection_id=self.connection_id, trigger="manual")
            run_id = await scope.sql.fetchval("SELECT run_id FROM client_api_sync_results WHERE id = $1", row)
        outcome = await engine.run(self.rt, self.org, self.connection_id, run_id, patience=QUICK)
        async with tenant(self.rt.database, self.org) as scope:
            await scope.sql.execute("DELETE FROM pgqueuer WHERE dedupe_key = $1", f"run:{run_id}")
        return outcome

    async def rows(self, query: str) -> list[dict[str, Any]]:
        async with tenant(self.rt.database, self.org, read_only=True) as scope:
            return [dict(row) for row in await scope.sql.fetch(query, self.connection_id)]

    async def held(self) -> Totals:
        """(state, currency) -> orders, gross, refunds."""
        rows = await self.rows(
            """SELECT source_status, currency, count(*) AS orders, sum(total) AS gross, coalesce(sum(r.amount), 0) AS back
               FROM orders o LEFT JOIN LATERAL (SELECT sum(amount) AS amount FROM refunds r WHERE r.org_id = o.org_id
                 AND r.connection_id = o.connection_id AND r.order_id = o.external_id AND r.deleted_at IS NULL) r ON true
               WHERE connection_id = $1 AND o.deleted_at IS NULL GROUP BY 1, 2"""
        )
        return {(r["source_status"], r["currency"]): (r["orders"], r["gross"], r["back"]) for r in rows}

    async def assert_equal_to_truth(self) -> None:
        """Orders by state, the revenue, every day of it, and the stock."""
        told: Any = truth(self.account.store, days=800)
        assert await self.held() == {
            (r["status"], r["currency"]): (r["orders"], Decimal(r["gross"]), Decimal(r["refunds"]))
            for r in told["statuses"]
        }
        days = await self.rows(
            "SELECT day::text, currency, orders, gross, refunds, units FROM daily_sales WHERE connection_id = $1"
        )
        found = {(d["day"], d["currency"]): (d["orders"], d["gross"], d["refunds"], d["units"]) for d in days}
        wanted = {
            (d["date"], d["currency"]): (d["orders"], Decimal(d["gross"]), Decimal(d["refunds"]), d["units"])
            for d in told["days"]
        }
        assert {day: row for day, row in found.items() if any(row)} == {
            day: row for day, row in wanted.items() if any(row)
        }
        stock = await self.rows("SELECT sku, quantity FROM products WHERE connection_id = $1 AND deleted_at IS NULL")
        assert {row["sku"]: row["quantity"] for row in stock} == {
            row["sku"]: row["stock_quantity"] for row in told["stock"] if row["manage_stock"]
        }


Connect = Callable[[Seller], Awaitable[Connected]]


@pytest.fixture
async def connect(rt: Runtime, org: UUID) -> AsyncIterator[Connect]:
    """`await connect(account)`: the account connected to `org`, with a rate that tests need not wait for."""
    before, opened = rt.outbound, []

    async def make(account: Seller) -> Connected:
        url = account.store.site_url
        rt.outbound = OutboundClient(
            allow=[account.sandbox.url.removeprefix("http://")],
            redis_link=rt.link,
            base_urls={"amazon": url, "amazon-lwa": url},
        )
        opened.append(rt.outbound)
        async with tenant(rt.database, org) as scope:
            connection_id = await stores.create_connection(
                rt,
                scope,
                org_id=org,
                platform="amazon",
                name=f"Amazon {uuid4().hex[:6]}",
                credentials=stores.validate_credentials("amazon", account.form),
                frequency="hourly",
                created_by=None,
            )
            await scope.sql.execute(
                "UPDATE client_api_credentials SET next_sync_at = now() + interval '1 hour' WHERE id = $1",
                connection_id,
            )
            await scope.sql.execute(
                "UPDATE organizations SET timezone = $2 WHERE id = $1", org, account.store.spec.timezone
            )
        return Connected(rt, account, org, connection_id)

    async with platform(rt.database, "test: lift the rate") as scope:
        await scope.sql.execute(
            "INSERT INTO api_platform_configs (platform_type, requests_per_second, burst) VALUES ('amazon', 5000, 5000)"
            " ON CONFLICT (platform_type) DO UPDATE SET requests_per_second = 5000, burst = 5000"
        )
    yield make
    rt.outbound = before
    for client in opened:
        await client.close()
    async with platform(rt.database, "test: lower the rate") as scope:
        await scope.sql.execute("DELETE FROM api_platform_configs WHERE platform_type = 'amazon'")
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute("DELETE FROM pgqueuer")
        await scope.sql.execute("UPDATE client_api_credentials SET status = 'disabled'")


async def test_two_marketplaces_in_two_currencies_equal_the_truth_to_the_cent(opened: Open, connect: Connect) -> None:
    shop = await connect(await opened(orders=400))
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    assert {row["currency"] for row in await shop.rows("SELECT currency FROM orders WHERE connection_id = $1")} == {
        "GBP",
        "EUR",
    }
    kept = await shop.rows(
        "SELECT meta->>'marketplace' AS at, currency FROM orders WHERE connection_id = $1 GROUP BY 1, 2"
    )
    assert len(kept) == 2
    [fees] = await shop.rows(
        "SELECT count(*) AS fees, count(DISTINCT order_id) AS orders FROM fees WHERE connection_id = $1"
    )
    assert fees["orders"] > 100
    [rejects] = await shop.rows("SELECT count(*) AS rows FROM sync_rejects WHERE connection_id = $1")
    assert rejects["rows"] == 0


async def test_an_account_that_suddenly_has_no_orders_is_not_believed_and_read_anew_when_it_has_them_again(
    opened: Open, connect: Connect
) -> None:
    shop = await connect(await opened(orders=60))
    assert await shop.sync() is Outcome.SUCCESS
    orders = shop.account.store.orders
    hidden = dict(orders)
    orders.clear()
    async with tenant(shop.rt.database, shop.org) as scope:  # as when another account was entered
        await scope.sql.execute("DELETE FROM sync_cursors WHERE stream = 'orders'")
    for _ in range(2):
        assert await shop.sync() is Outcome.FAILED
        assert (await shop.rows(_LAST_ERROR))[0]["error_code"] == "PLATFORM_EMPTY"
    orders.update(hidden)
    asked = shop.account.site.asked["createReport"]
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    assert shop.account.site.asked["createReport"] - asked > 20, "two years, thirty days at a time"


async def test_an_account_that_suddenly_offers_nothing_is_not_believed(opened: Open, connect: Connect) -> None:
    shop = await connect(await opened(orders=60))
    assert await shop.sync() is Outcome.SUCCESS
    shop.account.store.products.clear()
    assert await shop.sync() is Outcome.FAILED
    assert (await shop.rows(_LAST_ERROR))[0]["error_code"] == "PLATFORM_EMPTY"


_LAST_ERROR = "SELECT error_code FROM client_api_sync_results WHERE connection_id = $1 ORDER BY id DESC LIMIT 1"


async def test_prices_without_tax_equal_the_truth_too(opened: Open, connect: Connect) -> None:
    shop = await connect(await opened(orders=150, marketplaces=("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1AM78C64UM0Y8")))
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_a_seller_in_four_countries_has_each_currency_apart(opened: Open, connect: Connect) -> None:
    places = {"A1PA6795UKMFR9": "EUR", "A13V1IB3VIYZZH": "EUR", "A1C3SOZRARQ6R3": "PLN", "A2NODRKZP88ZB9": "SEK"}
    shop = await connect(await opened(orders=120, marketplaces=tuple(places)))
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    kept = await shop.rows(
        "SELECT DISTINCT meta->>'marketplace' AS at, currency FROM orders WHERE connection_id = $1 AND total > 0"
    )
    assert {row["at"]: row["currency"] for row in kept} == places
    fees = await shop.rows("SELECT DISTINCT currency FROM fees WHERE connection_id = $1")
    assert {row["currency"] for row in fees} == set(places.values())
    mixed = await shop.rows(
        "SELECT 1 FROM refunds r JOIN orders o ON o.external_id = r.order_id AND o.connection_id = r.connection_id "
        "WHERE r.connection_id = $1 AND r.currency <> o.currency"
    )
    assert not mixed


async def test_what_happens_afterwards_arrives_and_a_quiet_run_changes_nothing(
    account: Seller, connect: Connect
) -> None:
    shop = await connect(account)
    await shop.sync()
    made = account.control("place_order", total="12.34")
    pending = account.control("place_order", total="99.00", status="pending")
    account.control("cancel_order", order=account.control("place_order", total="5.00")["order_id"])
    account.control("fulfil_order", order=made["order_id"])
    account.control("refund", amount="1.00", order=made["order_id"])
    account.control("sell_out")
    account.control("set_now", now=(datetime.now(UTC) + timedelta(days=2, hours=12)).isoformat())
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    account.control("edit_order", order=pending["order_id"], status="processing")
    account.control("set_now", now=(datetime.now(UTC) + timedelta(days=2, hours=13)).isoformat())
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    assert await shop.sync() is Outcome.SUCCESS
    [last] = await shop.rows(
        "SELECT rows_changed FROM client_api_sync_results WHERE connection_id = $1 ORDER BY id DESC LIMIT 1"
    )
    assert last["rows_changed"] == 0


async def test_a_run_that_dies_in_the_middle_of_a_report_goes_on_there(
    opened: Open, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "AT_ONCE", 10)
    account = await opened(orders=250)
    shop = await connect(account)
    page, count = history.page, 0

    async def dying(client: Any, windows: Any) -> Any:
        nonlocal count
        count += 1
        if count % 9 == 0:
            raise RuntimeError("killed")
        return await page(client, windows)

    monkeypatch.setattr(history, "page", dying)
    outcomes = [await shop.sync()]
    while outcomes[-1] is not Outcome.SUCCESS and len(outcomes) < 30:
        outcomes.append(await shop.sync())
    assert outcomes.count(Outcome.FAILED) >= 3
    await shop.assert_equal_to_truth()
    # Two lists of offers; of the order reports only those asked for in pages that were not committed are asked for again.
    assert account.site.asked["createReport"] <= 25 + 2 + 3 * len(outcomes)


async def test_the_streams_go_on_when_tokens_expire_and_stop_with_advice_when_revoked(
    account: Seller, connect: Connect
) -> None:
    shop = await connect(account)
    assert await shop.sync() is Outcome.SUCCESS
    account.control("expire_tokens")
    assert await shop.sync() is Outcome.SUCCESS
    account.control("revoke_keys")
    assert await shop.sync() is Outcome.FAILED
    [connection] = await shop.rows("SELECT last_error, last_error_advice FROM client_api_credentials WHERE id = $1")
    assert "revoked" in connection["last_error"]
    assert "Authorize" in connection["last_error_advice"]
    account.control("restore_keys")
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()


async def test_without_the_role_for_money_orders_still_come(account: Seller, connect: Connect) -> None:
    account.control("set_roles", roles="orders,reports,sellers")
    shop = await connect(account)
    assert await shop.sync() is Outcome.SUCCESS
    [counts] = await shop.rows(
        "SELECT (SELECT count(*) FROM orders WHERE connection_id = $1) AS orders, "
        "(SELECT count(*) FROM refunds WHERE connection_id = $1) AS refunds"
    )
    assert counts == {"orders": len(account.store.orders), "refunds": 0}


async def test_the_installations_application_serves_a_client_without_one(
    account: Seller, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await connect(account)
    form = {**account.form, "lwa_client_id": "", "lwa_client_secret": ""}
    values = stores.validate_credentials("amazon", form)
    assert not (await try_credentials(shop.rt, "amazon", values)).success
    settings = shop.rt.settings.model_copy(
        update={
            "amazon_lwa_client_id": account.form["lwa_client_id"],
            "amazon_lwa_client_secret": account.form["lwa_client_secret"],
        }
    )
    monkeypatch.setattr(shop.rt, "settings", settings)
    assert (await try_credentials(shop.rt, "amazon", values)).success
    half = stores.validate_credentials("amazon", {**form, "lwa_client_id": "another"})
    assert not (await try_credentials(shop.rt, "amazon", half)).success  # a secret does not fit another's id


async def test_totals_equal_the_truth_after_a_mix_of_faults(opened: Open, connect: Connect) -> None:
    account = await opened(orders=120)
    shop = await connect(account)
    chaos = Random(11)
    outcomes = []
    for _ in range(4):
        for kind in chaos.sample(["500", "502", "429", "cut", "truncated", "html", "garbage"], 4):
            path = chaos.choice(["/reports", "/_documents/", "/orders", "/finances", "/fba", "/auth", "/"])
            account.control("fault", kind=kind, times=chaos.randrange(1, 4), path=path, retry_after=0)
        account.control("fail_reports", times=chaos.randrange(0, 2))
        if chaos.random() < 0.5:
            account.control("expire_tokens")
        outcomes.append(await shop.sync())
    account.control("clear_faults")
    account.control("fail_reports", times=0)
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
