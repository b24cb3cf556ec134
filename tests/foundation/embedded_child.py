"""A portal in miniature, run as a process of its own by test_embedded: starts the servers, waits for SIGINT."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread  # noqa: F401 - loaded before the account changes, see below
import os
import signal
import sys
from pathlib import Path
from typing import cast

from portal.foundation.embedded import EmbeddedServers, Profile


async def main(data_dir: Path, profile: Profile) -> None:
    servers = EmbeddedServers(data_dir, profile)
    await servers.start()
    finish = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, finish.set)
    print("pids", servers.postgres.pid, servers.valkey.pid, flush=True)
    await finish.wait()
    await servers.stop()


if len(sys.argv) > 3:
    # The interpreter's own folder may be closed to that account: nothing may be imported lazily after this.
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
asyncio.run(main(Path(sys.argv[1]), cast("Profile", sys.argv[2])))
