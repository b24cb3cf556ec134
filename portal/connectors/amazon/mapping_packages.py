"""Parcels of orders that the seller ships. Of those that Amazon ships it tells nothing but that they went out."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from portal.commerce.details import Shipment, Tracking
from portal.connectors import values
from portal.connectors.amazon import statuses
from portal.connectors.amazon.payloads import (
    Handling,
    OrderPayload,
    Package,
    PackageItem,
    PackageStatus,
    child,
    children,
)
from portal.connectors.values import BadValue

_NOT_SENT = {"PENDING_AVAILABILITY", "PENDING", "UNSHIPPED"}
_NEVER = datetime.min.replace(tzinfo=UTC)


def shipments(source: OrderPayload, seen_at: datetime) -> tuple[Shipment, ...] | None:
    """A shipment per package, oldest first; None where Amazon ships, and where the answer has no packages though goods went out.

    Pure, and never a reason to reject the order: what cannot be read is unknown.
    """
    handling = child(Handling, source.fulfillment)
    if values.text(handling.fulfilled_by, 20).upper() != "MERCHANT":
        return None
    found = [_shipment(each, seen_at) for each in children(Package, source.packages)]
    if not found:
        word = statuses.word(values.text(handling.fulfillment_status, 40))
        return () if word in _NOT_SENT else None
    return tuple(sorted(found, key=lambda each: (each.shipped_at or _NEVER, each.external_id)))


def _shipment(row: Package, seen_at: datetime) -> Shipment:
    parcel = Tracking(carrier=values.text(row.carrier, 100), number=values.text(row.tracking_number, 100))
    return Shipment(
        external_id=values.text(row.package_reference_id, 100),
        status=values.text(child(PackageStatus, row.package_status).status, 40).lower(),
        shipped_at=values.instant_or_none(row.ship_time, "shipTime", seen_at),
        units=_units(row),
        tracking=(parcel,) if parcel.carrier or parcel.number else (),
    )


def _units(row: Package) -> Decimal | None:
    try:
        counted = [values.amount(each.quantity, "quantity") for each in children(PackageItem, row.package_items)]
    except BadValue:
        return None
    return sum(counted, Decimal(0)) if counted else None
