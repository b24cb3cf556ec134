"""A real worker process to kill: `worker_child.py '<settings as json>'`. Only its waits are shorter than in earnest."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from datetime import timedelta

from portal.compose import close_runtime, open_runtime
from portal.connectors.woocommerce import streams as woocommerce
from portal.foundation import logs
from portal.foundation.settings import Settings
from portal.sync import engine, lease, runs
from portal.sync.stream import Patience
from portal.sync.worker import work
from portal.uploads import worker as uploads


async def main() -> None:
    settings = Settings(**json.loads(sys.argv[1]))
    logs.configure(settings)
    lease.LEASE = uploads.LEASE = timedelta(seconds=2)
    # Stock of variations is read whole every quarter of an hour in earnest: their stamps do not tell.
    woocommerce._CATALOGUE_AGAIN, woocommerce._SECONDS_PER_REQUEST = timedelta(seconds=2), 0
    runs.BACK_OFF = (0.02, 0.03, 0.05)  # type: ignore[assignment]
    engine.Patience = lambda: Patience(waits=(0.1, 0.3, 0.8), longest_wait=3.0)  # type: ignore[attr-defined]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    runtime = await open_runtime(settings)
    try:
        await asyncio.gather(
            work(runtime, stop=stop, heartbeat=timedelta(seconds=2), schedule_every=0.3),
            uploads.work(runtime, stop=stop),
        )
    finally:
        await close_runtime(runtime)


asyncio.run(main())
