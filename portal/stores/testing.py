"""Trying credentials: bounded in time, never raising for a failing store, the findings kept on the connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime

import msgspec
import structlog

from portal.connectors.findings import ConnectionTest
from portal.connectors.registry import connector_class
from portal.foundation.errors import AuthFailed, ConnectorError, Forbidden, NotFound, RateLimited, Temporary
from portal.foundation.runtime import Runtime
from portal.stores import checks
from portal.stores.budgets import trial_budget
from portal.stores.installation import completed
from portal.tenancy.scope import Scope

LONGEST_TEST = 40.0
"""Seconds a connection test may take, however slow the store is."""

_log = structlog.get_logger("portal.stores")
_WORDS: dict[type[ConnectorError], str] = {
    AuthFailed: "auth_failed",
    Forbidden: "forbidden",
    NotFound: "not_found",
    RateLimited: "rate_limited",
    Temporary: "unreachable",
}


async def test_credentials(rt: Runtime, platform: str, credentials: Mapping[str, str]) -> ConnectionTest:
    """Try validated credentials against the store. A failing store is a finding with advice, never an exception."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(LONGEST_TEST):
            budget = await trial_budget(rt, platform, credentials)
            values = completed(rt.settings, platform, credentials)
            return await connector_class(platform)(values, rt.outbound, budget).test()
    except TimeoutError:
        return _failed(
            started, "timeout", "The store took too long to answer.", "Try again, or ask the host why it is slow."
        )
    except ConnectorError as error:
        return _failed(started, _WORDS.get(type(error), "error"), error.message, error.advice)
    except Exception as error:
        # Only the kind of error: a message may quote what was sent.
        _log.error("connection_test_broke", platform=platform, error=type(error).__name__)
        return _failed(
            started,
            "error",
            "The connection test itself failed.",
            "Try again; if it stays so, tell the portal's operator.",
        )


async def record_test(scope: Scope, connection_id: int, test: ConnectionTest, at: datetime) -> None:
    """Keep the findings (they hold no secret) and what the store said of itself on the connection, and the test in its
    history; gives notice of failures, recoveries and expiry."""
    await scope.sql.execute(
        """UPDATE client_api_credentials SET last_test_at = $3, updated_at = now(),
             last_test = $2::jsonb || jsonb_strip_nulls(jsonb_build_object('webhooks', last_test -> 'webhooks')),
             store_name = coalesce(left($4, 200), store_name), store_currency = coalesce($5, store_currency),
             store_timezone = coalesce(left($6, 64), store_timezone)
           WHERE id = $1""",
        connection_id,
        msgspec.json.encode(test).decode(),
        at,
        test.store.name,
        test.store.currency if test.store.currency and len(test.store.currency) == 3 else None,
        test.store.timezone,
    )
    await checks.keep(scope, connection_id, test, at)


def _failed(started: float, word: str, *advice: str) -> ConnectionTest:
    return ConnectionTest(
        success=False,
        status=word,
        response_time=round((time.monotonic() - started) * 1000),
        advice=tuple(each for each in advice if each),
    )


test_credentials.__test__ = False  # type: ignore[attr-defined]  # a name pytest would collect
