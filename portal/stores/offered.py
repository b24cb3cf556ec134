"""The agency's own words of help for a platform, shown above its fields."""

from __future__ import annotations

from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform


async def platform_help(rt: Runtime, platform_type: str) -> str:
    """What was entered at /superadmin/platforms, "" when nothing was."""
    async with platform(rt.database, "read a platform's help", read_only=True) as scope:
        found: str | None = await scope.sql.fetchval(
            "SELECT help_text FROM api_platform_configs WHERE platform_type = $1", platform_type
        )
    return found or ""
