"""The credential doctor: what is kept of connection tests, what the health page says, and notices that are given once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from portal.connectors.findings import ConnectionTest
from portal.sandbox import Sandbox
from portal.stores import checks, notices
from portal.stores.testing import record_test
from portal.sync.checking import check_if_due
from portal.sync.engine import Outcome
from portal.tenancy.scope import platform, tenant
from tests.sync.conftest import Connect, Shop
from tests.sync.test_pages import form_of
from tests.visitors import Visitor

SignIn = Callable[..., Awaitable[Visitor]]
GOOD = ConnectionTest(success=True, status="success", response_time=120, clock_skew_s=3)
BAD = ConnectionTest(success=False, status="auth_failed", response_time=80, advice=("Refused.", "Make a new key."))


@pytest.fixture
async def shop(own_sandbox: Sandbox, connect: Connect) -> Shop:
    return await connect(own_sandbox)


async def record(shop: Shop, *tests: ConnectionTest) -> None:
    for each in tests:
        async with tenant(shop.rt.database, shop.org) as scope:
            await record_test(scope, shop.connection_id, each, datetime.now(UTC))


async def kinds(shop: Shop) -> list[str]:
    """Every notice that was ever given, in order."""
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        rows = await scope.sql.fetch(
            "SELECT kind FROM notices WHERE connection_id = $1 ORDER BY id", shop.connection_id
        )
    return [row["kind"] for row in rows]


async def shown(shop: Shop) -> list[notices.Notice]:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        return await notices.current(scope)


async def test_one_failure_is_no_news_two_are_and_so_is_the_recovery_each_once(shop: Shop) -> None:
    await shop.sync("first")
    shop.control("revoke_keys")
    assert await shop.sync() is Outcome.FAILED
    assert await kinds(shop) == []
    for _ in range(3):
        await shop.sync()
    assert await kinds(shop) == ["failing"]
    [told] = await shown(shop)
    assert told.title.endswith((await shop.connection())["last_error"])
    assert told.advice
    shop.control("restore_keys")
    for _ in range(2):
        assert await shop.sync() is Outcome.SUCCESS
    assert await kinds(shop) == ["failing", "recovered"]
    assert [each.kind for each in await shown(shop)] == ["recovered"]


async def test_a_store_that_fails_for_another_reason_is_one_notice_with_the_newest_one(shop: Shop) -> None:
    await record(shop, BAD, BAD)
    [first] = await shown(shop)
    await record(shop, msgspec.structs.replace(BAD, advice=("The name is not known.", "Check the address.")))
    [told] = await shown(shop)
    assert (told.id, told.at) == (first.id, first.at)
    assert told.title.endswith("fails: The name is not known.")
    assert told.advice == "Check the address."
    await record(shop, GOOD, BAD)
    assert [each.kind for each in await shown(shop)] == ["recovered"], "a stumble rewrites nothing that is over"


async def test_stumbling_now_and_then_is_never_news(shop: Shop) -> None:
    await shop.sync("first")
    for _ in range(3):
        shop.control("revoke_keys")
        await shop.sync()
        shop.control("restore_keys")
        await shop.sync()
    await record(shop, BAD, GOOD, BAD, GOOD)
    assert await kinds(shop) == []


async def test_a_store_that_fails_on_and_off_is_said_to_work_again_only_when_it_stays_so(shop: Shop) -> None:
    for _ in range(4):
        await record(shop, BAD, BAD, GOOD)
    assert await kinds(shop) == ["failing", "recovered", "failing"]
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE connection_checks SET at = at - interval '7 h'")
    await record(shop, GOOD)
    assert await kinds(shop) == ["failing", "recovered", "failing", "recovered"]


async def test_failed_checks_are_told_too_and_a_good_check_recovers_only_when_no_run_fails(shop: Shop) -> None:
    await record(shop, BAD, BAD, BAD)
    assert await kinds(shop) == ["failing"]
    await record(shop, GOOD)
    assert await kinds(shop) == ["failing", "recovered"]
    shop.control("revoke_keys")
    await shop.sync()
    await shop.sync()
    await record(shop, GOOD)
    assert await kinds(shop) == ["failing", "recovered", "failing"]


async def test_the_end_of_credentials_is_told_once_ahead_and_forgotten_with_new_ones(shop: Shop) -> None:
    now = datetime.now(UTC)
    soon = msgspec.structs.replace(GOOD, expires_at=now + timedelta(days=20))
    await record(shop, msgspec.structs.replace(GOOD, expires_at=now + timedelta(days=90)))
    assert await kinds(shop) == []
    await record(shop, soon, soon)
    assert await kinds(shop) == ["expiring"]
    assert (now + timedelta(days=20)).strftime("%-d %B %Y") in (await shown(shop))[0].title
    last = msgspec.structs.replace(GOOD, expires_at=now + timedelta(days=6))
    await record(shop, last, last)
    assert await kinds(shop) == ["expiring", "expiring"]
    assert (await shown(shop))[0].title.endswith("in less than a week")
    await record(shop, msgspec.structs.replace(GOOD, expires_at=now + timedelta(days=180)))
    assert await shown(shop) == []


async def test_only_the_last_checks_are_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "KEPT", 3)
    await record(shop, *(msgspec.structs.replace(GOOD, response_time=n) for n in range(5)))
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        assert [each.response_ms for each in await checks.history(scope, shop.connection_id)] == [4, 3, 2]


async def test_a_store_is_tested_by_itself_once_a_day(shop: Shop) -> None:
    async def due() -> bool:
        return await check_if_due(shop.rt, shop.org, shop.connection_id)

    assert not await due(), "just connected"
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET created_at = now() - interval '25 hours'")
    assert await due()
    assert not await due()
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        [check] = await checks.history(scope, shop.connection_id)
    assert check.ok
    assert check.clock_skew_s is not None


async def test_the_health_page_shows_permissions_excess_latency_and_errors(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    base = f"/stores/{shop.connection_id}"
    assert "Not tested since it was connected." in (await owner.page(f"{base}/health")).text
    answer = await owner.submit(f"{base}/test", {"back": "health"})
    assert (answer.status, answer.location) == (303, f"{base}/health")
    await owner.submit(f"{base}/test", {"back": "health"})
    shop.control("revoke_keys")
    await shop.sync("first")
    error = (await shop.connection())["last_error"]
    expiring = datetime.now(UTC) + timedelta(days=5, hours=1)
    await record(shop, msgspec.structs.replace(GOOD, clock_skew_s=900, expires_at=expiring))
    member = await sign_in("member", shop.org)
    page = (await member.page(f"{base}/health")).text
    assert "Test now" not in page
    assert "+900 s" in page
    assert "clock is off" in page
    assert "The credentials end in 5 days." in page
    assert "milliseconds" in page.casefold()
    assert error.split("'")[0][:30] in page
    owners = (await owner.page("/stores")).text
    assert "the credentials end on" in owners
    assert "the credentials end on" not in (await member.page("/stores")).text


async def test_a_key_that_may_write_is_flagged(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    await owner.submit(f"/stores/{shop.connection_id}/test", {})
    page = (await owner.page(f"/stores/{shop.connection_id}/health")).text
    assert "more than needed" in page
    assert "change and delete orders" in page
    stores = (await owner.page(f"/stores/{shop.connection_id}")).text
    said = re.compile(r"Create webhooks.{0,400}?more than needed|more than needed.{0,400}?Create webhooks", re.S)
    assert said.search(stores), "the store's page says the same of the same test"
    assert said.search(page)
    assert "For: Live updates within seconds." in page


async def test_refused_new_credentials_leave_the_old_ones_at_work(sign_in: SignIn, shop: Shop) -> None:
    await shop.sync("first")
    owner = await sign_in("owner", shop.org)
    wrong = form_of(shop, consumer_key="ck_" + "5e" * 20, consumer_secret="cs_" + "5e" * 20)
    answer = await owner.submit(f"/stores/{shop.connection_id}/credentials", wrong)
    assert answer.status == 422
    shop.control("place_order", total="8.00")
    assert await shop.sync() is Outcome.SUCCESS
    await shop.assert_equal_to_truth()
    assert await kinds(shop) == []
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        assert await checks.history(scope, shop.connection_id) == [], "a trial of other credentials is not its health"


async def test_notices_of_others_are_not_there_but_the_agency_sees_all(
    sign_in: SignIn, shop: Shop, other_org: UUID
) -> None:
    await record(shop, BAD, BAD)
    outsider = await sign_in("owner", other_org)
    assert "Refused." not in (await outsider.page("/stores")).text
    async with tenant(shop.rt.database, other_org, read_only=True) as scope:
        assert await notices.current(scope) == []
    async with platform(shop.rt.database, "test: notices", read_only=True) as scope:
        assert any(each.org_id == shop.org for each in await notices.current(scope))
    agency = await sign_in("superadmin")
    page: Any = await agency.page("/superadmin/connections")
    assert "Refused." in page.text
