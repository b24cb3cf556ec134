"""What a run was asked for besides the ordinary: chosen streams, or everything from a day on.

A run of chosen streams reads on from their committed cursors. A run from a day on has places of its own, kept with the run
and committed with the rows they cover, so that the increments' cursors stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from portal.connectors.manifest import Manifest
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.errors import Invalid
from portal.tenancy.scope import Scope

EARLIEST = date(1990, 1, 1)
"""No shop sold anything on the web before that; an earlier day is a slip of the keyboard."""


class OwnPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a run from a day on stands in one stream."""

    cursor: dict[str, Any] | None = None
    done: int = 0
    total: int | None = None
    finished: bool = False


class Asked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`since` is the organization's own day, `moment` its first instant (aware). `tries` counts failures in a row."""

    streams: tuple[str, ...]
    since: date | None = None
    moment: datetime | None = None
    tries: int = 0
    places: Mapping[str, OwnPlace] = {}

    def same(self, other: Asked) -> bool:
        """Whether both ask for the same, however far they got."""
        return (self.streams, self.since) == (other.streams, other.since)

    def own(self, stream: str) -> bool:
        """Whether the run keeps a place of its own in `stream`."""
        return self.since is not None and stream in self.streams

    def words(self, manifest: Manifest) -> str:
        """ "Orders and refunds", "Orders since 1 Oct 2026"; of all streams "Everything"."""
        chosen = [each.label for each in manifest.streams if each.name in self.streams]
        named = ", ".join(chosen) if len(chosen) < len(manifest.streams) else "Everything"
        return f"{named} since {self.since:%-d %b %Y}" if self.since else named


def encode(asked: Asked) -> str:
    """As stored in `client_api_sync_results.request`."""
    return msgspec.json.encode(asked).decode()


def decode(stored: str | bytes | None) -> Asked | None:
    """What `encode` wrote; None for an ordinary run, and for what another version wrote: an ordinary run misses nothing."""
    try:
        return None if stored is None else msgspec.json.decode(stored, type=Asked)
    except msgspec.ValidationError:
        return None


async def understood(
    scope: Scope, connection_id: int, platform: str, streams: Sequence[str] | None, since: date | None
) -> Asked | None:
    """The request, checked; None when it asks for nothing but an ordinary run.

    Raises `Invalid` by field (`streams`, `since`): unknown or no streams, a day in the future or long before any shop, a stream
    whose first reading is not finished (that one reads everything).
    """
    declared = [each.name for each in manifest_of(platform).streams]
    problems: dict[str, str] = {}
    if streams is not None and not streams:
        problems["streams"] = "Choose at least one stream."
    elif unknown := [each for each in streams or () if each not in declared]:
        problems["streams"] = f"There is no stream {unknown[0][:40]!r}. Choose of: {', '.join(declared)}."
    # The organization's own day, on the clock that the dashboard has too.
    row = await scope.sql.fetchrow(
        """SELECT (portal_now() AT TIME ZONE o.timezone)::date AS today, o.timezone AS zone
           FROM organizations o JOIN client_api_credentials c ON c.org_id = o.id WHERE c.id = $1""",
        connection_id,
    )
    if since is not None and since > row["today"]:
        problems["since"] = f"The day must not be in the future: today is {row['today']:%Y-%m-%d}."
    elif since is not None and since < EARLIEST:
        problems["since"] = f"The day must be {EARLIEST:%Y-%m-%d} or later."
    if problems:
        raise Invalid("Please check what is to be read.", problems)
    chosen = tuple(each for each in declared if streams is None or each in streams)
    if since is None:
        return None if len(chosen) == len(declared) else Asked(streams=chosen)
    read = await _read(scope, connection_id)
    unread = [each for each in chosen if each not in read]
    if unread and (streams is not None or not read):
        labels = {each.name: each.label for each in manifest_of(platform).streams}
        told = ", ".join(labels[each] for each in unread)
        raise Invalid(
            "Please check what is to be read.",
            {"streams": f"{told}: the first reading is not finished yet, and it reads everything."},
        )
    return Asked(
        streams=tuple(each for each in chosen if each in read), since=since, moment=_begins(since, row["zone"])
    )


def _begins(day: date, zone: str) -> datetime:
    """The day's first instant; of two midnights (clocks that go back over it) the first."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


async def _read(scope: Scope, connection_id: int) -> set[str]:
    """The streams whose first reading is finished. What the key may not read never is."""
    rows = await scope.sql.fetch(
        "SELECT stream FROM sync_cursors WHERE connection_id = $1 AND phase = 'incremental'", connection_id
    )
    return {row["stream"] for row in rows}


async def save_own_place(scope: Scope, run_id: object, stream: str, place: OwnPlace) -> None:
    """Store the run's place with the rows it covers, and that it got on: earlier failures are forgotten."""
    await scope.sql.execute(
        """UPDATE client_api_sync_results SET request = (request - 'tries') || jsonb_build_object(
             'places', coalesce(request->'places', '{}') || jsonb_build_object($2::text, $3::jsonb)) WHERE run_id = $1""",
        run_id,
        stream,
        msgspec.json.encode(place).decode(),
    )
