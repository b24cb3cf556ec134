"""What a shop says of itself, and what is noticed about the connection."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.connectors.findings import StoreFacts
from portal.connectors.shopify import values
from portal.connectors.shopify.client import Answer, Client
from portal.connectors.shopify.manifest import API_VERSION
from portal.connectors.shopify.values import inside

SKEW = timedelta(minutes=5)


def store(answer: Answer) -> StoreFacts:
    """Name, currency and time zone; None: not told."""
    shop = answer.data.get("shop")
    try:
        currency: str | None = values.currency(inside(shop, "currencyCode"))
    except values.BadValue:
        currency = None
    return StoreFacts(
        name=values.text(inside(shop, "name"), 200) or None,
        currency=currency,
        timezone=values.text(inside(shop, "ianaTimezone"), 60) or None,
    )


def warnings(client: Client, answer: Answer, now: datetime) -> tuple[str, ...]:
    """What works but should not stay so, as sentences with the next step."""
    found = []
    if client.fell_back:
        found.append(
            "Shopify no longer accepts the access token; Client ID and secret are used instead. Install the app again to "
            "get a new access token, or leave that field to Client ID and secret (Sign in with: client_credentials)."
        )
    if client.kind == "access_token" and not client.shop.client_secret:
        found.append(
            "The Client Secret (API secret key) is not entered, so live updates cannot be verified and changes arrive by "
            "polling. Copy it from the app's API credentials."
        )
    if answer.version and answer.version != API_VERSION:
        found.append(
            f"Shopify answered with API version {answer.version} instead of {API_VERSION}. Update the portal: an old "
            "version is replaced by Shopify without asking."
        )
    own = values.text(inside(answer.data, "shop", "myshopifyDomain"), 200).lower()
    if own and own != client.shop.domain:
        found.append(f"The shop's own domain is {own}. Enter it as shop domain: other domains may change hands.")
    if client.shop.base.startswith("http://"):
        found.append("The shop is read over plain http at an address set by the portal's operator, for a sandbox.")
    if answer.date is not None and abs(answer.date - now) > SKEW:
        minutes = round((answer.date - now).total_seconds() / 60)
        found.append(
            f"Shopify's clock is {abs(minutes)} minutes {'ahead of' if minutes > 0 else 'behind'} ours. Ask the portal's "
            "operator to set the server's clock (NTP)."
        )
    return tuple(found)
