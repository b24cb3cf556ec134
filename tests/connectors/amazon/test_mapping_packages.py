"""Parcels of orders that the seller ships; of the others Amazon tells none, and none is invented."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.details import Shipment, Tracking
from portal.commerce.records import Order
from portal.connectors.amazon import mapping
from tests.connectors.amazon.samples import NOW, order, package, reported, seller


def mapped(state: str = "SHIPPED", by: str = "MERCHANT", **changes: Any) -> Order:
    found = mapping.order(order(fulfillment={"fulfillmentStatus": state, "fulfilledBy": by}, **changes), seller(), NOW)
    assert isinstance(found, Order)
    return found


def test_a_package_is_a_shipment_with_its_number() -> None:
    assert mapped(packages=[package()]).shipments == (
        Shipment(
            external_id="1",
            status="in_transit",
            shipped_at=datetime(2026, 6, 16, 9, 30, tzinfo=UTC),
            units=Decimal(2),
            tracking=(Tracking(carrier="Royal Mail", number="RM-7"),),
        ),
    )


def test_packages_come_in_the_order_they_were_sent_whatever_the_answer_does() -> None:
    rows = [package(), package(packageReferenceId="2", shipTime="2026-06-16T07:00:00Z")]
    assert [each.external_id for each in mapped(packages=rows).shipments or ()] == ["2", "1"]
    assert mapped(packages=rows) == mapped(packages=rows[::-1])


@pytest.mark.parametrize(
    ("state", "by", "told"),
    [("UNSHIPPED", "MERCHANT", ()), ("SHIPPED", "MERCHANT", None), ("UNSHIPPED", "AMAZON", None)],
)
def test_without_packages_only_an_order_that_the_seller_has_not_sent_has_none(
    state: str, by: str, told: tuple[()] | None
) -> None:
    assert mapped(state, by).shipments == told


def test_what_cannot_be_read_of_a_package_does_not_cost_the_order() -> None:
    (found,) = (
        mapped(packages=[package(shipTime="soon", packageItems=[{"quantity": "two"}], carrier=[])]).shipments or ()
    )
    assert (found.shipped_at, found.units, found.tracking) == (None, None, (Tracking(number="RM-7"),))


def test_payments_and_returns_are_not_told_and_reports_tell_no_shipments_either() -> None:
    found = mapped(packages=[package()])
    assert (found.payments, found.returns) == (None, None)
    (of_report,) = (mapping.reported_order([reported()], seller(), NOW),)
    assert isinstance(of_report, Order)
    assert of_report.shipments is None
