"""The audit trail: append-only, chained, masked, and honest about what was done to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from uuid import UUID, uuid4

import asyncpg
import pytest

from portal.audit import trail
from portal.audit.masking import masked
from portal.compose import close_runtime, open_runtime
from portal.foundation.database import connect_once
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform, tenant
from portal.tenancy.service import create_organization


@pytest.fixture
async def database(
    clone: Callable[[], Awaitable[str]], settings_for: Callable[..., object]
) -> AsyncIterator[tuple[Runtime, str]]:
    """A database of this test's own, which it may damage; with the superuser's URL."""
    url = await clone()
    runtime = await open_runtime(settings_for(url))
    yield runtime, url
    await close_runtime(runtime)


async def deed(rt: Runtime, org_id: UUID, action: str, **values: object) -> None:
    async with tenant(rt.database, org_id) as scope:
        await trail.record(scope, actor="ada@example.com", actor_id=uuid4(), role="owner", action=action, **values)


async def organization(rt: Runtime) -> UUID:
    async with platform(rt.database, "test") as scope:
        return await create_organization(scope, name="Acme")


async def test_an_untouched_trail_is_whole(database: tuple[Runtime, str]) -> None:
    rt, _ = database
    for org_id in (await organization(rt), await organization(rt)):
        await deed(
            rt, org_id, "store.created", target="Läden 😀", after={"price": Decimal("1.10"), "rate": 0.1, "n": 10**30}
        )
        await deed(rt, org_id, "store.changed", before={"a": None, "b": [1, True, {"c": "\x00"}]}, after={"b": []})
    async with platform(rt.database, "test") as scope:
        await trail.record(scope, actor="agency", actor_id=None, role="superadmin", action="platform.changed")
    assert await trail.verify(rt.database) == []
    heads = await trail.heads(rt.database)
    assert sorted(seq for seq, _ in heads.values()) == [1, 2, 2]
    assert heads["platform"][0] == 1


async def test_writers_of_one_chain_at_once_leave_no_gap(database: tuple[Runtime, str]) -> None:
    rt, _ = database
    org_id = await organization(rt)
    await asyncio.gather(*(deed(rt, org_id, f"deed.{n}") for n in range(20)))
    assert (await trail.heads(rt.database))[str(org_id)][0] == 20
    assert await trail.verify(rt.database) == []


async def test_an_entry_is_written_exactly_when_its_deed_is(database: tuple[Runtime, str]) -> None:
    rt, _ = database
    org_id = await organization(rt)

    async def undone() -> None:
        async with tenant(rt.database, org_id) as scope:
            await trail.record(scope, actor="a", actor_id=None, role="owner", action="undone")
            raise LookupError

    with pytest.raises(LookupError):
        await undone()
    assert await trail.heads(rt.database) == {}


async def tamper(url: str, *statements: str) -> None:
    """What only somebody with the database's owner could do."""
    connection = await connect_once(url)
    try:
        await connection.execute("ALTER TABLE audit_entries DISABLE TRIGGER append_only")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("statement", "seq", "reason"),
    [
        ("UPDATE audit_entries SET actor = 'eve' WHERE seq = 3", 3, "was edited"),
        ("UPDATE audit_entries SET after = '{\"limit\": 9}' WHERE seq = 3", 3, "was edited"),
        ("UPDATE audit_entries SET at = at + interval '1 microsecond' WHERE seq = 3", 3, "was edited"),
        ("DELETE FROM audit_entries WHERE seq = 3", 4, "entries 3 to 3 are missing"),
        ("DELETE FROM audit_entries WHERE seq <= 2", 3, "entries 1 to 2 are missing"),
        ("UPDATE audit_entries SET hash = sha256('x') WHERE seq = 5", 5, "was edited"),
        (
            "DELETE FROM audit_entries WHERE seq = 3; UPDATE audit_entries SET seq = seq - 1 WHERE seq > 3",
            3,
            "does not follow",
        ),
        (
            "UPDATE audit_entries SET seq = -seq WHERE seq IN (2, 3);"
            "UPDATE audit_entries SET seq = 5 + seq WHERE seq < 0",
            2,
            "does not follow",
        ),
    ],
)
async def test_edits_gaps_and_reordering_are_found(
    database: tuple[Runtime, str], statement: str, seq: int, reason: str
) -> None:
    rt, url = database
    org_id = await organization(rt)
    for number in range(5):
        await deed(rt, org_id, f"deed.{number}", after={"limit": number})
    await tamper(url, *statement.split(";"))
    (found,) = await trail.verify(rt.database)
    assert (found.chain, found.seq) == (str(org_id), seq)
    assert reason in found.reason


async def test_nobody_of_the_portal_can_change_or_remove_an_entry(rt: Runtime, org: UUID) -> None:
    await deed(rt, org, "deed")
    for statement in ("UPDATE audit_entries SET actor = 'eve'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"):
        for scope_of in (tenant(rt.database, org), platform(rt.database, "test")):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with scope_of as scope:
                    await scope.sql.execute(statement)


async def test_even_the_owner_is_told_that_it_is_append_only(database: tuple[Runtime, str]) -> None:
    rt, url = database
    await deed(rt, await organization(rt), "deed")
    connection = await connect_once(url)
    for statement in ("UPDATE audit_entries SET actor = 'eve'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute(statement)
    await connection.close()


async def test_an_organization_sees_and_writes_only_its_own_chain(rt: Runtime, org: UUID, other_org: UUID) -> None:
    await deed(rt, org, "ours")
    async with tenant(rt.database, other_org) as scope:
        assert await scope.sql.fetchval("SELECT count(*) FROM audit_entries") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant(rt.database, other_org) as scope:
            await trail.record(scope, actor="eve", actor_id=None, role="owner", action="forged", org_id=org)


def test_secrets_are_masked_at_any_depth() -> None:
    found = masked(
        {
            "name": "Shop",
            "consumer_secret": "cs_1234567890",
            "credentials": {"site_url": "https://shop.example", "Password": "hunter2", "keys": ["a"]},
            "nested": [{"access_token": "abc"}, "Bearer abcdefghijk"],
            "token": None,
            "has_password": True,
            "count": 3,
            "amount": Decimal("10.50"),
        }
    )
    assert found == {
        "name": "Shop",
        "consumer_secret": "cs_****",
        "credentials": {"site_url": "https://shop.example", "Password": "****", "keys": ["a"]},
        "nested": [{"access_token": "****"}, "Bearer ****"],
        "token": None,
        "has_password": True,
        "count": 3,
        "amount": "10.50",
    }


async def test_an_end_cut_off_and_a_chain_gone_are_seen_against_the_heads_kept_before(
    database: tuple[Runtime, str],
) -> None:
    rt, url = database
    cut, gone = await organization(rt), await organization(rt)
    for org_id in (cut, gone):
        await deed(rt, org_id, "one")
        await deed(rt, org_id, "two")
    kept = await trail.heads(rt.database)
    await deed(rt, cut, "three")
    assert await trail.against(rt.database, kept) == []
    admin = await connect_once(url)
    await admin.execute("SET session_replication_role = replica")
    await admin.execute("DELETE FROM audit_entries WHERE chain = $1 AND seq >= 2", str(cut))
    await admin.execute("DELETE FROM audit_entries WHERE chain = $1", str(gone))
    await admin.close()
    assert await trail.verify(rt.database) == []
    breaks = await trail.against(rt.database, kept)
    assert {(found.chain, found.seq) for found in breaks} == {
        (str(cut), kept[str(cut)][0]),
        (str(gone), kept[str(gone)][0]),
    }
