"""What becomes of deliveries: bursts, duplicates at one moment, one that always fails; their page and their replay."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from portal.connectors.woocommerce import webhooks as woocommerce
from portal.foundation.errors import DependencyAway
from portal.foundation.runtime import Runtime
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.order_json import order_json
from portal.stores import service as stores
from portal.sync.housekeeping import keep_house
from portal.sync.webhooks import delivery_body, delivery_log
from portal.sync.webhooks import intake as intake_module
from portal.sync.webhooks.deliveries import RETRIES
from portal.sync.webhooks.intake import Arrival, Intake
from portal.tenancy.scope import platform, tenant
from tests.sync.conftest import Shop
from tests.sync.hooks import address, deliver, secret, signed, states, work_off
from tests.sync.test_worker import until, working
from tests.visitors import Visitor

SignIn = Callable[..., Awaitable[Visitor]]


def told(store: Store, number: int | None = None) -> dict[str, Any]:
    """An order as the store delivers it."""
    row = store.orders[number] if number is not None else next(iter(store.orders.values()))
    return json.loads(json.dumps(order_json(store, row)))


def variant(order: dict[str, Any], number: int, **changes: Any) -> bytes:
    return json.dumps({**order, "id": number, "number": str(number), **changes}).encode()


async def rows(shop: Shop, columns: str = "*") -> list[dict[str, Any]]:
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        found = await scope.sql.fetch(
            f"SELECT {columns} FROM webhook_deliveries WHERE connection_id = $1 ORDER BY id",
            shop.connection_id,
        )
    return [dict(row) for row in found]


async def jobs(shop: Shop) -> int:
    """Jobs that wait for this store."""
    return int(await shop.value("SELECT count(*) FROM pgqueuer WHERE dedupe_key = 'webhooks:' || $1::bigint"))


async def test_a_burst_is_kept_whole_in_order_with_one_job_and_worked_off_in_order(shop: Shop, client: Visitor) -> None:
    order, key, path = told(shop.store), await secret(shop), await address(shop)
    room = asyncio.Semaphore(60)

    async def one(number: int) -> int:
        body = variant(order, 800_000 + number)
        async with room:
            answer = await client.post(path, data=body, headers=signed(body, key, delivery=f"burst-{number}"))
        return answer.status

    assert set(await asyncio.gather(*(one(number) for number in range(500)))) == {200}
    assert await jobs(shop) == 1
    assert await work_off(shop) == 500
    assert await states(shop) == {"done": 500}
    assert await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1 AND external_id LIKE '800%'") == 500
    ended = await rows(shop, "id, processed_at")
    assert [each["processed_at"] for each in ended] == sorted(each["processed_at"] for each in ended)
    assert len({each["processed_at"] for each in ended}) == 3, (
        "a batch ends as one, in whatever order its rows lie on disk"
    )


async def test_the_same_delivery_many_times_at_one_moment_and_in_several_processes_is_one_row(
    rt: Runtime, shop: Shop, client: Visitor
) -> None:
    body, key = variant(told(shop.store), 700_001), await secret(shop)
    path, headers = await address(shop), signed(body, key)
    await asyncio.gather(*(client.post(path, data=body, headers=headers) for _ in range(20)))
    processes = [Intake(rt) for _ in range(4)]  # each process has one of its own
    arrival = Arrival(
        org_id=shop.org,
        connection_id=shop.connection_id,
        dedupe_key="twins",
        topic="order.updated",
        headers={},
        body=body,
        received_at=rt.clock(),
    )
    fresh = await asyncio.gather(*(each.keep(arrival) for each in processes for _ in range(25)))
    assert sum(fresh) == 1
    assert [each["duplicates"] for each in await rows(shop)] == [19, 99]
    assert await jobs(shop) == 1


async def test_storing_waits_for_no_sync_that_holds_the_connections_row(
    rt: Runtime, shop: Shop, client: Visitor
) -> None:
    async with tenant(rt.database, shop.org) as scope:
        await scope.sql.execute(
            "SELECT FROM client_api_credentials WHERE id = $1 FOR NO KEY UPDATE", shop.connection_id
        )
        async with asyncio.timeout(5):
            assert (await deliver(client, shop, variant(told(shop.store), 700_002))).status == 200


async def test_no_wake_up_is_lost_while_a_worker_comes_to_its_end(rt: Runtime, shop: Shop, client: Visitor) -> None:
    order, key, path = told(shop.store), await secret(shop), await address(shop)
    async with working(rt, workers=2):
        for number in range(60):
            body = variant(order, 600_000 + number)
            assert (await client.post(path, data=body, headers=signed(body, key, delivery=f"d{number}"))).status == 200
            await asyncio.sleep(0.01 * (number % 7))

        async def done() -> bool:
            return await states(shop) == {"done": 60}

        await until(done, 5)


@pytest.fixture
async def cursed(database_url: str) -> AsyncIterator[str]:
    """The id of an order that the database refuses to hold, for no reason of the order's own."""
    admin = await asyncpg.connect(database_url)
    await admin.execute(
        """CREATE FUNCTION curse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF NEW.external_id = '666666' THEN RAISE EXCEPTION 'cursed'; END IF; RETURN NEW; END $$;
           CREATE TRIGGER curse BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION curse()"""
    )
    yield "666666"
    await admin.execute("DROP TRIGGER IF EXISTS curse ON orders; DROP FUNCTION curse()")
    await admin.close()


async def test_one_that_always_fails_holds_up_no_other_is_tried_again_then_fails_and_can_be_replayed(
    rt: Runtime, shop: Shop, client: Visitor, cursed: str, database_url: str
) -> None:
    order = told(shop.store)
    for number in (500_001, int(cursed), 500_002):
        await deliver(client, shop, variant(order, number), delivery=f"c{number}")
    await work_off(shop)
    assert await states(shop) == {"done": 2, "waiting": 1}
    [waiting] = [each for each in await rows(shop) if each["state"] == "waiting"]
    assert waiting["attempts"] == 1
    assert waiting["next_try_at"] > rt.clock()
    assert "It cannot be stored" in waiting["error"]
    for _ in RETRIES:
        async with tenant(rt.database, shop.org) as scope:
            await scope.sql.execute("UPDATE webhook_deliveries SET next_try_at = now() WHERE state = 'waiting'")
        await work_off(shop)
    assert await states(shop) == {"done": 2, "failed": 1}
    admin = await asyncpg.connect(database_url)
    await admin.execute("DROP TRIGGER curse ON orders")
    await admin.close()
    async with tenant(rt.database, shop.org) as scope:
        assert await delivery_log.replay(scope, await stores.load(scope, shop.connection_id), failed=True) == 1
        assert await delivery_log.replay(scope, await stores.load(scope, shop.connection_id), failed=True) == 0
    await work_off(shop)
    assert await states(shop) == {"done": 3}
    assert await shop.value("SELECT count(*) FROM orders WHERE connection_id = $1 AND external_id = '666666'") == 1


async def test_a_pause_ends_by_itself(rt: Runtime, shop: Shop, client: Visitor, cursed: str) -> None:
    await deliver(client, shop, variant(told(shop.store), int(cursed)))
    async with working(rt):

        async def tried() -> bool:
            return (
                await shop.value(
                    "SELECT count(*) FROM pgqueuer WHERE dedupe_key = 'webhooks-later:' || $1::bigint AND execute_after > now()"
                )
                == 1
            )

        await until(tried, 5)
    async with tenant(rt.database, shop.org) as scope:
        await scope.sql.execute("DELETE FROM pgqueuer")
        await scope.sql.execute("UPDATE webhook_deliveries SET received_at = now() - interval '10 min'")
    await keep_house(rt)
    assert await jobs(shop) == 1, "a job that got lost is put back"


async def test_an_older_copy_that_arrives_later_changes_nothing(shop: Shop, client: Visitor) -> None:
    order = told(shop.store)
    newer = {"status": "completed", "date_modified_gmt": "2030-01-02T00:00:00"}
    older = {"status": "on-hold", "date_modified_gmt": "2030-01-01T00:00:00"}
    for number, change in enumerate((newer, older)):
        await deliver(client, shop, json.dumps({**order, **change}).encode(), delivery=f"o{number}")
        await work_off(shop)
    status = await shop.value(
        f"SELECT source_status FROM orders WHERE connection_id = $1 AND external_id = '{order['id']}'"
    )
    assert status == "completed"


async def test_an_old_delivery_sent_anew_is_counted_and_changes_nothing(shop: Shop, client: Visitor) -> None:
    body = variant(told(shop.store), 700_003)
    for _ in range(3):
        assert (await deliver(client, shop, body)).status == 200
        await work_off(shop)
    [row] = await rows(shop)
    assert (row["state"], row["duplicates"]) == ("done", 2)
    # With another delivery id it is another delivery, of a row that is no newer.
    version = await shop.value("SELECT version FROM tenant_versions WHERE $1 > 0")
    await deliver(client, shop, body, delivery="forged")
    await work_off(shop)
    assert await shop.value("SELECT version FROM tenant_versions WHERE $1 > 0") == version


async def test_what_is_none_of_ours_gets_its_status_and_is_not_kept(shop: Shop, client: Visitor) -> None:
    body, key, path = b'{"id": 1}', await secret(shop), await address(shop)
    right = signed(body, key)
    unsigned = {n: v for n, v in right.items() if n != "X-WC-Webhook-Signature"}
    no_topic = {n: v for n, v in right.items() if n != "X-WC-Webhook-Topic"}
    asked: list[tuple[str, bytes, dict[str, str], int]] = [
        ("/webhooks/woocommerce/" + "0" * 32, body, right, 404),
        (path, body, unsigned, 401),
        (path, body + b" ", right, 401),
        (path, body, no_topic, 400),
        (path, b"x" * 10_000_000, right, 413),
        (path, b"", {}, 401),
    ]
    for where, sent, headers, status in asked:
        try:
            answer = await client.post(where, data=sent, headers=headers)
        except OSError:  # turned away before the whole body was sent
            assert status == 413
            continue
        assert answer.status == status, headers
    assert await rows(shop) == []
    assert (await deliver(client, shop, b"not json", delivery="g")).status == 200
    await deliver(client, shop, b'{"customer": "Ann"}', topic="weather.changed", delivery="w")
    await work_off(shop)
    kept = await rows(shop, "state, body, error")
    assert [each["state"] for each in kept] == ["failed", "ignored"]
    assert kept[1]["body"] == b"", "nobody asked for it, so what it holds is not kept"
    assert "not taken over" in kept[0]["error"].lower()


async def test_too_many_wrong_signatures_are_slowed_down_and_the_right_one_still_passes(
    shop: Shop, client: Visitor, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.sync.webhooks.receiving.WRONG_A_MINUTE", 5)
    found = [(await deliver(client, shop, b"{}", signed_with="guessed")).status for _ in range(8)]
    assert found == [401] * 5 + [429] * 3
    assert (await deliver(client, shop, b"{}")).status == 200
    logged = capsys.readouterr().out
    assert logged.count("webhook_wrong_signature") == 1
    assert (await address(shop)).rpartition("/")[2] not in logged


async def test_while_postgresql_is_away_the_store_is_asked_to_send_it_again(
    rt: Runtime, shop: Shop, client: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, key, path = variant(told(shop.store), 700_004), await secret(shop), await address(shop)
    assert (await client.post(path, data=body, headers=signed(body, key, delivery="1"))).status == 200
    with monkeypatch.context() as patched:
        patched.setattr(rt.database, "_pool", _NoDatabase())
        answer = await client.post(path, data=body, headers=signed(body, key, delivery="2"))
        assert (answer.status, "Retry-After" in answer.headers) == (503, True)
    assert (await client.post(path, data=body, headers=signed(body, key, delivery="2"))).status == 200
    assert len(await rows(shop)) == 2


class _NoDatabase:
    def acquire(self) -> Any:
        raise asyncpg.CannotConnectNowError("the database system is starting up")


async def test_more_than_fits_into_memory_is_sent_away_for_a_second(
    rt: Runtime, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "MOST_WAITING", 100)
    arrival = Arrival(
        org_id=shop.org,
        connection_id=shop.connection_id,
        dedupe_key="large",
        topic="order.updated",
        headers={},
        body=b"x" * 101,
        received_at=rt.clock(),
    )
    with pytest.raises(DependencyAway) as refused:
        await Intake(rt).keep(arrival)
    assert refused.value.headers["Retry-After"] == "1"


async def test_a_removed_store_in_a_batch_takes_only_itself_along(rt: Runtime, shop: Shop) -> None:
    intake = Intake(rt)

    def arrival(connection_id: int, key: str) -> Arrival:
        return Arrival(
            org_id=shop.org,
            connection_id=connection_id,
            dedupe_key=key,
            topic="order.updated",
            headers={},
            body=b"{}",
            received_at=rt.clock(),
        )

    found = await asyncio.gather(
        intake.keep(arrival(shop.connection_id, "a")),
        intake.keep(arrival(10**9, "b")),
        intake.keep(arrival(shop.connection_id, "c")),
        return_exceptions=True,
    )
    assert [found[0], found[2]] == [True, True]
    assert isinstance(found[1], asyncpg.ForeignKeyViolationError)


async def test_the_page_lists_filters_and_pages_and_shows_one_safely(
    sign_in: SignIn, shop: Shop, client: Visitor
) -> None:
    base = f"/stores/{shop.connection_id}/deliveries"
    owner = await sign_in("owner", shop.org)
    assert "Nothing was delivered yet" in (await owner.page(base)).text
    order = told(shop.store)
    evil = variant(
        order,
        400_001,
        order_key="wc_order_S3cret",
        customer_note="<script>alert(1)</script>",
        payment_url="https://shop.example/pay?key=S3cret",
        meta_data=[{"id": 1, "key": "_card_token", "value": "S3cret"}],
    )
    await deliver(client, shop, evil, delivery="evil")
    await deliver(client, shop, evil, delivery="evil")
    await deliver(client, shop, b"garbage", topic="product.updated", delivery="garbage")
    await work_off(shop)
    page = (await owner.page(base)).text
    assert "order.updated" in page
    assert "1 delivery failed." in page
    assert "Deliveries are kept for 7 days" in page
    only = (await owner.page(f"{base}?state=failed")).text
    assert f"{base}/" in only
    assert '<td data-label="Topic"><span>order.updated' not in only
    assert "No delivery matches." in (await owner.page(f"{base}?topic=order.deleted")).text
    assert (await owner.page(f"{base}?state=lost")).status == 400
    number = (await rows(shop, "id"))[0]["id"]
    one = (await owner.page(f"{base}/{number}")).text
    assert "S3cret" not in one
    assert "<script>alert(1)" not in one
    assert "&lt;script&gt;alert(1)" in one
    assert "x-wc-webhook-topic" in one
    assert "x-wc-webhook-signature" not in one
    assert "sent again" in one.lower()
    member, operator = await sign_in("member", shop.org), await sign_in("operator", shop.org)
    assert "alert(1)" in (await member.page(f"{base}/{number}")).text
    theirs = (await operator.page(f"{base}/{number}")).text
    assert "alert(1)" not in theirs
    assert "shown to owners and members" in theirs
    for visitor in (member, operator):
        assert "Replay" not in (await visitor.page(base)).text.replace("Replayed", "")
        assert (await visitor.submit(f"{base}/{number}/replay", {})).status == 403
        assert (await visitor.submit(f"{base}/replay", {"which": "failed"})).status == 403


async def test_the_list_pages_by_key(
    sign_in: SignIn, shop: Shop, client: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_log, "PAGE", 2)
    for number in range(5):
        await deliver(client, shop, b'{"id": %d}' % number, delivery=f"p{number}")
    seen: list[int] = []
    after = ""
    for _ in range(3):
        async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
            found, after = await delivery_log.page(scope, shop.connection_id, topic="order.updated", after=after)
        seen += [each.id for each in found]
    assert seen == sorted(seen, reverse=True)
    assert (len(seen), after) == (5, "")
    owner = await sign_in("owner", shop.org)
    assert (await owner.page(f"/stores/{shop.connection_id}/deliveries?after=nonsense")).status == 400


async def test_replaying_gives_the_same_rows_and_is_audited(sign_in: SignIn, shop: Shop, client: Visitor) -> None:
    owner, base = await sign_in("owner", shop.org), f"/stores/{shop.connection_id}/deliveries"
    for amount in range(3):
        shop.control("place_order", total=f"{amount + 1}.00")
    await shop.sandbox.courier("shop").settled()
    await work_off(shop)
    held, rolled = await shop.held(), await shop.rolled_up()
    number = (await rows(shop, "id"))[0]["id"]
    answer = await owner.submit(f"{base}/{number}/replay", {})
    assert (answer.status, answer.location) == (303, f"{base}/{number}")
    await owner.submit(f"{base}/{number}/replay", {})
    assert await work_off(shop) == 1
    local = (shop.rt.clock() - timedelta(hours=1)).isoformat()
    answer = await owner.submit(f"{base}/replay", {"which": "range", "from": local, "until": ""})
    assert (answer.status, answer.location) == (303, base)
    count = len(await rows(shop))
    assert await work_off(shop) == count
    assert (await shop.held(), await shop.rolled_up()) == (held, rolled)
    assert (await owner.submit(f"{base}/replay", {"which": "range", "from": "", "until": ""})).status == 422
    assert (await owner.submit(f"{base}/replay", {"which": "range", "from": "yesterday"})).status == 422
    async with tenant(shop.rt.database, shop.org, read_only=True) as scope:
        deeds = await scope.sql.fetch("SELECT action FROM audit_entries WHERE action = 'store.replay'")
    assert len(deeds) == 3


async def test_others_find_none_of_it(sign_in: SignIn, shop: Shop, client: Visitor, other_org: UUID) -> None:
    await deliver(client, shop, b'{"id": 1}')
    number = (await rows(shop, "id"))[0]["id"]
    outsider, base = await sign_in("owner", other_org), f"/stores/{shop.connection_id}"
    for path in ("/deliveries", f"/deliveries/{number}", "/webhooks"):
        assert (await outsider.page(base + path)).status == 404
    for path in (f"/deliveries/{number}/replay", "/deliveries/replay", "/webhooks/test", "/webhooks/on"):
        assert (await outsider.submit(base + path, {"which": "failed"})).status == 404
    async with platform(shop.rt.database, "test: states", read_only=True) as scope:
        state = await scope.sql.fetchval("SELECT state FROM webhook_deliveries WHERE id = $1", number)
    assert state == "waiting"


def test_a_body_is_shown_bounded_whatever_it_is() -> None:
    assert delivery_body.shown(b"\xff\x00<b>")[0] == "\ufffd\ufffd<b>"
    text, cut = delivery_body.shown(json.dumps({"note": "x" * 100_000}).encode())
    assert (len(text), cut) == (delivery_body.LONGEST, True)
    assert delivery_body.shown(b"[" * 100_000 + b"]" * 100_000)[1]
    assert '"token": "(hidden)"' in delivery_body.shown(b'{"token": "abc"}')[0]


def test_no_signature_is_among_the_headers_that_are_kept() -> None:
    assert not any("signature" in each or "hmac" in each for each in woocommerce.KEPT_HEADERS)
