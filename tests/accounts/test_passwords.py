"""Passwords: policy, hashes, a bounded pool."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from portal.accounts import passwords
from portal.accounts.sign_in import check_password
from portal.foundation.errors import Invalid, PortalError
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform
from tests.admission import PASSWORD
from tests.conftest import SignIn


async def test_a_hash_is_argon2id_and_opens_only_for_its_password() -> None:
    stored = await passwords.hash_password("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify_password(stored, "correct horse battery")
    assert not await passwords.verify_password(stored, "correct horse batterz")
    assert not await passwords.verify_password("not a hash", "anything at all")
    assert not await passwords.verify_password(None, "the password of nobody")
    assert not await passwords.verify_password(stored, "x" * 1_000_000)


async def test_an_unknown_account_takes_as_long_as_a_known_one() -> None:
    stored = await passwords.hash_password("correct horse battery")
    await passwords.verify_password(None, "warm")

    async def took(hashed: str | None) -> float:
        laps = []
        for _ in range(7):
            begun = time.perf_counter()
            await passwords.verify_password(hashed, "wrong password")
            laps.append(time.perf_counter() - begun)
        return min(laps)

    known, unknown = await took(stored), await took(None)
    assert 0.25 < known / unknown < 4  # without the same work it would be a thousandth


async def test_a_flood_is_answered_with_503_and_the_rest_is_served() -> None:
    stored = await passwords.hash_password("correct horse battery")
    asked = [passwords.verify_password(stored, "correct horse battery") for _ in range(passwords._QUEUE + 10)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, PortalError)]
    assert {error.status for error in refused} == {503}
    assert len(refused) == 10
    assert answers.count(True) == passwords._QUEUE


async def test_older_parameters_are_replaced_at_the_next_sign_in(rt: Runtime, sign_in: SignIn, org: UUID) -> None:
    known = await sign_in("owner", org)
    weak = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    async with platform(rt.database, "test") as scope:
        await scope.sql.execute("UPDATE users SET password_hash = $2 WHERE id = $1", known.user_id, weak)
    assert (await check_password(rt, known.email, PASSWORD, address="192.0.2.1")).user_id == known.user_id
    async with platform(rt.database, "test") as scope:
        stored = await scope.sql.fetchval("SELECT password_hash FROM users WHERE id = $1", known.user_id)
    assert stored != weak
    assert not passwords.needs_rehash(stored)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "at least 10"),
        ("x" * 257, "at most 256"),
        ("ada@example.com", "e-mail"),
        ("ADA@EXAMPLE.COM", "e-mail"),
        ("Password123", "anybody would try"),
        ("aaaaaaaaaaaaaaa", "anybody would try"),
    ],
)
def test_poor_passwords_are_refused_by_name(password: str, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check_policy(password, email="ada@example.com")
    assert said in refused.value.fields["password"]


def test_good_passwords_pass() -> None:
    passwords.check_policy("correct horse battery", email="ada@example.com")
    passwords.check_policy("пароль-достаточно", email="ada@example.com")
