"""Where templates, static files and migrations lie: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_BUNDLED = _PACKAGE / "_resources"

ROOT = _BUNDLED if _BUNDLED.is_dir() else _PACKAGE.parent
"""The folder that holds `templates/`, `static/`, `migrations/` and `hypercorn.toml`."""

MIGRATIONS_MODULE = "portal._resources.migrations" if _BUNDLED.is_dir() else "migrations"
