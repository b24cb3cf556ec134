"""Reading a JSON answer as WordPress sites really send it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import msgspec

from portal.connectors.values import number, whole
from portal.connectors.woocommerce.failures import NOT_JSON
from portal.connectors.woocommerce.payloads import One
from portal.foundation.errors import Permanent, Temporary

_LEADING = b"\xef\xbb\xbf \t\r\n"  # a byte order mark and blank lines of a theme's PHP files


def parse(body: bytes, rows: type[msgspec.Struct] | None = None) -> object:
    """The value in `body`, numbers with a fraction as `Decimal`. `rows` is what the rows of a collection are decoded into,
    in one pass, where they fit; the others stay what they are.

    Raises `Temporary` for JSON that was cut off, `Permanent` with advice for anything that is not JSON.
    """
    plain = body.lstrip(_LEADING)
    try:
        return _decoder(rows).decode(plain)
    except msgspec.ValidationError:
        if rows is not None:
            return parse(body)  # one row that does not fit must not cost the others
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    if plain[:1] not in (b"{", b"["):
        raise Permanent(_described(plain), NOT_JSON)
    return _second_try(plain)


@cache
def _decoder(rows: type[msgspec.Struct] | None) -> msgspec.json.Decoder[Any]:
    kind: Any = Any if rows is None else list[One[rows]] | dict[str, One[rows]]  # type: ignore[valid-type]
    return msgspec.json.Decoder(kind, float_hook=number)  # 28.485 stays 28.485


def _second_try(plain: bytes) -> object:
    """Broken UTF-8, lone surrogates (half an emoji, cut by a plug-in) and numbers that no type holds must not cost a whole page
    of orders."""
    try:
        text = plain.decode("utf-8", "replace")
        return json.loads(text, parse_float=number, parse_int=whole, parse_constant=str)
    except json.JSONDecodeError as wrong:
        if wrong.pos >= len(wrong.doc) - 1 or "Unterminated" in wrong.msg:
            raise Temporary(
                "The shop's answer was cut off.",
                "The sync tries again by itself. If it persists, ask the host about PHP's memory and time limits.",
            ) from None
        raise Permanent("The shop's answer is not valid JSON.", NOT_JSON) from None
    except (ValueError, RecursionError):
        raise Permanent("The shop's answer is not valid JSON.", NOT_JSON) from None


def _described(plain: bytes) -> str:
    start = plain[:400].lower()
    if not plain:
        return "The shop's answer is empty."
    if b"<b>warning" in start or b"<b>notice" in start or b"<b>deprecated" in start or b"<b>fatal" in start:
        return "The shop's answer begins with PHP messages instead of data."
    if start.startswith(b"<"):
        return "The shop answered with a web page instead of data."
    return "The shop's answer is not JSON."
