"""The streams of a run, one after the other, and which trouble ends the run and which only its stream."""

from __future__ import annotations

from portal.connectors.manifest import Manifest
from portal.foundation.errors import AuthFailed, ConnectorError, Forbidden, RateLimited
from portal.sync.asked import Asked
from portal.sync.attempt import Attempt
from portal.sync.checkpoint import Place
from portal.sync.progress import StreamProgress
from portal.sync.stream import Patience, sync_stream


async def sync_streams(attempt: Attempt, known: dict[str, Place], patience: Patience) -> None:
    """Read every stream. A refused key or a rate limit ends the run at once; other trouble ends its stream, the next ones
    are still tried (without patience: the store is likely ill), and the first trouble is raised at the end.
    """
    manifest, asked = attempt.connector.manifest, attempt.asked
    chosen = [each for each in manifest.streams if asked is None or each.name in asked.streams]
    for stream in chosen:
        place = known.get(stream.name) or Place()
        if asked is not None and (mine := asked.places.get(stream.name)):
            place = Place(done=mine.done)
        attempt.streams[stream.name] = StreamProgress(done=place.done if place.phase == "backfill" else 0)
    await attempt.announce()  # the first page may take its time
    trouble: ConnectorError | None = None
    for stream in chosen:
        try:
            with attempt.log.part(stream.name):
                if asked is None or not asked.own(stream.name):
                    await sync_stream(attempt, stream, known.get(stream.name), patience)
                elif (own := _own(attempt, asked, stream.name)) is not None:
                    await sync_stream(attempt, stream, own, patience)
        except (AuthFailed, RateLimited):
            attempt.streams[stream.name].phase = "failed"
            raise
        except ConnectorError as error:
            if isinstance(error, Forbidden) and _optional(manifest, stream.name):
                attempt.streams[stream.name].phase = "not_permitted"
                continue
            attempt.streams[stream.name].phase = "failed"
            trouble = trouble or error
            patience = Patience(waits=(), page_seconds=patience.page_seconds)
        if attempt.halted:
            break
    if trouble is not None:
        raise trouble


def _own(attempt: Attempt, asked: Asked, stream: str) -> Place | None:
    """Where a run from a day on stands in `stream`, which it may be about to begin; None when it is through with it."""
    mine = asked.places.get(stream)
    if mine is not None and mine.finished:
        attempt.streams[stream] = StreamProgress(phase="done", done=mine.done, total=mine.total)
        return None
    if mine is not None:
        return Place(cursor=mine.cursor, phase="again", done=mine.done, total=mine.total)
    assert asked.moment is not None  # noqa: S101 - for the type checker: it stands beside `since`
    return Place(cursor=attempt.connector.since(stream, asked.moment), phase="again")


def _optional(manifest: Manifest, stream: str) -> bool:
    """Whether the portal can do without this stream: the permission to read it is declared as not required."""
    return any(each.name == f"read_{stream}" and not each.required for each in manifest.permissions)
