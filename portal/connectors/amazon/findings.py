"""What a connection test finds out besides permissions, as sentences with the next step. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from portal.connectors.amazon.account import SECRET_DAYS, Account
from portal.connectors.amazon.failures import APPS
from portal.connectors.amazon.paging import rows_of
from portal.connectors.findings import StoreFacts
from portal.connectors.values import text

WARN_DAYS = 30
_SKEW = timedelta(minutes=5)


class Places(msgspec.Struct, frozen=True):
    """`none`: the account sells in none of the chosen marketplaces, so there is nothing to read."""

    warnings: tuple[str, ...] = ()
    none: bool = False


def marketplaces(account: Account, participations: object) -> Places:
    """Whether the account sells where the form says."""
    known = _participations(participations)
    if not known:
        return Places()
    missing = [each for each in account.marketplaces if not known.get(each.id, {}).get("isParticipating")]
    if not missing:
        suspended = [each for each in account.marketplaces if known[each.id].get("hasSuspendedListings") is True]
        told = ", ".join(each.channel for each in suspended)
        return Places(
            (f"Listings are suspended in {told}. Look at Seller Central → Performance.",) if suspended else ()
        )
    names = ", ".join(f"{each.channel} ({each.id})" for each in missing)
    sells = ", ".join(sorted(code for code, each in known.items() if each.get("isParticipating"))) or "none"
    sentence = f"This account does not sell in {names}. It sells in: {sells}. Correct the marketplace IDs."
    return Places((sentence,), none=len(missing) == len(account.marketplaces))


def seller(account: Account, transactions: object) -> tuple[str, ...]:
    """Whether the transactions are those of the seller that the form names."""
    payload = transactions.get("payload") if isinstance(transactions, Mapping) else None
    for row in rows_of(payload.get("transactions")) if isinstance(payload, Mapping) else []:
        about = row.get("sellingPartnerMetadata") if isinstance(row, Mapping) else None
        told = text(about.get("sellingPartnerId"), 40) if isinstance(about, Mapping) else ""
        if told and account.seller_id and told != account.seller_id:
            return (
                f"The refresh token belongs to the seller {told}, not to {account.seller_id}. Correct the Seller ID, or authorise "
                "the application while signed in as the right account.",
            )
    return ()


def secret(account: Account, today: date) -> tuple[str, ...]:
    """How long the LWA client secret still lives, when that is soon to end."""
    if account.secret_created is None:
        return ()
    expires = account.secret_created + timedelta(days=SECRET_DAYS)
    left = (expires - today).days
    next_step = f"Rotate it in {APPS} → View under LWA credentials, and enter the new one with its date."
    if left < 0:
        return (f"The LWA client secret is over {SECRET_DAYS} days old: Amazon stops accepting it. {next_step}",)
    if left <= WARN_DAYS:
        when = "today" if left == 0 else f"in {left} day{'' if left == 1 else 's'} ({expires:%Y-%m-%d})"
        return (f"The LWA client secret expires {when}. {next_step}",)
    return ()


def secret_expires(account: Account) -> datetime | None:
    """When Amazon stops accepting the client secret; None: nobody said when it was made."""
    if account.secret_created is None:
        return None
    return datetime.combine(account.secret_created, time(), UTC) + timedelta(days=SECRET_DAYS)


def clock(ahead: timedelta) -> tuple[str, ...]:
    """Amazon's clock is right; ours may not be."""
    if abs(ahead) <= _SKEW:
        return ()
    minutes = round(abs(ahead).total_seconds() / 60)
    return (
        f"The portal's clock is {minutes} minutes {'behind' if ahead > timedelta() else 'ahead of'} Amazon's. Ask the portal's "
        "operator to set the server's clock (NTP).",
    )


def hints(account: Account) -> tuple[str, ...]:
    """What is no trouble, but good to know."""
    if account.secret_created is None:
        return (
            "Enter the day the LWA client secret was made to be warned before Amazon lets it expire after 180 days.",
        )
    return ()


def store(account: Account, participations: object) -> StoreFacts:
    """The store's name in the first marketplace, and its currency; Amazon knows no time zone of a seller."""
    home = account.marketplaces[0]
    known = _participations(participations).get(home.id, {})
    return StoreFacts(name=text(known.get("storeName"), 200) or None, currency=home.currency)


def _participations(answer: object) -> dict[str, dict[str, object]]:
    """By marketplace id: the participation's facts and the store's name."""
    found: dict[str, dict[str, object]] = {}
    for row in rows_of(answer.get("payload")) if isinstance(answer, Mapping) else []:
        if isinstance(row, dict) and isinstance(row.get("marketplace"), dict):
            part = row.get("participation")
            known = text(row["marketplace"].get("id"), 30)
            found[known] = {**(part if isinstance(part, dict) else {}), "storeName": row.get("storeName")}
    return found
