"""Customers."""

from __future__ import annotations

from datetime import datetime

from portal.commerce.records import Customer
from portal.connectors.shopify import values
from portal.connectors.shopify.values import inside


def customer(row: object, seen_at: datetime) -> Customer:
    """A customer. `displayName` falls back to the e-mail address at Shopify; a name that is one is no name."""
    source = values.row_of(row, "the customer")
    email = values.text(inside(source, "defaultEmailAddress", "emailAddress"), 320)
    given = f"{values.text(source.get('firstName'), 120)} {values.text(source.get('lastName'), 120)}".strip()
    shown = values.text(source.get("displayName"), 240)
    return Customer(
        external_id=values.required_id(source.get("id")),
        modified_at=values.instant(source.get("updatedAt"), "updatedAt", seen_at),
        email=email,
        name=given or (shown if shown != email else ""),
        role=values.text(source.get("state"), 20).lower(),
        country=values.text(inside(source, "defaultAddress", "countryCodeV2"), 2).upper(),
        city=values.text(inside(source, "defaultAddress", "city"), 200),
        is_paying=bool(values.count(source.get("numberOfOrders"), "numberOfOrders")),
        created_at=values.instant_or_none(source.get("createdAt"), "createdAt", seen_at),
    )
