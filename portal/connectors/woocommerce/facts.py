"""What a store says of itself, and what is noticed about the connection."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.connectors import values
from portal.connectors.findings import StoreFacts
from portal.connectors.woocommerce.client import Client

SKEW = timedelta(minutes=5)


def store(settings: object, status: object, root: object) -> StoreFacts:
    """Currency from the settings or the system status, name and time zone from WordPress' own index; None: not told."""
    chosen = ""
    for row in settings if isinstance(settings, list) else []:
        if isinstance(row, dict) and row.get("id") == "woocommerce_currency":
            chosen = values.text(row.get("value"), 10)
    if not chosen:
        chosen = values.text(_inside(_inside(status, "settings"), "currency"), 10)
    try:
        currency: str | None = values.currency(chosen)
    except values.BadValue:
        currency = None
    return StoreFacts(
        name=values.text(_inside(root, "name"), 200) or None,
        currency=currency,
        timezone=_zone(values.text(_inside(root, "timezone_string"), 60), _inside(root, "gmt_offset")),
    )


def warnings(client: Client, store_clock: datetime | None, now: datetime) -> tuple[str, ...]:
    """What works but should not stay so, as sentences with the next step."""
    found = []
    if client.site.plain:
        found.append(
            "The shop is read over plain http, signed but not encrypted: orders travel readable. Ensure HTTPS is properly "
            "configured and enter the https:// address."
        )
    elif not client.site.verify_ssl:
        found.append(
            "The certificate is not verified: whoever stands between the portal and the shop can read the key. Ensure HTTPS "
            "is properly configured, or paste the certificate authority instead of turning verification off."
        )
    if client.used_auth == "query" and client.site.auth == "basic":
        found.append(
            "The shop's host removes the Authorization header, so the key is sent in the address. Ask the host to pass the "
            "header on (CGIPassAuth On, or HTTP_AUTHORIZATION for PHP)."
        )
    if store_clock is not None and abs(store_clock - now) > SKEW:
        minutes = round((store_clock - now).total_seconds() / 60)
        found.append(
            f"The shop's clock is {abs(minutes)} minutes {'ahead of' if minutes > 0 else 'behind'} ours. Ask the host to set "
            "the server's clock (NTP), or dates of orders will be off."
        )
    return tuple(found)


def _inside(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _zone(name: str, offset: object) -> str | None:
    """WordPress has a zone's name, or only an offset in hours (may be 5.5); Etc/GMT counts the other way round."""
    if name:
        return name
    try:
        hours = values.amount(offset, "gmt_offset")
    except values.BadValue:
        return None
    if hours != hours.to_integral_value() or abs(hours) > 14:
        return None
    return "UTC" if hours == 0 else f"Etc/GMT{-int(hours):+d}"
