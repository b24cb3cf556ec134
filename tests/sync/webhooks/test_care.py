"""Webhooks that stores switch off are noticed, told of once, and switched on again; the portal's address is tried out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from portal.connectors.findings import WebhookThere
from portal.connectors.registry import webhooks as webhooks_of
from portal.sandbox import Sandbox
from portal.stores import service as stores
from portal.sync.webhooks import self_test, subscriptions
from portal.sync.webhooks.findings import Registration
from portal.sync.webhooks.registration import delivery_url, is_due, register_webhooks
from portal.sync.webhooks.subscriptions import PAUSES, Subscription
from portal.tenancy.scope import tenant
from tests.sync.conftest import Shop
from tests.sync.hooks import secret, work_off
from tests.sync.test_health import kinds, shown
from tests.visitors import Visitor

SignIn = Callable[..., Awaitable[Visitor]]
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


async def look(shop: Shop, **how: bool) -> Registration:
    return await register_webhooks(shop.rt, shop.org, shop.connection_id, **how)


async def rows(shop: Shop) -> dict[str, Subscription]:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        return await subscriptions.load(scope, shop.connection_id)


async def later(shop: Shop, by: timedelta) -> None:
    """The portal's memory of what it switched on, moved back in time."""
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            """UPDATE webhook_subscriptions SET status_since = status_since - $1::interval,
                 switched_on = (SELECT coalesce(array_agg(e - $1::interval), '{}') FROM unnest(switched_on) e)""",
            by,
        )


def hook(shop: Shop, topic: str) -> Any:
    return next(each for each in shop.store.webhooks.values() if each.topic == topic)


async def test_a_store_gives_up_after_five_failures_which_is_told_once_and_mended_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, hook(shop, "order.updated").secret = hook(shop, "order.updated").secret, "another secret"
    for _ in range(5):
        shop.control("edit_order")
    await shop.sandbox.courier("shop").settled()
    assert hook(shop, "order.updated").status == "disabled"
    outcome = await look(shop)
    assert outcome.state == "registered", outcome
    assert (hook(shop, "order.updated").status, hook(shop, "order.updated").secret) == ("active", right)
    assert await kinds(shop) == ["webhooks_off", "webhooks_on"]
    assert (await rows(shop))["order.updated"].switched_on
    await look(shop)
    assert await kinds(shop) == ["webhooks_off", "webhooks_on"]
    [told] = await shown(shop)
    assert told.title.endswith("the webhooks are on again")


async def test_while_the_portal_cannot_be_reached_nothing_is_switched_on_and_it_is_said_once_with_advice(
    shop: Shop, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(shop, "order.updated").status = "disabled"
    away = shop.rt.settings.model_copy(update={"public_url": "http://127.0.0.1:9"})
    with monkeypatch.context() as patched:
        patched.setattr(shop.rt, "settings", away)
        for _ in range(3):
            outcome = await look(shop)
            assert outcome.state == "off"
    assert hook(shop, "order.updated").status == "disabled"
    assert await kinds(shop) == ["webhooks_off"]
    [told] = await shown(shop)
    assert "WooCommerce switched the webhook order.updated off after 5 deliveries in a row failed" in told.title
    assert "Polling goes on (hourly)" in told.advice
    assert "refuses the connection" in told.advice
    owner = await sign_in("owner", shop.org)
    page = (await owner.page(f"/stores/{shop.connection_id}/health")).text
    assert "The store switched off order.updated." in page
    assert "Switch on again" in page
    answer = await owner.submit(f"/stores/{shop.connection_id}/webhooks/on", {})
    assert (answer.status, answer.location) == (303, f"/stores/{shop.connection_id}/health#webhooks")
    assert hook(shop, "order.updated").status == "active"
    assert await kinds(shop) == ["webhooks_off", "webhooks_on"]


async def test_what_a_person_paused_at_the_store_stays_paused_and_a_click_here_wakes_it(shop: Shop) -> None:
    hook(shop, "customer.updated").status = "paused"
    outcome = await look(shop, tested=True)
    assert (outcome.state, outcome.detail) == ("partly", "Not active: customer.updated.")
    assert hook(shop, "customer.updated").status == "paused"
    assert await kinds(shop) == []
    assert (await look(shop, forced=True)).state == "registered"
    assert hook(shop, "customer.updated").status == "active"


async def test_what_is_switched_off_again_and_again_is_left_to_a_person(shop: Shop) -> None:
    for pause in PAUSES:
        hook(shop, "order.created").status = "disabled"
        if pause:
            assert (await look(shop)).state == "off", "too soon"
        await later(shop, pause)
        assert (await look(shop)).state == "registered"
    hook(shop, "order.created").status = "disabled"
    await later(shop, timedelta(days=1))
    outcome = await look(shop)
    assert (outcome.state, outcome.again_at) == ("off", None)
    assert hook(shop, "order.created").status == "disabled"
    assert "left to you" in (await shown(shop))[0].advice
    assert (await look(shop, forced=True)).state == "registered"


async def test_a_deleted_webhook_and_one_of_another_address_are_put_right(shop: Shop) -> None:
    del shop.store.webhooks[hook(shop, "order.deleted").id]
    hook(shop, "product.updated").delivery_url = hook(shop, "product.updated").delivery_url.replace(
        "127.0.0.1", "old.example"
    )
    assert (await look(shop)).state == "registered"
    assert hook(shop, "order.deleted").status == "active"
    assert "127.0.0.1" in hook(shop, "product.updated").delivery_url


def test_a_pause_grows_and_is_forgotten_after_two_quiet_weeks() -> None:
    fresh = Subscription(topic="order.created", status="disabled")
    assert fresh.again_at(NOW) == NOW
    twice = Subscription(topic="t", switched_on=[NOW - timedelta(hours=5), NOW - timedelta(hours=2)])
    assert twice.again_at(NOW) == NOW + timedelta(hours=4)
    assert Subscription(topic="t", switched_on=[NOW] * len(PAUSES)).again_at(NOW) is None
    assert Subscription(topic="t", switched_on=[NOW - timedelta(days=20)] * 9).again_at(NOW) == NOW


def test_what_never_was_there_is_not_called_gone() -> None:
    found = subscriptions.compare(["a", "b"], [WebhookThere(topic="a", delivery_url="u")], "u", {}, NOW)
    assert {topic: each.status for topic, each in found.items()} == {"a": "active", "b": "unknown"}
    gone = subscriptions.compare(["a"], [], "u", found, NOW)
    assert gone["a"].status == "missing"


async def test_an_off_webhook_is_looked_after_sooner_than_tomorrow(shop: Shop) -> None:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        connection = await stores.load(scope, shop.connection_id)
    now = shop.rt.clock()
    assert not is_due(shop.rt, connection, now + timedelta(hours=2))
    assert is_due(shop.rt, connection, now + timedelta(hours=25))
    hook(shop, "order.created").status = "disabled"
    await look(shop)
    hook(shop, "order.created").status = "disabled"
    await look(shop)
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        connection = await stores.load(scope, shop.connection_id)
    assert not is_due(shop.rt, connection, now + timedelta(minutes=30))
    assert is_due(shop.rt, connection, now + timedelta(hours=2))


async def reach(shop: Shop, url: str | None = None) -> self_test.Reach:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        connection = await stores.load(scope, shop.connection_id)
    module = webhooks_of("woocommerce")
    assert module is not None
    own = delivery_url(shop.rt, connection)
    where = own if url is None else own.replace(own.partition("/webhooks/")[0], url)
    return await self_test.try_address(shop.rt, connection, module, where, await secret(shop))


Bend = Callable[[web.Request, dict[str, str], bytes], tuple[dict[str, str], bytes] | web.Response]


@pytest.fixture
async def proxy(live_server: str) -> AsyncIterator[Callable[[Bend], Awaitable[str]]]:
    """`await proxy(bend)`: the URL of a proxy before the portal that changes what passes."""
    from aiohttp import ClientSession

    runners = []

    async def make(bend: Bend) -> str:
        async def pass_on(request: web.Request) -> web.Response:
            headers = {n: v for n, v in request.headers.items() if n.lower() not in {"host", "content-length"}}
            bent = bend(request, headers, await request.read())
            if isinstance(bent, web.Response):
                return bent
            async with (
                ClientSession() as session,
                session.post(live_server + request.path, headers=bent[0], data=bent[1]) as answer,
            ):
                return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)

        app = web.Application(client_max_size=10**7)
        app.router.add_post("/{path:.*}", pass_on)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield make
    for runner in runners:
        await runner.cleanup()


async def test_a_signed_delivery_to_the_own_address_is_verified_and_stored(shop: Shop) -> None:
    found = await reach(shop)
    assert found.ok, found
    assert found.milliseconds is not None
    kept = await shop.row(
        "SELECT topic, state, octet_length(body) AS size FROM webhook_deliveries WHERE connection_id = $1"
    )
    assert kept == {"topic": "portal.self-test", "state": "ignored", "size": 0}


async def test_what_a_proxy_does_on_the_way_is_told_apart(shop: Shop, proxy: Callable[[Bend], Awaitable[str]]) -> None:
    def without(*names: str) -> Bend:
        return lambda _request, headers, body: ({n: v for n, v in headers.items() if n.lower() not in names}, body)

    cases: list[tuple[Bend, str]] = [
        (lambda _request, headers, body: (headers, body), "ok"),
        (lambda _request, headers, body: (headers, body.replace(b"  ", b" ")), "body_changed"),
        (without("x-wc-webhook-signature"), "header_lost"),
        (without("x-wc-webhook-signature", self_test.HEADER), "header_lost"),
        (lambda _r, headers, body: ({**headers, "X-WC-Webhook-Signature": "AAAA"}, body), "wrong_signature"),
        (lambda *_: web.Response(status=401, text="Who are you?"), "locked"),
        (lambda *_: web.Response(status=404, text="<h1>Not here</h1>"), "wrong_host"),
        (lambda *_: web.Response(status=200, text="Welcome to nginx"), "wrong_host"),
        (lambda *_: web.Response(status=301, headers={"Location": "https://x.example"}), "redirect"),
        (lambda *_: web.Response(status=413, text="too large"), "too_large"),
        (lambda *_: web.Response(status=502, text="bad gateway"), "proxy_error"),
    ]
    for bend, state in cases:
        found = await reach(shop, await proxy(bend))
        assert found.state == state, found
        assert found.ok or found.advice


async def test_a_name_that_does_not_exist_and_a_closed_port_are_told(shop: Shop) -> None:
    assert (await reach(shop, "http://portal.invalid")).state == "dns"
    assert (await reach(shop, "http://127.0.0.1:9")).state == "refused"


async def test_a_certificate_that_stores_would_refuse_is_told(shop: Shop) -> None:
    async with Sandbox([]) as other:
        await other.stop()
        await other.start(tls=True)
        assert (await reach(shop, other.url)).state == "certificate"


async def test_nobody_else_gets_the_answer_of_the_self_test(shop: Shop, client: Visitor) -> None:
    from tests.sync.hooks import address

    answer = await client.post(
        await address(shop), data=b"{}", headers={self_test.HEADER: f"{int(NOW.timestamp())}.{'0' * 64}"}
    )
    assert answer.status == 401
    assert "sha256" not in answer.text


async def silent_orders(shop: Shop, count: int, *, hours_ago: float) -> None:
    """So many orders that came by polling, made some hours ago; all others are old. Webhooks were on for days."""
    await later(shop, timedelta(days=2))
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "UPDATE orders SET created_at = created_at - interval '9 d', paid_at = NULL WHERE created_at > now() - interval '9 d'"
        )
        await scope.sql.execute(
            """UPDATE orders SET created_at = now() - $2::interval, paid_at = now() - $2::interval WHERE external_id IN (
                 SELECT external_id FROM orders WHERE connection_id = $1 AND deleted_at IS NULL LIMIT $3)""",
            shop.connection_id,
            timedelta(hours=hours_ago),
            count,
        )


async def test_orders_that_no_delivery_announced_are_said_once_and_a_quiet_store_never(shop: Shop) -> None:
    await silent_orders(shop, 0, hours_ago=5)
    await look(shop)
    assert await kinds(shop) == [], "nothing happened at this store"
    await silent_orders(shop, 2, hours_ago=5)
    await look(shop)
    assert await kinds(shop) == [], "two are chance"
    await silent_orders(shop, 4, hours_ago=1)
    await look(shop)
    assert await kinds(shop) == [], "the store may still be about to send them"
    await silent_orders(shop, 4, hours_ago=5)
    await look(shop)
    await look(shop)
    assert await kinds(shop) == ["webhooks_silent"]
    assert "4 of 4 orders came by polling that no delivery announced" in (await shown(shop))[0].title


async def test_announced_orders_are_not_silent(shop: Shop) -> None:
    await silent_orders(shop, 0, hours_ago=5)
    for amount in range(4):
        shop.control("place_order", total=f"{amount + 1}.00")
    await shop.sandbox.courier("shop").settled()
    await work_off(shop)
    await later(shop, timedelta(days=2))
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "UPDATE orders SET created_at = now() - interval '5 h', paid_at = now() - interval '5 h'"
            " WHERE created_at > now() - interval '1 h'"
        )
        await scope.sql.execute("UPDATE webhook_deliveries SET received_at = now() - interval '4 h'")
    await look(shop)
    assert await kinds(shop) == []


async def test_the_page_is_for_those_who_manage_and_looks_anew_when_opened(sign_in: SignIn, shop: Shop) -> None:
    base = f"/stores/{shop.connection_id}"
    owner, operator = await sign_in("owner", shop.org), await sign_in("operator", shop.org)
    assert "hx-get" not in (await owner.page(f"{base}/health")).text.partition('id="webhooks"')[2][:200]
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute(
            "UPDATE client_api_credentials SET last_test = jsonb_set(last_test, '{webhooks,at}', to_jsonb(now() - interval '1 h'))"
            " WHERE id = $1",
            shop.connection_id,
        )
    hook(shop, "order.created").status = "paused"
    assert f'hx-get="{base}/webhooks"' in (await owner.page(f"{base}/health")).text
    assert (await owner.page(f"{base}/webhooks")).location == f"{base}/health#webhooks"
    card = await owner.page(f"{base}/webhooks", headers={"HX-Request": "true"})
    assert "Paused at the store" in card.text
    answer = await owner.submit(f"{base}/webhooks/test", {})
    assert answer.status == 303
    page = (await owner.page(f"{base}/health")).text
    assert "arrived whole, fitted and was stored" in page
    theirs = (await operator.page(f"{base}/health")).text
    assert "Test webhooks" not in theirs
    assert "Paused at the store" in theirs
    for path in ("webhooks/test", "webhooks/on"):
        assert (await operator.submit(f"{base}/{path}", {})).status == 403


async def test_the_secret_before_is_taken_for_a_while(shop: Shop, client: Visitor) -> None:
    from tests.sync.hooks import deliver

    before = await secret(shop)
    async with tenant(shop.rt.database, shop.org) as scope:
        connection = await stores.load(scope, shop.connection_id)
        sealed = await shop.rt.vault.seal(shop.org, connection.webhook_field, "the new one")
        await scope.sql.execute(
            """UPDATE client_api_credentials SET webhook_secret_before = webhook_secret, webhook_secret = $2,
                 webhook_secret_before_until = now() + interval '1 h' WHERE id = $1""",
            shop.connection_id,
            sealed,
        )
    assert (await deliver(client, shop, b'{"id": 1}')).status == 200, "known at once, although the door was known"
    assert (await deliver(client, shop, b'{"id": 2}', signed_with=before)).status == 200
    assert (await deliver(client, shop, b'{"id": 3}', signed_with="neither")).status == 401


async def test_opening_the_page_writes_nothing_that_is_right_already(shop: Shop) -> None:
    before = {each.id: each.modified for each in shop.store.webhooks.values()}
    hook(shop, "order.created").delivery_url += "?"
    assert (await look(shop, anew=False)).state == "registered"
    changed = [each.topic for each in shop.store.webhooks.values() if each.modified != before[each.id]]
    assert changed == ["order.created"]


async def test_webhooks_of_a_store_that_fails_or_is_paused_are_told_as_of_the_last_look(
    sign_in: SignIn, shop: Shop
) -> None:
    owner = await sign_in("owner", shop.org)
    path = f"/stores/{shop.connection_id}/health"
    assert "Was active" not in (await owner.page(path)).text
    shop.control("revoke_keys")
    await shop.sync("schedule")
    page = (await owner.page(path)).text
    assert "Whether webhooks are on is not known now." in page
    assert page.count("Was active") == len(await rows(shop))
    shop.control("restore_keys")
    await look(shop)
    assert "Was active" not in (await owner.page(path)).text, "asked after the failure, it said so"
    await owner.submit(f"/stores/{shop.connection_id}/pause", {})
    assert "The store is paused." in (await owner.page(path)).text
