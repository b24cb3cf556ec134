"""The doctor finds what is wrong with a database that has been tampered with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from portal.foundation.database import connect_once
from portal.foundation.settings import Settings
from portal.ops import checks


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Any]:
    """A transaction of the tables' owner that is undone afterwards."""
    connection = await connect_once(database_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def test_every_tenant_table_is_protected(owner: Any) -> None:
    found = await checks.rls(owner)
    assert found.ok, found.detail


@pytest.mark.parametrize(
    "harm",
    [
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE orders NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON orders; DROP POLICY platform ON orders",
        "CREATE TABLE orders_copy (org_id uuid)",
    ],
)
async def test_a_table_that_lost_its_protection_is_named(harm: str, owner: Any) -> None:
    await owner.execute(harm)
    found = await checks.rls(owner)
    assert not found.ok
    assert "orders" in found.detail
    assert found.advice


async def test_a_role_that_could_get_around_the_rules_is_named(owner: Any) -> None:
    found = await checks.roles(owner)
    assert not found.ok
    assert "is a superuser" in found.detail
    assert "owns" in found.detail


@pytest.mark.parametrize("entry", ["127.0.0.1", "host:", ":80", "host:99999", "host:http"])
def test_an_allowed_address_without_a_port_is_named(entry: str) -> None:
    found = checks.outbound(Settings(outbound_allow=(entry,)))
    assert not found.ok
    assert "PORTAL_OUTBOUND_ALLOW" in found.advice


def test_an_unreadable_authority_is_named(tmp_path: Any) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    found = checks.outbound(Settings(outbound_ca_file=tmp_path / "ca.pem"))
    assert not found.ok
    assert "PORTAL_OUTBOUND_CA_FILE" in found.advice


def test_no_worker_is_wrong_only_while_the_portal_runs() -> None:
    assert not checks.workers([], expected=True).ok
    assert checks.workers([], expected=False).ok
    assert checks.workers(["host-1"], expected=True).ok
