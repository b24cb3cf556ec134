"""Logs: structured, and without any secret, whoever wrote the line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from portal.foundation.logs import HIDDEN, redacted

ROOT = Path(__file__).parents[2]


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


def test_the_lines_of_libraries_lose_keys_headers_and_passwords_however_they_are_quoted() -> None:
    lines, _ = said(
        "logging.getLogger('lib').warning('%s %s', {'X-Shopify-Access-Token': 's3ntinel'}, '{\"password\":\"s3ntinel\"}')\n"
        "structlog.get_logger().info('sent', text='X-Api-Key: s3ntinel', body='oauth_token=s3ntinel')\n"
        "raise RuntimeError('authorization: s3ntinel')",
    )
    assert len(lines) >= 3
    assert "s3ntinel" not in "\n".join(line for line in lines if "raise RuntimeError(" not in line)


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
