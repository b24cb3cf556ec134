"""One click: ask the store for what a comparison left undone, row by row, and write its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from portal.commerce.records import AnyRecord, Deleted
from portal.connectors.answers import Rejected
from portal.foundation.errors import Conflict, NotFound
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.sync.checkpoint import save_rejects
from portal.sync.proof import outcomes
from portal.sync.proof.comparing import agrees, as_listed, held
from portal.sync.sifting import sift
from portal.sync.writing import UNWRITABLE, write
from portal.tenancy.scope import Scope, tenant

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Healed:
    """How many rows were asked for, and how many are now as the store says."""

    asked: int
    healed: int


async def heal(rt: Runtime, org_id: UUID, connection_id: int, stream: str) -> Healed:
    """Heal the listed rows (at most 300) of the stream's newest comparison.

    What the store gives is written over what is here; what was extra and is not given is deleted; a row that cannot be read or
    stored stays open with the reason. Raises `Missing` for a
    store that is not there, `Conflict` when nothing is left to heal, and `ConnectorError`s with advice.
    """
    async with tenant(rt.database, org_id, read_only=True) as scope:
        await stores.load(scope, connection_id)
        found = (await outcomes.latest(scope, connection_id)).get(stream)
    ids = found.to_heal if found else []
    if found is None or not ids:
        raise Conflict("There is nothing left to heal here.")
    connector = await stores.open_connector(rt, org_id, connection_id)
    healed: set[str] = set()
    reasons: dict[str, str] = {}
    for start in range(0, len(ids), _AT_ONCE):
        chunk, asked_at = ids[start : start + _AT_ONCE], rt.clock()
        records: list[AnyRecord] = []
        rejected: list[Rejected] = []
        try:
            page = await connector.fetch(stream, chunk)
            records, rejected = list(page.records), list(page.rejected)
        except NotFound:
            pass  # a stream that can only be listed: what the list left out is gone
        given = {each.external_id for each in (*records, *rejected)}
        gone = {each.id for each in found.lists["extra"] if each.id in chunk and each.id not in given}
        records += [Deleted(external_id=each, modified_at=asked_at, of=stream) for each in sorted(gone)]
        outcome = await _write(rt, _Answer(org_id, connection_id, stream, chunk, gone, records, rejected, asked_at))
        healed |= outcome.right
        reasons |= outcome.reasons
    async with tenant(rt.database, org_id) as scope:
        await outcomes.mark_healed(scope, found, healed, reasons)
        await outcomes.compare_next_time(scope, connection_id)
    return Healed(len(ids), len(healed))


@dataclass(frozen=True, slots=True)
class _Answer:
    org_id: UUID
    connection_id: int
    stream: str
    ids: list[str]
    gone: set[str]
    records: list[AnyRecord]
    rejected: list[Rejected]
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The ids that are right now, and why others could not be taken over."""

    right: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)


async def _write(rt: Runtime, answer: _Answer) -> _Outcome:
    """Write one answer. A row that cannot be stored is named, and keeps no other from being healed."""

    async def put(records: Sequence[AnyRecord], within: Callable[[Scope], Awaitable[None]]) -> None:
        whose = answer.org_id, answer.connection_id
        await write(rt, *whose, records, within=within, arrived_at=rt.clock(), asked_at=answer.asked_at)

    async def alone(_: Scope) -> None:
        """Of a part of the rows nothing is judged yet."""

    outcome = _Outcome()

    def ending(good: Sequence[AnyRecord], bad: Sequence[Rejected]) -> Callable[[Scope], Awaitable[None]]:
        async def within(scope: Scope) -> None:
            nonlocal outcome
            outcome = await _judge(scope, answer, good, [*answer.rejected, *bad])

        return within

    try:
        await put(answer.records, ending(answer.records, []))
    except UNWRITABLE:
        good, bad = await sift(answer.records, lambda some: put(some, alone))
        await put((), ending(good, bad))
    return outcome


async def _judge(scope: Scope, answer: _Answer, good: Sequence[AnyRecord], bad: Sequence[Rejected]) -> _Outcome:
    """Once `good` is written and `bad` is not: what is right now."""
    said = as_listed(list(good), answer.stream)
    taken = [each for each in good if not isinstance(each, Deleted)]
    await save_rejects(scope, answer.org_id, answer.connection_id, bad, taken)
    right: set[str] = set()
    for each, mine in (await held(scope, answer.connection_id, answer.stream, answer.ids)).items():
        alive = mine.deleted_at is None
        if (each in answer.gone and not alive) or (each not in answer.gone and alive and agrees(said.get(each), mine)):
            right.add(each)
    return _Outcome(
        right & ({each.external_id for each in taken} | answer.gone), {each.external_id: each.reason for each in bad}
    )
