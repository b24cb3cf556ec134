"""What the commands share: --data-dir, the settings, one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from portal.foundation import logs
from portal.foundation.settings import Settings, load_settings

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


def data_dir_option(command: Command) -> Command:
    """`--data-dir`, given to the command as `data_dir`."""
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        help="The folder of the private servers, keys and logs (PORTAL_DATA_DIR; default var).",
    )(command)


def settings_for(data_dir: Path | None, **overrides: Any) -> Settings:
    """The settings of this command, with logging set up by them. Raises `StartupError`."""
    settings = load_settings(data_dir=data_dir, **overrides)
    logs.configure(settings)
    return settings


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    return asyncio.run(work)
