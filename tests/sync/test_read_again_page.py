"""The form that reads chosen streams, or from a day on; and what is said ahead of a first sync. Over real HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from portal.connectors.findings import ConnectionTest
from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.stores import service as stores
from portal.sync.engine import Outcome
from portal.tenancy.scope import platform, tenant
from tests.sync.conftest import Connect, Shop
from tests.visitors import Visitor

SignIn = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def shop(own_sandbox: Sandbox, connect: Connect) -> Shop:
    made = await connect(own_sandbox)
    assert await made.sync("first") is Outcome.SUCCESS
    return made


def path(shop: Shop) -> str:
    return f"/stores/{shop.connection_id}/read-again"


async def test_the_form_offers_each_stream_and_says_which_are_read_whole(sign_in: SignIn, shop: Shop) -> None:
    page = (await (await sign_in("owner", shop.org)).page(f"/stores/{shop.connection_id}")).text
    for stream in ("orders", "refunds", "products", "customers"):
        assert f'name="stream-{stream}"' in page
    assert "WooCommerce does not tell what changed there since a day" in page
    member = await sign_in("member", shop.org)
    assert 'name="stream-orders"' not in (await member.page(f"/stores/{shop.connection_id}")).text
    assert (await member.submit(path(shop), {"stream-orders": "1"})).status == 403


async def test_a_request_is_queued_shown_and_audited(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    answer = await owner.submit(path(shop), {"stream-orders": "1", "since": "2026-01-31"})
    assert (answer.status, answer.location) == (303, f"/stores/{shop.connection_id}")
    page = (await owner.page(f"/stores/{shop.connection_id}")).text
    assert page.count("Orders since 31 Jan 2026") == 2, "progress and history"
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        deed = await scope.sql.fetchrow("SELECT action, after FROM audit_entries ORDER BY id DESC LIMIT 1")
    assert deed["action"] == "store.read_again"
    assert {"streams": "orders", "since": "2026-01-31"}.items() <= msgspec.json.decode(deed["after"]).items()
    again = await owner.submit(path(shop), {"stream-orders": "1", "since": "2026-01-31"})
    assert again.status == 303
    assert await shop.value("SELECT count(*) FROM client_api_sync_results WHERE connection_id = $1") == 2
    other = await owner.submit(path(shop), {"stream-refunds": "1"})
    assert other.status == 409
    assert "Orders since 31 Jan 2026" in other.text
    assert 'id="f-streams-error"' in other.text
    assert (await owner.submit(f"/stores/{shop.connection_id}/cancel", {})).status == 303
    assert (await shop.last_run())["status"] == "cancelled"


@pytest.mark.parametrize(
    ("fields", "wrong", "told"),
    [
        ({}, "streams", "at least one"),
        ({"stream-<script>": "1"}, "streams", "no stream"),
        ({"stream-orders": "1", "since": "yesterday"}, "since", "is no day"),
        ({"stream-orders": "1", "since": "9999-12-31"}, "since", "future"),
        ({"stream-orders": "1", "since": "0001-01-01"}, "since", "1990"),
        ({"stream-orders": "1", "since": "2026-02-30"}, "since", "is no day"),
        ({"stream-orders": "1", "since": "9" * 5000}, "since", "is no day"),
    ],
)
async def test_errors_stand_beside_their_field_and_what_was_chosen_stays(
    sign_in: SignIn, shop: Shop, fields: dict[str, str], wrong: str, told: str
) -> None:
    owner = await sign_in("owner", shop.org)
    answer = await owner.submit(path(shop), fields)
    assert answer.status == 422
    assert f'id="f-{wrong}-error"' in answer.text
    assert told in answer.text
    assert "<script>" not in answer.text.split('id="read-again"')[1].split("</form>")[0]
    if "stream-orders" in fields:
        assert 'name="stream-orders" value="1" checked' in answer.text
    assert await shop.value("SELECT count(*) FROM client_api_sync_results WHERE connection_id = $1") == 1


async def test_nobody_asks_for_another_organizations_store(sign_in: SignIn, shop: Shop, other_org: UUID) -> None:
    outsider = await sign_in("owner", other_org)
    assert (await outsider.submit(path(shop), {"stream-orders": "1"})).status == 404


async def test_a_paused_store_is_told_to_be_resumed_first(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    await owner.submit(f"/stores/{shop.connection_id}/pause", {})
    answer = await owner.submit(path(shop), {"stream-orders": "1"})
    assert answer.status == 409
    assert "Resume it first" in answer.text


async def test_how_long_the_first_sync_takes_is_said_before_it_at_the_agencys_rate_and_not_after(
    rt: Runtime, sign_in: SignIn, own_sandbox: Sandbox, connect: Connect
) -> None:
    shop = await connect(own_sandbox)
    test = ConnectionTest(
        success=True, status="success", response_time=9, sample={"orders": 412_000, "products": 50, "customers": None}
    )
    async with tenant(rt.database, shop.org) as scope:
        await stores.record_test(scope, shop.connection_id, test, datetime.now(UTC) - timedelta(minutes=1))
    async with platform(rt.database, "test: the agency's rate") as scope:
        await scope.sql.execute(
            "UPDATE api_platform_configs SET requests_per_second = 2, burst = 2 WHERE platform_type = 'woocommerce'"
        )
    member = await sign_in("member", shop.org)
    page = (await member.page(f"/stores/{shop.connection_id}")).text
    assert "First sync: at least 35 min" in page
    assert "412,000 orders at 100 a page, at most 2 requests a second" in page
    assert "the shop did not tell how many customers it has" in page
    async with platform(rt.database, "test: lift the rate again") as scope:
        await scope.sql.execute(
            "UPDATE api_platform_configs SET requests_per_second = 5000, burst = 5000 WHERE platform_type = 'woocommerce'"
        )
    assert await shop.sync("first") is Outcome.SUCCESS
    assert "First sync: " not in (await member.page(f"/stores/{shop.connection_id}")).text
