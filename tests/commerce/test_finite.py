"""NaN and infinities: `numeric` takes them, the ledger and the tables do not."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import asyncpg
import msgspec
import pytest

from portal.commerce.finite import NotANumber
from portal.commerce.records import AnyRecord, Coupon, Fee, RefundLine, TaxRate
from portal.sync.writing import UNWRITABLE
from portal.tenancy.scope import tenant
from tests.commerce.made import NOON, Store, line, order, product, refund

NAN, ENDLESS = Decimal("NaN"), Decimal("-Infinity")
AT = datetime(2026, 3, 10, tzinfo=UTC)
SPOILT: dict[str, AnyRecord] = {
    "total is NaN": msgspec.structs.replace(order("bad"), total=NAN),
    "shipping total is -Infinity": order("bad", shipping_total=ENDLESS),
    "total tax is sNaN": order("bad", total_tax=Decimal("sNaN")),
    "total is nan": msgspec.structs.replace(order("bad"), total=float("nan")),  # type: ignore[arg-type]
    "quantity of line 2 is NaN": order("bad", lines=(line("A"), msgspec.structs.replace(line("B"), quantity=NAN))),
    "unit price of line 1 is NaN": order("bad", lines=(line("A", unit_price=NAN),)),
    "amount is NaN": msgspec.structs.replace(refund("bad"), amount=NAN),
    "total of line 1 is NaN": refund("bad", lines=(RefundLine(external_id="1", total=NAN),)),
    "quantity is NaN": msgspec.structs.replace(product("bad"), quantity=NAN),
    "amount is -Infinity": Coupon(external_id="bad", modified_at=AT, code="X", kind="percent", amount=ENDLESS),
    "rate percent is NaN": TaxRate(external_id="bad", modified_at=AT, rate_percent=NAN),
    "amount is Infinity": Fee(
        external_id="bad", modified_at=AT, kind="x", amount=-ENDLESS, currency="USD", charged_at=AT
    ),
}


@pytest.mark.parametrize("said", SPOILT)
async def test_an_amount_that_is_no_number_is_refused_by_name_and_nothing_of_its_batch_is_written(
    store: Store, said: str
):
    with pytest.raises(NotANumber) as refused:
        await store.write(order("good"), SPOILT[said])
    assert str(refused.value) == f"{said}, which is not a number"
    assert await store.rows("SELECT external_id FROM orders") == []


async def test_an_amount_that_is_text_is_refused_as_postgresql_does(store: Store) -> None:
    with pytest.raises(UNWRITABLE):
        await store.write(order("good"), msgspec.structs.replace(order("bad"), total="twelve"))  # type: ignore[arg-type]


COLUMNS = [
    *(("orders", c) for c in ("total", "total_tax", "discount_total", "shipping_total", "fee_total", "units", "rate")),
    *(("order_lines", c) for c in ("quantity", "unit_price", "subtotal", "total", "total_tax")),
    *(("refunds", c) for c in ("amount", "rate")),
    *(("refund_lines", c) for c in ("quantity", "total", "total_tax")),
    *(("products", c) for c in ("price", "regular_price", "sale_price", "quantity", "low_stock_threshold")),
]


async def test_the_tables_refuse_it_too_in_every_column_of_money_and_quantity(store: Store):
    await store.write(order(lines=(line(),)), refund(lines=(RefundLine(external_id="1"),)), product())
    for table, column in COLUMNS:
        for value in ("NaN", "Infinity", "-Infinity"):
            with pytest.raises(asyncpg.CheckViolationError):
                async with tenant(store.rt.database, store.org) as scope:
                    assert (
                        await scope.sql.execute(f"UPDATE {table} SET {column} = $1::text::numeric", value) == "UPDATE 1"
                    )


@pytest.mark.parametrize("table", ["exchange_rates", "exchange_quotes"])
async def test_a_rate_without_end_is_no_rate(store: Store, table: str):
    more = {"exchange_rates": "", "exchange_quotes": ", base_currency, source, of_base"}[table]
    values = {"exchange_rates": "", "exchange_quotes": ", 'USD', 'hand', true"}[table]
    with pytest.raises(asyncpg.CheckViolationError):
        async with tenant(store.rt.database, store.org) as scope:
            await scope.sql.execute(
                f"INSERT INTO {table} (org_id, day, currency, rate{more}) VALUES ($1, $2, 'JPY', 'NaN'{values})",
                store.org,
                NOON.date(),
            )
