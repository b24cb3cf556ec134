"""The agency's list of all connections, and what it may change of a platform."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from portal.stores.budgets import store_budget
from portal.stores.connection import load
from portal.superadmin.oversight import SORTS, ConnectionLine, connections
from portal.sync.run_log import Cost, RunLog
from portal.tenancy.scope import platform, tenant
from tests import ledgers
from tests.conftest import SignIn
from tests.visitors import Visitor


@pytest.fixture
async def tidy(rt: Runtime) -> AsyncIterator[None]:
    """What a test changes of a platform is the whole portal's."""
    yield
    async with platform(rt.database, "test: tidy up") as scope:
        await scope.sql.execute("DELETE FROM api_platform_configs")


def named(form: dict[str, str]) -> dict[str, str]:
    """The fields as the page names them."""
    return {f"woocommerce-{name}": value for name, value in form.items()}


async def made_runs(rt: Runtime, org: UUID, connection_id: int) -> None:
    async with tenant(rt.database, org) as scope:
        for status, rows, attempts, days, trigger in (
            ("success", 100, 1, 0, "schedule"),
            ("success", 200, 3, 1, "schedule"),
            ("failed", 0, 1, 2, "retry"),
            ("failed", 0, 1, 9, "retry"),
            ("cancelled", 5, 1, 1, "manual"),
        ):
            await scope.sql.execute(
                """INSERT INTO client_api_sync_results (org_id, connection_id, run_id, status, rows_fetched, attempts, trigger,
                     queued_at) VALUES ($1, $2, gen_random_uuid(), $3, $4, $5, $7, now() - $6 * interval '1 day')""",
                org, connection_id, status, rows, attempts, days, trigger,
            )  # fmt: skip


async def line_of(rt: Runtime, connection_id: int, **narrowed: Any) -> ConnectionLine | None:
    given: dict[str, Any] = {"state": None, "platform": None, "search": None, "limit": 10_000, "offset": 0} | narrowed
    async with platform(rt.database, "test: connections", read_only=True) as tx:
        return next((each for each in await connections(tx, **given) if each.id == connection_id), None)


async def test_a_line_counts_the_runs_of_the_last_seven_days(rt: Runtime, org: UUID) -> None:
    connection_id = await ledgers.connect(rt, org)
    await made_runs(rt, org, connection_id)
    found = await line_of(rt, connection_id)
    assert found is not None
    assert (found.succeeded, found.ended, found.rows_per_run, found.retries) == (2, 3, 150, 3)
    assert found.success_rate == pytest.approx(66.67, abs=0.01)
    assert found.state == "working"
    async with tenant(rt.database, org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET last_success_at = now() - interval '3 hours'")
    assert (await line_of(rt, connection_id, state="late")) is not None
    assert (await line_of(rt, connection_id, state="failing")) is None
    assert (await line_of(rt, connection_id, platform="shopify")) is None
    assert (await line_of(rt, connection_id, search="no such%")) is None


async def test_requests_that_were_repeated_within_runs_are_counted_beside_the_retries_of_runs(
    rt: Runtime, org: UUID, agency: Visitor
) -> None:
    connection_id = await ledgers.connect(rt, org, "Stumbling")
    await made_runs(rt, org, connection_id)
    now = datetime.now(UTC)
    costs = {"orders": Cost(requests=9, repeats=5), "compare orders": Cost(requests=2, repeats=1)}
    async with tenant(rt.database, org) as scope:
        runs = await scope.sql.fetch("SELECT run_id, queued_at FROM client_api_sync_results ORDER BY queued_at DESC")
        for run in (runs[0], runs[-1]):  # the oldest is of last week
            await RunLog(costs=dict(costs)).save(scope, run["run_id"], now)
        await RunLog(costs={"orders": Cost(requests=1, repeats=2)}).save(scope, runs[0]["run_id"], now)
        name = await scope.sql.fetchval("SELECT name FROM organizations")
    found = await line_of(rt, connection_id)
    assert found is not None
    assert (found.retries, found.repeats) == (3, 8)
    page = await agency.page(f"/superadmin/connections?q={name.replace(' ', '+')}")
    assert "of runs, 8 of requests" in page.text


async def test_the_page_lists_every_client_and_opens_one(rt: Runtime, org: UUID, agency: Visitor) -> None:
    connection_id = await ledgers.connect(rt, org, "Lamps & Co")
    await made_runs(rt, org, connection_id)
    async with tenant(rt.database, org) as scope:
        name = await scope.sql.fetchval("SELECT name FROM organizations")
        await scope.sql.execute(
            "UPDATE client_api_credentials SET status = 'error', last_error = 'It is ill.', last_error_advice = 'Give it tea.',"
            " last_error_at = now(), consecutive_failures = 4"
        )
    page = await agency.page(f"/superadmin/connections?q={name.replace(' ', '+')}")
    assert page.status == 200
    for word in ("Lamps &amp; Co", name, "Failing", "It is ill. Give it tea.", "66.7%", "4 in a row", "2 of 3"):
        assert word in page.text, word
    assert "No connection matches." in (await agency.page("/superadmin/connections?q=nobody-at-all")).text
    assert (await agency.page("/superadmin/connections?state=nonsense")).status in {400, 422}


async def test_only_the_agency_sees_connections_and_platforms(sign_in: SignIn, org: UUID) -> None:
    for role in ("owner", "member", "operator", "agent"):
        visitor = await sign_in(role, org)
        for path in ("/superadmin/connections", "/superadmin/platforms"):
            assert (await visitor.page(path)).status in {403, 404}, (role, path)
        assert (await visitor.submit("/superadmin/platforms/woocommerce", {})).status in {403, 404}


async def test_a_platform_is_changed_within_its_ceilings_and_it_works_at_once(
    rt: Runtime, org: UUID, agency: Visitor, sign_in: SignIn, tidy: None
) -> None:
    connection_id = await ledgers.connect(rt, org)
    form = {"enabled": "1", "requests_per_second": "2.5", "burst": "4", "help_text": "Call us: <b>0123</b>"}
    answer = await agency.submit("/superadmin/platforms/woocommerce", named(form))
    assert (answer.status, answer.location) == (303, "/superadmin/platforms")
    page = (await agency.page("/superadmin/platforms")).text
    assert 'value="2.5"' in page
    assert "was changed." in page
    async with tenant(rt.database, org, read_only=True) as scope:
        budget = await store_budget(scope, await load(scope, connection_id))
    assert (budget.rate_per_second, budget.burst) == (2.5, 4)
    owner = await sign_in("owner", org)
    assert "Call us: &lt;b&gt;0123&lt;/b&gt;" in (await owner.page(f"/stores/{connection_id}/credentials")).text
    assert "Call us: &lt;b&gt;" in (await agency.page("/superadmin/clients/new?platform_type=woocommerce")).text
    async with platform(rt.database, "test: audit", read_only=True) as scope:
        entry = await scope.sql.fetchrow(
            "SELECT * FROM audit_entries WHERE action = 'platform.change' ORDER BY id DESC LIMIT 1"
        )
    assert entry["target"] == "woocommerce"
    assert '"2.5"' in entry["after"]
    # Empty fields are the platform's own again.
    assert (await agency.submit("/superadmin/platforms/woocommerce", named({"enabled": "1"}))).status == 303
    async with tenant(rt.database, org, read_only=True) as scope:
        budget = await store_budget(scope, await load(scope, connection_id))
    assert (budget.rate_per_second, budget.burst) == (10, 10)


async def test_the_agency_reads_the_whole_trail_its_own_deeds_and_every_clients(
    sign_in: SignIn, org: UUID, agency: Visitor, tidy: None
) -> None:
    owner = await sign_in("owner", org)
    assert (await owner.submit("/account/sessions/revoke-all", {})).status == 303
    words = "Ask Ada for the keys."
    form = named({"enabled": "1", "help_text": words})
    assert (await agency.submit("/superadmin/platforms/woocommerce", form)).status == 303
    page = await agency.page("/superadmin/audit")
    assert page.status == 200
    assert "the platform" in page.text
    assert words in page.text
    assert owner.email in page.text
    assert "session.all_closed" in page.text
    oldest = await agency.page("/superadmin/audit?before=1")
    assert (oldest.status, words in oldest.text) == (200, False)
    assert (await agency.page("/superadmin/audit?before=x")).status == 400
    assert 'href="/superadmin/audit"' in (await agency.page("/superadmin/connections")).text
    again = await sign_in("owner", org)
    assert (await again.page("/superadmin/audit")).status in {403, 404}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("requests_per_second", "10.5"),
        ("requests_per_second", "0"),
        ("requests_per_second", "-1"),
        ("requests_per_second", "NaN"),
        ("requests_per_second", "fast"),
        ("requests_per_second", "1e99999999"),
        ("burst", "11"),
        ("burst", "0"),
        ("burst", "2.5"),
        ("burst", "٣"),
        ("help_text", "x" * 1001),
    ],
)
async def test_what_a_platform_cannot_be_is_marked_and_nothing_is_changed(
    agency: Visitor, rt: Runtime, field: str, value: str, tidy: None
) -> None:
    answer = await agency.submit("/superadmin/platforms/woocommerce", named({"enabled": "1", field: value}))
    assert answer.status == 422
    assert f'id="f-woocommerce-{field}-error"' in answer.text
    async with platform(rt.database, "test: configs", read_only=True) as scope:
        assert not await scope.sql.fetchval("SELECT count(*) FROM api_platform_configs")


async def test_an_unknown_platform_is_not_there(agency: Visitor) -> None:
    assert (await agency.submit("/superadmin/platforms/etsy", {"enabled": "1"})).status == 404


async def test_two_hundred_connections_are_paged_searched_and_ordered(
    rt: Runtime, other_org: UUID, sign_in: SignIn
) -> None:
    async with platform(rt.database, "test: many connections") as tx:
        await tx.sql.execute(
            """WITH org AS (INSERT INTO organizations (id, name)
                 SELECT gen_random_uuid(), 'Crowd ' || n FROM generate_series(1, 50) n RETURNING id, name)
               INSERT INTO client_api_credentials (org_id, platform_type, connection_name, secrets, status, last_success_at,
                 sync_frequency, next_sync_at)
               SELECT o.id, 'woocommerce', o.name || ' shop ' || n, '\\x00', CASE n WHEN 4 THEN 'paused' ELSE 'active' END,
                 now() - n * interval '10 minutes', 'hourly', now() + interval '1 day' FROM org o, generate_series(1, 4) n"""
        )
        await tx.sql.execute(
            """INSERT INTO client_api_sync_results
                 (org_id, connection_id, run_id, status, rows_fetched, attempts, trigger, queued_at)
               SELECT c.org_id, c.id, gen_random_uuid(), CASE WHEN h % 7 = 0 THEN 'failed' ELSE 'success' END, c.id, 1 + h % 3,
                 'schedule', now() - h * interval '5 hours' FROM client_api_credentials c, generate_series(1, 33) h
               WHERE c.connection_name LIKE 'Crowd %'"""
        )
    try:
        async with platform(rt.database, "test: connections", read_only=True) as tx:
            given: dict[str, Any] = {"state": None, "platform": None, "search": "crowd", "offset": 0}
            everything = await connections(tx, **given, limit=500)
            assert len(everything) == 200
            for sort in SORTS:
                pages = [
                    await connections(tx, **(given | {"offset": place}), sort=sort, limit=50)
                    for place in range(0, 200, 50)
                ]
                assert {each.id for part in pages for each in part} == {each.id for each in everything}, sort
            by_rows = await connections(tx, **given, sort="rows", limit=200)
            assert [each.rows_per_run for each in by_rows] == sorted((each.id for each in everything), reverse=True)
        agency = await sign_in("superadmin", other_org)
        page = await agency.page("/superadmin/connections?q=Crowd+7+&sort=lag")
        assert page.text.count("Crowd 7 shop") >= 4
        assert "/runs/" in page.text
        assert (await agency.page("/superadmin/connections?sort=nonsense")).status in {400, 422}
        second = await agency.page("/superadmin/connections?q=crowd&page=2&sort=client")
        assert "sort=client" in second.text
    finally:
        async with platform(rt.database, "test: the crowd leaves") as tx:
            await tx.sql.execute("DELETE FROM organizations WHERE name LIKE 'Crowd %'")
