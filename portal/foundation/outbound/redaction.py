"""Keeping secrets out of logs and error texts."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

_GONE = "***"
_NAMES = (
    r"consumer_key|consumer_secret|oauth_[a-z_]+|(?:[a-z]+_)*(?:access|refresh|id|auth|bearer|session)_token|token|"
    r"(?:[a-z]+[_-])*api[_-]?key|apikey|(?:[a-z]+_)*secret(?:_[a-z]+)*|password|passwd|passphrase|signature|sig|"
    r"hmac|code_verifier|x-amz-(?:signature|credential|security-token)|awsaccesskeyid"
)
_HEADERS = r"(?:proxy-)?authorization|(?:set-)?cookie|x-shopify-access-token|x-amz-access-token|x-api-key"
_PAIR = re.compile(rf"(?i)(?:(?<![a-z0-9_-])|(?<=%3f)|(?<=%26))({_NAMES})(%3D|=)[^&#\s\"'<>,;)\]}}]*")
_QUOTED = re.compile(
    rf"(?i)([\"'])({_NAMES}|{_HEADERS})\1(\s*[:=,]\s*b?)([\"'])(?:\\.|(?!\4).)*\4",
)
_HEADER = re.compile(rf"(?i)(?<![a-z0-9_-])({_HEADERS})(\s*[:=]\s*)(?:(?:basic|bearer|oauth|digest)\s+)?[^\s\"'}}\]]+")
_SCHEME = re.compile(r"(?i)\b(basic|bearer)\s+[a-z0-9+/=._~-]{8,}")
_USER = re.compile(r"(?i)(\bhttps?://)[^/?#\s@]+@")


def redact(text: str) -> str:
    """The text with the values of secret query parameters, JSON or repr fields and headers, and URL users, gone."""
    text = _QUOTED.sub(rf"\1\2\1\3\4{_GONE}\4", text)
    text = _PAIR.sub(rf"\1\2{_GONE}", text)
    text = _HEADER.sub(rf"\1\2{_GONE}", text)
    text = _SCHEME.sub(rf"\1 {_GONE}", text)
    return _USER.sub(rf"\1{_GONE}@", text)


def redact_url(url: object) -> str:
    """A URL as it may be logged: with every value of its query gone, whatever its name."""
    address, question, query = _USER.sub(rf"\1{_GONE}@", str(url)).partition("?")
    if not question:
        return address
    names = (pair.partition("=")[0] for pair in query.split("&"))
    return f"{address}?{'&'.join(f'{name}={_GONE}' for name in names)}"


def redact_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: secrets of every text in the event are gone. Put it before the renderer."""
    event.update(_clean(event))
    return event


class RedactingFilter(logging.Filter):
    """For handlers of the standard library's loggers (aiohttp, asyncio): the message goes out redacted."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the message by its redacted form; every record passes."""
        record.msg, record.args = redact(record.getMessage()), None
        return True


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: _GONE if _is_secret(key) and item else _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _is_secret(name: object) -> bool:
    return isinstance(name, str) and re.fullmatch(rf"(?i){_NAMES}|{_HEADERS}", name) is not None
