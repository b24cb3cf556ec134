"""Which roles of PostgreSQL migrate and which one the portal connects as."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from portal.foundation.database import AWAY, connect_once
from portal.foundation.errors import DependencyAway, StartupError
from portal.foundation.keyring import derive, master_keys
from portal.foundation.migrate import with_login
from portal.foundation.settings import Settings


@dataclass(frozen=True, slots=True)
class Access:
    """`owner_url` migrates, `url` serves. `login_password` None: `login_role` is managed by somebody else."""

    owner_url: str
    url: str
    login_role: str
    login_password: str | None


async def access(settings: Settings) -> Access:
    """How to reach the database of these settings.

    DATABASE_OWNER_URL given: DATABASE_URL is used as it is. Otherwise a privileged DATABASE_URL (a superuser or one
    that may create roles, such as the private PostgreSQL's) only migrates, and the portal connects as
    `<database>_login` with a password derived from the first master key. A plain DATABASE_URL is used for both.
    Raises `DependencyAway` when PostgreSQL does not answer.
    """
    url = settings.database_url
    user = unquote(urlsplit(url).username or "")
    if settings.database_owner_url:
        return Access(settings.database_owner_url, url, user, None)
    if not await _privileged(url):
        return Access(url, url, user, None)
    role = f"{urlsplit(url).path.lstrip('/') or 'postgres'}_login"[:63]
    # Migrating sets the first key's password; until that ran after a key change, an older one still opens.
    passwords = [derive(key, f"database-login:{role}").hex() for key in master_keys(settings)]
    for password in passwords:
        if await _opens(with_login(url, role, password)):
            break
    else:
        password = passwords[0]
    return Access(url, with_login(url, role, password), role, passwords[0])


async def ensure_database(admin_url: str, name: str) -> str:
    """Make the database when it is missing; gives its URL. For the private server, where we are the superuser."""
    connection = await connect_once(admin_url)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(await connection.fetchval("SELECT format('CREATE DATABASE %I', $1::text)", name))
    finally:
        await connection.close()
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{name}"))


async def _privileged(url: str) -> bool:
    try:
        connection = await connect_once(url)
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise StartupError("DATABASE_URL's user or password is refused by PostgreSQL; check both.") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise StartupError("DATABASE_URL names a database that does not exist; create it first.") from error
    except AWAY as error:
        raise DependencyAway("PostgreSQL does not answer at DATABASE_URL; is it running and reachable?") from error
    try:
        return bool(
            await connection.fetchval("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        )
    finally:
        await connection.close()


async def _opens(url: str) -> bool:
    try:
        connection = await connect_once(url)
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False
    except AWAY:
        return False
    await connection.close()
    return True
