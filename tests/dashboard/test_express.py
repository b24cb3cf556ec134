"""A cached tile answered before Quart is the same answer as by the route, to the same people, as often."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from portal.accounts.service import revoke_sessions
from portal.foundation.runtime import Runtime
from tests.visitors import Visitor

PATH = "/api/v1/dashboard/sales-pulse"
WHOLE_WAY = {"If-None-Match": '"another"'}  # a header that the express lane leaves to the route
VOLATILE = {"age", "date", "x-request-id", "ratelimit-remaining", "ratelimit-reset"}


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that the express lane answered itself."""
    from portal.accounts.at_once import AtOnce

    counted, paths = AtOnce.count, []

    async def count(self: AtOnce, admitted: Any) -> Any:
        headers = await counted(self, admitted)
        if headers is not None:
            paths.append(admitted.request_id)
        return headers

    monkeypatch.setattr(AtOnce, "count", count)
    return paths


@pytest.fixture
async def program(sign_in: Any, org: UUID) -> Visitor:
    visitor: Visitor = await sign_in("owner", org, via="token")
    assert (await visitor.get(PATH)).status == 200
    return visitor


async def test_both_ways_give_the_same_body_and_headers(program: Visitor, taken: list[str]) -> None:
    express = await program.get(PATH, headers={"X-Request-Id": "mine-1"})
    assert taken == ["mine-1"]
    route = await program.get(PATH, headers={"X-Request-Id": "mine-2", **WHOLE_WAY})
    assert taken == ["mine-1"]
    assert (express.status, express.body) == (route.status, route.body)
    assert stable(express.headers) == stable(route.headers)
    assert express.headers["X-Request-Id"] == "mine-1"


async def test_both_ways_count_toward_one_limit(program: Visitor, taken: list[str]) -> None:
    first = await program.get(PATH)
    second = await program.get(PATH, headers=WHOLE_WAY)
    third = await program.get(PATH)
    assert len(taken) == 2
    left = [int(answer.headers["RateLimit-Remaining"]) for answer in (first, second, third)]
    assert left == [left[0], left[0] - 1, left[0] - 2]


async def test_the_limit_ends_the_express_way_too(program: Visitor, taken: list[str]) -> None:
    answers = [await program.get(PATH) for _ in range(70)]
    assert {answer.status for answer in answers} == {200, 429}
    refused = answers[-1]
    assert refused.status == 429
    assert "error" in refused.json()
    assert int(refused.headers["Retry-After"]) >= 1
    assert len(taken) <= 60


async def test_a_token_that_was_revoked_is_refused_at_once(rt: Runtime, program: Visitor, taken: list[str]) -> None:
    await program.get(PATH)
    assert len(taken) == 1
    assert program.user_id is not None
    await revoke_sessions(rt, program.user_id)
    assert (await program.get(PATH)).status == 401
    assert len(taken) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"x-org-id": "00000000-0000-0000-0000-000000000001"},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer nonsense"},
    ],
)
async def test_what_is_not_plain_goes_the_whole_way(
    program: Visitor, taken: list[str], headers: dict[str, str]
) -> None:
    assert (await program.get(PATH, headers=headers)).status in {401, 403}
    assert taken == []


async def test_an_agent_is_refused_although_the_tile_is_cached(
    sign_in: Any, org: UUID, program: Visitor, taken: list[str]
) -> None:
    agent = await sign_in("agent", org, via="token")
    assert {(await agent.get(PATH)).status for _ in range(2)} == {403}
    assert taken == []


def stable(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower() not in VOLATILE}
