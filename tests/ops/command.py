"""What the tests of the command share."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]


def clean_environment(**more: str) -> dict[str, str]:
    """Ours without any setting of the portal that the developer may have exported."""
    foreign = ("PORTAL_", "DATABASE_", "REDIS_", "PROMETHEUS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | more


def end_what_is_left(folder: Path) -> None:
    """End the servers over a test's own folder. A private server in earnest outlives its supervisor, to be adopted by the next
    one; where a test fails in between there is none, and once adopted it is nobody's child."""
    for process in psutil.process_iter(["cmdline"]):
        if any(f"{folder}/" in part for part in process.info["cmdline"] or ()):
            process.kill()
            process.wait(10)
