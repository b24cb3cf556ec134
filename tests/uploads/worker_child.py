"""A real worker process to kill: `worker_child.py '<settings as json>'`. It stops just before the transaction's last word."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from portal.compose import open_runtime
from portal.foundation.settings import Settings
from portal.uploads import worker, writing


async def stand_still(*_: Any) -> None:
    print("everything is written, nothing is committed", flush=True)
    await asyncio.Event().wait()


async def main() -> None:
    writing.note_success = stand_still
    await worker.step(await open_runtime(Settings(**json.loads(sys.argv[1]))))


asyncio.run(main())
