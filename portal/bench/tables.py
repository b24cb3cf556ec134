"""The same rows again by COPY, as the tables' owner: the floor of the ingest."""

from __future__ import annotations

import io
import time
from typing import Any

ROWS = ("orders", "order_lines", "refunds", "refund_lines", "products", "customers", "coupons", "tax_rates", "fees")
DERIVED = ("daily_sales", "daily_sku_sales", "early_deletions")


async def empty(admin: Any) -> None:
    """Both sides begin with empty tables."""
    await admin.execute(f"TRUNCATE {', '.join(ROWS + DERIVED)}")


async def taken(admin: Any) -> dict[str, tuple[list[str], bytes]]:
    """Every table's writable columns and rows, in COPY's own text format."""
    kept = {}
    for table in ROWS:
        columns = [
            row["column_name"]
            for row in await admin.fetch(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position",
                table,
            )
        ]
        out = io.BytesIO()
        await admin.copy_from_table(table, columns=columns, output=out)
        kept[table] = columns, out.getvalue()
    return kept


async def copied(admin: Any, kept: dict[str, tuple[list[str], bytes]]) -> float:
    """Seconds that one transaction of COPY takes for all rows, with every index, constraint and generated column."""
    before = time.perf_counter()
    async with admin.transaction():
        for table, (columns, rows) in kept.items():
            await admin.copy_to_table(table, columns=columns, source=io.BytesIO(rows), timeout=600)
    return time.perf_counter() - before


async def counted(admin: Any) -> dict[str, int]:
    """Rows by table."""
    return {table: await admin.fetchval(f"SELECT count(*) FROM {table}") for table in ROWS}  # noqa: S608 - our own names
