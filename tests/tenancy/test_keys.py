"""The vault's data keys in the database."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from portal.foundation.vault import MasterKeys, Unsealable, Vault
from portal.tenancy.keys import PostgresDataKeys
from portal.tenancy.scope import tenant


async def test_what_is_sealed_opens_in_its_own_organization_only(rt: Runtime, org: UUID, other_org: UUID) -> None:
    sealed = await rt.vault.seal(org, "field", "ck_secret")
    assert await rt.vault.open(org, "field", sealed) == "ck_secret"
    with pytest.raises(Unsealable):
        await rt.vault.open(other_org, "field", sealed)


async def test_two_processes_that_start_at_once_agree_on_one_key(rt: Runtime, org: UUID) -> None:
    masters = MasterKeys.parse(rt.settings.master_keys)
    vaults = [Vault(PostgresDataKeys(rt.database), masters, "portal") for _ in range(5)]
    sealed = await asyncio.gather(*(vault.seal(org, "f", "text") for vault in vaults))
    for each in sealed:
        assert [await vault.open(org, "f", each) for vault in vaults] == ["text"] * 5
    async with tenant(rt.database, org) as scope:
        assert await scope.sql.fetchval("SELECT count(*) FROM org_data_keys") == 1


async def test_rotation_and_a_new_master_key_keep_old_values_readable(rt: Runtime, org: UUID) -> None:
    sealed = await rt.vault.seal(org, "f", "text")
    assert await rt.vault.rotate(org) == 2
    assert await rt.vault.open(org, "f", sealed) == "text"
    moved = await rt.vault.reseal(org, "f", sealed)
    assert moved is not None
    fresh = Vault(PostgresDataKeys(rt.database), MasterKeys([MasterKeys.generate(), rt.settings.master_keys]), "portal")
    assert await fresh.rewrap(org) == 2
    assert await fresh.open(org, "f", moved) == "text"
