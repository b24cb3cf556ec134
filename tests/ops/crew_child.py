"""A supervisor in miniature, run by test_crew: two members that are `portal` commands standing in for real ones."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from portal.ops.crew import Crew, Member


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    crew = Crew(lambda name, pid: print(name, pid, flush=True))
    for name in ("first", "second"):
        arguments = ["sandbox", "--port", "0", "--orders", "0", "--stores", name]
        await crew.start(Member(name=name, arguments=arguments, environ=os.environ, patience=5))
    await stop.wait()
    await crew.stop()


if __name__ == "__main__":
    asyncio.run(main())
    sys.exit(0)
