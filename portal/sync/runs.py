"""The life of a run in `client_api_sync_results`, and what its end means for its connection."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from portal.foundation.errors import AuthFailed, ConnectorError, Forbidden, RateLimited, Temporary
from portal.stores import notices
from portal.stores.connection import FREQUENCIES
from portal.sync.asked import Asked, decode, encode
from portal.tenancy.scope import Scope

BACK_OFF = (1, 2, 5, 15, 60)
"""Minutes until the next try after the 1st, 2nd, … failure in a row; the last one repeats. The schedule itself is kept."""
_TRIES_IN_PART = 28  # with those pauses, a day
SLOW = 60
"""Minutes between tries while the store refuses the key: only a person can mend that, but people do."""


def retry_after(failures: int, error: Exception) -> timedelta:
    """How long to wait after the `failures`-th failure in a row (from 1), with up to 10 % jitter so that stores spread."""
    minutes: float = BACK_OFF[min(failures, len(BACK_OFF)) - 1]
    if isinstance(error, AuthFailed | Forbidden):
        minutes = SLOW
    if isinstance(error, RateLimited) and error.retry_after:
        minutes = max(minutes, min(error.retry_after / 60, 24 * 60))
    return timedelta(minutes=minutes * random.uniform(1.0, 1.1))  # noqa: S311 - spreads load, guards nothing


def interval(frequency: str) -> timedelta:
    """The time to the next scheduled sync, with 5 % jitter."""
    return timedelta(seconds=FREQUENCIES[frequency][0] * random.uniform(0.95, 1.05))  # noqa: S311


class Begun(NamedTuple):
    """A run that may start."""

    trigger: str
    asked: Asked | None


async def begin(scope: Scope, run_id: UUID) -> Begun | None:
    """Queued (or left running by a process that died) -> running. None when there is nothing to run."""
    row = await scope.sql.fetchrow(
        """UPDATE client_api_sync_results r SET status = 'running', started_at = coalesce(started_at, now()),
             attempts = attempts + 1
           FROM client_api_credentials c
           WHERE r.run_id = $1 AND r.status IN ('queued', 'running') AND c.id = r.connection_id
             AND c.status IN ('active', 'error') RETURNING r.trigger, r.request""",
        run_id,
    )
    return None if row is None else Begun(row["trigger"], decode(row["request"]))


async def take_over(scope: Scope, run_id: UUID) -> None:
    """A person asks while an ordinary run that nobody asked for waits or is under way: it becomes the person's.

    Under way it may have passed over streams that were not due; its attempt finds out at its end and goes round once more
    (`became_manual`). A first run reads everything as it is.
    """
    await scope.sql.execute(
        """UPDATE client_api_sync_results SET trigger = 'manual'
           WHERE run_id = $1 AND status IN ('queued', 'running') AND trigger IN ('schedule', 'webhook', 'retry')""",
        run_id,
    )


async def follow_up(scope: Scope, run_id: UUID) -> None:
    """A delivery asks while a run is under way that may have read past what it is about: when it succeeds, the next one is due
    at once (`succeed`). A weekly store's refund would otherwise be seen a week later."""
    await scope.sql.execute(
        "UPDATE client_api_sync_results SET asked_meanwhile = true WHERE run_id = $1 AND status = 'running'", run_id
    )


async def became_manual(scope: Scope, run_id: UUID) -> bool:
    """Whether a person asked while it was under way. Lock the connection's row before: `jobs.request_sync` does too."""
    found: bool = await scope.sql.fetchval(
        "SELECT EXISTS (SELECT FROM client_api_sync_results WHERE run_id = $1 AND trigger = 'manual')", run_id
    )
    return found


async def must_step_aside(scope: Scope, connection_id: int, run_id: UUID) -> bool:
    """Whether an ordinary run of the connection waits for this one, which reads from a day on and can wait as well."""
    found: bool = await scope.sql.fetchval(
        """SELECT EXISTS (SELECT FROM client_api_sync_results mine WHERE mine.run_id = $2 AND mine.request ? 'since')
             AND EXISTS (SELECT FROM client_api_sync_results r WHERE r.connection_id = $1 AND r.request IS NULL
               AND r.status IN ('queued', 'running'))""",
        connection_id,
        run_id,
    )
    return found


async def succeed(scope: Scope, connection_id: int, run_id: UUID, frequency: str) -> None:
    """The run reached the end of every stream: errors are cleared, the next sync is by frequency, or at once (`follow_up`)."""
    asked_meanwhile: bool = await scope.sql.fetchval(
        """UPDATE client_api_sync_results SET status = 'success', finished_at = now(), error = NULL, error_code = NULL,
             advice = NULL WHERE run_id = $1 AND status = 'running' RETURNING asked_meanwhile""",
        run_id,
    )
    await scope.sql.execute(
        """UPDATE client_api_credentials SET status = CASE status WHEN 'error' THEN 'active' ELSE status END,
             last_success_at = now(), last_error = NULL, last_error_advice = NULL, last_error_at = NULL,
             consecutive_failures = 0, next_sync_at = now() + $2, updated_at = now() WHERE id = $1""",
        connection_id,
        timedelta(0) if asked_meanwhile else interval(frequency),
    )
    await notices.recovered(scope, connection_id)


async def succeed_in_part(scope: Scope, run_id: UUID) -> None:
    """A run of chosen streams, or from a day on, is done. Its connection is not "synced" by it: the days that are stated, the
    next sync and an error of the ordinary runs stay as they are."""
    await scope.sql.execute(
        """UPDATE client_api_sync_results SET status = 'success', finished_at = now(), error = NULL, error_code = NULL,
             advice = NULL WHERE run_id = $1 AND status = 'running'""",
        run_id,
    )


async def fail_in_part(scope: Scope, run_id: UUID, error: ConnectorError) -> None:
    """Such a run ended with `error`. In passing trouble another one goes on with its places, with growing pauses for about a
    day; the connection's own state is for the ordinary runs to find out."""
    row = await scope.sql.fetchrow(
        """UPDATE client_api_sync_results SET status = 'failed', finished_at = now(), error = $2, error_code = $3,
             advice = $4 WHERE run_id = $1 AND status IN ('queued', 'running') RETURNING request""",
        run_id,
        error.message,
        error.code,
        error.advice,
    )
    asked = decode(row["request"]) if row else None
    if asked is None or not isinstance(error, Temporary | RateLimited) or asked.tries >= _TRIES_IN_PART:
        return
    await scope.sql.execute(
        "UPDATE client_api_sync_results SET request = $2, again_at = now() + $3::interval WHERE run_id = $1",
        run_id,
        encode(msgspec.structs.replace(asked, tries=asked.tries + 1)),
        retry_after(asked.tries + 1, error),
    )


async def fail(scope: Scope, connection_id: int, run_id: UUID, frequency: str, error: ConnectorError) -> None:
    """The run ended with `error`: told on the connection with its advice, tried again soon, never later than scheduled."""
    await scope.sql.execute(
        """UPDATE client_api_sync_results SET status = 'failed', finished_at = now(), error = $2, error_code = $3,
             advice = $4 WHERE run_id = $1 AND status IN ('queued', 'running')""",
        run_id,
        error.message,
        error.code,
        error.advice,
    )
    failures: int = await scope.sql.fetchval(
        """UPDATE client_api_credentials SET status = CASE status WHEN 'active' THEN 'error' ELSE status END,
             last_error = $2, last_error_advice = $3, last_error_at = now(),
             consecutive_failures = consecutive_failures + 1, updated_at = now()
           WHERE id = $1 RETURNING consecutive_failures""",
        connection_id,
        error.message,
        error.advice,
    )
    await scope.sql.execute(
        "UPDATE client_api_credentials SET next_sync_at = now() + least($2::interval, $3::interval) WHERE id = $1",
        connection_id,
        retry_after(failures, error),
        interval(frequency),
    )
    await notices.failed(scope, connection_id, failures, error.message, error.advice)


async def cancel(scope: Scope, connection_id: int) -> bool:
    """End the connection's queued and running runs, and what would go on by itself; False: there was none.

    A running one loses its lease, so what it has not committed yet it never will. The connection's row is locked first, as
    everywhere.
    """
    await scope.sql.execute(
        "UPDATE client_api_credentials SET lease_owner = NULL, lease_until = NULL WHERE id = $1", connection_id
    )
    changed: str = await scope.sql.execute(
        """UPDATE client_api_sync_results SET status = 'cancelled', finished_at = now()
           WHERE connection_id = $1 AND status IN ('queued', 'running')""",
        connection_id,
    )
    given_up: str = await scope.sql.execute(
        "UPDATE client_api_sync_results SET again_at = NULL WHERE connection_id = $1 AND again_at IS NOT NULL",
        connection_id,
    )
    return (changed, given_up) != ("UPDATE 0", "UPDATE 0")


async def step_aside(scope: Scope, run_id: UUID) -> None:
    """Running -> queued: an ordinary run goes first. That is no failed attempt."""
    await scope.sql.execute(
        """UPDATE client_api_sync_results SET status = 'queued', attempts = attempts - 1
           WHERE run_id = $1 AND status = 'running'""",
        run_id,
    )


async def waits(scope: Scope, run_id: UUID) -> bool:
    """Whether the run is queued."""
    found: bool = await scope.sql.fetchval(
        "SELECT EXISTS (SELECT FROM client_api_sync_results WHERE run_id = $1 AND status = 'queued')", run_id
    )
    return found


async def put_back(scope: Scope, run_id: UUID) -> None:
    """Running -> queued: the worker is stopping, another (or the next start) goes on from the committed cursor."""
    await scope.sql.execute(
        "UPDATE client_api_sync_results SET status = 'queued' WHERE run_id = $1 AND status = 'running'", run_id
    )
