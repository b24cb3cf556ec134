"""A connected store for tests of the ledger."""

from __future__ import annotations

from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from tests.commerce.made import Store, connect


@pytest.fixture
async def store(rt: Runtime, org: UUID) -> Store:
    """A store of `org`, connected and never synced."""
    return await connect(rt, org)
