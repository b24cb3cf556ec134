"""Customers, and what a delivery about something deleted says."""

from __future__ import annotations

from datetime import datetime

from portal.commerce.records import Customer, Deleted
from portal.connectors import values
from portal.connectors.woocommerce.payloads import Address, CustomerPayload, child, read


def customer(row: object, seen_at: datetime) -> Customer:
    """A registered customer; guests have no account and live in their orders only."""
    source = read(CustomerPayload, row)
    billing = child(Address, source.billing)
    created_at = values.instant_or_none(source.date_created_gmt, "date_created_gmt", seen_at)
    modified_at = values.instant_or_none(source.date_modified_gmt, "date_modified_gmt", seen_at)
    first = values.text(source.first_name, 120) or values.text(billing.first_name, 120)
    last = values.text(source.last_name, 120) or values.text(billing.last_name, 120)
    return Customer(
        external_id=values.required_id(source.id),
        modified_at=modified_at or created_at or seen_at,
        email=values.text(source.email, 320) or values.text(billing.email, 320),
        name=f"{first} {last}".strip() or values.text(billing.company, 240),
        username=values.text(source.username, 200),
        role=values.text(source.role, 100),
        country=values.text(billing.country, 2).upper(),
        city=values.text(billing.city, 200),
        is_paying=values.flag(source.is_paying_customer),
        created_at=created_at,
    )


def deleted(of: str, row: object, seen_at: datetime, *, trashed: bool) -> Deleted:
    """The store names only the id, so the time of the deletion is the time we heard of it."""
    found = read(CustomerPayload, row)
    return Deleted(external_id=values.required_id(found.id), modified_at=seen_at, of=of, trashed=trashed)
