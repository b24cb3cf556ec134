"""What the tests of the command share."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]


def clean_environment(**more: str) -> dict[str, str]:
    """Ours without any setting of the portal that the developer may have exported."""
    foreign = ("PORTAL_", "DATABASE_", "REDIS_", "PROMETHEUS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | more
