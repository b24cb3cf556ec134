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
from tests.conftest import Servers, database_at

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


@pytest.fixture
async def owned(servers: Servers, template: str) -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """`await owned(name, *statements)`: the URL of an empty database of that role's own; the statements are a superuser's."""
    made: list[str] = []

    async def make(name: str, *statements: str) -> str:
        made.append(name)
        for statement in statements:
            await fetch(servers.admin_dsn, statement)
        await fetch(servers.admin_dsn, f"CREATE DATABASE {name} OWNER {name}")
        return with_login(database_at(servers.admin_dsn, name), name, "x")

    yield make
    for name in made:
        await fetch(servers.admin_dsn, f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_role_that_may_only_create_roles_migrates_as_often_as_it_likes(
    owned: Callable[..., Awaitable[str]], settings_for: Make
) -> None:
    # Its roles here are another's, so it gets what PostgreSQL gives the maker of a role: ADMIN alone.
    url = await owned(
        "maker",
        "CREATE ROLE maker LOGIN CREATEROLE PASSWORD 'x'",
        "GRANT portal_app, portal_platform TO maker WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
    )
    for first in (True, False):
        found = await access(settings_for(url))
        ran = await migrate(found.owner_url, login_role=found.login_role, login_password=found.login_password)
        assert bool(ran) is first
    assert await fetch(found.url, "SELECT current_user") == "maker_login"


async def test_roles_that_a_superuser_has_made_and_granted_are_enough(owned: Callable[..., Awaitable[str]]) -> None:
    url = await owned(
        "keeper",
        "CREATE ROLE keeper LOGIN PASSWORD 'x'",
        "CREATE ROLE served LOGIN PASSWORD 'x'",
        "GRANT portal_app TO served WITH INHERIT TRUE",
        "GRANT portal_platform TO served",
    )
    with pytest.raises(StartupError, match='GRANT portal_platform TO "served" WITH INHERIT FALSE, SET TRUE'):
        await migrate(url, login_role="served")
    await fetch(url.replace("keeper:x@", "postgres@"), "GRANT portal_platform TO served WITH INHERIT FALSE, SET TRUE")
    assert await migrate(url, login_role="served")
    assert await migrate(url, login_role="served") == []
