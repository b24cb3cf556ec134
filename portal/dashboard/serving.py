"""A tile as bytes: through the cache by data version, computed once however many ask at the same moment.

The cache key carries the tenant's data version and local date, so a cached tile never lags data that has arrived and
never shows yesterday after midnight; `max_age` bounds the rest (comparisons "up to this time last week" drift).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec
import structlog
from quart import render_template

from portal.dashboard.proof import compared, proof
from portal.dashboard.standing import Standing, standing
from portal.dashboard.tile import Reading, Tile
from portal.dashboard.versions import Version, Versions
from portal.foundation.cache import Cached
from portal.foundation.resources import ROOT
from portal.foundation.runtime import Runtime
from portal.foundation.web.envelopes import encode
from portal.tenancy import scope

_log = structlog.get_logger("portal.dashboard")


@dataclass(frozen=True, slots=True)
class Answer:
    """`entry` has the bytes, their etag and when they were made; `version` says how new the data is."""

    entry: Cached
    version: Version


class Serving:
    """Answers for the tiles of all organizations, in one process."""

    def __init__(self, rt: Runtime, versions: Versions) -> None:
        self._rt, self.versions = rt, versions
        self._look = _fingerprint()  # a new release must not be answered with HTML that an old one left in Redis

    async def json(self, tile: Tile, org_id: UUID, query: Any) -> Answer:
        """The documented JSON body of `tile`; of one store when `query.store` names it (`asked.with_store`)."""
        version = await self.versions.current(org_id)

        async def compute() -> bytes:
            async with scope.reading(self._rt.database, org_id, replica=False, store=query.store) as connection:
                return encode((await tile.fetch(connection, query)).body)

        key = self._key("json", tile, (org_id, query.store), version, query)
        entry = await self._rt.cache.get_or_compute(key, tile.max_age, compute)
        return Answer(entry, version)

    def peek(self, tile: Tile, org_id: UUID, query: Any) -> Answer | None:
        """What `json` would answer, if this process has it."""
        version = self.versions.peek(org_id)
        if version is None:
            return None
        entry = self._rt.cache.peek(self._key("json", tile, (org_id, query.store), version, query), tile.max_age)
        return None if entry is None else Answer(entry, version)

    async def standing(self, org_id: UUID, store: int | None = None) -> Standing:
        """How the organization's stores (or one of them) stand now. Not cached: it moves without moving the data version.

        Raises `Missing` for a store that is not the organization's.
        """
        async with scope.reading(self._rt.database, org_id, store=store) as connection:
            return await standing(connection)

    async def elements(self, tile: Tile, org_id: UUID, stand: Standing) -> tuple[Version, dict[str, str]]:
        """The HTML of every element of `tile` by id, the same for all who look at `stand`'s store (None: all) of it."""
        version = await self.versions.current(org_id)

        async def compute() -> bytes:
            return msgspec.json.encode(await self._draw(tile, org_id, stand.store, version))

        key = self._key(f"html-{stand.mark}", tile, (org_id, stand.store), version, None)
        entry = await self._rt.cache.get_or_compute(key, tile.max_age, compute)
        drawn: dict[str, str] = msgspec.json.decode(entry.body)
        return version, drawn

    async def dashboard(self, tiles: tuple[Tile, ...], org_id: UUID, stand: Standing) -> tuple[Version, dict[str, str]]:
        """The elements of all `tiles`. A tile that fails shows its error in its own box; the page lives."""
        version = await self.versions.current(org_id)
        drawn: dict[str, str] = {}
        for tile, found in zip(
            tiles,
            await asyncio.gather(*(self.elements(t, org_id, stand) for t in tiles), return_exceptions=True),
            strict=True,
        ):
            if isinstance(found, BaseException):
                if not isinstance(found, Exception):
                    raise found
                _log.error("tile failed", tile=tile.slug, org_id=str(org_id), exc_info=found)
                drawn.update(await self.failed(tile, version))
            else:
                drawn.update(found[1])
        return version, drawn

    async def failed(self, tile: Tile, version: Version) -> dict[str, str]:
        """The error state of every element of `tile`."""
        return {
            element.id: await render_template(
                "dashboard/_failed.html", element=element, tile=tile, version=version, now=self._rt.clock()
            )
            for element in tile.elements
        }

    async def reading(self, tile: Tile, org_id: UUID, query: Any, store: int | None = None) -> tuple[Reading, Standing]:
        """The tile's reading and the organization's standing, in one transaction. Raises `Missing` as `standing` does."""
        async with scope.reading(self._rt.database, org_id, store=store) as connection:
            stand = await standing(connection)
            return await tile.fetch(connection, query), stand

    async def _drawable(self, tile: Tile, org_id: UUID, store: int | None) -> tuple[Reading, dict[str, Any], Standing]:
        async with scope.reading(self._rt.database, org_id, store=store) as connection:
            found = await (tile.fetch_drawn or tile.fetch)(connection, tile.query())
            more = found.more | (await tile.draw(connection, found) if tile.draw else {})
            proven = {element.id: tile.proven(element) for element in tile.elements}
            rows = await compared(connection, {stream for streams in proven.values() for stream in streams})
            more["proofs"] = {name: proof(rows, streams) for name, streams in proven.items()}
            return found, more, await standing(connection)

    async def _draw(self, tile: Tile, org_id: UUID, store: int | None, version: Version) -> dict[str, str]:
        found, more, stand = await self._drawable(tile, org_id, store)
        found_proofs = more.pop("proofs")
        state = stand.state(empty=found.empty, of_today=tile.of_today)
        # Of one store: what it brought last, not what another one did.
        as_of = version.as_of if store is None else stand.last_success_at
        context = {
            "tile_of": tile,
            "body": found.body,
            "more": more,
            "standing": stand,
            "state": state,
            "currency": stand.currency,
            "timezone": stand.timezone,
            "seq": version.number,
            "as_of": None if state == "ended" else as_of,  # a file that arrived just now may end a month ago
            "now": self._rt.clock(),
        }
        proofs = found_proofs if state in {"live", "stale"} else {}
        return {
            element.id: await render_template(element.template, **context, proof=proofs.get(element.id))
            for element in tile.elements
        }

    def _key(self, kind: str, tile: Tile, whose: tuple[UUID, int | None], version: Version, query: Any) -> str:
        hour: datetime = self._rt.clock()
        asked = msgspec.json.encode(query).decode() if query is not None else ""
        # The UTC quarter hour bounds every local midnight (zones are offset by multiples of 15 minutes).
        quarter = int(hour.timestamp()) // 900
        return f"tile:{self._look}:{kind}:{tile.slug}:{whose[0]}:{whose[1] or ''}:{version.number}:{quarter}:{asked}"


def _fingerprint() -> str:
    """Eight characters that change with any template."""
    digest = blake2b(digest_size=4)
    for path in sorted((ROOT / "templates").rglob("*.html")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
