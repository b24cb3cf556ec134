"""Which store an address of deliveries belongs to: asked of the database once in a few seconds, however many come.

A door is read anew at once when a signature does not fit it, so that a secret that was just changed is known.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from portal.foundation.runtime import Runtime
from portal.foundation.vault import Unsealable
from portal.tenancy.scope import platform

FRESH = 5.0
"""Seconds a door is believed."""
_KEPT = 5_000
_FIND = """
SELECT c.id, c.org_id, c.platform_type, c.status, c.settings, c.webhook_secret,
  CASE WHEN c.webhook_secret_before_until > now() THEN c.webhook_secret_before END AS before, o.disabled_at
FROM client_api_credentials c JOIN organizations o ON o.id = c.org_id WHERE c.public_token = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where deliveries of one connection come in. `secrets`: the one in use and, for a while, the one before it."""

    org_id: UUID
    connection_id: int
    platform: str
    token: str
    open: bool
    settings: Mapping[str, str]
    secrets: tuple[str, ...] = field(repr=False)


class Doors:
    """The doors of one process. Holds secrets in memory for `FRESH` seconds of use, never longer than the last `_KEPT`."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._known: OrderedDict[str, tuple[float, Door | None]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Door | None]] = {}

    def peek(self, token: str) -> Door | None:
        """The door, if that is known without asking the database."""
        kept = self._known.get(token)
        return kept[1] if kept is not None and time.monotonic() - kept[0] < FRESH else None

    async def find(self, token: str, *, anew: bool = False) -> Door | None:
        """The door with this public token, None when there is none. `anew` does not believe what is known."""
        kept = self._known.get(token)
        if kept is not None and not anew and time.monotonic() - kept[0] < FRESH:
            return kept[1]
        if token not in self._asking:  # one question for all who come at once
            self._asking[token] = asyncio.create_task(self._ask(token))
        return await asyncio.shield(self._asking[token])

    async def _ask(self, token: str) -> Door | None:
        try:
            began = time.monotonic()
            async with platform(self._rt.database, "find the store of a webhook", read_only=True) as scope:
                row = await scope.sql.fetchrow(_FIND, token)
            door = None
            if row is not None:
                sealed = [bytes(each) for each in (row["webhook_secret"], row["before"]) if each is not None]
                door = Door(
                    org_id=row["org_id"],
                    connection_id=row["id"],
                    platform=row["platform_type"],
                    token=token,
                    open=row["status"] != "disabled" and row["disabled_at"] is None,
                    settings=msgspec.json.decode(row["settings"] or "{}", type=dict[str, str]),
                    secrets=await self._opened(row["org_id"], token, sealed),
                )
            self._known[token] = (began, door)
            self._known.move_to_end(token)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return door
        finally:
            del self._asking[token]

    async def _opened(self, org_id: UUID, token: str, sealed: list[bytes]) -> tuple[str, ...]:
        found = []
        for each in sealed:
            try:
                found.append(await self._rt.vault.open(org_id, f"client_api_credentials.webhook_secret:{token}", each))
            except Unsealable:
                continue  # of a lost key: nothing can be verified with it
        return tuple(found)
