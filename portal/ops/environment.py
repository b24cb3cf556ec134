"""Settings handed down to child processes, as the environment variables they came from."""

from __future__ import annotations

import os
from pathlib import Path

from portal.foundation.settings import Settings


def environment_of(settings: Settings, **more: str) -> dict[str, str]:
    """Our environment with `settings` written into it; a child reads exactly these settings."""
    environ = dict(os.environ)
    for name, field in Settings.model_fields.items():
        variable = str(field.alias)
        environ.pop(f"{variable}_FILE", None)
        text = _text(getattr(settings, name))
        if text:
            environ[variable] = text
        else:
            environ.pop(variable, None)
    return environ | more


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value.absolute()) if isinstance(value, Path) else str(value)
