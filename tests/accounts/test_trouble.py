"""The servers away: 503 and never 500, back by itself; sign-in and tokens without Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from portal.accounts.service import set_membership
from portal.accounts.sessions import tell
from portal.app import create_app
from portal.compose import close_runtime, open_runtime
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform
from portal.tenancy.service import create_organization
from tests.accounts.conftest import Caller, stage
from tests.admission import admit
from tests.conftest import Servers
from tests.visitors import HTML


@pytest.fixture
async def alone(
    clone: Callable[[], Awaitable[str]], settings_for: Callable[..., Any]
) -> AsyncIterator[tuple[Runtime, str]]:
    """A runtime on a database of its own, without any Redis."""
    url = await clone()
    runtime = await open_runtime(settings_for(url, redis_url="redis://127.0.0.1:1/0"))
    yield runtime, url
    await close_runtime(runtime)


async def owner_of(rt: Runtime, **kwargs: Any) -> tuple[Caller, UUID]:
    app = create_app(rt)
    app.register_blueprint(stage())
    async with platform(rt.database, "test") as scope:
        org_id = await create_organization(scope, name="Acme")
    caller = Caller(app, await admit(rt, role="owner", org_id=org_id, email="ada@example.com", **kwargs))
    await app.extensions["gate"].start()
    return caller, org_id


async def test_without_redis_everything_answers_and_a_sign_out_is_heard(alone: tuple[Runtime, str]) -> None:
    rt, _ = alone
    owner, org_id = await owner_of(rt, via="token")
    answer = await owner.get("/v1/who")
    assert answer.status_code == 200
    assert answer.headers["RateLimit-Remaining"] == "59"
    body = {"grant_type": "password", "email": "ada@example.com", "password": owner.entry.password}
    assert (await owner.post("/api/auth/token", json=body)).status_code == 200
    async with platform(rt.database, "test") as scope:
        await set_membership(scope, org_id, owner.entry.user_id, "agent")
    await tell(rt, owner.entry.user_id, "role_changed")
    await asyncio.sleep(0)
    assert (await owner.get("/api/stage/dashboard")).status_code == 403


async def test_without_redis_another_processs_news_takes_two_seconds_at_most(alone: tuple[Runtime, str]) -> None:
    rt, _ = alone
    owner, org_id = await owner_of(rt)
    assert (await owner.get("/api/stage/owner")).status_code == 200
    async with platform(rt.database, "test") as scope:
        await set_membership(scope, org_id, owner.entry.user_id, "member")
    await asyncio.sleep(2.05)
    assert (await owner.get("/api/stage/owner")).status_code == 403


async def test_while_postgresql_restarts_the_answer_is_503_and_it_comes_back(
    alone: tuple[Runtime, str], servers: Servers
) -> None:
    rt, _ = alone
    owner, _ = await owner_of(rt, via="token")
    assert (await owner.get("/v1/who")).status_code == 200
    owner.app.extensions["gate"].resolver.forget_all()
    await servers.embedded.postgres.stop()
    try:
        for _ in range(2):  # a connection that was cut, then one that cannot be made
            away = await owner.get("/v1/who")
            assert (away.status_code, (await away.get_json())["error"]["code"]) == (503, "TEMPORARILY_UNAVAILABLE")
            assert away.headers["Retry-After"] == "5"
        assert (await owner.get("/login", headers=HTML)).status_code == 200
        token = {"grant_type": "password", "email": "ada@example.com", "password": "wrong password"}
        assert (await owner.post("/api/auth/token", json=token)).status_code == 503
        assert (await owner.get("/healthz")).status_code == 200
    finally:
        await servers.embedded.postgres.start()
    assert (await owner.get("/v1/who")).status_code == 200
