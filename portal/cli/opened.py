"""The runtime for one command, over a database that is ready for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from portal.foundation.errors import StartupError
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings

_FIRST = "Run `portal migrate` first (`portal up` does it by itself)."


@asynccontextmanager
async def opened_runtime(settings: Settings) -> AsyncIterator[Runtime]:
    """The servers (started when nobody runs them) and a runtime. Raises `StartupError` for a database not migrated yet."""
    from portal.compose import close_runtime, open_runtime
    from portal.ops.installation import opened
    from portal.ops.migrations import unapplied

    async with opened(settings) as installation:
        try:
            runtime = await open_runtime(installation.settings)
        except asyncpg.InvalidPasswordError:
            raise
        except asyncpg.InvalidAuthorizationSpecificationError as error:  # the migrations make the portal's own role
            raise StartupError(f"The database was never migrated. {_FIRST}") from error
        try:
            if missing := await unapplied(runtime.database):
                raise StartupError(
                    f"The database lacks {len(missing)} migration{'s' if len(missing) > 1 else ''} of this version. {_FIRST}"
                )
            yield runtime
        finally:
            await close_runtime(runtime)
