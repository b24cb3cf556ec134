"""Structured logs on stderr: JSON for machines, coloured lines for people, and no secret in either.

Every line passes `redact`, whoever wrote it: our own loggers, the libraries' through `logging`, uncaught exceptions.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any

import msgspec
import structlog

from portal.foundation.redaction import redact
from portal.foundation.settings import Settings

HIDDEN = "[redacted]"
_SECRET_NAME = re.compile(
    r"passw|secret|token|authorization|cookie|api_?key|consumer_key|credential|master_key|private|signature|dsn", re.I
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_BUT_LINES = re.compile(r"(?![\n\t])" + _CONTROL.pattern)


@lru_cache(maxsize=1000)
def _says_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def redacted(value: Any, name: str = "") -> Any:
    """`value` with secrets taken out at any depth; a field whose `name` says secret loses its value whole."""
    if name and _says_secret(name) and value not in (None, "", True, False):
        return HIDDEN
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return {str(key): redacted(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redacted(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return redact(str(value))


def configure(settings: Settings) -> None:
    """Make this process log as the settings say. Called once at start, before anything is logged."""
    level = getattr(logging, settings.log_level.upper())
    renderer: Any = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _timestamp,
            # Tracebacks become text first, so that what they quote is redacted like everything else.
            structlog.processors.format_exc_info,
            _redaction,
            *([_json] if settings.log_format == "json" else [_visible, renderer]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_ToStructlog()]
    root.setLevel(max(level, logging.INFO))
    for chatty in ("asyncio", "tortoise", "aiohttp.access", "pgqueuer"):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))
    sys.excepthook = _uncaught
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)


def _timestamp(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["timestamp"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _redaction(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        event[name] = redacted(value, name)
    return event


def _visible(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Control characters as escapes, so that nobody paints or forges lines on the terminal of who reads them."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            unwanted = _CONTROL_BUT_LINES if name == "exception" else _CONTROL
            event[name] = unwanted.sub(lambda found: repr(found[0])[1:-1], value)
    return event


def _json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return msgspec.json.encode(event).decode()


class _ToStructlog(logging.Handler):
    """The libraries' records, on the same road as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            structlog.get_logger().log(
                record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None
            )
        except Exception:
            self.handleError(record)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        structlog.get_logger().critical("uncaught", exc_info=(kind, error, trace))
