"""Counting failed sign-ins, with Redis and without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from portal.accounts import throttle
from portal.foundation.errors import TooMany
from portal.foundation.redis_link import RedisLink
from portal.foundation.runtime import Runtime


@pytest.fixture(params=["with Redis", "without Redis"])
async def link(request: pytest.FixtureRequest, rt: Runtime) -> AsyncIterator[RedisLink]:
    if request.param == "with Redis":
        yield rt.link
        return
    away = RedisLink("redis://127.0.0.1:1/0", "test", pause=60)
    yield away
    await away.close()


async def test_one_address_is_stopped_at_one_account_and_others_go_on(link: RedisLink) -> None:
    email, address, elsewhere = f"{uuid4().hex}@example.com", uuid4().hex, uuid4().hex
    for _ in range(throttle.LIMITS["both"] - 1):
        await throttle.failed(link, email, address)
    await throttle.check(link, email, address)
    await throttle.failed(link, email, address)
    with pytest.raises(TooMany) as stopped:
        await throttle.check(link, email, address)
    assert stopped.value.retry_after == throttle.WINDOW
    await throttle.check(link, email, elsewhere)
    await throttle.check(link, f"{uuid4().hex}@example.com", address)


async def test_an_address_that_tries_many_accounts_is_stopped(link: RedisLink) -> None:
    address = uuid4().hex
    for _ in range(throttle.LIMITS["address"]):
        await throttle.failed(link, f"{uuid4().hex}@example.com", address)
    with pytest.raises(TooMany):
        await throttle.check(link, f"{uuid4().hex}@example.com", address)


async def test_the_right_password_forgives_ones_own_typing_errors(link: RedisLink) -> None:
    email, address = f"{uuid4().hex}@example.com", uuid4().hex
    for _ in range(throttle.LIMITS["both"]):
        await throttle.failed(link, email, address)
    await throttle.succeeded(link, email, address)
    await throttle.check(link, email, address)
