from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from portal.commerce.records import Customer, OrderStatus, TaxRate
from portal.foundation.bus import Event
from portal.foundation.errors import Missing
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope
from tests.commerce.made import NOON, Store, deleted, line, order, product, refund


async def events_of(rt: Runtime, store: Store, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    heard: list[Event] = []

    async def publish(event: Event) -> None:
        heard.append(event)

    monkeypatch.setattr(rt.bus, "publish", publish)
    return heard


async def test_a_batch_is_written_and_told_once(rt, store, monkeypatch):
    heard = await events_of(rt, store, monkeypatch)
    first = await store.write(order(lines=(line(),)), product())
    assert first.changed == {"orders": 1, "products": 1}
    assert [(e.kind, e.version, e.payload) for e in heard] == [
        ("data", first.version, {"kinds": ["orders", "products"]})
    ]


async def test_a_replay_changes_nothing_moves_no_version_and_tells_nobody(rt, store, monkeypatch):
    batch = (order(lines=(line(),)), refund(), product(), deleted("9"))
    first = await store.write(*batch)
    heard = await events_of(rt, store, monkeypatch)
    again = await store.write(*batch, minutes=5)
    assert (again.changed, again.version, heard) == ({}, first.version, [])
    assert await store.net() == 70


async def test_the_newest_source_data_is_dated_even_when_nothing_changed(store):
    await store.write(order())
    await store.write(order(), minutes=5)
    await store.write(minutes=9)
    [row] = await store.rows("SELECT version, data_as_of FROM tenant_versions")
    assert row == {"version": 1, "data_as_of": NOON + timedelta(minutes=9)}


async def test_an_older_copy_never_replaces_a_newer_one(store):
    await store.write(order(total="120", version=2))
    assert (await store.write(order(total="100", version=1))).changed == {}
    assert await store.net() == 120


async def test_an_equally_old_copy_with_other_content_replaces(store):
    await store.write(order(total="100"))
    assert (await store.write(order(total="90"))).changed == {"orders": 1}
    assert await store.net() == 90


async def test_a_copy_that_is_newer_by_its_date_only_moves_no_version_but_keeps_older_ones_out(store):
    await store.write(order(total="100"))
    assert (await store.write(order(total="100", version=10))).changed == {}
    assert (await store.write(order(total="80", version=5))).changed == {}
    assert await store.net() == 100


async def test_within_one_batch_the_newest_copy_wins_and_of_equal_ones_the_last(store):
    await store.write(
        order(total="3", version=3), order(total="1", version=1), order("2", total="5"), order("2", total="7")
    )
    assert await store.net() == 10


async def test_lines_are_replaced_when_they_changed(store):
    await store.write(order(lines=(line("A"), line("B"), line("C"))))
    await store.write(order(lines=(line("A"), line("D", "2")), version=1))
    rows = await store.rows("SELECT sku, units FROM daily_sku_sales WHERE units <> 0 ORDER BY sku")
    assert [(r["sku"], r["units"]) for r in rows] == [("A", 1), ("D", 2)]
    assert [r["sku"] for r in await store.rows("SELECT sku FROM order_lines ORDER BY position")] == ["A", "D"]


async def test_an_order_moves_to_the_day_it_was_paid_on(store):
    await store.write(order(status=OrderStatus.ON_HOLD, paid_at=None))
    await store.write(order(paid_at=NOON + timedelta(days=2), version=1))
    rows = await store.rows("SELECT day::text, orders FROM daily_sales WHERE orders <> 0")
    assert rows == [{"day": "2026-03-12", "orders": 1}]


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"status": OrderStatus.PROCESSING}, True),
        ({"status": OrderStatus.COMPLETED}, True),
        ({"status": OrderStatus.ON_HOLD, "paid_at": None}, True),
        ({"status": OrderStatus.REFUNDED}, True),
        ({"status": OrderStatus.PENDING}, True),
        ({"status": OrderStatus.PENDING, "paid_at": None}, False),
        ({"status": OrderStatus.OTHER}, True),
        ({"status": OrderStatus.OTHER, "paid_at": None}, False),
        ({"status": OrderStatus.CANCELLED}, False),
        ({"status": OrderStatus.FAILED}, False),
        ({"status": OrderStatus.TRASHED}, False),
        ({"status": OrderStatus.DRAFT}, False),
        ({"is_test": True}, False),
    ],
)
async def test_which_orders_count(store, fields, counts):
    await store.write(order(**fields), refund())
    assert await store.net() == (70 if counts else 0)


async def test_a_refund_counts_on_its_own_day_and_only_with_its_order(store):
    later = NOON + timedelta(days=3)
    await store.write(order(), refund(at=later))
    rows = await store.rows("SELECT day::text, gross - refunds AS net FROM daily_sales ORDER BY day")
    assert [(r["day"], r["net"]) for r in rows] == [("2026-03-10", 100), ("2026-03-13", -30)]
    await store.write(order(status=OrderStatus.CANCELLED, version=1))
    assert await store.net() == 0


async def test_a_refund_may_arrive_before_its_order(store):
    await store.write(refund())
    assert await store.net() == 0
    await store.write(order(currency="EUR"), minutes=1)
    assert await store.net("EUR") == 70
    [row] = await store.rows("SELECT currency, counted, rate FROM refunds")
    assert row == {"currency": "EUR", "counted": True, "rate": None}


async def test_a_refund_that_its_order_no_longer_names_was_deleted_at_the_store(store):
    await store.write(order(refund_ids=("r1",)), refund(), minutes=1)
    await store.write(order(refund_ids=()), minutes=2)  # deleting a refund does not date the order anew
    assert await store.net() == 100
    await store.write(order(refund_ids=("r1",), version=3), minutes=4)
    assert await store.net() == 70


async def test_an_order_copy_older_than_the_refund_says_nothing_about_it(store):
    await store.write(refund(at=NOON + timedelta(minutes=1)), minutes=2)
    await store.write(order(refund_ids=()), minutes=3)  # dated before the refund: it was read before there was one
    assert await store.net() == 70


async def test_a_platform_that_does_not_list_refunds_deletes_none(store):
    await store.write(order(), refund(), minutes=1)
    await store.write(order(total="101", version=5), minutes=6)
    assert await store.net() == 71


async def test_a_deleted_order_leaves_the_totals_and_is_remembered(store):
    await store.write(order(lines=(line(),)), refund())
    assert (await store.write(deleted(), minutes=60)).changed == {"orders": 1}
    assert await store.net() == 0
    assert (await store.rows("SELECT count(*) FROM orders WHERE deleted_at IS NOT NULL"))[0]["count"] == 1
    assert (await store.write(order(total="50", version=10), minutes=61)).changed == {"orders": 1}
    assert await store.net() == 0, "a copy from before the deletion brings nothing back"


async def test_an_order_restored_seconds_after_its_deletion_comes_back(store):
    await store.write(order())
    await store.write(deleted(minutes=60), minutes=60)
    await store.write(order(version=59.9), minutes=60.2)  # the store writes whole seconds, by its own clock
    assert await store.net() == 100


async def test_a_deletion_heard_of_before_the_order_keeps_old_copies_out(store):
    assert (await store.write(deleted())).changed == {}
    await store.write(order(), minutes=61)
    assert await store.net() == 0
    await store.write(order(version=90), minutes=91)
    assert await store.net() == 100


async def test_an_old_deletion_read_late_does_not_remove_a_newer_order(store):
    await store.write(order(version=90))
    assert (await store.write(deleted(minutes=60))).changed == {}
    assert await store.net() == 100


async def test_a_deleted_refund_is_added_back(store):
    await store.write(order(), refund())
    assert (await store.write(deleted("r1", "refunds"))).changed == {"refunds": 1}
    assert await store.net() == 100
    assert (await store.write(refund(), minutes=90)).changed == {}


async def test_a_currency_without_a_rate_is_kept_and_never_added(store):
    await store.write(order(), order("2", currency="JPY", total="12000", lines=(line("LAMP", "2", "12000"),)))
    rows = await store.rows(
        "SELECT currency, gross, gross_reporting, unconverted_orders FROM daily_sales ORDER BY currency"
    )
    assert [tuple(r.values()) for r in rows] == [("JPY", 12000, 0, 1), ("USD", 100, 100, 0)]
    [sku] = await store.rows("SELECT units, revenue_reporting FROM daily_sku_sales")
    assert (sku["units"], sku["revenue_reporting"]) == (2, 0)


async def test_the_rate_known_by_the_day_of_the_order_is_used(store):
    await store.rate("JPY", "0.0066", NOON - timedelta(days=1))
    await store.rate("JPY", "0.0070", NOON + timedelta(days=1))
    await store.write(order(currency="JPY", total="12345.00"), refund(amount="1000"))
    [row] = await store.rows("SELECT gross_reporting, refunds_reporting FROM daily_sales")
    assert (row["gross_reporting"], row["refunds_reporting"]) == (Decimal("81.4770"), Decimal("6.6"))


async def test_a_negative_total_lowers_the_revenue(store):
    await store.write(order(), order("2", total="-15.50"), order("3", total="0"))
    assert await store.net() == Decimal("84.50")


async def test_new_customers_follow_the_first_counted_order_whatever_arrives_first(store):
    early, late = NOON - timedelta(days=5), NOON
    news = "SELECT day::text, new_customers, customer_orders FROM daily_sales WHERE customer_orders <> 0 ORDER BY day"
    await store.write(order("2", at=late, customer_email="Ada@Example.com"))
    await store.write(order("1", at=early, customer_email="ada@example.com"))
    assert [tuple(r.values()) for r in await store.rows(news)] == [("2026-03-05", 1, 1), ("2026-03-10", 0, 1)]
    await store.write(order("1", at=early, customer_email="ada@example.com", status=OrderStatus.CANCELLED, version=1))
    assert [tuple(r.values()) for r in await store.rows(news)] == [("2026-03-10", 1, 1)]


async def test_what_the_caller_does_within_is_one_transaction_with_the_rows(rt, store, monkeypatch):
    heard = await events_of(rt, store, monkeypatch)

    async def lose_the_lease(scope: Scope) -> None:
        assert await scope.sql.fetchval("SELECT count(*) FROM orders") == 1
        raise RuntimeError("lease lost")

    with pytest.raises(RuntimeError):
        await store.write(order(), within=lose_the_lease)
    assert await store.rows("SELECT 1 FROM orders UNION ALL SELECT 1 FROM daily_sales") == []
    assert heard == []


async def test_within_is_called_when_nothing_changed(store):
    called = []

    async def note(scope: Scope) -> None:
        called.append(scope.org_id)

    await store.write(within=note)
    assert called == [store.org]


async def test_a_connection_that_is_gone_takes_no_rows(rt, store):
    with pytest.raises(Missing):
        await Store(rt, store.org, 999_999_999).write(order())


async def test_a_large_batch_is_written_in_pieces(store):
    written = await store.write(*(order(str(n), total="1", lines=(line(), line("B"))) for n in range(2_500)))
    assert written.changed == {"orders": 2_500}
    assert await store.net() == 2_500


async def test_texts_arrive_verbatim(store):
    odd = 'Ünï "quoted" \\ <b>bold</b> {a,b} 🛒 NULL'
    await store.write(
        product(name=odd, categories=(odd, "", "NULL")), order(note=odd, meta={"via": odd}, refund_ids=(odd,))
    )
    [found] = await store.rows(
        "SELECT p.name, p.categories, o.note, o.meta->>'via' AS via, o.refund_ids FROM products p, orders o"
    )
    assert found == {"name": odd, "categories": [odd, "", "NULL"], "note": odd, "via": odd, "refund_ids": [odd]}


async def test_rows_without_a_date_of_change_are_told_only_when_their_content_changed(store):
    def tax(minutes: int, percent: str) -> TaxRate:
        return TaxRate(external_id="1", modified_at=NOON + timedelta(minutes=minutes), rate_percent=Decimal(percent))

    assert (await store.write(tax(0, "19"))).changed == {"taxes": 1}
    assert (await store.write(tax(1, "19"))).changed == {}
    assert (await store.write(tax(2, "7"))).changed == {"taxes": 1}


async def test_a_deleted_customer_is_remembered_as_deleted(store):
    await store.write(Customer(external_id="5", modified_at=NOON, email="ada@example.com"))
    assert (await store.write(deleted("5", "customers"))).changed == {"customers": 1}
    assert (await store.rows("SELECT deleted_at FROM customers"))[0]["deleted_at"] == NOON + timedelta(minutes=60)


async def test_variations_that_a_changed_product_no_longer_names_are_gone_and_newer_ones_stay(store):
    def family(minutes: int, *names: str):
        at = NOON + timedelta(minutes=minutes)
        return product("9", None, None, kind="variable", modified_at=at, variant_ids=names or None)

    def variation(name: str, minutes: int = 0):
        at = NOON + timedelta(minutes=minutes)
        return product(name, name, kind="variation", parent_id="9", modified_at=at)

    async def alive() -> set[str]:
        rows = await store.rows("SELECT external_id FROM products WHERE deleted_at IS NULL AND parent_id = '9'")
        return {row["external_id"] for row in rows}

    await store.write(family(0, "A", "B"), variation("A"), variation("B"))
    assert await alive() == {"A", "B"}
    assert (await store.write(family(10, "B"), variation("B", 10))).changed == {"products": 2}
    assert await alive() == {"B"}
    await store.write(variation("C", 60))
    await store.write(family(20, "B", "D"))  # of before C was made
    assert await alive() == {"B", "C"}
    await store.write(family(70))  # does not say which it has
    assert await alive() == {"B", "C"}
    await store.write(msgspec.structs.replace(family(80), variant_ids=()))  # says that it has none
    assert await alive() == set()
