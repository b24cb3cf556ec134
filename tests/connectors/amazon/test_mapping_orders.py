from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portal.commerce.records import Fulfilment, Order, OrderStatus
from portal.connectors.amazon import mapping
from portal.connectors.answers import Rejected
from tests.connectors.amazon.samples import CA, GB, NOW, US, item, money, order, seller, share


def mapped(row: Any, *marketplaces: str) -> Order:
    found = mapping.order(row, seller(*marketplaces), NOW)
    assert isinstance(found, Order), found
    return found


def rejected(row: Any) -> str:
    found = mapping.order(row, seller(), NOW)
    assert isinstance(found, Rejected)
    return found.reason


def test_an_order_has_the_total_the_buyer_pays_and_its_marketplace() -> None:
    found = mapped(order())
    assert (found.total, found.currency, found.status) == (Decimal("25.99"), "GBP", OrderStatus.COMPLETED)
    assert (found.source_status, found.fulfilment) == ("SHIPPED", Fulfilment.FULFILLED)
    assert (found.total_tax, found.discount_total, found.shipping_total) == (
        Decimal("3.67"),
        Decimal("2.00"),
        Decimal("3.99"),
    )
    assert found.meta == {"marketplace": GB, "marketplace_name": "Amazon.co.uk", "fulfilled_by": "AMAZON"}
    assert found.prices_include_tax
    assert found.paid_at is None


def test_nothing_of_the_buyer_is_kept_even_when_it_is_sent() -> None:
    row = order(buyer={"buyerName": "Ann Example", "buyerEmail": "ann@example.test"}, recipient={"x": "Leeds"})
    found = mapped(row)
    assert (found.customer_name, found.customer_email, found.customer_id, found.country) == ("", "", None, "")


def test_lines_and_tax_add_up_to_the_total_where_prices_contain_tax() -> None:
    found = mapped(order())
    product, shipping = found.lines
    assert (product.total, product.total_tax, product.subtotal) == (Decimal("18.33"), Decimal("3.67"), Decimal("20.33"))
    assert (shipping.kind, shipping.total) == ("shipping", Decimal("3.99"))
    assert sum(line.total + line.total_tax for line in found.lines) == found.total
    assert (product.sku, product.product_id, product.name) == ("POT-BLUE", f"{GB}:POT-BLUE", "Teapot 🫖 <b>blue</b>")
    assert (product.quantity, product.unit_price) == (2, Decimal("12.00"))


def test_lines_and_tax_add_up_to_the_total_where_tax_comes_on_top() -> None:
    def usd(kind: str, amount: str, *details: tuple[str, str]) -> dict[str, Any]:
        return share(kind, amount, *details, currency="USD")

    shares = [
        usd("ITEM", "20.00"),
        usd("TAX", "2.06", ("ITEM", "1.65"), ("SHIPPING", "0.41")),
        usd("SHIPPING", "5.00"),
        usd("GIFT_WRAP", "3.50"),
    ]
    row = order(
        salesChannel={"channelName": "AMAZON", "marketplaceId": US},
        proceeds={"grandTotal": money("30.56", "USD"), "breakdowns": shares},
        orderItems=[item(proceeds={"proceedsTotal": money("30.56", "USD"), "breakdowns": shares})],
    )
    found = mapped(row, US, CA)
    assert not found.prices_include_tax
    assert [(line.kind, line.total, line.total_tax) for line in found.lines] == [
        ("item", Decimal("20.00"), Decimal("1.65")),
        ("shipping", Decimal("5.00"), Decimal("0.41")),
        ("fee", Decimal("3.50"), Decimal(0)),
    ]
    assert (found.total, found.fee_total) == (Decimal("30.56"), Decimal("3.50"))


def test_without_a_grand_total_the_items_are_added() -> None:
    row = order(orderItems=[item(), item(orderItemId="77002")], proceeds={})
    assert mapped(row).total == Decimal("51.98")


@pytest.mark.parametrize("word", ["PENDING", "PENDING_AVAILABILITY"])
def test_a_pending_order_without_amounts_is_pending_and_not_a_sale_of_zero(word: str) -> None:
    row = order(fulfillment={"fulfillmentStatus": word}, orderItems=[item(proceeds=None)])
    del row["proceeds"]
    found = mapped(row)
    assert (found.status, found.total, found.paid_at, found.currency) == (OrderStatus.PENDING, Decimal(0), None, "GBP")


def test_an_order_that_counts_but_has_no_total_is_rejected_with_the_reason() -> None:
    assert rejected(order(proceeds=None, orderItems=[item(proceeds=None)])) == "the order has no total"


def test_a_free_replacement_has_a_total_of_zero() -> None:
    row = order(
        proceeds=None,
        orderItems=[item(proceeds=None)],
        associatedOrders=[{"orderId": "1", "associationType": "REPLACEMENT_ORIGINAL_ID"}],
    )
    assert mapped(row).total == 0


def test_orders_of_other_shops_that_amazon_only_ships_are_left_out() -> None:
    assert mapping.order(order(salesChannel={"channelName": "NON_AMAZON"}), seller(), NOW) is None


def test_orders_of_other_marketplaces_are_left_out() -> None:
    row = order(salesChannel={"channelName": "AMAZON", "marketplaceId": "A13V1IB3VIYZZH"})
    assert mapping.order(row, seller(), NOW) is None


@pytest.mark.parametrize(
    ("word", "status", "fulfilment"),
    [
        ("UNSHIPPED", OrderStatus.PROCESSING, Fulfilment.UNFULFILLED),
        ("PARTIALLY_SHIPPED", OrderStatus.PROCESSING, Fulfilment.PARTIAL),
        ("CANCELLED", OrderStatus.CANCELLED, Fulfilment.NOT_REQUIRED),
        ("UNFULFILLABLE", OrderStatus.FAILED, Fulfilment.NOT_REQUIRED),
        ("TELEPORTED", OrderStatus.OTHER, Fulfilment.UNFULFILLED),
    ],
)
def test_amazons_words_have_their_states(word: str, status: OrderStatus, fulfilment: Fulfilment) -> None:
    found = mapped(order(fulfillment={"fulfillmentStatus": word}))
    assert (found.status, found.fulfilment, found.source_status) == (status, fulfilment, word)


def test_the_sellers_own_number_is_kept() -> None:
    row = order(orderAliases=[{"aliasType": "SELLER_ORDER_ID", "aliasId": "INV-9"}])
    assert mapped(row).meta["seller_order_id"] == "INV-9"


def test_a_part_in_another_currency_is_a_reason_to_reject() -> None:
    row = order(proceeds={"grandTotal": money("25.99"), "breakdowns": [share("ITEM", "1", currency="EUR")]})
    assert "EUR" in rejected(row)


@pytest.mark.parametrize("changes", [{"orderId": ""}, {"createdTime": "soon"}, {"createdTime": "1970-01-01T00:00:00Z"}])
def test_an_order_without_an_id_or_a_believable_date_is_rejected(changes: dict[str, Any]) -> None:
    assert rejected(order(**changes))
