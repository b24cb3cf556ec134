from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import Order, OrderStatus
from portal.connectors.amazon import mapping
from portal.connectors.answers import Rejected
from tests.connectors.amazon.samples import GB, NOW, US, item, money, order, reported, seller, share


def mapped(*rows: dict[str, str], marketplaces: tuple[str, ...] = ()) -> Order:
    found = mapping.reported_order(list(rows), seller(*marketplaces), NOW)
    assert isinstance(found, Order), found
    return found


def test_a_report_and_a_search_tell_the_same_order() -> None:
    searched = mapping.order(order(), seller(), NOW)
    assert isinstance(searched, Order)
    told = mapped(reported())

    def core(found: Order) -> tuple[Any, ...]:
        lines = [
            (line.kind, line.sku, line.quantity, line.subtotal, line.total, line.total_tax) for line in found.lines
        ]
        amounts = (found.total, found.total_tax, found.discount_total, found.shipping_total, found.fee_total)
        when = (found.created_at, found.modified_at)
        return found.external_id, found.status, found.source_status, found.currency, found.meta, amounts, when, lines

    assert core(told) == core(searched)


def test_tax_is_inside_the_price_in_europe_and_on_top_in_the_united_states() -> None:
    assert mapped(reported()).total == Decimal("25.99")
    row = reported(sales_channel="Amazon.com", currency="USD", item_price="20.00", item_tax="1.65", shipping_price="5.00",
                   shipping_tax="0.41", gift_wrap_price="3.50", item_promotion_discount="")  # fmt: skip
    found = mapped(row, marketplaces=(US,))
    assert (found.total, found.total_tax, found.fee_total) == (Decimal("30.56"), Decimal("2.06"), Decimal("3.50"))


def test_a_report_and_a_search_tell_the_same_order_with_tax_on_top() -> None:
    def usd(kind: str, amount: str, *details: tuple[str, str]) -> dict[str, Any]:
        return share(kind, amount, *details, currency="USD")

    shares = [usd("ITEM", "20.00"), usd("DISCOUNT", "-2.00", ("ITEM", "-2.00")), usd("TAX", "1.49", ("ITEM", "1.49"))]
    searched = mapping.order(
        order(
            salesChannel={"channelName": "AMAZON", "marketplaceId": US},
            proceeds={"grandTotal": money("19.49", "USD"), "breakdowns": shares},
            orderItems=[item(proceeds={"proceedsTotal": money("19.49", "USD"), "breakdowns": shares})],
        ),
        seller(US),
        NOW,
    )
    row = reported(sales_channel="Amazon.com", currency="USD", item_price="20.00", item_tax="1.49", shipping_price="")
    assert isinstance(searched, Order)
    told = mapped(row, marketplaces=(US,))
    assert (
        (told.total, told.lines[0].total)
        == (searched.total, searched.lines[0].total)
        == (
            Decimal("19.49"),
            Decimal("18.00"),
        )
    )


def test_discounts_count_whatever_their_sign() -> None:
    assert mapped(reported(item_promotion_discount="-2.00")).total == mapped(reported()).total


def test_several_rows_are_one_order() -> None:
    found = mapped(reported(), reported(sku="CUP", item_price="5.00", item_tax="", shipping_price="", quantity="1",
                                        item_promotion_discount=""))  # fmt: skip
    assert found.total == Decimal("30.99")
    assert [line.sku for line in found.lines if line.kind == "item"] == ["POT-BLUE", "CUP"]
    assert len({line.external_id for line in found.lines}) == 3


def test_a_pending_order_has_no_amounts_and_does_not_count() -> None:
    row = reported(order_status="Pending", item_status="Unshipped", currency="", item_price="", item_tax="",
                   shipping_price="", item_promotion_discount="")  # fmt: skip
    found = mapped(row)
    assert (found.status, found.total, found.currency) == (OrderStatus.PENDING, Decimal(0), "GBP")
    assert mapping.tells_all([row])


def test_an_item_without_a_price_in_an_order_that_counts_has_to_be_asked_for() -> None:
    assert mapping.tells_all([reported()])
    assert not mapping.tells_all([reported(), reported(item_price="")])
    assert mapping.tells_all([reported(), reported(item_price="", item_status="Cancelled")])
    assert mapping.tells_all([reported(item_price="", sales_channel="Non-Amazon")])


def test_a_cancelled_item_of_an_order_that_goes_on_costs_nothing() -> None:
    found = mapped(reported(), reported(sku="CUP", item_status="Cancelled", item_price="89.95", shipping_price=""))
    assert found.total == Decimal("25.99")
    assert found.lines[-1].quantity == 0


@pytest.mark.parametrize(
    ("word", "source", "status"),
    [
        ("Shipped - Delivered to Buyer", "SHIPPED", OrderStatus.COMPLETED),
        ("Shipped - Returned to Seller", "SHIPPED", OrderStatus.COMPLETED),
        ("Pending - Waiting for Pick Up", "PENDING", OrderStatus.PENDING),
        ("Partially Shipped", "PARTIALLY_SHIPPED", OrderStatus.PROCESSING),
        ("PartiallyShipped", "PARTIALLY_SHIPPED", OrderStatus.PROCESSING),
        ("Canceled", "CANCELLED", OrderStatus.CANCELLED),
        ("Unshipped", "UNSHIPPED", OrderStatus.PROCESSING),
    ],
)
def test_reports_have_their_own_spelling(word: str, source: str, status: OrderStatus) -> None:
    found = mapped(reported(order_status=word))
    assert (found.source_status, found.status) == (source, status)


def test_orders_of_other_marketplaces_and_of_other_shops_are_left_out() -> None:
    for channel in ("Amazon.fr", "Non-Amazon", "Non-Amazon GB", ""):
        assert mapping.reported_order([reported(sales_channel=channel)], seller(), NOW) is None


def test_each_order_keeps_the_currency_of_its_marketplace() -> None:
    found = mapped(reported(sales_channel="Amazon.de", currency="EUR"))
    assert (found.currency, found.meta["marketplace"]) == ("EUR", "A1PA6795UKMFR9")
    assert mapped(reported()).meta["marketplace"] == GB


@pytest.mark.parametrize("changes", [{"item_price": "many"}, {"purchase_date": ""}, {"currency": "XYZ"}])
def test_a_row_that_cannot_be_trusted_rejects_its_order(changes: dict[str, str]) -> None:
    found = mapping.reported_order([reported(**changes)], seller(), NOW)
    assert isinstance(found, Rejected)
    assert (found.external_id, found.stream) == ("202-1234567-7654321", "orders")
