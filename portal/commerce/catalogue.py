"""Products, customers, coupons and tax rates: rows that feed no rollup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from portal.commerce import rows
from portal.commerce.records import Product, Record
from portal.commerce.tables import BY_STREAM
from portal.commerce.verdicts import Stored, Verdict, deletes, deletion, verdict
from portal.tenancy.scope import Scope

_EARLY = """
INSERT INTO early_deletions AS e (org_id, connection_id, stream, external_id, deleted_at)
SELECT $1, $2, $3, u.id, u.at FROM unnest($4::text[], $5::timestamptz[]) AS u(id, at)
ON CONFLICT (org_id, connection_id, stream, external_id) DO UPDATE SET deleted_at = greatest(e.deleted_at, excluded.deleted_at)
"""


async def put_plain(
    scope: Scope,
    connection_id: int,
    stream: str,
    records: Mapping[str, Record],
    arrived_at: datetime,
    *,
    asked_at: datetime | None = None,
) -> int:
    """Insert or replace what is new or newer (`asked_at`: see `verdict`); how many were new or different."""
    table = BY_STREAM[stream]
    stored, early = await known(scope, connection_id, stream, records)
    changed, accepted, families = 0, [], {}
    for key, record in records.items():
        head = rows.content(record)
        found = verdict(record.modified_at, head, stored.get(key), asked_at)
        if found is Verdict.STALE:
            continue
        changed += found is not Verdict.TOUCHED
        if found is Verdict.CHANGED and isinstance(record, Product) and record.variant_ids is not None:
            families[key] = record  # a new product has no variations of earlier
        deleted_at = deletion(record.modified_at, stored.get(key), early.get(key), asked_at)
        accepted.append(rows.plain_row(record, head, deleted_at))
    if accepted:
        await scope.sql.execute(table.upsert, scope.org_id, connection_id, arrived_at, *table.parameters(accepted))
    if families:
        gone = await _orphans(scope, connection_id, families)
        changed += await delete_plain(scope, connection_id, stream, gone) if gone else 0
    return changed


async def _orphans(scope: Scope, connection_id: int, families: Mapping[str, Product]) -> dict[str, datetime]:
    """Variations held of these products that the products no longer have, gone as of the product's own date."""
    held = await scope.sql.fetch(
        """SELECT external_id, parent_id FROM products
           WHERE org_id = $1 AND connection_id = $2 AND parent_id = ANY($3::text[]) AND deleted_at IS NULL""",
        scope.org_id,
        connection_id,
        list(families),
    )
    return {
        key: families[parent].modified_at for key, parent in held if key not in (families[parent].variant_ids or ())
    }


async def delete_plain(scope: Scope, connection_id: int, stream: str, gone: Mapping[str, datetime]) -> int:
    """Mark rows deleted; how many were not yet."""
    return len(await mark_deleted(scope, connection_id, stream, gone))


async def known(
    scope: Scope, connection_id: int, stream: str, ids: Iterable[str]
) -> tuple[dict[str, Stored], dict[str, datetime]]:
    """What is stored of these ids, and the deletions heard of before the thing itself."""
    found = await scope.sql.fetch(
        f"""SELECT external_id, modified_at, content, deleted_at, arrived_at FROM {BY_STREAM[stream].name}
            WHERE org_id = $1 AND connection_id = $2 AND external_id = ANY($3::text[])
            UNION ALL SELECT external_id, NULL, NULL, deleted_at, NULL FROM early_deletions
            WHERE org_id = $1 AND connection_id = $2 AND external_id = ANY($3::text[]) AND stream = $4""",  # noqa: S608
        scope.org_id,
        connection_id,
        list(ids),
        stream,
    )
    stored = {row[0]: Stored(row[1], row[2], row[3], row[4]) for row in found if row[1] is not None}
    return stored, {row[0]: row[3] for row in found if row[1] is None}


async def mark_deleted(scope: Scope, connection_id: int, stream: str, gone: Mapping[str, datetime]) -> list[str]:
    """Set `deleted_at` where the deletion concerns the stored copy (`verdicts.deletes`), remember it for unknown ids.

    The ids that were alive before.
    """
    stored, _ = await known(scope, connection_id, stream, gone)
    marked = [key for key, copy in stored.items() if deletes(gone[key], copy)]
    if marked:
        await scope.sql.execute(
            f"""UPDATE {BY_STREAM[stream].name} SET deleted_at = ($4::timestamptz[])[array_position($3::text[], external_id)]
                WHERE org_id = $1 AND connection_id = $2 AND external_id = ANY($3::text[])""",  # noqa: S608
            scope.org_id,
            connection_id,
            marked,
            [gone[key] for key in marked],
        )
    unknown = [key for key in gone if key not in stored]
    if unknown:
        await scope.sql.execute(_EARLY, scope.org_id, connection_id, stream, unknown, [gone[key] for key in unknown])
    return [key for key in marked if stored[key].deleted_at is None]
