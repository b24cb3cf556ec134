"""Doing one exchange as often as it takes: budget, attempt, wait, again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import structlog
from prometheus_client import Counter

from portal.foundation.errors import ConnectorError, RateLimited, Temporary
from portal.foundation.outbound import spent
from portal.foundation.outbound.budget import Budget, Budgets
from portal.foundation.outbound.failures import EXPECTED, explain
from portal.foundation.outbound.replies import Reply
from portal.foundation.outbound.retry import RetryPolicy, retry_after_seconds

_log = structlog.get_logger("portal.outbound")
_REQUESTS = Counter("portal_outbound_requests_total", "Attempts, by platform and outcome.", ["platform", "outcome"])
_RETRIES = Counter("portal_outbound_retries_total", "Repeated attempts.", ["platform"])
REFUSED = Counter("portal_outbound_refused_total", "Requests refused before they left, by reason.", ["reason"])
_NEVER_SENT = frozenset({"private_address", "bad_request"})

T = TypeVar("T", Reply, aiohttp.ClientResponse)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What there is to know about an exchange besides doing it. Times in seconds."""

    method: str
    host: str
    platform: str
    timeout: float
    max_bytes: int
    budget: Budget | None
    policy: RetryPolicy


async def patiently(plan: Plan, budgets: Budgets, attempt: Callable[[], Awaitable[T]]) -> T:
    """The answer of the first attempt that gives one worth having, or the last one. Raises ConnectorError."""
    began, number = time.monotonic(), 0
    while True:
        number += 1
        if plan.budget is not None:
            await _await_turn(budgets, plan.budget, plan.policy.deadline - (time.monotonic() - began))
        outcome = await _outcome(plan, attempt)
        _count(plan.platform, outcome)
        spent.asked()
        pause = _pause(plan, outcome, number, time.monotonic() - began)
        if pause is None:
            if isinstance(outcome, ConnectorError):
                raise outcome
            return outcome
        if isinstance(outcome, aiohttp.ClientResponse):
            outcome.close()
        _RETRIES.labels(plan.platform).inc()
        _log.info(
            "outbound_retry", platform=plan.platform, method=plan.method, attempt=number, wait_seconds=round(pause, 3)
        )
        spent.waited(pause, repeat=True)
        await asyncio.sleep(pause)


async def _outcome(plan: Plan, attempt: Callable[[], Awaitable[T]]) -> T | ConnectorError:
    """The answer or the failure as a value: raised later, it does not carry the original with its URL along."""
    try:
        return await attempt()
    except EXPECTED as error:
        return explain(error, plan.host, timeout=plan.timeout, max_bytes=plan.max_bytes)


def _pause(
    plan: Plan, outcome: Reply | aiohttp.ClientResponse | ConnectorError, number: int, elapsed: float
) -> float | None:
    if isinstance(outcome, ConnectorError):
        again, asked = isinstance(outcome, Temporary) and plan.policy.repeatable(plan.method), None
    else:
        again, asked = plan.policy.passing(plan.method, outcome.status), retry_after_seconds(outcome.headers)
    return plan.policy.pause(number, elapsed, asked) if again else None


async def _await_turn(budgets: Budgets, budget: Budget, patience: float) -> None:
    turn = await budgets.take(budget, max(0.0, patience))
    if not turn.granted:
        raise RateLimited(
            "The store's request budget is used up for now.",
            "The work goes on by itself; nothing is lost.",
            retry_after=turn.wait,
            details={"reason": "budget"},
        )
    if turn.wait > 0:
        spent.waited(turn.wait)
        await asyncio.sleep(turn.wait)


def _count(platform: str, outcome: Reply | aiohttp.ClientResponse | ConnectorError) -> None:
    if not isinstance(outcome, ConnectorError):
        _REQUESTS.labels(platform, f"{outcome.status // 100}xx").inc()
        return
    reason = str(outcome.details.get("reason", "other"))
    _REQUESTS.labels(platform, reason).inc()
    if reason in _NEVER_SENT:
        REFUSED.labels(reason).inc()
