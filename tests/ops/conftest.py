"""The `portal` command as a process of its own, on a data folder that the servers' account can reach."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ops.command import ROOT, clean_environment, end_what_is_left

Portal = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Directly under /tmp: pytest's own folders are long and closed to other accounts."""
    folder = Path(tempfile.mkdtemp(prefix="portal-ops-"))
    folder.chmod(0o711)
    yield folder / "var"
    end_what_is_left(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def portal() -> Portal:
    """Runs `portal <arguments>`; gives code, stdout and stderr. Keyword arguments are environment variables."""

    def run(*arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "portal", *arguments],
            cwd=ROOT,
            env=clean_environment(**environ),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    return run


@pytest.fixture(autouse=True)
def ordinary_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)
