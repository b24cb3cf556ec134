"""The models say what the tables are."""

from __future__ import annotations

from tortoise import Tortoise

from portal.foundation.runtime import Runtime


async def test_every_column_of_a_model_is_in_its_table_and_as_optional(rt: Runtime) -> None:
    async with rt.database.pool().acquire() as connection:
        rows = await connection.fetch(
            "SELECT table_name, column_name, is_nullable = 'YES' AS empty FROM information_schema.columns"
            " WHERE table_schema = 'public'"
        )
    tables: dict[str, dict[str, bool]] = {}
    for row in rows:
        tables.setdefault(row["table_name"], {})[row["column_name"]] = row["empty"]
    for model in Tortoise.apps["portal"].values():
        meta = model._meta
        columns = {
            field.source_field or name: field.null for name, field in meta.fields_map.items() if field.has_db_field
        }
        there = {name: empty for name, empty in tables[meta.db_table].items() if name in columns}
        assert columns == there, meta.db_table
