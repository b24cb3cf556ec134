"""A worker's memory does not grow with the store: pages come, are written, and go."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.tenancy.scope import tenant
from tests.sync.conftest import Connect, Shop
from tests.sync.test_worker import killable, status, until

MOST_GROWTH = 12.0
"""MiB that five times the orders may add to the peak. Holding them all would add ten times that."""


def peak(pid: int) -> float:
    """The most memory (MiB) that a process ever held."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the process is gone")


async def succeeded(shop: Shop) -> bool:
    return await status(shop) == "success"


async def test_five_times_the_orders_take_no_more_memory(rt: Runtime, connect: Connect) -> None:
    specs = [
        SandboxStoreSpec(name="small", orders=1_600, seed=3),
        SandboxStoreSpec(name="large", orders=8_000, seed=3),
    ]
    peaks = {}
    async with Sandbox(specs) as sandbox:
        for name in ("small", "large"):
            shop = await connect(sandbox, name)
            await shop.request("first", streams=["orders"])
            async with killable(rt, sandbox) as worker:
                await until(partial(succeeded, shop), 90)
                peaks[name] = peak(worker.pid)
            async with tenant(rt.database, shop.org) as scope:
                await scope.sql.execute("UPDATE client_api_credentials SET status = 'disabled'")
    print(f"peak of a worker: {peaks['small']:.0f} MiB at 1,600 orders, {peaks['large']:.0f} MiB at 8,000")
    assert peaks["large"] < 250
    assert peaks["large"] - peaks["small"] < MOST_GROWTH
