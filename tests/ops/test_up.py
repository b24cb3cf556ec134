"""`portal up --demo` from nothing, twice, by real processes: what a newcomer sees first."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from itertools import combinations
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from portal.foundation.server import listen
from portal.ops import record
from portal.stores.service import validate_credentials
from tests.ops.command import ROOT, clean_environment
from tests.ops.conftest import Portal


class Up:
    """One `portal up --demo`."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir, self.url = data_dir, f"http://127.0.0.1:{port}"
        self.log = data_dir.parent / f"up-{time.monotonic_ns()}.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal", "up", "--demo", "--port", str(port), "--data-dir", str(data_dir)],
                cwd=ROOT,
                env=clean_environment(),
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
            )

    def until_ready(self) -> list[str]:
        """The lines it prints up to and with the logins."""
        lines: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            lines.append(line.rstrip())
            if line.startswith("  sandbox"):
                return lines
        raise AssertionError(f"it ended: {self.log.read_text()[-2000:]}")

    def processes(self) -> list[psutil.Process]:
        """Everything below it, the servers included."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, sign: signal.Signals) -> int:
        self.process.send_signal(sign)
        return self.process.wait(30)


@pytest.fixture
async def ups(data_dir: Path) -> AsyncIterator[list[Up]]:
    """What a test has started; whatever still runs is ended."""
    started: list[Up] = []
    yield started
    for up in started:
        left = up.processes() if up.process.poll() is None else []
        up.process.kill()
        up.process.wait(10)
        for process in left:
            if process.is_running():
                process.kill()


@pytest.mark.timeout(240)
async def test_the_demo_starts_from_nothing_ends_cleanly_and_starts_again(
    data_dir: Path, ups: list[Up], portal: Portal
) -> None:
    with listen("127.0.0.1", 0) as probe:
        port = probe.getsockname()[1]
    started = time.monotonic()
    ups.append(first := Up(data_dir, port))
    lines = first.until_ready()
    assert time.monotonic() - started < 60
    assert lines[0] == f"ready {first.url}"

    told = json.loads((data_dir / "demo.json").read_text())
    assert told["url"] == first.url
    owners = {"owner", "other_owner", "third_owner"}
    assert set(told["logins"]) == {"superadmin", "member", "operator", "agent", *owners}
    for name, keys in told["sandbox"]["stores"].items():
        assert validate_credentials(name, keys), "what one types into the form of each platform"
    assert set(told["sandbox"]["stores"]) == {"woocommerce", "shopify", "amazon"}
    for login in told["logins"].values():
        assert any(login["email"] in line and login["password"] in line for line in lines)
    pulses = [
        await sales_pulse(first.url, told["logins"][part]) for part in ("owner", "member", "other_owner", "third_owner")
    ]
    assert pulses[0] == pulses[1]
    assert all(one != other for one, other in combinations(pulses[1:], 2))
    sold = await stores_sold(first.url, told["logins"]["owner"])
    assert set(sold) == {"Hot Rod AN WooCommerce", "Hot Rod AN Shopify"}
    beside = await asked(first.url, told["logins"]["other_owner"], "/api/v1/dashboard/stores")
    assert {each["name"]: each["counts"] for each in beside["stores"]} == {
        "Uploaded files": "today",
        "Bloom & Bough Shopify": "shadow",
    }
    await place_order(told["sandbox"]["url"], "hot-rod-an")
    until = time.monotonic() + 10
    while await stores_sold(first.url, told["logins"]["owner"]) == sold:
        assert time.monotonic() < until, "an order at the Shopify store arrives by itself"

    refused = portal("up", "--port", str(port), "--data-dir", str(data_dir))
    assert refused.returncode == 2
    assert f"in use by another portal (process {first.process.pid}, {first.url})" in refused.stderr
    doctor = portal("doctor", "--json", "--data-dir", str(data_dir))
    assert json.loads(doctor.stdout)["ok"], doctor.stdout

    everything = first.processes()
    assert first.end(signal.SIGTERM) == 0
    assert not [process for process in everything if process.is_running()], first.log.read_text()[-2000:]
    assert not record.held(data_dir)
    assert "Traceback" not in first.log.read_text()

    # Meanwhile another program has taken the sandbox's port: the sandbox moves and its stores' connections follow.
    with listen("127.0.0.1", int(told["sandbox"]["url"].rpartition(":")[2])) as taken:
        taken.listen()
        ups.append(second := Up(data_dir, port))
        again = second.until_ready()
    assert again[:-1] == lines[:-1]
    retold = json.loads((data_dir / "demo.json").read_text())
    assert retold["logins"] == told["logins"]
    assert retold["sandbox"]["url"] != told["sandbox"]["url"]
    after = await sales_pulse(second.url, told["logins"]["owner"])
    assert after["total_orders"] == pulses[0]["total_orders"] + 1
    second.end(signal.SIGKILL)

    # Nobody told the others: they notice, and the next start clears what is left.
    ups.append(third := Up(data_dir, port))
    assert third.until_ready() == again
    assert third.end(signal.SIGINT) == 0


async def stores_sold(url: str, login: dict[str, str]) -> dict[str, Any]:
    """Store -> its orders of today."""
    body = await asked(url, login, "/api/v1/dashboard/stores")
    return {each["name"]: each["orders"] for each in body["stores"]}


async def place_order(sandbox: str, store: str) -> None:
    async with (
        aiohttp.ClientSession(sandbox) as session,
        session.post(f"/{store}/_control", json={"action": "place_order", "total": "12.00"}) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def sales_pulse(url: str, login: dict[str, str]) -> dict[str, Any]:
    """The tile's document, without what differs from moment to moment."""
    found = await asked(url, login, "/api/v1/dashboard/sales-pulse")
    return {name: value for name, value in found.items() if "_at" not in name and "updated" not in name}


async def asked(url: str, login: dict[str, str], path: str) -> dict[str, Any]:
    """A JSON document, as a program with the login's token gets it."""
    async with aiohttp.ClientSession(url) as session:
        async with session.post("/api/auth/token", json={"grant_type": "password", **login}) as answer:
            assert answer.status == 200, await answer.text()
            token = (await answer.json())["access_token"]
        async with session.get(path, headers={"Authorization": f"Bearer {token}"}) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found
