"""A store that refuses, lies, breaks or says nothing: the superadmin is told what to do, and nothing is created."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.tenancy.scope import platform
from tests.shops import credentials, open_shop
from tests.visitors import Answer, Visitor

TEST = "/api/superadmin/test-api-connection"
CREATE = "/api/superadmin/clients/api-integration"
WRONG = "0" * 40


async def tried(agency: Visitor, given: dict[str, str]) -> dict[str, Any]:
    """The findings of a connection test; whatever the store does, the route itself answers 200."""
    answer = await agency.post(TEST, json={"platform_type": "woocommerce", "credentials": given})
    assert answer.status == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert list(body) == ["success", "status", "response_time", "permissions", "sample", "store", "advice"]
    for secret in ("consumer_key", "consumer_secret"):
        assert given[secret] not in answer.text
    return body


@pytest.mark.parametrize(
    ("changed", "status", "advice"),
    [
        ({"consumer_key": f"ck_{WRONG}"}, "auth_failed", "Check consumer key/secret"),
        ({"consumer_secret": f"cs_{WRONG}"}, "auth_failed", "Check consumer key/secret"),
        ({"site_url": "/nowhere"}, "not_found", "Verify site URL"),
        ({"api_version": "wc/v9"}, "not_found", "Verify site URL and API version"),
    ],
)
async def test_wrong_credentials_are_told_with_advice(
    agency: Visitor, store: Sandbox, changed: dict[str, str], status: str, advice: str
) -> None:
    given = credentials(store, **changed)
    if given["site_url"].startswith("/"):
        given["site_url"] = store.url + given["site_url"]
    body = await tried(agency, given)
    assert (body["success"], body["status"]) == (False, status)
    assert advice in " ".join(body["advice"])


async def test_a_read_only_key_works_and_says_that_changes_come_by_polling(agency: Visitor, store: Sandbox) -> None:
    spec = store.store("shop").spec
    body = await tried(agency, credentials(store, consumer_key=spec.readonly_key, consumer_secret=spec.readonly_secret))
    assert body["success"] is True
    granted = {each["name"]: each["granted"] for each in body["permissions"]}
    assert granted["read_orders"] is True
    assert granted["write_webhooks"] is False
    assert "polling" in " ".join(body["advice"])


async def test_a_key_that_may_not_read_is_forbidden(agency: Visitor, store: Sandbox) -> None:
    spec = store.store("shop").spec
    body = await tried(
        agency, credentials(store, consumer_key=spec.writeonly_key, consumer_secret=spec.writeonly_secret)
    )
    assert (body["success"], body["status"]) == (False, "forbidden")
    assert body["advice"]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "html"}, "error"),
        ({"kind": "garbage"}, "error"),
        ({"kind": "truncated"}, "error"),
        ({"kind": "500"}, "unreachable"),
        ({"kind": "502"}, "unreachable"),
        ({"kind": "cut"}, "unreachable"),
        ({"kind": "429", "retry_after": 1}, "rate_limited"),
        ({"kind": "silence", "seconds": 8.0}, "timeout"),
        ({"kind": "huge"}, "error"),
    ],
    ids=lambda each: each["kind"] if isinstance(each, dict) else "",
)
async def test_an_ill_store_has_its_word_and_advice_and_nothing_is_created(
    rt: Runtime, agency: Visitor, store: Sandbox, fault: dict[str, Any], status: str
) -> None:
    given = credentials(store, timeout="1")
    store.control("shop", "fault", times=1000, **fault)
    try:
        body = await tried(agency, given)
        email = f"ill-{uuid4().hex[:8]}@example.com"
        sent = {"company_name": "Ill", "email": email, "invite": True, "platform_type": "woocommerce"}
        created: Answer = await agency.post(CREATE, json={**sent, "credentials": given})
    finally:
        store.control("shop", "clear_faults")
    # Some of these may mend by themselves, some do not: the word may be the more exact one of the transport.
    assert body["success"] is False
    assert body["status"] == status or (status == "error" and body["status"] in {"unreachable", "not_json"}), body
    assert len(body["advice"]) >= 2, "what happened, and what to do"
    assert created.status == 422
    assert created.json()["details"]["code"] == "CONNECTION_TEST_FAILED"
    assert created.json()["details"]["advice"]
    async with platform(rt.database, "test") as scope:
        assert not await scope.sql.fetchval("SELECT count(*) FROM users WHERE email = $1", email)
        assert not await scope.sql.fetchval("SELECT count(*) FROM organizations WHERE name = 'Ill'")
    assert (await tried(agency, credentials(store)))["success"] is True, "well again"


async def test_an_untrusted_certificate_is_told_and_may_be_trusted_by_choice(rt: Runtime, agency: Visitor) -> None:
    async with open_shop(rt, tls=True, trusted=False, orders=3) as sandbox:
        body = await tried(agency, credentials(sandbox))
        assert (body["success"], body["status"]) == (False, "certificate_error")
        assert "certificate" in " ".join(body["advice"]).casefold()
        assert sandbox.ca_file is not None
        trusted = await tried(agency, credentials(sandbox, ca_pem=sandbox.ca_file.read_text()))
        assert trusted["success"] is True
        unverified = await tried(agency, credentials(sandbox, verify_ssl="false"))
        assert (unverified["success"], unverified["status"]) == (True, "warning")


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9",
        "http://localhost",
        "http://10.0.0.8",
        "http://192.168.1.1/shop",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:8000",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0",
        "http://2130706433",
        "http://0x7f.1",
    ],
)
async def test_a_private_address_is_never_connected_to(agency: Visitor, store: Sandbox, address: str) -> None:
    body = await tried(agency, credentials(store, site_url=address))
    assert body["success"] is False
    assert body["status"] in {"address_refused", "unreachable"}, body
    assert body["advice"]


@pytest.fixture
def listener() -> Iterator[tuple[int, list[float]]]:
    """A private port that notes whether anybody connects."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.settimeout(0.1)
        calls: list[float] = []
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                try:
                    bound.accept()[0].close()
                    calls.append(time.monotonic())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield bound.getsockname()[1], calls
        over.set()
        thread.join()


async def test_not_even_a_connection_is_opened_to_an_address_that_is_not_allowed(
    agency: Visitor, store: Sandbox, listener: tuple[int, list[float]]
) -> None:
    port, calls = listener
    for host in ("127.0.0.1", "localhost", "127.1"):
        await tried(agency, credentials(store, site_url=f"http://{host}:{port}"))
    assert not calls
