"""Who is looking, and what to tell them. One bus subscription per process; each changed tile is rendered once per
organization and store that somebody looks at (None: all stores together), and the same message goes to every such socket.

Sequence numbers are the tenant's data version, so they mean the same in every process and after a restart: a client that
reconnects says the last one it saw and gets what it missed as the tiles' present state.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import structlog

from portal.dashboard.registry import tiles
from portal.dashboard.serving import Serving
from portal.dashboard.socket import Message, Socket, message
from portal.dashboard.standing import Standing
from portal.foundation.bus import Event
from portal.foundation.errors import Missing
from portal.foundation.metrics import PUSHES, SOCKETS
from portal.foundation.runtime import Runtime
from portal.foundation.web.parts import Part

HEARTBEAT = 20  # seconds between beats
SWEEP = 5.0  # seconds between looks for versions whose event the bus lost
GAP = 0.25  # seconds between two renderings for one organization: a burst of writes is one push

_log = structlog.get_logger("portal.dashboard")
_everyone = UUID(int=0)


class Hub:
    """All sockets of this process, by organization."""

    def __init__(self, rt: Runtime, app: Any, serving: Serving, parts: Sequence[Part]) -> None:
        self._rt, self._app, self._serving, self._parts = rt, app, serving, parts
        self._rooms: dict[UUID, set[Socket]] = defaultdict(set)
        self._dirty: dict[UUID, set[str]] = {}
        self._pushed: dict[UUID, int] = {}
        self._standings: dict[tuple[UUID, int | None], str] = {}  # how the stores stood when somebody last looked
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Listen to the bus and begin to beat. Called in the lifespan, on the serving loop."""
        self._unsubscribe = self._rt.bus.subscribe(self.on_event, self._after_gap)
        self._spawn(self._beat())
        self._spawn(self._sweep())

    async def stop(self) -> None:
        """End every socket (they reconnect elsewhere) and the tasks."""
        for socket in [s for room in self._rooms.values() for s in room]:
            socket.end(1001, "")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def join(self, socket: Socket) -> None:
        self._rooms[socket.org_id].add(socket)
        SOCKETS.inc()
        if (socket.org_id, socket.store) not in self._standings:
            self._spawn(self._look_at_stores(socket.org_id))

    def leave(self, socket: Socket) -> None:
        room = self._rooms.get(socket.org_id)
        if room and socket in room:
            room.discard(socket)
            SOCKETS.dec()
            if not room:
                del self._rooms[socket.org_id]
                self._pushed.pop(socket.org_id, None)
            if not any(other.store == socket.store for other in room):
                self._standings.pop((socket.org_id, socket.store), None)

    async def seq(self, org_id: UUID) -> int:
        """The organization's sequence number now."""
        return (await self._serving.versions.current(org_id)).number

    async def missed(self, org_id: UUID, since: int, store: int | None = None) -> tuple[int, list[dict[str, Any]]]:
        """What a page that last saw `since` has to repeat: nothing, or the present state of every tile.

        Raises `Missing` for a `store` that is not the organization's.
        """
        version = await self._serving.versions.current(org_id)
        if org_id in self._rooms:
            self._pushed.setdefault(org_id, version.number)
        if store is None and since >= version.number:
            return version.number, []
        stand = await self._serving.standing(org_id, store)
        if since >= version.number:
            return version.number, []
        async with self._app.app_context():
            shown, drawn = await self._serving.dashboard(tiles(), org_id, stand)
        return shown.number, [{"id": name, "seq": shown.number, "html": html} for name, html in drawn.items()]

    async def on_event(self, event: Event) -> None:
        """From the bus: data moved, something to show happened, or somebody's access ended."""
        await self._serving.versions.on_event(event)
        if event.kind == "auth":
            self._close_for(event)
        elif event.kind == "data":
            self._mark(event.org_id, set(event.payload.get("kinds", ())))
        if event.org_id in self._rooms:
            if event.kind in {"progress", "proof"}:
                self._spawn(self._look_at_stores(event.org_id))
            for part in self._parts:
                if event.kind in part.kinds:
                    self._spawn(self._push_part(part, event))

    async def _look_at_stores(self, org_id: UUID) -> None:
        """A sync began, moved or ended: when that changed how the stores stand, every tile says so."""
        for store in self._looked_at(org_id):
            stand = await self._stand(org_id, store)
            before = self._standings.get((org_id, store))
            if stand is not None:
                self._standings[org_id, store] = stand.mark
                if before is not None and before != stand.mark:
                    self._mark(org_id, {"*"})

    def _looked_at(self, org_id: UUID) -> set[int | None]:
        """The stores of which somebody has a page open. Each was there when its page was; so they are few."""
        return {socket.store for socket in self._rooms.get(org_id, ())}

    async def _stand(self, org_id: UUID, store: int | None) -> Standing | None:
        """How the store stands. None when it is gone: its pages are told that they are of the past."""
        try:
            return await self._serving.standing(org_id, store)
        except Missing:
            for socket in [each for each in self._rooms.get(org_id, ()) if each.store == store]:
                socket.end(1001, "replaced")
            return None

    def _mark(self, org_id: UUID, kinds: set[str]) -> None:
        if org_id not in self._rooms:
            return
        if org_id in self._dirty:
            self._dirty[org_id] |= kinds
        else:
            self._dirty[org_id] = set(kinds)
            self._spawn(self._flush(org_id))

    async def _flush(self, org_id: UUID) -> None:
        """Render what changed, push it, and look again until nothing changed meanwhile."""
        while self._dirty.get(org_id):
            kinds, self._dirty[org_id] = self._dirty[org_id], set()
            try:
                await self._render(org_id, kinds)
            except Exception as error:  # the sweep tries again; the hub lives
                _log.warning("push failed", org_id=str(org_id), error=type(error).__name__)
            await asyncio.sleep(GAP)
        self._dirty.pop(org_id, None)

    async def _render(self, org_id: UUID, kinds: set[str]) -> None:
        moved = tuple(t for t in tiles() if "*" in kinds or t.refresh_on & kinds)
        version = await self._serving.versions.current(org_id)
        for store in self._looked_at(org_id) if moved else ():
            stand = await self._stand(org_id, store)
            if stand is None:
                continue
            async with self._app.app_context():
                shown, drawn = await self._serving.dashboard(moved, org_id, stand)
            room = [socket for socket in self._rooms.get(org_id, ()) if socket.store == store]
            for name, html in drawn.items():
                self._send(room, message(type="part", id=name, seq=shown.number, html=html))
        self._pushed[org_id] = version.number
        if not moved:
            self._send(self._rooms.get(org_id, ()), message(type="beat", seq=version.number))

    async def _push_part(self, part: Part, event: Event) -> None:
        version = await self._serving.versions.current(event.org_id)
        async with self._app.app_context():
            for name, html in await part.render(self._rt, event):
                self._send(
                    self._rooms.get(event.org_id, ()), message(type="part", id=name, seq=version.number, html=html)
                )

    def _send(self, room: Collection[Socket], said: Message) -> None:
        for socket in tuple(room):
            socket.offer(said)
        PUSHES.inc(len(room))

    def _close_for(self, event: Event) -> None:
        user, session = event.payload.get("user_id"), event.payload.get("session_id")
        reason = str(event.payload.get("reason", "signed_out"))
        rooms = list(self._rooms.values()) if event.org_id == _everyone else [self._rooms.get(event.org_id, set())]
        for socket in [s for room in rooms for s in room]:
            if (not user or str(socket.user_id) == user) and (not session or str(socket.session_id) == session):
                socket.end(4403 if reason == "role_changed" else 4401, reason)

    async def _after_gap(self) -> None:
        self._serving.versions.forget()
        await self._find_lost()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            try:
                await self._find_lost()
            except Exception as error:  # the database is away: pages say so themselves
                _log.warning("live sweep failed", error=type(error).__name__)

    async def _find_lost(self) -> None:
        """Organizations whose version moved without an event reaching us."""
        looked_at = list(self._rooms)
        if not looked_at:
            return
        for org_id, version in (await self._serving.versions.refresh_many(looked_at)).items():
            pushed = self._pushed.setdefault(org_id, version.number)
            if version.number > pushed and org_id not in self._dirty:  # being rendered: that push is on its way
                self._mark(org_id, {"*"})

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            for org_id in list(self._rooms):
                self._send(self._rooms.get(org_id, ()), message(type="beat", seq=self._pushed.get(org_id, 0)))

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
