"""A file of rates between upload and taking over: read once, kept for a day, tried by the very transaction that takes it over."""

from __future__ import annotations

import asyncio
import zlib
from datetime import datetime, timedelta

import msgspec

from portal.accounts.audited import audited
from portal.accounts.principal import Principal
from portal.commerce.exchange import Shift
from portal.foundation.errors import Missing
from portal.foundation.runtime import Runtime
from portal.rates import recalculations
from portal.rates.doubts import Doubt, doubts
from portal.rates.given import Given
from portal.rates.giving import Effect, effects, give, in_use
from portal.rates.reading import Sheet
from portal.tenancy.scope import Scope, platform, tenant

KEPT = timedelta(days=1)
_LOAD = "SELECT id, filename, layout, quotes, given_by, given_at FROM rate_drafts WHERE id = $1"
_LOCK = f"{_LOAD} FOR UPDATE"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """`layout`: see `reading.Sheet`."""

    id: int
    filename: str
    layout: str
    given: list[Given]
    given_by: str
    given_at: datetime


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What taking over would do, by currency that is sold in; `doubts`: rates that are far from their neighbours."""

    effects: list[Effect]
    shifts: list[Shift]
    doubts: list[Doubt]


class _RolledBack(Exception):
    pass


async def keep(rt: Runtime, who: Principal, filename: str, sheet: Sheet) -> int:
    """Keep what was read; the draft's id. Changes nothing else."""
    async with tenant(rt.database, who.org) as scope:
        made: int = await scope.sql.fetchval(
            "INSERT INTO rate_drafts (org_id, filename, layout, quotes, given_by) VALUES ($1, $2, $3, $4, $5) RETURNING id",
            who.org,
            filename[:200],
            sheet.layout,
            await asyncio.to_thread(_packed, sheet.given),
            who.name or who.email,
            timeout=60,
        )
    return made


async def load(scope: Scope, draft_id: int, *, lock: bool = False) -> Draft:
    """A draft. Raises `Missing`."""
    row = await scope.sql.fetchrow(_LOCK if lock else _LOAD, draft_id)
    if row is None:
        raise Missing("There is no such file. Upload it again.")
    given = await asyncio.to_thread(_unpacked, row["quotes"])
    return Draft(**{**{name: row[name] for name in Draft.__struct_fields__ if name != "given"}, "given": given})


async def turn(rt: Runtime, who: Principal, draft_id: int) -> None:
    """Read every rate the other way round: 1 SEK = 11.45 EUR was meant as 1 EUR = 11.45 SEK. Raises `Missing`."""
    async with tenant(rt.database, who.org) as scope:
        draft = await load(scope, draft_id, lock=True)
        turned = [msgspec.structs.replace(each, of_base=not each.of_base) for each in draft.given]
        await scope.sql.execute("UPDATE rate_drafts SET quotes = $2 WHERE id = $1", draft_id, _packed(turned))


async def trial(rt: Runtime, who: Principal, draft: Draft) -> Trial:
    """What taking over would do: done, and rolled back. Quotes of currencies that are not in use change nothing; of the forty of a
    bank's whole history that is nearly all."""
    found = Trial(effects=[], shifts=[], doubts=[])
    try:
        async with tenant(rt.database, who.org) as scope:
            wanted = await in_use(scope)
            shifts = await give(scope, [each for each in draft.given if each.currency in wanted], "file", "")
            found = Trial(effects=await effects(scope, shifts), shifts=shifts, doubts=await doubts(scope, shifts))
            raise _RolledBack
    except _RolledBack:
        return found


async def take_over(rt: Runtime, who: Principal, draft_id: int) -> int:
    """Put the file's rates in force; how many rates that changed. Raises `Missing`."""
    async with tenant(rt.database, who.org) as scope:
        draft = await load(scope, draft_id, lock=True)
        shifts = await give(scope, draft.given, "file", draft.filename)
        await scope.sql.execute("DELETE FROM rate_drafts WHERE id = $1", draft_id)
        await audited(
            scope, who, "rates.file", draft.filename, after={"rates": len(draft.given), "changed": len(shifts)}
        )
    await recalculations.tell(rt, who.org)
    return len(shifts)


async def discard(rt: Runtime, who: Principal, draft_id: int) -> None:
    """Forget a draft. Raises `Missing`."""
    async with tenant(rt.database, who.org) as scope:
        if await scope.sql.execute("DELETE FROM rate_drafts WHERE id = $1", draft_id) == "DELETE 0":
            raise Missing("There is no such file. It may be gone already.")


async def tidy(rt: Runtime) -> None:
    """Forget drafts that nobody went on with, and recalculations that ended long ago."""
    async with platform(rt.database, "forget old drafts of rates") as scope:
        await scope.sql.execute("DELETE FROM rate_drafts WHERE given_at < now() - $1::interval", KEPT)
        await scope.sql.execute("DELETE FROM reratings WHERE finished_at < now() - interval '30 days'")


def _unpacked(quotes: bytes) -> list[Given]:
    return msgspec.msgpack.decode(zlib.decompress(quotes), type=list[Given])


def _packed(given: list[Given]) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(given), 6)
