"""The life of a run in `client_api_sync_results`, and what its end means for its connection."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import UUID

from portal.foundation.errors import AuthFailed, ConnectorError, Forbidden, RateLimited
from portal.stores import notices
from portal.stores.connection import FREQUENCIES
from portal.tenancy.scope import Scope

BACK_OFF = (1, 2, 5, 15, 60)
"""Minutes until the next try after the 1st, 2nd, … failure in a row; the last one repeats. The schedule itself is kept."""
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


async def begin(scope: Scope, run_id: UUID) -> str | None:
    """Queued (or left running by a process that died) -> running. Returns its trigger, None when there is nothing to run."""
    trigger: str | None = await scope.sql.fetchval(
        """UPDATE client_api_sync_results r SET status = 'running', started_at = coalesce(started_at, now()),
             attempts = attempts + 1
           FROM client_api_credentials c
           WHERE r.run_id = $1 AND r.status IN ('queued', 'running') AND c.id = r.connection_id
             AND c.status IN ('active', 'error') RETURNING r.trigger""",
        run_id,
    )
    return trigger


async def succeed(scope: Scope, connection_id: int, run_id: UUID, frequency: str) -> None:
    """The run reached the end of every stream: errors are cleared, the next sync is by frequency."""
    await scope.sql.execute(
        """UPDATE client_api_sync_results SET status = 'success', finished_at = now(), error = NULL, error_code = NULL,
             advice = NULL WHERE run_id = $1 AND status = 'running'""",
        run_id,
    )
    await scope.sql.execute(
        """UPDATE client_api_credentials SET status = CASE status WHEN 'error' THEN 'active' ELSE status END,
             last_success_at = now(), last_error = NULL, last_error_advice = NULL, last_error_at = NULL,
             consecutive_failures = 0, next_sync_at = now() + $2, updated_at = now() WHERE id = $1""",
        connection_id,
        interval(frequency),
    )
    await notices.recovered(scope, connection_id)


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
    """End the connection's queued or running run; False: there was none. A running one loses its lease, so what it has not
    committed yet it never will. The connection's row is locked first, as everywhere."""
    await scope.sql.execute(
        "UPDATE client_api_credentials SET lease_owner = NULL, lease_until = NULL WHERE id = $1", connection_id
    )
    changed: str = await scope.sql.execute(
        """UPDATE client_api_sync_results SET status = 'cancelled', finished_at = now()
           WHERE connection_id = $1 AND status IN ('queued', 'running')""",
        connection_id,
    )
    return changed != "UPDATE 0"


async def put_back(scope: Scope, run_id: UUID) -> None:
    """Running -> queued: the worker is stopping, another (or the next start) goes on from the committed cursor."""
    await scope.sql.execute(
        "UPDATE client_api_sync_results SET status = 'queued' WHERE run_id = $1 AND status = 'running'", run_id
    )
