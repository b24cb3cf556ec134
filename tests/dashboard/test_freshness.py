"""A cached tile says how old it is and never lags a committed write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from portal.compose import close_runtime, open_runtime
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings
from tests import ledgers
from tests.conftest import SignIn
from tests.ledgers import order, product

PULSE = "/api/v1/dashboard/sales-pulse"
ALERTS = "/api/v1/dashboard/inventory-alerts"


@pytest.mark.parametrize("path", [PULSE, ALERTS])
async def test_answers_carry_their_age_and_how_new_the_data_is(
    rt: Runtime, org: UUID, sign_in: SignIn, path: str
) -> None:
    connection = await ledgers.connect(rt, org)
    visitor = await sign_in("member", org)
    nothing_yet = await visitor.get(path)
    assert "X-Data-As-Of" not in nothing_yet.headers
    before = datetime.now(UTC)
    await ledgers.write(rt, org, connection, order("1.00"), product("A", 1))
    answer = await visitor.get(path)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["ETag"].startswith('"')
    assert int(answer.headers["Age"]) == 0
    as_of = datetime.fromisoformat(answer.headers["X-Data-As-Of"])
    assert before - timedelta(seconds=1) <= as_of <= datetime.now(UTC)
    assert {"Authorization", "Cookie", "x-org-id"} <= {each.strip() for each in answer.headers["Vary"].split(",")}


async def test_an_unchanged_answer_is_304_and_a_changed_one_is_not(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    connection = await ledgers.connect(rt, org)
    visitor = await sign_in("member", org)
    etag = (await visitor.get(PULSE)).headers["ETag"]
    for sent in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = await visitor.get(PULSE, headers={"If-None-Match": sent})
        assert (again.status, again.body) == (304, b""), sent
        assert again.headers["ETag"] == etag
    await ledgers.write(rt, org, connection, order("5.00"))
    changed = await visitor.get(PULSE, headers={"If-None-Match": etag})
    assert changed.status == 200
    assert changed.headers["ETag"] != etag


async def test_the_second_answer_comes_from_the_cache(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, order("5.00"))
    visitor = await sign_in("member", org)
    await visitor.get(PULSE)
    await asyncio.sleep(1.1)
    assert int((await visitor.get(PULSE)).headers["Age"]) >= 1


async def test_no_answer_lags_a_committed_write(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    visitor = await sign_in("member", org)
    for count in range(1, 16):
        await ledgers.write(rt, org, connection, order("1.00"))
        assert (await visitor.get(PULSE)).json()["total_orders"] == count
        assert f">{count}<" in (await visitor.page("/dashboard/tiles/sales-pulse")).text


async def test_a_write_of_another_process_is_seen_at_once(
    rt: Runtime, database_url: str, settings_for: Callable[..., Settings], org: UUID, sign_in: SignIn
) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    visitor = await sign_in("member", org)
    assert (await visitor.get(PULSE)).json()["total_orders"] is None
    worker = await open_runtime(settings_for(database_url, redis_prefix=rt.settings.redis_prefix))
    try:
        for count in range(1, 4):
            await ledgers.write(worker, org, connection, order("1.00"))
            await asyncio.sleep(0.1)
            assert (await visitor.get(PULSE)).json()["total_orders"] == count
    finally:
        await close_runtime(worker)


async def test_many_who_ask_at_once_share_one_computation(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    connection = await ledgers.connect(rt, org)
    visitor = await sign_in("member", org)
    await ledgers.write(rt, org, connection, order("3.00"))
    answers = await asyncio.gather(*(visitor.get(PULSE) for _ in range(20)))
    assert {answer.status for answer in answers} == {200}
    assert len({(answer.headers["ETag"], answer.body) for answer in answers}) == 1


async def test_the_limit_is_per_minute_and_says_when_to_come_back(org: UUID, sign_in: SignIn) -> None:
    visitor = await sign_in("member", org)
    answers = [await visitor.get(PULSE) for _ in range(62)]
    refused = [answer for answer in answers if answer.status == 429]
    if not refused:  # the minute turned over in between
        refused = [answer for answer in [await visitor.get(PULSE) for _ in range(62)] if answer.status == 429]
    assert 0 < int(refused[-1].headers["Retry-After"]) <= 60
    assert refused[-1].json()["details"]["code"] == "RATE_LIMITED"
