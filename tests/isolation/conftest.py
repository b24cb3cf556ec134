"""Two organizations: Leaktown's rows are marked, the outsiders belong to the other one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from quart import Quart

from portal.app import create_app
from portal.foundation.database import connect_once
from portal.foundation.limits import Limiter, LimitState
from portal.foundation.runtime import Runtime
from tests.conftest import SignIn
from tests.isolation.planting import Planted, plant
from tests.visitors import Visitor

OUTSIDERS = ("owner", "member", "operator", "agent")


class Unlimited(Limiter):
    """Lets everything pass: a walk over all routes is no flood."""

    async def hit(self, principal_key: str, family: str, limit_per_minute: int) -> LimitState:
        return LimitState(True, limit_per_minute, 60.0)


@pytest.fixture(autouse=True)
def unlimited(rt: Runtime) -> Iterator[None]:
    before = rt.limiter
    rt.limiter = Unlimited(rt.link)
    yield
    rt.limiter = before


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Any]:
    """A superuser's connection: sees past row-level security."""
    connection = await connect_once(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def insider(sign_in: SignIn, org: UUID) -> Visitor:
    """The owner of the marked organization."""
    return await sign_in("owner", org, email=f"insider-{uuid4().hex[:8]}@leak.example")


@pytest.fixture
async def planted(rt: Runtime, admin: Any, org: UUID, insider: Visitor) -> Planted:
    """The marked organization's rows."""
    assert insider.user_id is not None
    return await plant(rt, admin, org, insider.user_id, f"zq{uuid4().hex[:10]}")


@pytest.fixture
async def neighbour(rt: Runtime, admin: Any, other_org: UUID, sign_in: SignIn) -> Planted:
    """The outsiders' own organization has rows too, with another mark."""
    owner = await sign_in("owner", other_org)
    assert owner.user_id is not None
    return await plant(rt, admin, other_org, owner.user_id, f"yk{uuid4().hex[:10]}")


@pytest.fixture
def app(rt: Runtime) -> Quart:
    """The app, to read its routes."""
    return create_app(rt)


@pytest.fixture
def outsider(sign_in: SignIn, neighbour: Planted) -> Callable[..., Any]:
    """`await outsider("member")`: somebody of the other organization."""

    async def make(role: str, via: str = "session") -> Visitor:
        return await sign_in(role, neighbour.org, via=via)

    return make
