"""Passwords: argon2id in a small bounded pool of threads, so that a flood of sign-ins cannot starve the portal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portal.foundation.errors import Invalid, PortalError

MIN_LENGTH, MAX_LENGTH = 10, 256
_THREADS = 2
_QUEUE = 24
# OWASP's password storage cheat sheet asks for at least 19 MiB with two passes on one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=32 * 1024, parallelism=1)
_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="passwords")
_waiting = 0

T = TypeVar("T")

_COMMON_TEXT = """
1234567890 12345678910 0123456789 0987654321 9876543210 1111111111 0000000000 1q2w3e4r5t 1qaz2wsx3edc
q1w2e3r4t5 qwertyuiop qwerty12345 qwerty123456 qwerty1234 asdfghjkl1 password12 password123 password1234
password12345 passw0rd123 passwordpassword p@ssw0rd123 p@ssword123 letmein123 letmein1234 welcome123
welcome1234 administrator admin12345 admin123456 adminadmin changeme123 changeme1234 iloveyou123 iloveyou12
sunshine123 princess123 football123 baseball123 monkey12345 dragon12345 superman123 abcdefghij abcd123456
abc1234567 abcdef1234 aaaaaaaaaa zxcvbnm123 trustno1234 mypassword mypassword1 mypassword123 secret12345
commerce123 portal12345 shopify123 woocommerce woocommerce1 company123 summer2024 summer2025 winter2024
winter2025 spring2025 autumn2025 summer2026 winter2026
"""
_COMMON = frozenset(_COMMON_TEXT.split())


def check_policy(password: str, *, email: str = "", field: str = "password") -> None:
    """Raises `Invalid` unless it has 10 to 256 characters, is not the e-mail address and not one everybody tries."""
    wrong = ""
    folded = password.casefold().strip()
    if len(password) < MIN_LENGTH:
        wrong = f"must have at least {MIN_LENGTH} characters"
    elif len(password) > MAX_LENGTH:
        wrong = f"must have at most {MAX_LENGTH} characters"
    elif email and folded in {email.casefold(), email.casefold().partition("@")[0]}:
        wrong = "must not be your e-mail address"
    elif folded in _COMMON or len(set(folded)) < 4:
        wrong = "is one of the first that anybody would try; choose another"
    if wrong:
        raise Invalid("Choose another password.", {field: wrong})


async def hash_password(password: str) -> str:
    """The argon2id hash, parameters included. Raises a 503 `PortalError` when too many are waiting."""
    return await _in_pool(lambda: _hasher.hash(password))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether it is the password. Without a stored hash the same work is done, so that nothing is told by time."""
    if len(password) > MAX_LENGTH:
        password = password[:MAX_LENGTH] + "\x00"  # never a password, and bounded work
    return await _in_pool(lambda: _verify(stored or _nobody(), password)) and stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made with older parameters."""
    return _hasher.check_needs_rehash(stored)


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _hasher.hash("the password of nobody")


async def _in_pool(work: Callable[[], T]) -> T:
    global _waiting  # noqa: PLW0603 - the queue of this process's one pool
    if _waiting >= _QUEUE:
        raise PortalError(
            "Many people are signing in right now. Try again in a moment.",
            status=503,
            code="BUSY",
            headers={"Retry-After": "3"},
        )
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, work)
    finally:
        _waiting -= 1
