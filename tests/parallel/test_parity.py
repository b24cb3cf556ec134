"""How even two sources are, by day, SKU and order: nothing is called even that is not, and nothing different that is the same."""

from __future__ import annotations

from portal.commerce.records import OrderStatus
from portal.parallel import parity
from portal.tenancy.scope import tenant
from tests.ledgers import line, order, refund
from tests.parallel.conftest import Both, day, noon, sale


async def compared(both: Both, days: int | None = None) -> tuple[parity.Span, parity.Summary]:
    new, old = await both.sides()
    span = parity.span_of(new, old, days)
    assert span is not None
    async with tenant(both.rt.database, both.org, read_only=True) as scope:
        return span, await parity.summary(scope, span)


async def differing(both: Both) -> list[tuple[str, str]]:
    span, _ = await compared(both)
    async with tenant(both.rt.database, both.org, read_only=True) as scope:
        rows, *_ = await parity.orders(scope, span)
    return [(row["kind"], row["shown"]) for row in rows]


async def test_the_same_orders_under_other_ids_are_even(both: Both) -> None:
    span, found = await compared(both)
    assert (span.first, span.end) == (day(9), day(0)), "today is never complete"
    assert (found.days, found.uneven_days, found.orders_old, found.orders_new) == (9, 0, 9, 9)
    assert parity.best_day(span, found) == day(9)
    assert await differing(both) == []


async def test_only_days_that_both_have_completely_are_compared(both: Both) -> None:
    await both.write(both.old, [sale(40, "5", "early")])
    span, found = await compared(both)
    assert (span.first, found.uneven_days) == (day(9), 0)
    span, found = await compared(both, days=3)
    assert (span.first, found.days) == (day(3), 3)


async def test_days_that_differ_in_anything_are_marked_and_the_best_day_comes_after_them(both: Both) -> None:
    more = sale(6, "9", "more")
    await both.write(both.new, [more])
    await both.write(
        both.old, [refunded := sale(4, "9", "r"), order("9", line("A", "9"), at=noon(2), id="two", number="n")]
    )
    await both.write(
        both.new, [sale(4, "9", "r"), order("9", line("A", "9", quantity=2), at=noon(2), id="two", number="n")]
    )
    await both.write(both.old, [refund(refunded, "3", at=noon(4))])
    span, found = await compared(both)
    assert (found.uneven_days, found.last_uneven) == (3, day(2))
    assert parity.best_day(span, found) == day(1)
    async with tenant(both.rt.database, both.org, read_only=True) as scope:
        rows, after = await parity.days(scope, span)
        assert [row["day"] for row in rows if not row["even"]] == [day(2), day(4), day(6)]
        assert after is None
        paged, after = await parity.days(scope, span, limit=4)
        while after:
            rows, after = await parity.days(scope, span, after, limit=4)
            paged += rows
        assert [row["day"] for row in paged] == [day(n) for n in range(1, 10)]


async def test_skus_stand_the_most_different_first(both: Both) -> None:
    await both.write(both.new, [sale(3, "50", "b", sku="B"), sale(3, "5", "c", sku="C")])
    await both.write(both.old, [sale(3, "5", "c", sku="C")])
    span, _ = await compared(both)
    async with tenant(both.rt.database, both.org, read_only=True) as scope:
        rows, further = await parity.skus(scope, span)
        assert [(row["sku"], row["units_old"], row["units_new"], row["even"]) for row in rows] == [
            ("B", 0, 1, False), ("A", 9, 9, True), ("C", 1, 1, True),
        ]  # fmt: skip
        assert not further
        assert [row["sku"] for row in (await parity.skus(scope, span, page=2, limit=2))[0]] == ["C"]


async def test_orders_are_matched_by_number_and_told_apart(both: Both) -> None:
    await both.write(
        both.old, [sale(3, "50", "only-here"), sale(3, "20", " 77 ", id="o77"), sale(3, "1", "twice", id="t1")]
    )
    await both.write(both.new, [sale(3, "21", "#77", id="n77"), sale(2, "60", "only-there"), sale(3, "1", "TWICE", id="u1"),
                                sale(3, "1", "twice", id="u2")])  # fmt: skip
    assert sorted(await differing(both)) == [
        ("different", " 77 "), ("only_new", "only-there"), ("only_new", "twice"), ("only_old", "only-here"),
    ]  # fmt: skip
    span, _ = await compared(both)
    async with tenant(both.rt.database, both.org, read_only=True) as scope:
        assert (await parity.orders(scope, span))[2] == {"only_old": 1, "only_new": 2, "different": 1, "same": 10}
        seen, after = [], None
        while True:
            rows, after, _ = await parity.orders(scope, span, after, limit=1)
            seen += [row["shown"] for row in rows]
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 4
        assert [row["shown"] async for row in parity.stream(scope, "orders", span)] == seen


async def test_an_order_dated_or_counted_otherwise_is_different_and_a_cancelled_one_alone_is_nothing(
    both: Both,
) -> None:
    cancelled = order("5", line("A", "5"), at=noon(3), id="c", number="c", status=OrderStatus.CANCELLED, paid_at=None)
    paid = order("5", line("A", "5"), at=noon(3), id="d", number="d")
    unpaid = order("5", line("A", "5"), at=noon(3), id="d", number="d", status=OrderStatus.CANCELLED)
    await both.write(both.old, [cancelled, paid, sale(5, "8", "moved")])
    await both.write(both.new, [unpaid, sale(4, "8", "moved")])
    assert sorted(await differing(both)) == [
        ("different", "d"), ("different", "moved"),
    ]  # fmt: skip


async def test_what_was_given_back_of_an_order_and_when_is_compared(both: Both) -> None:
    names = ("same", "twice", "missing", "other", "later", "unknown yet", "of a cancelled one")
    sold = {name: sale(6, "20", name) for name in names}
    cancelled = order("20", line("A", "20"), at=noon(6), id=names[-1], number=names[-1], status=OrderStatus.CANCELLED)
    for which in (both.old, both.new):
        await both.write(which, [*list(sold.values())[:-1], cancelled])
    await both.write(both.old, [
        refund(sold["same"], "5", at=noon(3)), refund(sold["twice"], "5", at=noon(3)), refund(sold["missing"], "5", at=noon(3)),
        refund(sold["other"], "5", at=noon(3)), refund(sold["later"], "5", at=noon(3)), refund(cancelled, "5", at=noon(3)),
    ])  # fmt: skip
    await both.write(both.new, [
        refund(sold["same"], "5", at=noon(3)), refund(sold["twice"], "2", at=noon(3)), refund(sold["twice"], "3", at=noon(3)),
        refund(sold["other"], "4.99", at=noon(3)), refund(sold["later"], "5", at=noon(2)),
        refund(sold["unknown yet"], "5", at=noon(0)),
    ])  # fmt: skip
    assert await differing(both) == [("different", "later"), ("different", "missing"), ("different", "other")]
    span, _ = await compared(both)
    async with tenant(both.rt.database, both.org, read_only=True) as scope:
        told = {row["shown"]: row async for row in parity.stream(scope, "orders", span)}
    missing, later = told["missing"], told["later"]
    assert (missing["refunded_old"], missing["refund_day_old"]) == (5, day(3))
    assert (missing["refunded_new"], missing["refund_day_new"]) == (0, None)
    assert (later["refund_day_old"], later["refund_day_new"]) == (day(3), day(2))


async def test_what_another_organization_has_is_not_compared(both: Both, other_org: object) -> None:
    span, _ = await compared(both)
    async with tenant(both.rt.database, other_org, read_only=True) as scope:  # type: ignore[arg-type]
        assert (await parity.summary(scope, span)).days == 0
        assert (await parity.orders(scope, span))[:2] == ([], None)
        assert await parity.skus(scope, span) == ([], False)
