"""The settings a command works with: outside servers as given, or the private ones of the data folder."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from portal.foundation.embedded import EmbeddedServers
from portal.foundation.errors import StartupError
from portal.foundation.migrate import migrate
from portal.foundation.roles import access, ensure_database
from portal.foundation.settings import Settings
from portal.ops import record

DATABASE = "portal"


@dataclass
class Installation:
    """`settings` are complete: servers and master key known. `servers` only where this process started them."""

    settings: Settings
    servers: EmbeddedServers | None = None
    record: record.Record | None = None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Installation]:
    """The installation for the time of a command.

    Outside servers: as the settings say. Private ones: those that already run on the data folder, else started here
    and stopped at the end. Raises `StartupError` with what to do.
    """
    settings = settings.model_copy(update={"data_dir": settings.data_dir.absolute()})
    if settings.database_url and settings.redis_url:
        yield Installation(_outside(settings))
        return
    if record.held(settings.data_dir):
        found = await _running(settings.data_dir)
        yield Installation(await _private(settings, found), record=found)
        return
    servers = EmbeddedServers(settings.data_dir, wanted=_wanted(settings))
    endpoints = await servers.start()
    try:
        found = record.Record(record.Running.of(os.getpid()), endpoints.admin_dsn, endpoints.redis_url)
        found.save(servers_folder(settings))
        yield Installation(await _private(settings, found), servers, found)
    finally:
        record.forget(settings.data_dir)
        await servers.stop()


async def migrated(settings: Settings) -> tuple[Settings, list[str]]:
    """Run what migrations are missing; gives settings whose DATABASE_URL is the unprivileged login, and what ran."""
    way = await access(settings)
    applied = await migrate(way.owner_url, login_role=way.login_role, login_password=way.login_password)
    return unprivileged(settings, way.url), applied


def unprivileged(settings: Settings, url: str) -> Settings:
    """For processes that serve: they never hold the owner's connection."""
    return settings.model_copy(update={"database_url": url, "database_owner_url": ""})


def servers_folder(settings: Settings) -> Path:
    return settings.data_dir.resolve()


def new_key() -> str:
    """A master key: base64 of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _wanted(settings: Settings) -> list[Literal["postgres", "valkey"]]:
    """The private servers to start: whichever the settings do not name one of their own for."""
    wanted: list[Literal["postgres", "valkey"]] = []
    if not settings.database_url:
        wanted.append("postgres")
    if not settings.redis_url:
        wanted.append("valkey")
    return wanted


def _outside(settings: Settings) -> Settings:
    """Settings with a database of their own: its master key must be kept with it, not in a folder beside the program."""
    if settings.master_keys:
        return settings
    if settings.demo:
        return settings.model_copy(update={"master_keys": _own_key(settings.data_dir)})
    raise StartupError(
        "PORTAL_MASTER_KEYS is not set: make a key with `portal keys generate`, keep it safe, and set it "
        "(or PORTAL_MASTER_KEYS_FILE). Without it stored credentials cannot be read."
    )


async def _private(settings: Settings, found: record.Record) -> Settings:
    """Settings completed by the private servers that run."""
    if not settings.redis_url:
        settings = settings.model_copy(update={"redis_url": found.redis_url})
    if settings.database_url:
        return _outside(settings)
    keys = settings.master_keys or _own_key(settings.data_dir)
    url = await ensure_database(found.admin_dsn, DATABASE)
    return settings.model_copy(update={"database_url": url, "master_keys": keys})


def _own_key(data_dir: Path) -> str:
    """The data folder's own master key, made with the first start and never replaced."""
    path = data_dir / "secrets" / "master.key"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            fresh = path.with_suffix(f".{os.getpid()}")
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(new_key() + "\n")
            os.link(fresh, path)
            fresh.unlink()
        return path.read_text().strip()
    except OSError as error:
        raise StartupError(f"The master key {path} cannot be read or made ({error.strerror}).") from error


async def _running(data_dir: Path, seconds: float = 20.0) -> record.Record:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = record.read(data_dir)
        if found is not None and (found.admin_dsn or found.redis_url) and found.holder.process() is not None:
            return found
        await asyncio.sleep(0.1)
        if not record.held(data_dir):
            break
    raise StartupError(f"The data folder {data_dir} is in use by a command that is starting or ending: try again.")
