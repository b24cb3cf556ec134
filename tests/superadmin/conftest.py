"""A reachable store, the agency's own visitor, and a count of every table to see that nothing was created."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from portal.foundation.database import connect_once
from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from tests.conftest import SignIn
from tests.shops import open_shop
from tests.visitors import Visitor

Count = Callable[[], Awaitable[dict[str, int]]]


@pytest.fixture(scope="session")
async def store(rt: Runtime) -> AsyncIterator[Sandbox]:
    """A store of 40 orders; the portal may reach it."""
    async with open_shop(rt) as sandbox:
        yield sandbox


@pytest.fixture
async def agency(sign_in: SignIn) -> Visitor:
    """A fresh superadmin (so that the limit of connection tests starts anew)."""
    return await sign_in("superadmin")


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Any]:
    connection = await connect_once(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def count(admin: Any) -> Count:
    """Rows of every table. Signing in leaves rows too, so count after it."""

    async def rows() -> dict[str, int]:
        tables = await admin.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        return {name: await admin.fetchval(f"SELECT count(*) FROM {name}") for (name,) in tables}

    return rows
