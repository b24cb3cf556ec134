"""A store that can be made ill, and the agency that tries to connect it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from tests.conftest import SignIn
from tests.shops import open_shop
from tests.visitors import Visitor


@pytest.fixture(scope="session")
async def store(rt: Runtime) -> AsyncIterator[Sandbox]:
    """A store of 40 orders that the portal may reach."""
    async with open_shop(rt) as sandbox:
        yield sandbox


@pytest.fixture
async def shop(rt: Runtime) -> AsyncIterator[Sandbox]:
    """A fresh store of 40 orders that a test may change."""
    async with open_shop(rt) as sandbox:
        yield sandbox


@pytest.fixture
async def agency(sign_in: SignIn) -> Visitor:
    return await sign_in("superadmin")
