"""Which roles migrate and which one serves."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from portal.foundation.database import connect_once
from portal.foundation.errors import DependencyAway, StartupError
from portal.foundation.keyring import master_keys
from portal.foundation.migrate import migrate, with_login
from portal.foundation.roles import access, ensure_database
from portal.foundation.settings import Settings
from tests.conftest import Servers

Make = Callable[..., Settings]


async def fetch(url: str, sql: str) -> Any:
    connection = await connect_once(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.fixture
async def plain(servers: Servers) -> AsyncIterator[str]:
    """A login that may do nothing by itself."""
    await fetch(servers.admin_dsn, "CREATE ROLE plain LOGIN PASSWORD 'x'")
    yield "plain"
    await fetch(servers.admin_dsn, "DROP ROLE plain")


async def test_a_privileged_url_migrates_and_an_unprivileged_login_serves(
    clone: Callable[[], Awaitable[str]], settings_for: Make
) -> None:
    url = await clone()
    found = await access(settings_for(url))
    assert found.owner_url == url
    assert urlsplit(found.url).username == found.login_role == f"{urlsplit(url).path[1:]}_login"
    assert await migrate(found.owner_url, login_role=found.login_role, login_password=found.login_password) == []
    assert await fetch(found.url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


async def test_a_plain_url_is_used_as_it_is(servers: Servers, settings_for: Make, plain: str) -> None:
    url = with_login(servers.admin_dsn, plain, "x")
    found = await access(settings_for(url))
    assert (found.owner_url, found.url, found.login_role, found.login_password) == (url, url, plain, None)


async def test_with_an_owner_given_the_serving_url_is_not_touched(servers: Servers, settings_for: Make) -> None:
    url = "postgresql://app:secret@db.example/portal"
    found = await access(settings_for(url, database_owner_url=servers.admin_dsn))
    assert (found.owner_url, found.url, found.login_role, found.login_password) == (servers.admin_dsn, url, "app", None)


async def test_the_private_servers_database_is_made_once(servers: Servers) -> None:
    for _ in range(2):
        url = await ensure_database(servers.admin_dsn, "portal_made")
    assert await fetch(url, "SELECT current_database()") == "portal_made"


async def test_no_server_and_no_database_are_told_apart(servers: Servers, settings_for: Make) -> None:
    with pytest.raises(DependencyAway, match="does not answer"):
        await access(settings_for("postgresql://portal@127.0.0.1:1/portal"))
    absent = urlsplit(servers.admin_dsn)._replace(path="/absent").geturl()
    with pytest.raises(StartupError, match="does not exist"):
        await access(settings_for(absent))


@pytest.mark.parametrize("text", ["", ",", "nonsense!", base64.b64encode(b"short").decode()])
def test_a_wrong_master_key_is_named_and_never_repeated(settings_for: Make, text: str) -> None:
    with pytest.raises(StartupError, match="PORTAL_MASTER_KEYS") as refused:
        master_keys(settings_for("postgresql:///x", master_keys=text))
    assert not text.strip(",") or text not in str(refused.value)
