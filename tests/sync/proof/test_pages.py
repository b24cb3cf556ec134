"""The proof of a store as people see it, and the one click that heals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from portal.app import create_app
from portal.connectors.answers import IdPage
from portal.dashboard.registry import tiles
from portal.foundation.bus import Event
from portal.sandbox import Sandbox
from portal.sync.proof.healing import heal
from portal.sync.proof.outcomes import latest
from portal.sync.proof.pages import render_proof
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect, Shop
from tests.sync.proof.test_glances import later
from tests.sync.proof.test_proof import an_order, edit_silently, listing, proof
from tests.visitors import Visitor

SignIn = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def shop(own_sandbox: Sandbox, connect: Connect) -> Shop:
    made = await connect(own_sandbox)
    await made.sync("first")
    return made


async def spoil(shop: Shop) -> dict[str, str]:
    """Three differences that a comparison left open: a wrong row, a gone one and a lost one."""
    changed, gone, lost = (an_order(shop, place) for place in (1, 2, 3))
    edit_silently(changed)
    shop.control("force_delete", order=gone.id)
    ids = {"different": str(changed.id), "extra": str(gone.id), "missing": str(lost.id)}
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("UPDATE orders SET deleted_at = '2026-01-01' WHERE external_id = $1", ids["missing"])
        found = (await latest(scope, shop.connection_id))["orders"]
        for kind, external_id in ids.items():
            listed = msgspec.json.encode([{"id": external_id, "healed": False}]).decode()
            await scope.sql.execute(
                f"UPDATE reconciliations SET state = 'different', {kind} = 1, {kind}_ids = $2 WHERE id = $1",
                found.id,
                listed,
            )
    return ids


async def test_a_member_reads_the_proof_and_finds_no_buttons(sign_in: SignIn, shop: Shop) -> None:
    member = await sign_in("member", shop.org)
    page = await member.page(f"/stores/{shop.connection_id}/proof")
    assert page.status == 200
    assert page.text.count("Reconciled") == 4
    assert "Orders by day" in page.text
    assert "Reconcile now" not in page.text
    assert (await member.submit(f"/stores/{shop.connection_id}/proof/reconcile", {})).status == 403
    assert (await member.submit(f"/stores/{shop.connection_id}/proof/heal", {"stream": "orders"})).status == 403


async def test_an_outsider_finds_nothing(sign_in: SignIn, shop: Shop, other_org: UUID) -> None:
    outsider = await sign_in("owner", other_org)
    assert (await outsider.page(f"/stores/{shop.connection_id}/proof")).status == 404
    assert (await outsider.page(f"/stores/{shop.connection_id}/health")).status == 404
    for path, form in (("reconcile", {}), ("heal", {"stream": "orders"})):
        assert (await outsider.submit(f"/stores/{shop.connection_id}/proof/{path}", form)).status == 404
    async with tenant(shop.rt.database, other_org, read_only=True) as scope:
        assert await latest(scope, shop.connection_id) == {}


async def test_reconcile_now_compares_again_although_a_day_has_not_passed(sign_in: SignIn, shop: Shop) -> None:
    owner = await sign_in("owner", shop.org)
    path = f"/stores/{shop.connection_id}/proof"
    answer = await owner.submit(f"{path}/reconcile", {})
    assert (answer.status, answer.location) == (303, path)
    edit_silently(an_order(shop))
    await shop.sync("schedule")
    assert (await proof(shop))["orders"].different == 1
    page = await owner.page(path)
    assert "Orders: what differed" in page.text
    assert "All of it was healed" in page.text
    actions = await shop.row("SELECT string_agg(action, ',') AS a FROM audit_entries WHERE $1::bigint > 0")
    assert "store.reconcile" in actions["a"]


async def test_one_click_heals_what_is_missing_extra_and_different(sign_in: SignIn, shop: Shop) -> None:
    ids = await spoil(shop)
    owner = await sign_in("owner", shop.org)
    path = f"/stores/{shop.connection_id}/proof"
    page = await owner.page(path)
    assert "3 left to heal" in page.text
    for external_id in ids.values():
        assert external_id in page.text
    answer = await owner.submit(f"{path}/heal", {"stream": "orders"})
    assert (answer.status, answer.location) == (303, path)
    assert "3 of 3 rows are now as the store says." in (await owner.page(path)).text
    found = (await proof(shop))["orders"]
    assert (found.state, found.left) == ("healed", 0)
    await shop.assert_equal_to_truth()
    await shop.sync("schedule")
    found = (await proof(shop))["orders"]
    assert (found.state, found.found) == ("even", 0)


async def test_healing_keeps_what_the_store_still_has(shop: Shop) -> None:
    ids = await spoil(shop)
    kept = str(an_order(shop, 5).id)
    async with tenant(shop.rt.database, shop.org) as scope:
        found = (await latest(scope, shop.connection_id))["orders"]
        extra = msgspec.json.encode([{"id": ids["extra"]}, {"id": kept}]).decode()
        await scope.sql.execute("UPDATE reconciliations SET extra = 2, extra_ids = $2 WHERE id = $1", found.id, extra)
    done = await heal(shop.rt, shop.org, shop.connection_id, "orders")
    assert (done.asked, done.healed) == (4, 4)
    await shop.assert_equal_to_truth()


async def test_healing_an_ill_store_says_what_to_do(sign_in: SignIn, shop: Shop) -> None:
    await spoil(shop)
    shop.control("revoke_keys")
    owner = await sign_in("owner", shop.org)
    path = f"/stores/{shop.connection_id}/proof"
    assert (await owner.submit(f"{path}/heal", {"stream": "orders"})).status == 303
    page = await owner.page(path)
    assert "3 left to heal" in page.text
    assert 'data-kind="error"' in page.text or "key" in page.text
    assert (await owner.submit(f"{path}/heal", {"stream": "nonsense"})).status == 422
    assert (await owner.submit(f"{path}/heal", {"stream": "refunds"})).status == 303
    assert "nothing left to heal" in (await owner.page(path)).text


TILES = [
    element.id.removeprefix("tile-") for tile in tiles() for element in tile.elements if element.id.startswith("tile-")
]


def corner(html: str, tile: str) -> str:
    """The head of one tile of the page."""
    return html.partition(f'id="tile-{tile}"')[2].partition("</header>")[0]


async def test_the_dashboard_says_what_is_reconciled_and_links_to_the_proof(sign_in: SignIn, shop: Shop) -> None:
    member = await sign_in("member", shop.org)
    found = await proof(shop)
    page = await member.page("/dashboard")
    link = f'class="proof" href="/stores/{shop.connection_id}/proof" data-even="yes"'
    assert all(link in corner(page.text, tile) for tile in TILES)
    products = f'title="{found["products"].ours} of {found["products"].theirs} products: compared one by one'
    assert products in corner(page.text, "stock-alerts")
    assert f"{found['orders'].theirs} orders: compared one by one" in corner(page.text, "top-sellers")
    assert f'title="{found["orders"].ours} of {found["orders"].theirs} orders: compared one by one' in page.text
    assert f'title="{found["products"].ours} of {found["products"].theirs} products: compared one by one' in page.text
    shop.control("place_order", total="5.00")
    await later(shop)
    await shop.sync("schedule")
    more = f'title="{(found["orders"].ours or 0) + 1} of {(found["orders"].theirs or 0) + 1} orders'
    assert more in (await member.page("/dashboard")).text, "counted on by the glance at the run's end"
    # Nothing of the data moves, only the comparison: the badge follows at once.
    shop.control("place_order", total="5.00", currency="QQQ")
    await shop.sync()
    page = await member.page("/dashboard")
    assert f'href="/stores/{shop.connection_id}/proof" data-even="no"' in page.text
    assert "1 missing" in page.text


async def test_a_tile_without_a_known_comparison_says_why(sign_in: SignIn, shop: Shop) -> None:
    from portal.foundation.errors import Temporary

    def fail(stream: str, page: IdPage) -> Any:
        raise Temporary("No list of ids today.")

    with listing(fail):
        await shop.sync()
    member = await sign_in("member", shop.org)
    page = await member.page("/dashboard")
    assert all('data-even="unknown"' in corner(page.text, tile) for tile in TILES)
    assert "could not be compared: No list of ids today." in page.text


async def test_the_page_says_what_was_seen_at_a_glance_and_open_pages_are_told(sign_in: SignIn, shop: Shop) -> None:
    made = shop.control("place_order", total="12.34")
    assert made
    await later(shop)
    await shop.sync("schedule")
    member = await sign_in("member", shop.org)
    page = await member.page(f"/stores/{shop.connection_id}/proof")
    assert "by the store&#39;s count" in page.text or "by the store's count" in page.text
    assert "changed lately looked at" in page.text
    assert f'id="store-proof-{shop.connection_id}"' in page.text


async def test_the_stores_own_page_says_what_is_reconciled_or_how_much_is_not(sign_in: SignIn, shop: Shop) -> None:
    member = await sign_in("member", shop.org)
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        orders = (await latest(scope, shop.connection_id))["orders"]
    page = await member.page(f"/stores/{shop.connection_id}")
    assert f"reconciled {orders.ours} / {orders.theirs}" in page.text
    await spoil(shop)
    page = await member.page(f"/stores/{shop.connection_id}")
    assert "1 missing here, 1 gone there, 1 not the same" in page.text
    assert f'href="/stores/{shop.connection_id}/proof"' in page.text


async def test_open_pages_are_pushed_the_table_when_a_comparison_ends(shop: Shop) -> None:
    event = Event(shop.org, "proof", 0, {"connection_id": shop.connection_id})
    async with create_app(shop.rt).app_context():
        [(name, html), (short, line), (news, asks)] = await render_proof(shop.rt, event)
        assert short == f"store-reconciled-{shop.connection_id}"
        assert line.count("reconciled ") == 4
        assert (name, news) == (f"store-proof-{shop.connection_id}", f"store-proof-news-{shop.connection_id}")
        assert f'hx-target="#store-proof-lists-{shop.connection_id}"' in asks
        assert html.count("Reconciled") == 4
        assert "csrf" not in html
        assert await render_proof(shop.rt, Event(uuid4(), "proof", 0, event.payload)) == []


async def test_what_a_push_asks_for_are_the_lists_with_the_rights_of_who_looks(sign_in: SignIn, shop: Shop) -> None:
    path, fragment = f"/stores/{shop.connection_id}/proof", {"HX-Request": "true"}
    owner, member = await sign_in("owner", shop.org), await sign_in("member", shop.org)
    page = await owner.page(path)
    assert 'data-live="' in page.text, "a page that is not live is pushed nothing"
    for part in ("proof", "proof-lists", "proof-news"):
        assert page.text.count(f'id="store-{part}-{shop.connection_id}"') == 1, part
    ids = await spoil(shop)
    mine, theirs = await owner.page(path, headers=fragment), await member.page(path, headers=fragment)
    for seen in (mine, theirs):
        assert seen.text.count(f'id="store-proof-lists-{shop.connection_id}"') == 1
        assert "<html" not in seen.text
        assert all(each in seen.text for each in ids.values())
    assert "Heal 3" in mine.text
    assert "Heal" not in theirs.text.replace("Healing asks", "")


async def test_a_days_restatement_is_told_in_words(sign_in: SignIn, shop: Shop) -> None:
    order = an_order(shop)
    shop.control("force_delete", order=order.id)
    shop.control("place_order", total="10.00", created="2026-03-03T12:00:00")
    await shop.sync()
    member = await sign_in("member", shop.org)
    page = await member.page("/restatements")
    assert page.status == 200
    assert "one deleted order" in page.text
    assert "one late order" in page.text
    assert "one deleted order" in (await member.page(f"/restatements?store={shop.connection_id}")).text
    assert "as they were stated" in (await member.page("/restatements?store=1")).text
    assert (await member.page("/restatements?day=2026-03-03")).text.count("one late order") == 1
    table = (await member.page(f"/restatements.csv?store={shop.connection_id}&day=2026-03-03")).text.splitlines()
    assert table[0].startswith("day,store,currency,revenue_was,revenue_is,orders_was,orders_is,why")
    assert table[1].startswith("2026-03-03,")
    assert "one late order" in table[1]
    assert len(table) == 2
    dashboard = await member.page("/dashboard")
    assert "one deleted order" in dashboard.text or "one late order" in dashboard.text
    assert 'href="/restatements?day=' in dashboard.text
    for wrong in ("day=2026-02-31", "day=x", "after=2026-13-01:1:USD", "store=abc"):
        assert (await member.page(f"/restatements?{wrong}")).status in {400, 422}, wrong
    rows = await shop.row(
        "SELECT count(*) AS n, sum(after_revenue - before_revenue) AS moved FROM restatements WHERE connection_id = $1"
    )
    assert rows["n"] == 2


async def test_restatements_of_others_are_not_there(sign_in: SignIn, shop: Shop, other_org: UUID) -> None:
    shop.control("force_delete", order=an_order(shop).id)
    await shop.sync()
    outsider = await sign_in("owner", other_org)
    assert "No day was restated yet" in (await outsider.page("/restatements")).text
    assert "deleted order" not in (await outsider.page(f"/restatements?store={shop.connection_id}")).text
