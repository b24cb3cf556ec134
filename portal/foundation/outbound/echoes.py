"""Refusals that repeat what they were sent: plug-ins and error pages do, and what a store says is kept and shown.

Looked for by value and not by shape, so that a secret of any form is found; only in answers that refuse, which are small. What is
right to be in an answer (a granted token) comes with a status that does not.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, quote, quote_plus

import msgspec
from yarl import URL

_SECRET_NAME = re.compile(r"secret|token|authorization|consumer_key|signature|passw|api[_-]?key|cookie", re.I)
_GONE = b"****"
_SHORTEST = 6
"""Characters: what is shorter is guessed sooner than read, and would be found in the middle of words."""


def hushed(content: bytes, address: URL, headers: Mapping[str, str] | None, body: bytes | None) -> bytes:
    """`content` without the secrets of the request it answers, as they were sent or as texts, addresses and JSON write them."""
    if not content:
        return content
    # The longest first: one may be the beginning of another.
    for secret in sorted(set(_sent(address, headers or {}, body or b"")), key=len, reverse=True):
        for form in {secret, quote(secret, safe=""), quote_plus(secret), secret.replace("/", "\\/")}:
            content = content.replace(form.encode(), _GONE)
    return content


def _sent(address: URL, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    fields = [*headers.items(), *address.query.items(), *_fields(body)]
    for value in [value for name, value in fields if _SECRET_NAME.search(name)] + [address.password or ""]:
        scheme, _, rest = value.partition(" ")
        parts = [rest, *_user_and_password(rest)] if rest and scheme.isalpha() else [value]
        yield from (each for each in parts if len(each) >= _SHORTEST)


def _user_and_password(basic: str) -> list[str]:
    try:
        return base64.b64decode(basic, validate=True).decode().split(":", 1)
    except (binascii.Error, UnicodeDecodeError):
        return []


def _fields(body: bytes) -> Iterator[tuple[str, str]]:
    """Names and values of a form or of JSON, at any depth."""
    try:
        waiting = [msgspec.json.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        yield from parse_qsl(body.decode(errors="replace"))
        return
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            yield from ((str(name), value) for name, value in found.items() if isinstance(value, str))
        if isinstance(found, dict | list):
            waiting += found.values() if isinstance(found, dict) else found
