"""The streams of a run, one after the other, and which trouble ends the run and which only its stream."""

from __future__ import annotations

from portal.connectors.base import Manifest
from portal.foundation.errors import AuthFailed, ConnectorError, Forbidden, RateLimited
from portal.sync.attempt import Attempt
from portal.sync.checkpoint import Place
from portal.sync.progress import StreamProgress
from portal.sync.stream import Patience, sync_stream


async def sync_streams(attempt: Attempt, known: dict[str, Place], patience: Patience) -> None:
    """Read every stream. A refused key or a rate limit ends the run at once; other trouble ends its stream, the next ones
    are still tried (without patience: the store is likely ill), and the first trouble is raised at the end.
    """
    manifest = attempt.connector.manifest
    for stream in manifest.streams:
        place = known.get(stream.name) or Place()
        attempt.streams[stream.name] = StreamProgress(done=place.done if place.phase == "backfill" else 0)
    trouble: ConnectorError | None = None
    for stream in manifest.streams:
        try:
            await sync_stream(attempt, stream, known.get(stream.name), patience)
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


def _optional(manifest: Manifest, stream: str) -> bool:
    """Whether the portal can do without this stream: the permission to read it is declared as not required."""
    return any(each.name == f"read_{stream}" and not each.required for each in manifest.permissions)
