"""What the agency may change of a platform: whether it is offered, how fast it may be asked (never faster than the platform
allows), and a sentence of help of its own."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from portal.accounts.audited import audited
from portal.accounts.principal import Principal
from portal.connectors import registry
from portal.connectors.manifest import Manifest
from portal.foundation.errors import Invalid, Missing
from portal.tenancy.scope import Scope

SLOWEST = Decimal("0.01")
"""Requests per second; slower than one in 100 seconds nothing would ever be read."""
LONGEST_HELP = 1000


class PlatformConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One platform with what was changed of it. None: the connector's own."""

    manifest: Manifest
    enabled: bool = True
    requests_per_second: Decimal | None = None
    burst: int | None = None
    help_text: str = ""
    connections: int = 0


async def configs(tx: Scope) -> list[PlatformConfig]:
    """Every platform, in a platform scope."""
    saved = {row["platform_type"]: row for row in await tx.sql.fetch("SELECT * FROM api_platform_configs")}
    counted = await tx.sql.fetch("SELECT platform_type, count(*) AS n FROM client_api_credentials GROUP BY 1")
    counts = {row["platform_type"]: row["n"] for row in counted}
    return [_config(each, saved.get(each.platform), counts.get(each.platform, 0)) for each in registry.manifests()]


async def change(tx: Scope, who: Principal, platform: str, given: Mapping[str, str]) -> PlatformConfig:
    """Save what a form says. Raises `Missing` for an unknown platform, `Invalid` field by field. Audited."""
    before = next((each for each in await configs(tx) if each.manifest.platform == platform), None)
    if before is None:
        raise Missing("There is no such platform.")
    wanted = _checked(before.manifest, given)
    await tx.sql.execute(
        """INSERT INTO api_platform_configs (platform_type, enabled, requests_per_second, burst, help_text)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT (platform_type) DO UPDATE SET enabled = excluded.enabled,
             requests_per_second = excluded.requests_per_second, burst = excluded.burst, help_text = excluded.help_text,
             updated_at = now()""",
        platform,
        wanted.enabled,
        wanted.requests_per_second,
        wanted.burst,
        wanted.help_text,
    )
    await audited(tx, who, "platform.change", platform, before=_told(before), after=_told(wanted))
    return wanted


def _checked(manifest: Manifest, given: Mapping[str, str]) -> PlatformConfig:
    ceiling, wrong = manifest.rate_limit, dict[str, str]()
    rate, burst = given.get("requests_per_second", "").strip(), given.get("burst", "").strip()
    found_rate: Decimal | None = None
    found_burst: int | None = None
    if rate:
        try:
            found_rate = Decimal(rate)
        except InvalidOperation:
            found_rate = Decimal("NaN")
        if not found_rate.is_finite() or not SLOWEST <= found_rate <= Decimal(str(ceiling.per_second)):
            wrong["requests_per_second"] = (
                f"Enter a number from {SLOWEST} to {ceiling.per_second:g}, or leave it empty."
            )
    if burst:
        found_burst = int(burst) if burst.isascii() and burst.isdigit() and len(burst) < 7 else 0
        if not 1 <= found_burst <= ceiling.burst:
            wrong["burst"] = f"Enter a whole number from 1 to {ceiling.burst}, or leave it empty."
    help_text = given.get("help_text", "").replace("\x00", "").strip()
    if len(help_text) > LONGEST_HELP:
        wrong["help_text"] = f"At most {LONGEST_HELP} characters."
    if wrong:
        raise Invalid("Please correct the marked fields.", wrong)
    enabled = given.get("enabled", "") in {"1", "true", "on"}
    return PlatformConfig(
        manifest=manifest, enabled=enabled, requests_per_second=found_rate, burst=found_burst, help_text=help_text
    )


def _config(manifest: Manifest, row: Mapping[str, object] | None, connections: int) -> PlatformConfig:
    names = ("enabled", "requests_per_second", "burst", "help_text")
    known: dict[str, Any] = {name: row[name] for name in names} if row else {}
    return PlatformConfig(manifest=manifest, connections=connections, **known)


def _told(config: PlatformConfig) -> dict[str, str | bool]:
    rate = config.requests_per_second
    return {
        "enabled": config.enabled,
        "requests_per_second": "own" if rate is None else str(rate),
        "burst": "own" if config.burst is None else str(config.burst),
        "help_text": config.help_text,
    }
