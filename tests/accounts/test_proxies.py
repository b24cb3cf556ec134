"""The client's address and scheme behind proxies."""

from __future__ import annotations

from typing import Any

import pytest

from portal.accounts.proxies import TrustedProxies


@pytest.mark.parametrize(
    ("count", "forwarded", "address"),
    [
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "10.9.9.9"),
        (1, "203.0.113.9:51234", "203.0.113.9"),
        (1, "[2001:db8::1]:51234", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "", "10.9.9.9"),
    ],
)
async def test_only_what_trusted_proxies_wrote_is_believed(count: int, forwarded: str, address: str) -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    headers = [(b"x-forwarded-for", forwarded.encode()), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": ("10.9.9.9", 1), "scheme": "http", "headers": headers}
    await TrustedProxies(app, count)(scope, None, None)
    assert seen["client"][0] == address
    assert seen["scheme"] == "https"


async def test_without_trusted_proxies_nobody_is_believed(client: Any, rt: Any) -> None:
    await client.learn_csrf("/login")
    from portal.accounts import throttle

    for _ in range(throttle.LIMITS["address"]):
        await throttle.failed(rt.link, "", "203.0.113.77")
    answer = await client.submit(
        "/login", {"email": "a@example.com", "password": "x"}, headers={"X-Forwarded-For": "203.0.113.77"}
    )
    assert answer.status == 422
