"""The PostgreSQL pool shared by asyncpg (hot paths) and Tortoise (models). Tenant rows only through `tenancy.scope`."""

from __future__ import annotations

import asyncio
import ssl as ssl_module
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg
from tortoise import Tortoise
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.connection import get_connections

from portal.foundation.errors import DependencyAway

MODEL_MODULES = [
    "portal.tenancy.models",
    "portal.accounts.models",
    "portal.audit.models",
    "portal.stores.models",
    "portal.sync.models",
]
AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,  # a connection between the server's farewell and its end
    TimeoutError,
)
"""What asyncpg raises when PostgreSQL is away, restarting or full: answered with 503, never 500."""


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """Tenant and role are set per transaction, so a released connection needs no reset round trip."""

    def get_reset_query(self) -> str:
        return ""


class Database:
    """Owns the pools of one process. `open()` before use, `close()` at the end."""

    def __init__(self, url: str, *, replica_url: str = "", pool: int = 10, pgbouncer: bool = False) -> None:
        self._url, self._replica_url = url, replica_url
        self._size, self._pgbouncer = pool, pgbouncer
        self._pool: Any = None
        self._replica: Any = None

    async def open(self) -> None:
        """Connects. Raises `DependencyAway` when PostgreSQL does not answer."""
        try:
            await _register_models()
            self._pool = await self._connect(self._url)
            self._replica = await self._connect(self._replica_url) if self._replica_url else self._pool
        except AWAY as error:
            raise DependencyAway("PostgreSQL does not answer at DATABASE_URL; is it running and reachable?") from error

    async def close(self) -> None:
        for pool in {self._pool, self._replica} - {None}:
            try:
                await asyncio.wait_for(pool.close(), 10)
            except TimeoutError:  # somebody still holds a connection
                pool.terminate()
        self._pool = self._replica = None

    def pool(self, *, replica: bool = False) -> Any:
        """The asyncpg pool (typed Any: asyncpg ships no types). `replica` for reads that tolerate lag."""
        if self._pool is None:
            raise DependencyAway("The database is not open.")
        return self._replica if replica else self._pool

    def orm(self, connection: Any) -> TransactionWrapper:
        """A Tortoise client bound to `connection`, for `Model.….using_db(orm)` inside the caller's transaction."""
        wrapper = TransactionWrapper(cast(AsyncpgDBClient, get_connections().get("default")))
        wrapper._connection = connection
        return wrapper

    async def _connect(self, url: str) -> Any:
        return await asyncpg.create_pool(**connect_arguments(url), **self._pool_arguments())

    def _pool_arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "min_size": 1,
            "max_size": self._size,
            "connection_class": Connection,
            "command_timeout": 30.0,
            "timeout": 10.0,
            "max_inactive_connection_lifetime": 300.0,
        }
        if self._pgbouncer:
            arguments["statement_cache_size"] = 0
        return arguments


async def _register_models() -> None:
    """Let Tortoise know the models, once per process. Its own connection leads nowhere: a query that is not given a
    scope's transaction fails instead of running without a tenant; and several databases can be open side by side."""
    if Tortoise._inited:
        return
    nowhere = {"user": "nobody", "password": "", "database": "nowhere", "host": "/nonexistent", "port": 5432}
    await Tortoise.init(
        config={
            "connections": {"default": {"engine": "tortoise.backends.asyncpg", "credentials": nowhere}},
            "apps": {"portal": {"models": MODEL_MODULES, "default_connection": "default"}},
            "use_tz": True,
            "timezone": "UTC",
        },
        _enable_global_fallback=True,
    )


def connect_arguments(url: str) -> dict[str, Any]:
    """asyncpg's keyword arguments for a PostgreSQL URL, with `?host=` sockets and `sslmode=` honoured."""
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    arguments: dict[str, Any] = {
        "user": unquote(parts.username or "") or None,
        "password": unquote(parts.password or "") or None,
        "database": parts.path.lstrip("/") or None,
        "host": query.get("host") or parts.hostname,
        "port": int(query.get("port") or parts.port or 5432),
    }
    mode = query.get("sslmode", "")
    if mode in {"require", "prefer", "allow"}:
        arguments["ssl"] = mode
    elif mode in {"verify-ca", "verify-full"}:
        context = ssl_module.create_default_context(cafile=query.get("sslrootcert"))
        context.check_hostname = mode == "verify-full"
        arguments["ssl"] = context
    return {key: value for key, value in arguments.items() if value is not None}


async def connect_once(url: str) -> Any:
    """One connection outside any pool (migrations, doctor, listeners). The caller closes it."""
    return await asyncio.wait_for(asyncpg.connect(**connect_arguments(url)), 10)
