"""Organizations: made by the agency, told apart by row-level security."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import available_timezones

from babel.numbers import list_currencies

from portal.foundation.errors import Invalid
from portal.tenancy.scope import Scope


async def create_organization(
    scope: Scope, *, name: str, reporting_currency: str = "USD", timezone: str = "UTC", is_demo: bool = False
) -> UUID:
    """A new organization with its version counter at 0. Needs a platform scope. Raises `Invalid` by field."""
    name = name.strip()
    wrong: dict[str, str] = {}
    if not 1 <= len(name) <= 200:
        wrong["name"] = "must have 1 to 200 characters"
    wrong |= _wrong_facts(reporting_currency, timezone)
    if wrong:
        raise Invalid("The organization is not right.", wrong)
    org_id: UUID = await scope.sql.fetchval(
        "INSERT INTO organizations (name, reporting_currency, timezone, is_demo) VALUES ($1, $2, $3, $4) RETURNING id",
        name,
        reporting_currency,
        timezone,
        is_demo,
    )
    await scope.sql.execute("INSERT INTO tenant_versions (org_id) VALUES ($1)", org_id)
    return org_id


async def set_store_facts(scope: Scope, org_id: UUID, currency: str, timezone: str) -> None:
    """Report in the store's currency and time zone (known after its first connection test). Raises `Invalid` by field."""
    if wrong := _wrong_facts(currency, timezone):
        raise Invalid("The store's facts are not right.", wrong)
    await scope.sql.execute(
        "UPDATE organizations SET reporting_currency = $2, timezone = $3 WHERE id = $1", org_id, currency, timezone
    )


def _wrong_facts(currency: str, timezone: str) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if currency not in list_currencies():
        wrong["reporting_currency"] = "must be an ISO 4217 code such as USD"
    if timezone not in _ZONES:
        wrong["timezone"] = "must be an IANA name such as Europe/Berlin"
    return wrong


_ZONES = available_timezones()
