"""A real worker process to kill: `worker_child.py '<settings as json>'`."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta

from portal.compose import close_runtime, open_runtime
from portal.foundation.settings import Settings
from portal.sync import lease
from portal.sync.worker import work


async def main() -> None:
    lease.LEASE = timedelta(seconds=3)
    runtime = await open_runtime(Settings(**json.loads(sys.argv[1])))
    try:
        await work(runtime, stop=asyncio.Event(), heartbeat=timedelta(seconds=3), schedule_every=0.5)
    finally:
        await close_runtime(runtime)


asyncio.run(main())
