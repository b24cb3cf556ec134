"""What the uploaded data adds up to, read inside the transaction that changes it: before and after are then exact."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from portal.tenancy.scope import Scope
from portal.uploads.upload import Outcome, Sum

_LONG = 600.0
# label, unit, how many, how much
_SQL = {
    "orders": """
SELECT 'Orders that count' AS label, currency AS unit, count(*) AS n, sum(total) AS amount FROM orders
WHERE org_id = $1 AND connection_id = $2 AND counted GROUP BY currency
UNION ALL SELECT 'Refunds', coalesce(currency, ''), count(*), sum(amount) FROM refunds
WHERE org_id = $1 AND connection_id = $2 AND counted GROUP BY currency ORDER BY 1, 2""",
    "products": """
SELECT 'Products' AS label, 'units in stock' AS unit, count(*) AS n, coalesce(sum(quantity), 0) AS amount FROM products
WHERE org_id = $1 AND connection_id = $2 AND deleted_at IS NULL""",
    "customers": """
SELECT 'Customers' AS label, '' AS unit, count(*) AS n, 0::numeric AS amount FROM customers
WHERE org_id = $1 AND connection_id = $2 AND deleted_at IS NULL""",
}


class Figures(NamedTuple):
    """`alive`: things that are not deleted; `sums`: (label, unit) -> how many, how much."""

    alive: int
    sums: dict[tuple[str, str], tuple[int, Decimal]]


async def figures(scope: Scope, connection_id: int, family: str) -> Figures:
    """The figures of a family as they stand in this transaction."""
    rows = await scope.sql.fetch(_SQL[family], scope.org_id, connection_id, timeout=_LONG)
    alive: int = await scope.sql.fetchval(
        f"SELECT count(*) FROM {family} WHERE org_id = $1 AND connection_id = $2 AND deleted_at IS NULL",  # noqa: S608
        scope.org_id,
        connection_id,
        timeout=_LONG,
    )
    return Figures(alive, {(row["label"], row["unit"]): (row["n"], row["amount"]) for row in rows})


def outcome(things: int, changed: int, before: Figures, after: Figures) -> Outcome:
    """`changed`: things that are new, different or gone, as the ledger counted them. One writing only adds or only removes."""
    new, removed = max(0, after.alive - before.alive), max(0, before.alive - after.alive)
    none = (0, Decimal(0))
    keys = sorted(before.sums.keys() | after.sums.keys())
    return Outcome(
        things=things,
        new=new,
        changed=max(0, changed - new - removed),
        removed=removed,
        sums=[
            Sum(
                label=label,
                unit=unit,
                count_before=before.sums.get((label, unit), none)[0],
                count_after=after.sums.get((label, unit), none)[0],
                before=before.sums.get((label, unit), none)[1],
                after=after.sums.get((label, unit), none)[1],
            )
            for label, unit in keys
        ],
    )
