"""Folders with short paths and restartable private servers for the ground floor's tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from portal.foundation.embedded import folders
from portal.foundation.embedded.account import make_readable, open_way, server_account
from portal.foundation.embedded.binaries import valkey_program
from portal.foundation.embedded.valkey import Valkey


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """Directly under /tmp: pytest's own folders are long, and pytest closes them again for other accounts."""
    folder = Path(tempfile.mkdtemp(prefix="portal-test-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def valkey(short_dir: Path) -> AsyncIterator[Valkey]:
    """A Valkey of this test's own, which it may stop and start."""
    folders.prepare(short_dir, 0)
    account = server_account(short_dir / "postgres")
    for target in (short_dir / "valkey", valkey_program()):
        open_way(account, target)
    make_readable(account, valkey_program().parent)
    sockets = folders.socket_folder(short_dir, account)
    server = Valkey(short_dir / "valkey", sockets, short_dir / "logs" / "valkey.log", account)
    await server.start()
    yield server
    await server.stop()
