"""Random orders, refunds, rates and corrections in any order: totals equal a plain sum by the rates as they ended."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.commerce.rebuild import rebuild
from portal.foundation.runtime import Runtime
from portal.rates import giving
from portal.tenancy.scope import tenant
from tests.commerce.made import NOON, line, order, refund
from tests.conftest import make_org
from tests.rates.conftest import Bureau, bureau_of

DAY = NOON.date()
_days = st.integers(0, 12)
_amounts = st.sampled_from(["1", "9.99", "100", "12345.67"])
_currencies = st.sampled_from(["EUR", "SEK", "GBP"])
_steps = st.one_of(
    st.tuples(st.just("order"), st.integers(1, 6), _currencies, _amounts, _days),
    st.tuples(st.just("refund"), st.integers(1, 6), st.none(), _amounts, _days),
    st.tuples(
        st.just("rate"), st.just(0), st.sampled_from(["SEK", "GBP"]), st.sampled_from(["0.09", "1.2", "0.333"]), _days
    ),
    st.tuples(st.just("remove"), st.just(0), st.sampled_from(["SEK", "GBP"]), st.just(""), _days),
    st.tuples(st.just("hold"), st.integers(1, 9), st.none(), st.just(""), st.just(0)),
    st.tuples(st.just("work"), st.just(0), st.none(), st.just(""), st.just(0)),
)


class Ledger:
    """The same, in plain Python."""

    def __init__(self) -> None:
        self.orders: dict[int, tuple[str, Decimal, date]] = {}
        self.refunds: dict[int, tuple[int, Decimal, date]] = {}
        self.rates: dict[str, dict[date, Decimal]] = {"SEK": {}, "GBP": {}}
        self.hold = 7

    def worth(self, amount: Decimal, currency: str, day: date) -> Decimal | None:
        if currency == "EUR":
            return amount
        known = [each for each in self.rates[currency] if each <= day]
        if not known or (day - max(known)).days >= self.hold:
            return None
        return (amount * self.rates[currency][max(known)]).quantize(Decimal("0.0001"), ROUND_HALF_UP)

    def totals(self) -> dict[str, Any]:
        sold = [self.worth(total, currency, day) for currency, total, day in self.orders.values()]
        back = [
            self.worth(amount, self.orders[of][0], day)
            for of, amount, day in self.refunds.values()
            if of in self.orders
        ]
        revenue = sum((each for each in sold if each is not None), Decimal(0)) - sum(
            (e for e in back if e is not None), Decimal(0)
        )
        return {"revenue": revenue, "unconverted": sold.count(None)}


async def _take(bureau: Bureau, book: Ledger, step: tuple[Any, ...], minute: int) -> None:
    what, number, currency, amount, ahead = step
    day, at = DAY + timedelta(days=ahead), NOON + timedelta(days=ahead)
    if what == "order":
        lines = (line(total=amount),)
        await bureau.store.write(
            order(str(number), currency=currency, total=amount, at=at, version=minute, lines=lines), minutes=minute
        )
        book.orders[number] = (currency, Decimal(amount), day)
    elif what == "refund":
        modified = NOON + timedelta(days=20, minutes=minute)
        made = refund(f"r{number}", order_id=str(number), amount=amount, at=at, modified_at=modified)
        await bureau.store.write(made, minutes=minute)
        book.refunds[number] = (number, Decimal(amount), day)
    elif what == "rate":
        await bureau.give(currency, amount, day)
        book.rates[currency][day] = Decimal(amount)
    elif what == "remove":
        async with tenant(bureau.rt.database, bureau.org) as scope:
            await giving.remove(scope, currency, day, "tests")
        book.rates[currency].pop(day, None)
    elif what == "hold":
        async with tenant(bureau.rt.database, bureau.org) as scope:
            await giving.settle(scope, hold_days=number, fetched=True, by="tests")
        book.hold = number
    else:
        await bureau.work()


@given(history=st.lists(_steps, min_size=3, max_size=14))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
async def test_totals_equal_a_plain_sum_and_a_rebuild(rt: Runtime, history: list[tuple[Any, ...]]):
    bureau, book = await bureau_of(rt, await make_org(rt, "Random")), Ledger()
    for minute, step in enumerate(history, 1):
        await _take(bureau, book, step, minute)
    await bureau.work()
    assert await bureau.totals() == book.totals()
    skus = await bureau.store.rows("SELECT coalesce(sum(revenue_reporting), 0) AS revenue FROM daily_sku_sales")
    sold = [book.worth(total, currency, day) for currency, total, day in book.orders.values()]
    assert skus[0]["revenue"] == sum((each for each in sold if each is not None), Decimal(0))
    await rebuild(rt, bureau.org)
    assert await bureau.totals() == book.totals()
