"""The stores' pages over real HTTP, by role, without JavaScript."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from portal.foundation.web.policy import LIMITS
from portal.sandbox import Sandbox
from portal.sync.engine import Outcome
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect, Shop
from tests.visitors import Visitor

SignIn = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def shop(own_sandbox: Sandbox, connect: Connect) -> Shop:
    return await connect(own_sandbox)


def form_of(shop: Shop, **changes: str) -> dict[str, str]:
    spec = shop.store.spec
    return {
        "site_url": shop.store.site_url,
        "consumer_key": spec.consumer_key,
        "consumer_secret": spec.consumer_secret,
        "api_version": "wc/v3",
        "timeout": "5",
        "auth_method": "auto",
        "verify_ssl": "1",
    } | changes


async def test_a_member_reads_and_finds_no_buttons(sign_in: SignIn, shop: Shop) -> None:
    await shop.sync("first")
    member = await sign_in("member", shop.org)
    listed = await member.page("/stores")
    assert listed.status == 200
    assert "Connected" in listed.text
    page = await member.page(f"/stores/{shop.connection_id}")
    assert page.status == 200
    assert f'id="store-progress-{shop.connection_id}"' in page.text
    assert "Orders" in page.text
    assert "/credentials" not in page.text
    assert "Sync now" not in page.text
    for path in ("sync", "pause", "resume", "cancel", "test", "frequency", "credentials"):
        answer = await member.submit(f"/stores/{shop.connection_id}/{path}", {})
        assert answer.status == 403, path
    assert (await member.page(f"/stores/{shop.connection_id}/credentials")).status == 403
    assert (await member.page("/stores/new")).status == 403


async def test_an_operator_reads_too(sign_in: SignIn, shop: Shop) -> None:
    operator = await sign_in("operator", shop.org)
    assert (await operator.page("/stores")).status == 200
    assert (await operator.page(f"/stores/{shop.connection_id}")).status == 200
    assert (await operator.submit(f"/stores/{shop.connection_id}/sync", {})).status == 403


async def test_an_outsider_finds_nothing(sign_in: SignIn, shop: Shop, other_org: UUID) -> None:
    outsider = await sign_in("owner", other_org)
    assert (await outsider.page(f"/stores/{shop.connection_id}")).status == 404
    assert (await outsider.page(f"/stores/{shop.connection_id}/credentials")).status == 404
    for path in ("sync", "pause", "resume", "cancel", "test"):
        assert (await outsider.submit(f"/stores/{shop.connection_id}/{path}", {})).status == 404, path
    assert "No store is connected yet" in (await outsider.page("/stores")).text


async def test_the_owner_syncs_pauses_resumes_and_cancels(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    base = f"/stores/{shop.connection_id}"
    answer = await owner.submit(f"{base}/sync", {})
    assert (answer.status, answer.location) == (303, base)
    assert "Waiting" in (await owner.page(base)).text
    assert (await shop.last_run())["trigger"] == "manual"
    assert (await owner.submit(f"{base}/cancel", {})).status == 303
    assert (await shop.last_run())["status"] == "cancelled"
    assert (await owner.submit(f"{base}/pause", {})).status == 303
    assert "Paused" in (await owner.page(base)).text
    assert (await owner.submit(f"{base}/sync", {})).status == 409
    assert (await owner.submit(f"{base}/resume", {})).status == 303
    assert (await shop.connection())["status"] == "active"
    assert (await owner.submit(f"{base}/frequency", {"sync_frequency": "daily"})).status == 303
    assert (await shop.connection())["sync_frequency"] == "daily"
    assert (await owner.submit(f"{base}/frequency", {"sync_frequency": "never"})).status == 422
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        deeds = [row["action"] for row in await scope.sql.fetch("SELECT action FROM audit_entries ORDER BY id")]
    assert deeds == ["store.sync", "store.cancel_sync", "store.pause", "store.resume", "store.frequency"]


async def test_testing_again_shows_permissions_and_advice(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    base = f"/stores/{shop.connection_id}"
    assert (await owner.submit(f"{base}/test", {})).status == 303
    page = await owner.page(base)
    assert "Read orders" in page.text
    assert "granted" in page.text
    shop.control("revoke_keys")
    assert (await owner.submit(f"{base}/test", {})).status == 303
    assert "could not be connected" in (await owner.page(base)).text


async def test_a_failed_run_is_told_with_its_advice_and_rejected_rows_with_their_reason(
    sign_in: SignIn, shop: Shop
) -> None:
    shop.control("place_order", total="5.00", currency="QQQ")
    await shop.sync("first")
    shop.control("revoke_keys")
    assert await shop.sync() is Outcome.FAILED
    connection = await shop.connection()
    member = await sign_in("member", shop.org)
    page = (await member.page(f"/stores/{shop.connection_id}")).text
    assert "QQQ" in page
    assert "Not taken over" in page
    assert connection["last_error_advice"].split("'")[0][:40] in page
    assert "Error" in (await member.page("/stores")).text


async def test_credentials_are_shown_masked_and_kept_when_the_test_fails(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    path, spec = f"/stores/{shop.connection_id}/credentials", shop.store.spec
    form = await owner.page(path)
    assert form.status == 200
    assert "ck_****" in form.text
    before = (await shop.connection())["secrets"]
    wrong = await owner.submit(path, form_of(shop, consumer_key="ck_" + "5e" * 20, consumer_secret="cs_" + "5e" * 20))
    assert wrong.status == 422
    assert "old credentials stay in use" in wrong.text
    assert (await shop.connection())["secrets"] == before
    for answer in (form, wrong):
        for secret in (spec.consumer_key, spec.consumer_secret, "5e5e5e"):
            assert secret not in answer.text
    # Empty or masked secrets mean "unchanged"; the other fields are taken over.
    right = await owner.submit(path, form_of(shop, consumer_key="ck_****", consumer_secret="", timeout="7"))
    assert right.status == 303
    assert json.loads((await shop.connection())["settings"])["timeout"] == "7"
    assert await shop.sync() is Outcome.SUCCESS


async def test_wrong_fields_are_marked_beside_the_field_and_nothing_is_lost(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    script = "<script>alert(1)</script>"
    answer = await owner.submit(
        f"/stores/{shop.connection_id}/credentials", form_of(shop, site_url=script, timeout="soon", api_version="v9")
    )
    assert answer.status == 422
    assert 'id="f-site_url-error"' in answer.text
    assert 'id="f-timeout-error"' in answer.text
    assert script not in answer.text
    assert 'value="v9"' in answer.text


async def test_an_owner_connects_a_store_by_the_form(
    rt: Runtime, sign_in: SignIn, own_sandbox: Sandbox, connect: Connect, org: UUID
) -> None:
    shop = await connect(own_sandbox)
    owner = await sign_in("owner", org)
    assert 'name="consumer_key"' in (await owner.page("/stores/new?platform_type=woocommerce")).text
    fields = form_of(shop) | {"platform_type": "woocommerce", "sync_frequency": "daily"}
    nameless = await owner.submit("/stores/new", fields | {"connection_name": ""})
    assert nameless.status == 422
    assert 'id="f-connection_name-error"' in nameless.text
    refused = await owner.submit(
        "/stores/new", fields | {"connection_name": "Second", "consumer_secret": "cs_" + "0" * 40}
    )
    assert refused.status == 422
    assert "nothing was saved" in refused.text
    created = await owner.submit("/stores/new", fields | {"connection_name": "Second"})
    assert created.status == 303
    twice = await owner.submit("/stores/new", fields | {"connection_name": "Second"})
    assert twice.status == 409
    page = await owner.page(created.location)
    assert "Waiting" in page.text
    assert shop.store.spec.consumer_secret not in page.text


async def test_what_was_typed_of_a_store_outlasts_an_error_and_the_limit_secrets_sealed(
    sign_in: SignIn, own_sandbox: Sandbox, connect: Connect, org: UUID
) -> None:
    shop = await connect(own_sandbox)
    owner = await sign_in("owner", org)
    fields = form_of(shop) | {"platform_type": "woocommerce", "sync_frequency": "daily", "connection_name": ""}
    refused = await owner.submit("/stores/new", fields)
    assert refused.status == 422
    assert fields["consumer_secret"] not in refused.text
    assert 'placeholder="cs_****"' in refused.text
    draft = re.search(r'name="draft" value="([^"]+)"', refused.text)
    assert draft
    kept = fields | {"consumer_key": "", "consumer_secret": "", "draft": draft[1]}
    for _ in range(LIMITS["test"] - 1):
        await owner.submit("/stores/new", kept)
    limited = await owner.submit("/stores/new", kept | {"connection_name": "Third"})
    assert limited.status == 429
    assert "Try again in" in limited.text
    assert 'value="Third"' in limited.text
    assert 'placeholder="cs_****"' in limited.text
    again = await owner.submit(f"/stores/{shop.connection_id}/credentials", form_of(shop, timeout="7"))
    assert again.status == 429
    assert 'value="7"' in again.text
    assert (await owner.submit("/stores/999999/credentials", form_of(shop))).status == 404
    later = await sign_in("owner", org)
    assert (await later.submit("/stores/new", kept | {"connection_name": "Third"})).status == 422, "another's draft"


async def test_a_platform_that_does_not_exist_is_told_in_the_form(sign_in: SignIn, org: UUID) -> None:
    owner = await sign_in("owner", org)
    answer = await owner.submit("/stores/new", {"platform_type": "myspace", "connection_name": "Main"})
    assert answer.status == 422
    assert "Choose one of the platforms." in answer.text
    assert 'value="Main"' in answer.text


async def test_the_mended_form_connects_with_the_secrets_of_the_first_try(
    sign_in: SignIn, own_sandbox: Sandbox, connect: Connect, org: UUID
) -> None:
    shop = await connect(own_sandbox)
    owner = await sign_in("owner", org)
    fields = form_of(shop) | {"platform_type": "woocommerce", "sync_frequency": "daily", "connection_name": ""}
    draft = re.search(r'name="draft" value="([^"]+)"', (await owner.submit("/stores/new", fields)).text)
    assert draft
    kept = fields | {"consumer_key": "", "consumer_secret": "", "draft": draft[1], "connection_name": "Mended"}
    assert (await owner.submit("/stores/new", kept)).status == 303


async def test_progress_is_pushed_to_an_open_page(rt: Runtime, sign_in: SignIn, shop: Shop, live_server: str) -> None:
    member = await sign_in("member", shop.org)
    heard: list[dict[str, Any]] = []
    async with member.session.ws_connect("/ws/dashboard?since=0", headers={"Origin": live_server}) as socket:
        assert json.loads((await socket.receive(5)).data)["type"] == "hello"
        await shop.sync("first")
        wanted = {f"store-{part}-{shop.connection_id}" for part in ("progress", "state", "history")}
        async with asyncio.timeout(5):
            last = {"html": ""}
            while not wanted <= {message.get("id") for message in heard} or "Success" not in last["html"]:
                heard.append(json.loads((await socket.receive()).data))
                if heard[-1].get("id") == f"store-progress-{shop.connection_id}":
                    last = heard[-1]
    assert "csrf" not in last["html"]
