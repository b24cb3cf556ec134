"""The private servers: they start, repair what a crash left, and say plainly what they cannot repair."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis

from portal.foundation.embedded import EmbeddedServers, Endpoints, Profile
from portal.foundation.errors import StartupError

ROOT = Path(__file__).parents[2]
CHILD = Path(__file__).with_name("embedded_child.py")
NOBODY = 65534


@asynccontextmanager
async def running(data_dir: Path, profile: Profile = "tests") -> AsyncIterator[tuple[EmbeddedServers, Endpoints]]:
    servers = EmbeddedServers(data_dir, profile)
    endpoints = await servers.start()
    try:
        yield servers, endpoints
    finally:
        await servers.stop()


class Child:
    """The miniature portal as a child process."""

    def __init__(self, data_dir: Path, profile: Profile = "live", uid: int | None = None) -> None:
        argv = [sys.executable, str(CHILD), str(data_dir), profile, *([] if uid is None else [str(uid)])]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        # The log of repairs goes to the same pipe; the line with the pids comes last.
        pids = next(line for line in self.process.stdout if line.startswith("pids "))
        self.postgres, self.valkey = map(int, pids.split()[1:])

    def end(self, sign: signal.Signals) -> None:
        self.process.send_signal(sign)
        self.process.wait(20)


@pytest.fixture
def child_of(short_dir: Path) -> Iterator[list[Child]]:
    """Children started by a test; whatever of them still lives afterwards is ended."""
    children: list[Child] = []
    yield children
    for child in children:
        for pid in (child.process.pid, child.valkey, child.postgres):
            if pid_lives(pid):
                os.kill(pid, signal.SIGKILL)
        child.process.wait(10)


def pid_lives(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def until_dead(pid: int) -> bool:
    for _ in range(300):
        if not pid_lives(pid):
            return True
        await asyncio.sleep(0.02)
    return False


async def query(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@contextmanager
def as_ordinary_account() -> Iterator[None]:
    """Root may write anywhere: be nobody for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_both_servers_answer_on_private_sockets_only(short_dir: Path) -> None:
    async with running(short_dir / "var") as (servers, endpoints):
        assert await query(endpoints.admin_dsn, "SHOW listen_addresses") == ""
        assert await query(endpoints.admin_dsn, "SHOW fsync") == "off"
        async with Redis.from_url(endpoints.redis_url) as redis:
            assert await redis.ping()
        sockets = list((short_dir / "var" / "run").iterdir())
        assert {path.stat().st_mode & 0o077 for path in sockets if path.is_socket()} == {0}
        pids = [servers.postgres.pid, servers.valkey.pid]
        assert not any(psutil.Process(pid).net_connections("inet") for pid in pids)
    for pid in pids:
        assert pid is None or await until_dead(pid)


async def test_live_data_is_durable_and_survives_a_restart(short_dir: Path) -> None:
    async with running(short_dir / "var", "live") as (_, endpoints):
        assert await query(endpoints.admin_dsn, "SHOW fsync") == "on"
        assert await query(endpoints.admin_dsn, "SHOW full_page_writes") == "on"
        await query(endpoints.admin_dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    async with running(short_dir / "var", "live") as (servers, endpoints):
        assert await query(endpoints.admin_dsn, "SELECT answer FROM kept") == 42
        assert servers.messages == []


async def test_a_second_portal_on_the_same_folder_is_refused_by_name(short_dir: Path) -> None:
    async with running(short_dir / "var"):
        with pytest.raises(StartupError, match=rf"in use by another portal \(process {os.getpid()}\)"):
            await EmbeddedServers(short_dir / "var", "tests").start()


async def test_ctrl_c_ends_both_servers_cleanly(short_dir: Path, child_of: list[Child]) -> None:
    child_of.append(child := Child(short_dir / "var"))
    child.end(signal.SIGINT)
    assert child.process.returncode == 0
    assert not pid_lives(child.postgres)
    assert not pid_lives(child.valkey)
    assert "database system is shut down" in (short_dir / "var/logs/postgres.log").read_text()


async def test_postgresql_outlives_a_killed_portal_and_is_adopted(short_dir: Path, child_of: list[Child]) -> None:
    child_of.append(child := Child(short_dir / "var"))
    child.end(signal.SIGKILL)
    assert pid_lives(child.postgres)
    async with running(short_dir / "var", "live") as (servers, endpoints):
        assert servers.postgres.pid == child.postgres
        assert any("is used again" in message for message in servers.messages)
        assert await query(endpoints.admin_dsn, "SELECT 1") == 1
    assert await until_dead(child.postgres)


async def test_a_server_of_an_earlier_run_with_other_settings_is_replaced(
    short_dir: Path, child_of: list[Child]
) -> None:
    child_of.append(child := Child(short_dir / "var", "live"))
    child.end(signal.SIGKILL)
    async with running(short_dir / "var", "tests") as (servers, endpoints):
        assert servers.postgres.pid != child.postgres
        assert await query(endpoints.admin_dsn, "SHOW fsync") == "off"


async def test_everything_killed_at_once_recovers_with_its_data(short_dir: Path, child_of: list[Child]) -> None:
    child_of.append(child := Child(short_dir / "var"))
    dsn = f"postgresql://postgres@/postgres?host={short_dir}/var/run"
    await query(dsn, "CREATE TABLE kept AS SELECT 42 AS answer")
    for pid in (child.process.pid, child.valkey, child.postgres):
        os.kill(pid, signal.SIGKILL)
    assert (short_dir / "var/postgres/postmaster.pid").exists()
    assert (short_dir / "var/run/valkey.sock").exists()
    child.process.wait(10)
    async with running(short_dir / "var", "live") as (servers, endpoints):
        assert await query(endpoints.admin_dsn, "SELECT answer FROM kept") == 42
        assert any("no longer runs" in message for message in servers.messages)


async def test_a_test_server_does_not_outlive_its_run(short_dir: Path, child_of: list[Child]) -> None:
    child_of.append(child := Child(short_dir / "var", "tests"))
    child.end(signal.SIGKILL)
    assert await until_dead(child.postgres)
    assert await until_dead(child.valkey)


async def test_a_reused_pid_in_the_pid_file_is_not_mistaken_for_the_server(short_dir: Path) -> None:
    async with running(short_dir / "var"):
        lines = (short_dir / "var/postgres/postmaster.pid").read_text().splitlines()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        lines[0] = str(bystander.pid)
        (short_dir / "var/postgres/postmaster.pid").write_text("\n".join(lines) + "\n")
        async with running(short_dir / "var") as (_, endpoints):
            assert await query(endpoints.admin_dsn, "SELECT 1") == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


async def test_a_half_initialised_folder_is_moved_aside_and_made_anew(short_dir: Path) -> None:
    data_dir = short_dir / "var"
    (data_dir / "postgres" / "base").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("18\n")
    (data_dir / "postgres.new-123").mkdir()
    async with running(data_dir) as (servers, endpoints):
        assert await query(endpoints.admin_dsn, "SELECT 1") == 1
        assert any("only half initialised" in message for message in servers.messages)
    assert not (data_dir / "postgres.new-123").exists()
    (aside,) = data_dir.glob("postgres.incomplete-*")
    assert (aside / "PG_VERSION").exists()


async def test_data_of_another_postgresql_version_is_refused_untouched(short_dir: Path) -> None:
    async with running(short_dir / "var"):
        pass
    (short_dir / "var/postgres/PG_VERSION").write_text("15\n")
    with pytest.raises(StartupError, match="written by PostgreSQL 15"):
        await EmbeddedServers(short_dir / "var", "tests").start()
    assert (short_dir / "var/postgres/base").exists()


async def test_a_long_data_path_gets_its_sockets_elsewhere(short_dir: Path) -> None:
    data_dir = short_dir / ("a-rather-long-name-" * 8)
    async with running(data_dir) as (servers, endpoints):
        assert str(data_dir) not in endpoints.admin_dsn
        assert await query(endpoints.admin_dsn, "SELECT 1") == 1
        folder = Path(endpoints.redis_url.removeprefix("unix://").split("?")[0]).parent
        assert folder.stat().st_mode & 0o077 == 0
        assert servers.valkey.pid
    shutil.rmtree(folder)


async def test_a_full_disk_says_how_much_is_missing(short_dir: Path) -> None:
    servers = EmbeddedServers(short_dir / "var", "tests", min_free_bytes=1 << 60)
    with pytest.raises(StartupError, match="MB are free on the disk of"):
        await servers.start()


async def test_an_unwritable_folder_says_who_cannot_write(short_dir: Path) -> None:
    closed = short_dir / "closed"
    closed.mkdir(mode=0o555)
    short_dir.chmod(0o755)
    servers = EmbeddedServers(closed / "var", "tests")
    with as_ordinary_account(), pytest.raises(StartupError, match="cannot be written by the account"):
        await servers.start()


async def test_a_file_in_the_way_is_named(short_dir: Path) -> None:
    (short_dir / "file").write_text("")
    with pytest.raises(StartupError, match="is, or lies below, a file"):
        await EmbeddedServers(short_dir / "file" / "var", "tests").start()


async def test_a_foreign_program_on_the_socket_is_refused_and_nothing_left_running(short_dir: Path) -> None:
    async with running(short_dir / "var"):
        pass
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(str(short_dir / "var/run/valkey.sock"))
        foreign.listen()

        def answer() -> None:
            connection, _ = foreign.accept()
            connection.recv(64)
            connection.sendall(b"+PONG\r\n")
            connection.close()

        answering = asyncio.create_task(asyncio.to_thread(answer))
        servers = EmbeddedServers(short_dir / "var", "tests")
        with pytest.raises(StartupError, match="Another program listens on"):
            await servers.start()
        await answering
        assert servers.postgres.pid is None


async def test_the_servers_can_be_restarted_at_the_same_addresses(short_dir: Path) -> None:
    async with running(short_dir / "var") as (servers, endpoints):
        for server in (servers.valkey, servers.postgres):
            await server.stop()
            assert server.pid is None
            await server.start()
        assert await query(endpoints.admin_dsn, "SELECT 1") == 1
        async with Redis.from_url(endpoints.redis_url) as redis:
            assert await redis.ping()


async def test_an_ordinary_user_starts_them_too(short_dir: Path, child_of: list[Child]) -> None:
    data_dir = short_dir / "var"
    data_dir.mkdir()
    if os.geteuid() == 0:
        os.chown(data_dir, NOBODY, NOBODY)
        for folder in (short_dir, *Path(sys.prefix).resolve().parents, Path(sys.prefix)):
            folder.chmod(folder.stat().st_mode | 0o011)
        child_of.append(child := Child(data_dir, "live", NOBODY))
    else:
        child_of.append(child := Child(data_dir, "live"))
    assert psutil.Process(child.postgres).uids().real != 0
    child.end(signal.SIGINT)
    assert child.process.returncode == 0
    # What an ordinary user made opens again for whoever runs the tests, root included.
    async with running(data_dir, "live") as (_, endpoints):
        assert await query(endpoints.admin_dsn, "SELECT 1") == 1
