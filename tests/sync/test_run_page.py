"""One run in detail."""

from __future__ import annotations

from uuid import UUID

from portal.sandbox import Sandbox
from portal.sync.run_log import read
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect
from tests.sync.proof.test_glances import later
from tests.sync.proof.test_pages import SignIn


async def test_a_run_tells_its_streams_requests_repeats_comparisons_and_left_out_rows(
    own_sandbox: Sandbox, connect: Connect, sign_in: SignIn, other_org: UUID
) -> None:
    shop = await connect(own_sandbox)
    await shop.sync("first")
    shop.control("place_order", total="5.00", currency="QQQ")
    shop.control("fault", kind="429", retry_after=1)
    await later(shop)
    await shop.sync("schedule")
    run = await shop.last_run()
    [entry] = read(run["log"])
    assert entry.costs["orders"].requests >= 1
    assert sum(each.repeats for each in entry.costs.values()) >= 1
    assert sum(each.waited for each in entry.costs.values()) > 0
    assert entry.glances["orders"].looked >= 1
    member = await sign_in("member", shop.org)
    assert f"/stores/{shop.connection_id}/runs/{run['id']}" in (await member.page(f"/stores/{shop.connection_id}")).text
    page = await member.page(f"/stores/{shop.connection_id}/runs/{run['id']}")
    assert page.status == 200
    for said in ("What it asked of the store", "Orders: at a glance", "one by one", "QQQ", "for the first time"):
        assert said in page.text, said
    assert (await member.page(f"/stores/{shop.connection_id}/runs/{run['id'] + 1000}")).status == 404
    outsider = await sign_in("owner", other_org)
    assert (await outsider.page(f"/stores/{shop.connection_id}/runs/{run['id']}")).status == 404


async def test_a_run_that_failed_says_what_it_had_asked(
    own_sandbox: Sandbox, connect: Connect, sign_in: SignIn
) -> None:
    shop = await connect(own_sandbox)
    shop.control("revoke_keys")
    await shop.sync("first")
    run = await shop.last_run()
    assert run["status"] == "failed"
    assert read(run["log"])[0].costs
    member = await sign_in("member", shop.org)
    page = await member.page(f"/stores/{shop.connection_id}/runs/{run['id']}")
    assert page.status == 200
    assert "Failed" in page.text


async def test_a_run_whose_comparisons_are_no_longer_kept_says_so(
    own_sandbox: Sandbox, connect: Connect, sign_in: SignIn
) -> None:
    shop = await connect(own_sandbox)
    await shop.sync("first")
    run = (await shop.last_run())["id"]
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "DELETE FROM reconciliations WHERE connection_id = $1 AND stream = 'orders'", shop.connection_id
        )
    member = await sign_in("member", shop.org)
    path = f"/stores/{shop.connection_id}/runs/{run}"
    text = (await member.page(path)).text
    assert text.count("Not kept") == 1
    assert "only the last failure is kept" in text
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "UPDATE client_api_sync_results SET finished_at = now() - interval '91 days' WHERE id = $1", run
        )
    assert "Older than 90 days: no longer kept." in (await member.page(path)).text
    gone = await member.page(f"/stores/{shop.connection_id}/runs/{run + 1000}")
    assert gone.status == 404
    assert "kept for 90 days" in gone.text
