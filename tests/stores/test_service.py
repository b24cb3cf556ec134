"""Connections in the database: sealed, told apart by tenant, tried before they are saved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from portal.connectors.findings import ConnectionTest
from portal.foundation.errors import Conflict, Invalid, Missing
from portal.foundation.outbound import OutboundClient
from portal.foundation.runtime import Runtime
from portal.foundation.vault import Unsealable
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.stores import service as stores
from portal.stores import testing
from portal.stores.budgets import store_budget, trial_budget
from portal.tenancy.scope import platform, tenant

VALUES = {"site_url": "https://shop.example.com", "consumer_key": "ck_sentinel_1", "consumer_secret": "cs_sentinel_2"}


async def create(rt: Runtime, org: UUID, name: str = "Main", frequency: str = "daily") -> int:
    values = stores.validate_credentials("woocommerce", VALUES)
    async with tenant(rt.database, org) as scope:
        return await stores.create_connection(
            rt,
            scope,
            org_id=org,
            platform="woocommerce",
            name=name,
            credentials=values,
            frequency=frequency,
            created_by=None,
        )


async def test_secrets_are_sealed_and_open_only_where_they_belong(rt: Runtime, org: UUID) -> None:
    first, second = await create(rt, org), await create(rt, org, "Second")
    async with tenant(rt.database, org) as scope:
        connection = await stores.load(scope, first)
        row = await scope.sql.fetchval("SELECT to_jsonb(c)::text FROM client_api_credentials c WHERE id = $1", first)
        assert "sentinel" not in row
        assert "sentinel" not in repr(connection)
        assert (await stores.credentials(rt, scope, connection))["consumer_secret"] == "cs_sentinel_2"
        assert (await stores.shown(rt, scope, connection))["consumer_secret"] == "cs_****"
        # A sealed value moved to another row does not open there.
        await scope.sql.execute(
            "UPDATE client_api_credentials SET secrets = (SELECT secrets FROM client_api_credentials WHERE id = $1)"
            " WHERE id = $2",
            first,
            second,
        )
        with pytest.raises(Unsealable):
            await stores.credentials(rt, scope, await stores.load(scope, second))


async def test_another_tenants_connection_is_not_there(rt: Runtime, org: UUID, other_org: UUID) -> None:
    created = await create(rt, org)
    async with tenant(rt.database, other_org) as scope:
        assert await stores.list_connections(scope) == []
        with pytest.raises(Missing):
            await stores.load(scope, created)
        with pytest.raises(Missing):
            await stores.pause(scope, created)


async def test_a_name_is_used_once_and_has_a_length(rt: Runtime, org: UUID) -> None:
    await create(rt, org)
    with pytest.raises(Conflict):
        await create(rt, org)
    with pytest.raises(Invalid) as caught:
        await create(rt, org, " ", "sometimes")
    assert set(caught.value.fields) == {"connection_name", "sync_frequency"}


async def test_a_platform_that_is_switched_off_takes_no_connection(rt: Runtime, org: UUID) -> None:
    async with platform(rt.database, "test: switch off") as scope:
        await scope.sql.execute(
            "INSERT INTO api_platform_configs (platform_type, enabled) VALUES ('woocommerce', false)"
        )
    try:
        with pytest.raises(Conflict):
            await create(rt, org)
    finally:
        async with platform(rt.database, "test: switch on") as scope:
            await scope.sql.execute("DELETE FROM api_platform_configs")


async def test_another_address_starts_the_streams_anew_and_other_keys_do_not(rt: Runtime, org: UUID) -> None:
    created = await create(rt, org)
    cursors = "SELECT count(*) FROM sync_cursors WHERE connection_id = $1"
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute(
            "INSERT INTO sync_cursors (org_id, connection_id, stream) VALUES ($1, $2, 'orders')", org, created
        )
        connection = await stores.load(scope, created)
        values = await stores.credentials(rt, scope, connection)
        await stores.replace_credentials(rt, scope, connection, {**values, "consumer_key": "ck_other"})
        assert await scope.sql.fetchval(cursors, created) == 1
        await stores.replace_credentials(rt, scope, connection, {**values, "site_url": "https://other.example.com"})
        assert await scope.sql.fetchval(cursors, created) == 0


async def test_the_agency_may_change_a_platforms_rate(rt: Runtime, org: UUID) -> None:
    created = await create(rt, org)
    async with tenant(rt.database, org) as scope:
        connection = await stores.load(scope, created)
        budget = await store_budget(scope, connection)
    assert (budget.key, budget.rate_per_second, budget.burst) == (f"store:{connection.public_token}", 10, 10)
    async with platform(rt.database, "test: change the rate") as scope:
        await scope.sql.execute(
            "INSERT INTO api_platform_configs (platform_type, requests_per_second, burst) VALUES ('woocommerce', 2.5, 3)"
        )
        changed = await store_budget(scope, connection)
        await scope.sql.execute("DELETE FROM api_platform_configs")
    assert (changed.rate_per_second, changed.burst) == (2.5, 3)
    assert (await trial_budget(rt, "woocommerce", VALUES)).key.startswith("test:")


@pytest.fixture
async def shop(rt: Runtime) -> AsyncIterator[Sandbox]:
    before = rt.outbound
    async with Sandbox([SandboxStoreSpec(name="shop", orders=20)]) as sandbox:
        rt.outbound = OutboundClient(allow=[sandbox.url.removeprefix("http://")])
        yield sandbox
        await rt.outbound.close()
        rt.outbound = before


def keys(sandbox: Sandbox, **changes: str) -> dict[str, str]:
    store = sandbox.store("shop")
    given = {
        "site_url": store.site_url,
        "consumer_key": store.spec.consumer_key,
        "consumer_secret": store.spec.consumer_secret,
        "timeout": "2",
    }
    return stores.validate_credentials("woocommerce", given | changes)


async def test_a_good_test_is_kept_with_what_the_store_says_of_itself(rt: Runtime, org: UUID, shop: Sandbox) -> None:
    created = await create(rt, org)
    test = await stores.test_credentials(rt, "woocommerce", keys(shop))
    assert test.success
    assert test.sample["orders"]
    async with tenant(rt.database, org) as scope:
        await stores.record_test(scope, created, test, rt.clock())
        connection = await stores.load(scope, created)
    assert connection.store_currency == "EUR"
    assert connection.store_timezone == "Europe/Berlin"
    assert connection.last_test is not None
    assert connection.last_test["success"] is True


async def test_failing_stores_are_findings_with_advice_never_exceptions(rt: Runtime, shop: Sandbox) -> None:
    nowhere = await stores.test_credentials(rt, "woocommerce", keys(shop, site_url="http://127.0.0.1:9"))
    wrong_key = await stores.test_credentials(rt, "woocommerce", keys(shop, consumer_key="ck_" + "0" * 40))
    private = await stores.test_credentials(rt, "woocommerce", keys(shop, site_url="http://169.254.169.254/latest"))
    shop.control("shop", "fault", kind="html", times=50)
    html = await stores.test_credentials(rt, "woocommerce", keys(shop))
    for test in (nowhere, wrong_key, private, html):
        assert not test.success
        assert test.advice
        assert "sentinel" not in repr(test)


async def test_a_store_that_hangs_is_given_up(rt: Runtime, shop: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "LONGEST_TEST", 0.3)
    shop.control("shop", "fault", kind="silence", times=50, seconds=3)
    test: ConnectionTest = await stores.test_credentials(rt, "woocommerce", keys(shop))
    assert test.status == "timeout"
    assert test.advice
    shop.control("shop", "clear_faults")
