"""What the form means: one seller account, its marketplaces and the application that may read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

import msgspec

from portal.connectors.amazon.marketplaces import Marketplace, chosen
from portal.connectors.contract import Credentials
from portal.foundation.errors import Permanent

SECRET_DAYS = 180
"""How many days Amazon lets an LWA client secret live."""
# The addresses of Amazon, the only place where they stand. A sandbox's replace them (PORTAL_AMAZON_API_URL, …_LWA_URL).
_ENDPOINTS = MappingProxyType(
    {
        "na": "https://sellingpartnerapi-na.amazon.com",
        "eu": "https://sellingpartnerapi-eu.amazon.com",
        "fe": "https://sellingpartnerapi-fe.amazon.com",
    }
)
_LWA = "https://api.amazon.com"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A seller account through one application. `api` and `lwa` are addresses without a trailing slash."""

    seller_id: str
    marketplaces: tuple[Marketplace, ...]
    refresh_token: str
    client_id: str
    client_secret: str
    secret_created: date | None
    api: str
    lwa: str

    def __repr__(self) -> str:
        return f"Account({self.seller_id!r})"  # never the secrets

    @property
    def marketplace_ids(self) -> str:
        """As the API takes them: separated by commas."""
        return ",".join(each.id for each in self.marketplaces)

    def sells_in(self, marketplace_id: str) -> bool:
        """Whether a marketplace belongs to this connection."""
        return any(each.id == marketplace_id for each in self.marketplaces)


def account(credentials: Credentials, base_urls: Mapping[str, str]) -> Account:
    """The account that the form describes. Raises `Permanent` with advice for a field that cannot work."""
    given = {name: value.strip() for name, value in credentials.items()}
    marketplaces = chosen(given.get("marketplace_ids", "").replace(";", ",").replace(" ", ",").split(","))
    if not given.get("lwa_client_id") or not given.get("lwa_client_secret"):
        raise Permanent(
            "The LWA client ID and secret are missing.",
            "Enter both, from Seller Central → Develop Apps → View under LWA credentials; or ask the agency to set up its own "
            "application for the portal (PORTAL_AMAZON_LWA_CLIENT_ID and its secret).",
        )
    if not given.get("refresh_token"):
        raise Permanent(
            "The refresh token is missing.", "In Seller Central → Develop Apps, click Authorize and copy it."
        )
    return Account(
        seller_id=given.get("seller_id", ""),
        marketplaces=marketplaces,
        refresh_token=given["refresh_token"],
        client_id=given["lwa_client_id"],
        client_secret=given["lwa_client_secret"],
        secret_created=_day(given.get("lwa_secret_created", "")),
        api=base_urls.get("amazon") or _ENDPOINTS[marketplaces[0].region],
        lwa=base_urls.get("amazon-lwa") or _LWA,
    )


def _day(value: str) -> date | None:
    if not value:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Permanent(
            "'LWA secret made on' is not a date.", "Enter it as year-month-day, such as 2026-01-31, or leave it empty."
        ) from None
