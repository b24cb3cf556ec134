"""Which migrations this version of the portal brings and the database lacks, asked as the portal's own role."""

from __future__ import annotations

from portal.foundation.database import Database
from portal.foundation.resources import ROOT

_complete: set[int] = set()


def shipped() -> list[str]:
    """The names of the migrations in this version."""
    return sorted(path.stem for path in (ROOT / "migrations").glob("[0-9]*.py"))


async def unapplied(database: Database) -> list[str]:
    """Names that have not run yet. Raises what asyncpg raises when the database is away.

    Once complete it stays so for this process, so later calls are one round trip.
    """
    async with database.pool().acquire() as connection:
        if id(database) in _complete:
            await connection.execute("SELECT 1")
            return []
        if not await connection.fetchval("SELECT to_regclass('public.tortoise_migrations') IS NOT NULL"):
            return shipped()
        applied = {row["name"] for row in await connection.fetch("SELECT name FROM tortoise_migrations")}
    names = [name for name in shipped() if name not in applied]
    if not names:
        _complete.add(id(database))
    return names
