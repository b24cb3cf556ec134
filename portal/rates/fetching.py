"""The configured source (`PORTAL_RATES_URL`): fetched once for the whole installation, told when it fails, stored with a version.

Whoever finds it due moves its time on first, so one worker fetches; a worker that dies over it costs ten minutes.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import structlog
from prometheus_client import Counter

from portal.connectors.files.refusal import Refused
from portal.foundation.errors import ConnectorError
from portal.foundation.runtime import Runtime
from portal.rates.given import Given
from portal.rates.reading import MAX_BYTES, Sheet, read
from portal.tenancy.scope import platform

EVERY = timedelta(hours=6)
"""Central banks publish once a working day, in the afternoon: the same evening is soon enough."""
_CLAIMED = timedelta(minutes=10)
_FETCHES = Counter("portal_rate_fetches_total", "Fetches of the configured source of exchange rates.", ["outcome"])
_log = structlog.get_logger("portal.rates")

_STORE = """
INSERT INTO published_rates AS p (day, base_currency, currency, rate, of_base, version)
SELECT u.*, $6 FROM unnest($1::date[], $2::text[], $3::text[], $4::numeric[], $5::boolean[]) AS u
ON CONFLICT (day, base_currency, currency) DO UPDATE
SET rate = excluded.rate, of_base = excluded.of_base, version = excluded.version
WHERE (p.rate, p.of_base) IS DISTINCT FROM (excluded.rate, excluded.of_base)
"""


class Failed(Exception):
    """`args`: what went wrong, what would help."""


async def fetch_if_due(rt: Runtime) -> bool:
    """Fetch when it is time (or the address is another one); whether it was."""
    if not rt.settings.rates_url:
        return False
    host = urlsplit(rt.settings.rates_url).hostname or ""
    async with platform(rt.database, "claim the rates' source") as scope:
        claimed = await scope.sql.fetchval(
            """UPDATE rate_source SET next_at = clock_timestamp() + $2::interval, tried_at = clock_timestamp(), address = $1
               WHERE next_at <= clock_timestamp() OR address <> $1 RETURNING true""",
            host,
            _CLAIMED,
        )
    if not claimed:
        return False
    try:
        given = await _fetched(rt)
    except Failed as failure:
        _FETCHES.labels("failed").inc()
        _log.warning("rates_fetch_failed", host=host, error=failure.args[0])
        await _note(rt, *failure.args)
        return True
    _FETCHES.labels("fetched").inc()
    await store(rt, given)
    return True


async def store(rt: Runtime, given: list[Given]) -> int:
    """Keep what was published; the version it has now (the same when nothing was new)."""
    columns = [list(column) for column in zip(*map(msgspec.structs.astuple, given), strict=True)]
    async with platform(rt.database, "store published rates") as scope:
        version: int = await scope.sql.fetchval("SELECT version FROM rate_source FOR UPDATE")
        done: str = await scope.sql.execute(_STORE, *columns, version + 1, timeout=120)
        version += not done.endswith(" 0")
        await scope.sql.execute(
            """UPDATE rate_source SET version = $1, newest_day = (SELECT max(day) FROM published_rates), failures = 0,
                 error = NULL, advice = NULL, succeeded_at = clock_timestamp(),
                 next_at = clock_timestamp() + $2::interval * (0.95 + random() * 0.1)""",
            version,
            EVERY,
        )
    return version


async def _fetched(rt: Runtime) -> list[Given]:
    try:
        reply = await rt.outbound.request(
            "GET", rt.settings.rates_url, timeout=60, max_bytes=MAX_BYTES, retries=3, platform="rates"
        )
    except ConnectorError as error:
        raise Failed(error.message, error.details.get("advice") or "Check PORTAL_RATES_URL.") from None
    if reply.status != 200:
        raise Failed(f"The source answers with HTTP {reply.status}.", "Check PORTAL_RATES_URL.")
    try:
        sheet = await asyncio.to_thread(_read, rt, reply.body)
    except Refused as refused:
        raise Failed(f"What the source sends cannot be read. {refused.reason}", refused.advice) from None
    if sheet.problems:
        first = sheet.problems[0]
        raise Failed(
            f"What the source sends is not right in {len(sheet.problems):,} places: line {first.line}, {first.problem}.",
            first.remedy,
        )
    return sheet.given


def _read(rt: Runtime, body: bytes) -> Sheet:
    with tempfile.NamedTemporaryFile(prefix="rates-") as file:
        file.write(body)
        file.flush()
        # No organization's currency stands in for a base that is not named.
        return read(Path(file.name), "", "", rt.clock().date())


async def _note(rt: Runtime, error: str, advice: str) -> None:
    async with platform(rt.database, "note a failed fetch of rates") as scope:
        await scope.sql.execute(
            """UPDATE rate_source SET failures = failures + 1, error = $1, advice = $2,
                 next_at = clock_timestamp() + least($3::interval, interval '10 minutes' * 2 ^ least(failures, 8))""",
            error,
            advice,
            EVERY,
        )
