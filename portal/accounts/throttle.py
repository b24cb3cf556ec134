"""Failed sign-ins are counted per account, per address and per both; too many close that door for a while.

The counts live in Redis and, while it is away, in this process. A right password does not open a closed door (that
would tell which one is right), and the answer is the same whether the account exists or not.
"""

from __future__ import annotations

import hashlib
import time

from portal.foundation.errors import TooMany
from portal.foundation.redis_link import AWAY, RedisLink, Script

WINDOW = 15 * 60  # seconds from the first failure
LIMITS = {"both": 8, "account": 40, "address": 60}
"""Failures in a window. `both` (one address at one account) stops guessing; `account` is high, so that a stranger cannot
easily lock somebody out."""

_ADD = Script("""
local n = redis.call('INCR', KEYS[1])
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return n
""")
_alone: dict[str, tuple[float, int]] = {}
_MOST = 20_000


async def check(link: RedisLink, email: str, address: str) -> None:
    """Raises `TooMany` while a door is closed. Never raises for want of Redis."""
    for kind, key in _keys(link, email, address).items():
        if await _count(link, key) >= LIMITS[kind]:
            raise TooMany(
                "Too many failed attempts. Wait a quarter of an hour or set a new password by invitation.",
                WINDOW,
                code="TOO_MANY_ATTEMPTS",
            )


async def failed(link: RedisLink, email: str, address: str) -> None:
    """Count one failure."""
    for key in _keys(link, email, address).values():
        if await link.try_script(_ADD, [key], [WINDOW]) is AWAY:
            _add_alone(key)


async def succeeded(link: RedisLink, email: str, address: str) -> None:
    """Forget the failures of this address at this account; those of others stay."""
    key = _keys(link, email, address)["both"]
    _alone.pop(key, None)
    await link.try_delete(key)


def _keys(link: RedisLink, email: str, address: str) -> dict[str, str]:
    who = hashlib.sha256(email.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return {
        "both": link.key("failures", who, address),
        "account": link.key("failures", who),
        "address": link.key("failures", "from", address),
    }


async def _count(link: RedisLink, key: str) -> int:
    answer = await link.try_get(key)
    until, alone = _alone.get(key, (0.0, 0))
    if time.monotonic() > until:
        alone = 0
    if answer is AWAY or answer is None:
        return alone
    return max(alone, int(answer))


def _add_alone(key: str) -> None:
    now = time.monotonic()
    until, count = _alone.get(key, (0.0, 0))
    if now > until:
        until, count = now + WINDOW, 0
    if len(_alone) >= _MOST:
        _alone.clear()  # a flood of names: start over rather than grow
    _alone[key] = (until, count + 1)
