"""The worker's jobs are started again when PostgreSQL was away; each start that fails leaves nothing running."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from portal.foundation.runtime import Runtime
from portal.sync.lanes import JobDriver
from portal.sync.worker import _jobs


async def test_a_start_that_fails_leaves_no_schedule_running(rt: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(driver: JobDriver, channel: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(JobDriver, "listen_ahead", away)
    with pytest.raises(ConnectionRefusedError):
        await _jobs(rt, asyncio.Event(), timedelta(seconds=5))
    assert "sync-cron" not in {task.get_name() for task in asyncio.all_tasks()}
