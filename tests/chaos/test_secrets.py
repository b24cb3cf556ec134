"""Three stores in a storm that repeat in every refusal what they were sent: afterwards no secret stands anywhere in the clear.

Looked through are the logs of a worker and a web server at their most talkative, every column of every table, what lies in Redis,
and what people and programs are shown.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from portal.app import create_app
from portal.compose import close_runtime, open_runtime
from portal.dashboard.registry import tiles
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings
from portal.sandbox import Sandbox
from tests.admission import admit
from tests.chaos.merchant import ROOT, Merchant, given, merchant, reaching, spec
from tests.chaos.secrets_told import Secrets, Text, parrots
from tests.isolation.routes import readable
from tests.visitors import Visitor

PLATFORMS = ("woocommerce", "shopify", "amazon")
REQUESTS = 15
TABLES = {"client_api_sync_results", "webhook_deliveries", "connection_checks", "audit_entries", "pgqueuer"}
KEYS = "SELECT public_token::text, webhook_secret FROM client_api_credentials WHERE webhook_secret IS NOT NULL"


@pytest.mark.timeout(120)
async def test_no_secret_is_logged_kept_or_shown_when_stores_fail_and_repeat_what_they_were_sent(
    fresh_database: str, settings_for: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets, log = Secrets(), tmp_path / "web.log"
    secrets.note_grants(monkeypatch)
    parrots(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with Sandbox([spec(each, orders=30, seed=33) for each in PLATFORMS]) as sandbox:
            settings = settings_for(fresh_database, public_url=address, log_level="debug", **reaching(sandbox))
            rt = await open_runtime(settings)
            try:
                async with web_process(settings, listening, log), merchant(rt, settings, sandbox) as shop:
                    for name in shop.connections:
                        secrets.learn(name, given(sandbox, name))
                    await storm(shop)
                    shown = [*await refused_tests(shop, address, secrets), *await looked_at(shop, address)]
                    for row in await shop.rows(KEYS):
                        field = f"client_api_credentials.webhook_secret:{row['public_token']}"
                        key = await rt.vault.open(shop.org, field, row["webhook_secret"])
                        secrets.learn(row["public_token"], {"webhook_secret": key})
                    logs = [("the worker's log", shop.log.read_text()), ("the web server's log", log.read_text())]
                    kept = [*await every_row(fresh_database), *await in_redis(rt)]
            finally:
                await close_runtime(rt)
    assert all("sync" in text or "request" in text for _, text in logs), "nothing was logged"
    assert len(secrets.known) >= 12
    assert secrets.found_in([*logs, *kept, *shown]) == set()


@asynccontextmanager
async def web_process(settings: Settings, listening: socket.socket, log: Path) -> AsyncIterator[None]:
    """`portal web` as it is run in earnest."""
    values = {str(field.alias): getattr(settings, name) for name, field in Settings.model_fields.items()}
    environ = {name: ",".join(each) if isinstance(each, tuple) else str(each) for name, each in values.items() if each}
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "portal", "web", "--fd", str(listening.fileno())),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            stdout=out,
            stderr=out,
            pass_fds=(listening.fileno(),),
        )
    try:
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def storm(shop: Merchant) -> None:
    """Faults of every kind until each store was asked often enough, then keys that are refused."""
    storms = [shop.sandbox.chaos(name) for name in shop.connections]
    for name in shop.connections:
        shop.sandbox.control(name, "chaos", seed=33, intensity=0.5, changes=0.5)
    async with asyncio.timeout(40):
        await shop.keep_asking(lambda: all(each.requests >= REQUESTS for each in storms))
    refused = "SELECT count(*) AS n FROM client_api_sync_results WHERE error IS NOT NULL"
    for name in shop.connections:
        shop.sandbox.control(name, "stop_chaos")
        shop.sandbox.control(name, "revoke_keys")
    async with asyncio.timeout(20):
        failed = (await shop.rows(refused))[0]["n"]
        while (await shop.rows(refused))[0]["n"] == failed:
            await shop.keep_asking(lambda: True)
            for name in shop.connections:
                await shop.ask(name)
            await asyncio.sleep(0.2)


async def refused_tests(shop: Merchant, address: str, secrets: Secrets) -> list[Text]:
    """What a program is told that tests credentials which the stores refuse."""
    entry = await admit(shop.rt, role="superadmin", org_id=None, email="program@chaos.example", via="token")
    found = []
    async with Visitor(address, headers=entry.headers) as visitor:
        for name in shop.connections:
            kind, fields = shop.sandbox.store(name).spec.platform, given(shop.sandbox, name)
            wrong = {field: f"{each[:-3]}xyz" if "secret" in field else each for field, each in fields.items()}
            secrets.learn(f"wrong {name}", wrong)
            asked = {"platform_type": kind, "credentials": wrong}
            answer = await visitor.post("/api/superadmin/test-api-connection", json=asked)
            assert answer.status == 200, answer.text
            assert answer.json()["success"] is False
            found.append((f"test of {name}", answer.text))
    return found


async def looked_at(shop: Merchant, address: str) -> list[Text]:
    """Every page, list, table and file that an owner or the agency may read."""
    runs = [row["id"] for row in await shop.rows("SELECT id FROM client_api_sync_results ORDER BY id DESC LIMIT 12")]
    argument = {"<int:connection_id>": list(shop.connections.values()), "<int:run>": runs}
    argument["<slug>"] = [tile.slug for tile in tiles()]  # type: ignore[misc]
    paths = {way.rule for way in readable(create_app(shop.rt))}
    for name, values in argument.items():
        paths = {path.replace(name, str(value)) for path in paths for value in values}
    found = []
    for role, org in (("owner", shop.org), ("superadmin", None)):
        entry = await admit(shop.rt, role=role, org_id=org, email=f"{role}@chaos.example")
        async with Visitor(address, role, org, csrf=entry.csrf, cookies=entry.cookies) as visitor:
            for path in sorted(each for each in paths if "<" not in each):
                answer = await visitor.page(path)
                found.append((f"{path} as {role}", answer.body.decode(errors="replace")))
    return found


async def every_row(dsn: str) -> Iterable[Text]:
    """Of every table, as the superuser reads it."""
    admin = await asyncpg.connect(dsn)
    try:
        names = await admin.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        )
        assert not TABLES - {name for (name,) in names}
        return [
            (f"table {name}", row)
            for (name,) in names
            for (row,) in await admin.fetch(f'SELECT t::text FROM "{name}" t')
        ]
    finally:
        await admin.close()


async def in_redis(rt: Runtime) -> list[Text]:
    """Names and values of every key of this installation."""
    found = []
    redis = Redis.from_url(rt.settings.redis_url)
    readers = {b"string": redis.get, b"hash": redis.hgetall, b"set": redis.smembers}
    async for key in redis.scan_iter(f"{rt.settings.redis_prefix}*"):
        kind = await redis.type(key)
        value = await readers[kind](key) if kind in readers else await redis.dump(key)
        found.append(("Redis", f"{key!r} {value!r}"))
    await redis.aclose()
    return found
