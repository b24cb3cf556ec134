"""Logs: structured, and without any secret, whoever wrote the line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.foundation.logs import HIDDEN, redact, redacted

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /wp-json?consumer_key=ck_0123456789abcdef&page=2", "0123456789abcdef"),
        ("secret cs_fedcba9876543210 was refused", "fedcba9876543210"),
        ("token shpat_0a1b2c3d4e5f is old", "0a1b2c3d4e5f"),
        ("key pk_live_abcDEF123456 revoked", "abcDEF123456"),
        ("Authorization: Bearer abc.def-ghi_jkl", "abc.def-ghi_jkl"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl end", "hbGciOiJIUzI1NiJ9"),
        ("postgresql://portal:s3cr3t-word@db:5432/portal", "s3cr3t-word"),
        ("POST /invitation/V3ryL0ngToken123", "V3ryL0ngToken123"),
        ("POST /webhooks/woocommerce/0f8fad5bd9cb469fa165", "0f8fad5bd9cb469fa165"),
        ("oauth_signature=aBcD%2Bef&oauth_nonce=1", "aBcD%2Bef"),
    ],
)
def test_what_looks_like_a_secret_is_replaced_wherever_it_stands(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert "****" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 1042 refunded 12.50 EUR",
        "redis://localhost:6379/0",
        "GET /orders?page=2",
        "check_stock tackled 12 basics",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_fields_named_like_secrets_lose_their_value_at_any_depth() -> None:
    given = {"store": {"consumer_key": "anything", "site": "https://shop"}, "rows": [{"password": "x"}], "token": None}
    assert redacted(given) == {
        "store": {"consumer_key": HIDDEN, "site": "https://shop"},
        "rows": [{"password": HIDDEN}],
        "token": None,
    }


def said(program: str, **environ: str) -> tuple[list[str], int]:
    """The lines that a program writes on stderr once logging is configured."""
    start = (
        "import logging, structlog\n"
        "from portal.foundation import logs\n"
        "from portal.foundation.settings import load_settings\n"
        "logs.configure(load_settings())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", start + program],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.stderr.splitlines(), done.returncode


def test_every_line_is_one_json_object_with_level_and_time() -> None:
    lines, _ = said(
        "structlog.get_logger().info('order_synced', orders=3)\nlogging.getLogger('lib').warning('odd %s', 'thing')",
        PORTAL_LOG_FORMAT="json",
    )
    ours, theirs = map(json.loads, lines)
    assert (ours["event"], ours["level"], ours["orders"]) == ("order_synced", "info", 3)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("odd thing", "warning", "lib")
    assert ours["timestamp"].endswith("Z")


def test_an_uncaught_exception_is_logged_without_its_secrets() -> None:
    lines, code = said("raise RuntimeError('refused cs_fedcba9876543210')", PORTAL_LOG_FORMAT="json")
    assert code == 1
    line = json.loads(lines[-1])
    assert line["event"] == "uncaught"
    assert "RuntimeError" in line["exception"]
    assert "fedcba9876543210" not in "\n".join(lines)


def test_people_get_lines_without_colours_when_nobody_watches() -> None:
    lines, _ = said("structlog.get_logger().info('ready', url='http://127.0.0.1:1')", PORTAL_LOG_FORMAT="console")
    assert "ready" in lines[0]
    assert "\x1b" not in lines[0]


def test_the_level_is_kept() -> None:
    lines, _ = said("structlog.get_logger().info('quiet')", PORTAL_LOG_LEVEL="warning")
    assert lines == []


def test_control_characters_from_outside_reach_no_terminal_and_forge_no_line() -> None:
    lines, _ = said(
        "structlog.get_logger().info('request', path='/\\x00\\x1b[2Jx\\x9b\\nforged Zoë')", PORTAL_LOG_FORMAT="console"
    )
    assert len(lines) == 1
    assert r"x1b[2Jx" in lines[0]
    assert lines[0].isprintable()
