"""What every test may ask for: private servers, a migrated database, an open runtime, the real app over real HTTP.

Each pytest-xdist worker has its own pair of servers (a second to start, nothing shared, nothing to clean up after).
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import pytest

from portal.foundation.database import connect_once
from portal.foundation.embedded import EmbeddedServers, Endpoints
from portal.foundation.migrate import migrate
from portal.foundation.roles import access
from portal.foundation.settings import Settings
from portal.foundation.web.policy import LIMITS
from tests.visitors import Visitor

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from portal.foundation.runtime import Runtime

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
TEMPLATE = "portal_template"


@dataclass(frozen=True)
class Servers:
    """The private servers of this test process. `embedded.postgres`/`.valkey` can be stopped and started."""

    embedded: EmbeddedServers
    admin_dsn: str
    redis_url: str
    data_dir: Path


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Servers]:
    """Private PostgreSQL and Valkey, without durability."""
    # Directly under the temporary folder: pytest's own are closed to the account the servers run as.
    folder = Path(tempfile.mkdtemp(prefix="portal-tests-"))
    folder.chmod(0o711)
    embedded = EmbeddedServers(folder / "var", "tests")
    endpoints: Endpoints = await embedded.start()
    yield Servers(embedded, endpoints.admin_dsn, endpoints.redis_url, folder)
    await embedded.stop()
    shutil.rmtree(folder, ignore_errors=True)


def database_at(admin_dsn: str, name: str) -> str:
    """The superuser's URL of another database of the same server."""
    return urlunsplit(urlsplit(admin_dsn)._replace(path=f"/{name}"))


async def as_admin(admin_dsn: str, *statements: str) -> None:
    """Run statements as the superuser, outside any transaction."""
    connection = await connect_once(admin_dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def settings_for(servers: Servers) -> Callable[..., Settings]:
    """Settings for a database URL, with a Redis prefix of their own; keyword arguments override."""

    def make(database_url: str, **overrides: Any) -> Settings:
        values: dict[str, Any] = {
            "data_dir": servers.data_dir / "portal",
            "database_url": database_url,
            "redis_url": servers.redis_url,
            "redis_prefix": f"t{uuid4().hex[:12]}",
            "master_keys": MASTER_KEY,
            "log_level": "error",
            "database_pool": 8,
        }
        return Settings(**{**values, **overrides})

    return make


@pytest.fixture(scope="session")
async def template(servers: Servers, settings_for: Callable[..., Settings]) -> str:
    """The name of a migrated database to clone."""
    await as_admin(servers.admin_dsn, f"CREATE DATABASE {TEMPLATE}")
    url = database_at(servers.admin_dsn, TEMPLATE)
    found = await access(settings_for(url))
    await migrate(found.owner_url, login_role=found.login_role, login_password=found.login_password)
    return TEMPLATE


@pytest.fixture(scope="session")
def clone(servers: Servers, template: str, settings_for: Callable[..., Settings]) -> Callable[[], Awaitable[str]]:
    """`await clone()`: the superuser's URL of a fresh migrated database (some 50 ms)."""

    async def make() -> str:
        name = f"portal_{uuid4().hex[:12]}"
        await as_admin(servers.admin_dsn, f"CREATE DATABASE {name} TEMPLATE {template}")
        url = database_at(servers.admin_dsn, name)
        found = await access(settings_for(url))
        role = found.login_role
        await as_admin(
            url,
            f"CREATE ROLE {role} LOGIN NOBYPASSRLS PASSWORD '{found.login_password}'",
            f"GRANT portal_app TO {role} WITH INHERIT TRUE",
            f"GRANT portal_platform TO {role} WITH INHERIT FALSE, SET TRUE",
        )
        return url

    return make


@pytest.fixture(scope="session")
async def database_url(clone: Callable[[], Awaitable[str]]) -> str:
    """The superuser's URL of this session's database; the portal itself connects as its login role."""
    return await clone()


@pytest.fixture(scope="session")
def listening() -> Iterator[socket.socket]:
    """The live server's socket, bound before the runtime so that its address is known to the settings."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


@pytest.fixture(scope="session")
async def rt(
    database_url: str, settings_for: Callable[..., Settings], listening: socket.socket
) -> AsyncIterator[Runtime]:
    """The open runtime that the live server uses as well."""
    from portal.compose import close_runtime, open_runtime

    runtime = await open_runtime(settings_for(database_url, port=listening.getsockname()[1]))
    yield runtime
    await close_runtime(runtime)


@pytest.fixture
async def org(rt: Runtime) -> UUID:
    """A fresh organization."""
    return await make_org(rt, "Acme")


@pytest.fixture
async def other_org(rt: Runtime) -> UUID:
    """A second fresh organization: the outsider's."""
    return await make_org(rt, "Globex")


async def make_org(rt: Runtime, name: str) -> UUID:
    """Create an organization (reporting in USD, time zone UTC)."""
    from portal.tenancy.scope import platform
    from portal.tenancy.service import create_organization

    async with platform(rt.database, "test: create organization") as scope:
        return await create_organization(scope, name=f"{name} {uuid4().hex[:6]}")


@pytest.fixture(scope="session")
async def live_server(rt: Runtime, listening: socket.socket) -> AsyncIterator[str]:
    """The base URL of the real app under a real Hypercorn, on the tests' own loop and runtime."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from portal.app import create_app

    config = Config()
    config.bind = [f"fd://{os.dup(listening.fileno())}"]
    config.graceful_timeout = 0.2
    config.accesslog = config.errorlog = None
    stop = asyncio.Event()
    app = create_app(rt)
    serving = asyncio.create_task(serve(app, config, shutdown_trigger=stop.wait))
    port = listening.getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    stop.set()
    await asyncio.wait_for(serving, 10)


@pytest.fixture
async def client(rt: Runtime, live_server: str) -> AsyncIterator[Visitor]:
    """Nobody in particular: no cookie, no token. All tests share one address, so its login limit starts anew."""
    rt.limiter._leases.pop(("a:127.0.0.1", "login", LIMITS["login"]), None)
    await rt.link.try_delete(rt.link.key("limit", "login", "a:127.0.0.1"))
    async with Visitor(live_server) as visitor:
        yield visitor


SignIn = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def sign_in(rt: Runtime, live_server: str) -> AsyncIterator[SignIn]:
    """`await sign_in("owner", org)`: a Visitor with a session of a new user; `via="token"` for a bearer of a JWT.

    `superadmin` needs no organization; with one it is the active one. The session is made by the service, not the form.
    """
    from tests.admission import admit

    visitors: list[Visitor] = []

    async def make(role: str, org: UUID | None = None, *, via: str = "session", **user: Any) -> Visitor:
        email = user.pop("email", f"{role}-{uuid4().hex[:10]}@example.com")
        entry = await admit(rt, role=role, org_id=org, email=email, via=via, **user)
        visitor = Visitor(
            live_server, role, org, entry.user_id, email, entry.password, entry.csrf, entry.headers, entry.cookies
        )
        visitors.append(visitor)
        return visitor

    yield make
    for visitor in visitors:
        await visitor.close()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all browser tests."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-quic"],
        )
        yield launched
        await launched.close()


@pytest.fixture
async def page(browser: Browser, live_server: str) -> AsyncIterator[Page]:
    """A fresh private window on the live server, not signed in."""
    context = await browser.new_context(base_url=live_server)
    context.set_default_timeout(10_000)
    yield await context.new_page()
    await context.close()


@pytest.fixture
async def page_as(browser: Browser, live_server: str, sign_in: SignIn) -> AsyncIterator[Callable[..., Awaitable[Page]]]:
    """`await page_as("owner", org)`: a fresh window signed in as a new user of that role (`page.visitor` knows whom)."""
    contexts = []

    async def make(role: str, org: UUID | None = None, **context_options: Any) -> Page:
        visitor = await sign_in(role, org)
        context = await browser.new_context(base_url=live_server, **context_options)
        context.set_default_timeout(10_000)
        await context.add_cookies([{"name": n, "value": v, "url": live_server} for n, v in visitor.cookies.items()])
        contexts.append(context)
        opened = await context.new_page()
        opened.visitor = visitor  # type: ignore[attr-defined]
        return opened

    yield make
    for context in contexts:
        await context.close()
