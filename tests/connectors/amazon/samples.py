"""Payloads of an invented seller, in the shapes of Amazon's models; keywords replace fields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from portal.connectors.amazon.account import Account, account

NOW = datetime(2026, 6, 17, 12, 0, tzinfo=UTC)
GB, DE, US, CA, JP = "A1F83G8C2ARO7P", "A1PA6795UKMFR9", "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1VC38T7YXB528"
FORM = {
    "seller_id": "ASELLERINVENTED",
    "marketplace_ids": f"{GB},{DE}",
    "refresh_token": "Atzr|invented",
    "lwa_client_id": "amzn1.application-oa2-client.invented",
    "lwa_client_secret": "amzn1.oa2-cs.v1.invented",
}


def seller(*marketplaces: str) -> Account:
    """An account in these marketplaces (UK and Germany when none is named)."""
    return account(FORM | {"marketplace_ids": ",".join(marketplaces or (GB, DE))}, {})


def money(amount: str, currency: str = "GBP") -> dict[str, str]:
    return {"amount": amount, "currencyCode": currency}


def share(kind: str, amount: str, *details: tuple[str, str], currency: str = "GBP") -> dict[str, Any]:
    row: dict[str, Any] = {"type": kind, "subtotal": money(amount, currency)}
    if details:
        row["detailedBreakdowns"] = [{"subtype": name, "value": money(value, currency)} for name, value in details]
    return row


def item(**changes: Any) -> dict[str, Any]:
    return {
        "orderItemId": "77001",
        "quantityOrdered": 2,
        "product": {
            "asin": "B0INVENTED",
            "title": "Teapot 🫖 <b>blue</b>",
            "sellerSku": "POT-BLUE",
            "price": {"unitPrice": money("12.00")},
        },
        "proceeds": {
            "proceedsTotal": money("25.99"),
            "breakdowns": [
                share("ITEM", "24.00"),
                share("DISCOUNT", "-2.00", ("ITEM", "-2.00")),
                share("TAX", "3.67", ("ITEM", "3.67")),
                share("SHIPPING", "3.99"),
            ],
        },
    } | changes


def order(**changes: Any) -> dict[str, Any]:
    return {
        "orderId": "202-1234567-7654321",
        "createdTime": "2026-06-16T08:00:00Z",
        "lastUpdatedTime": "2026-06-16T09:30:00Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": GB, "marketplaceName": "Amazon.co.uk"},
        "fulfillment": {"fulfillmentStatus": "SHIPPED", "fulfilledBy": "AMAZON"},
        "proceeds": {
            "grandTotal": money("25.99"),
            "breakdowns": [
                share("ITEM", "24.00"),
                share("DISCOUNT", "-2.00"),
                share("TAX", "3.67"),
                share("SHIPPING", "3.99"),
            ],
        },
        "orderItems": [item()],
    } | changes


def package(**changes: Any) -> dict[str, Any]:
    """A parcel of an order that the seller ships."""
    return {
        "packageReferenceId": "1",
        "createdTime": "2026-06-16T09:00:00Z",
        "packageStatus": {"status": "IN_TRANSIT", "detailedStatus": "PICKED_UP"},
        "carrier": "Royal Mail",
        "shipTime": "2026-06-16T09:30:00Z",
        "trackingNumber": "RM-7",
        "packageItems": [{"orderItemId": "77001", "quantity": 2}],
    } | changes


def reported(**changes: str) -> dict[str, str]:
    """One row of an order report; underscores stand for dashes."""
    row = {
        "amazon-order-id": "202-1234567-7654321",
        "merchant-order-id": "202-1234567-7654321",
        "purchase-date": "2026-06-16T08:00:00+00:00",
        "last-updated-date": "2026-06-16T09:30:00+00:00",
        "order-status": "Shipped",
        "fulfillment-channel": "Amazon",
        "sales-channel": "Amazon.co.uk",
        "product-name": "Teapot",
        "sku": "POT-BLUE",
        "asin": "B0INVENTED",
        "item-status": "Shipped",
        "quantity": "2",
        "currency": "GBP",
        "item-price": "24.00",
        "item-tax": "3.67",
        "shipping-price": "3.99",
        "item-promotion-discount": "2.00",
        "ship-city": "Leeds",
    }
    return row | {name.replace("_", "-"): value for name, value in changes.items()}


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "asin": "B0INVENTED",
        "fnSku": "X00INVENTED",
        "sellerSku": "POT-BLUE",
        "condition": "NewItem",
        "lastUpdatedTime": "2026-06-15T10:00:00Z",
        "productName": "Teapot",
        "totalQuantity": 17,
        "inventoryDetails": {"fulfillableQuantity": 12, "inboundShippedQuantity": 5},
    } | changes


def part(kind: str, amount: Any, *parts: dict[str, Any], currency: str = "GBP") -> dict[str, Any]:
    """A node of a transaction's breakdowns."""
    return {
        "breakdownType": kind,
        "breakdownAmount": {"currencyAmount": amount, "currencyCode": currency},
        "breakdowns": list(parts),
    }


def related(**names: str) -> list[dict[str, str]]:
    return [{"relatedIdentifierName": name, "relatedIdentifierValue": value} for name, value in names.items()]


def refund(**changes: Any) -> dict[str, Any]:
    """A refund of 24.00 with its tax of 4.00 and shipping of 3.99; Amazon gives back 3.60 and keeps 0.72 of its fee."""
    return {
        "transactionType": "Refund",
        "transactionId": "T-900",
        "transactionStatus": "RELEASED",
        "description": "Refund Order",
        "postedDate": "2026-06-12T10:00:00Z",
        "relatedIdentifiers": related(ORDER_ID="202-1234567-7654321", REFUND_ID="55"),
        "marketplaceDetails": {"marketplaceId": GB, "marketplaceName": "Amazon.co.uk"},
        "totalAmount": {"currencyAmount": -25.11, "currencyCode": "GBP"},
        "items": [
            {
                "description": "Teapot",
                "relatedIdentifiers": [
                    {"itemRelatedIdentifierName": "ORDER_ADJUSTMENT_ITEM_ID", "itemRelatedIdentifierValue": "77001"}
                ],
                "contexts": [{"contextType": "ProductContext", "sku": "POT-BLUE", "quantityShipped": 2}],
                "breakdowns": [
                    part("ProductCharges", -20.00, part("OurPricePrincipal", -20.00)),
                    part("Tax", -4.00, part("OurPriceTax", -4.00)),
                    part("Shipping", -3.99, part("ShippingPrincipal", -3.99)),
                    part(
                        "AmazonFees",
                        2.88,
                        part("Commission", 3.60, part("Base", 3.00), part("Tax", 0.60)),
                        part("RefundCommission", -0.72, part("Base", -0.60), part("Tax", -0.12)),
                    ),
                ],
            }
        ],
    } | changes
