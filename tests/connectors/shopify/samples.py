"""An invented shop's rows in the shapes of GraphQL answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def bag(amount: str, currency: str = "EUR", paid: str | None = None, paid_in: str | None = None) -> Json:
    return {
        "shopMoney": {"amount": amount, "currencyCode": currency},
        "presentmentMoney": {"amount": paid or amount, "currencyCode": paid_in or currency},
    }


def line(number: int = 71, **changes: Any) -> Json:
    made = {
        "id": f"gid://shopify/LineItem/{number}",
        "name": "Teapot - Blue",
        "sku": "TP-B",
        "quantity": 2,
        "product": {"id": "gid://shopify/Product/31"},
        "variant": {"id": "gid://shopify/ProductVariant/41"},
        "originalUnitPriceSet": bag("20.0"),
        "originalTotalSet": bag("40.0"),
        "discountAllocations": [
            {"allocatedAmountSet": bag("4.0"), "discountApplication": {"index": 0, "code": "SPRING"}}
        ],
        "taxLines": [{"priceSet": bag("6.84")}],
    }
    return made | changes


def refund(number: int = 91, **changes: Any) -> Json:
    made = {
        "id": f"gid://shopify/Refund/{number}",
        "createdAt": "2026-03-09T10:00:00Z",
        "processedAt": "2026-03-09T10:00:01Z",
        "updatedAt": "2026-03-09T10:00:02Z",
        "note": "broken 💔",
        "totalRefundedSet": bag("21.42"),
        "refundLineItems": {
            "nodes": [
                {
                    "id": "gid://shopify/RefundLineItem/95",
                    "quantity": 1,
                    "subtotalSet": bag("18.0"),
                    "totalTaxSet": bag("3.42"),
                    "lineItem": {"id": "gid://shopify/LineItem/71", "sku": "TP-B"},
                }
            ]
        },
    }
    return made | changes


def order(**changes: Any) -> Json:
    """40.00 less 4.00 by a code, 6.84 tax, 5.00 + 0.95 shipping, 2.00 tip: 50.79."""
    made = {
        "id": "gid://shopify/Order/17",
        "name": "#1017",
        "createdAt": "2026-03-08T09:00:00Z",
        "processedAt": "2026-03-08T09:00:00Z",
        "updatedAt": "2026-03-09T10:00:02Z",
        "cancelledAt": None,
        "test": False,
        "edited": False,
        "taxesIncluded": False,
        "requiresShipping": True,
        "sourceName": "web",
        "note": "please <b>ring</b>",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "returnStatus": "NO_RETURN",
        "discountCodes": ["SPRING"],
        "paymentGatewayNames": ["shopify_payments"],
        "totalPriceSet": bag("50.79"),
        "currentTotalPriceSet": bag("50.79"),
        "totalRefundedSet": bag("0.0"),
        "totalTaxSet": bag("7.79"),
        "totalDiscountsSet": bag("4.0"),
        "totalTipReceivedSet": bag("2.0"),
        "originalTotalDutiesSet": None,
        "originalTotalAdditionalFeesSet": None,
        "shippingLine": {"title": "Parcel", "discountedPriceSet": bag("5.0"), "taxLines": [{"priceSet": bag("0.95")}]},
        "transactions": [
            {"kind": "SALE", "status": "FAILURE", "processedAt": "2026-03-08T09:00:10Z", "gateway": "x"},
            {"kind": "SALE", "status": "SUCCESS", "processedAt": "2026-03-08T09:05:00Z", "gateway": "x"},
        ],
        "fulfillments": [],
        "refunds": [],
        "billingAddress": {"name": "Ada Lovelace", "countryCodeV2": "DE"},
        "shippingAddress": {"name": "Ada L.", "countryCodeV2": "AT"},
        "email": "ada@example.test",
        "customer": {"id": "gid://shopify/Customer/51", "displayName": "Ada Lovelace"},
        "lineItems": {"nodes": [line()], "pageInfo": {"hasNextPage": False, "endCursor": "x"}},
    }
    return made | changes


def details() -> Json:
    """An order's payments, shipments and returns."""
    line = {"id": "gid://shopify/LineItem/71", "sku": "TP-B", "name": "Teapot"}
    item = {
        "id": "gid://shopify/ReturnLineItem/8", "quantity": 1, "returnReasonNote": "",
        "returnReasonDefinition": {"name": "Damaged"},
        "fulfillmentLineItem": {"lineItem": line},
    }  # fmt: skip
    paid = {
        "id": "gid://shopify/OrderTransaction/1", "kind": "SALE", "status": "SUCCESS", "gateway": "x", "paymentId": "p",
        "processedAt": "2026-03-08T09:05:00Z", "amountSet": bag("50.79"),
    }  # fmt: skip
    sent = {
        "id": "gid://shopify/Fulfillment/5", "createdAt": "2026-03-09T08:00:00Z", "status": "SUCCESS", "displayStatus": "DELIVERED",
        "totalQuantity": 2, "trackingInfo": [{"company": "DHL", "number": "1", "url": "https://dhl.example/1"}],
    }  # fmt: skip
    back = {
        "id": "gid://shopify/Return/3", "name": "#1-R1", "status": "OPEN", "createdAt": "2026-03-09T11:00:00Z",
        "returnLineItems": {"nodes": [item]},
    }  # fmt: skip
    return {"transactions": [paid], "fulfillments": [sent], "returnStatus": "IN_PROGRESS", "returns": {"nodes": [back]}}


def level(available: int, number: int = 1, **changes: Any) -> Json:
    made = {
        "id": f"gid://shopify/InventoryLevel/{number}?inventory_item_id=61",
        "updatedAt": "2026-03-09T11:00:00Z",
        "isActive": True,
        "quantities": [{"name": "available", "quantity": available}],
    }
    return made | changes


def variant(*levels: Json, tracked: bool = True, **changes: Any) -> Json:
    made = {
        "id": "gid://shopify/ProductVariant/41",
        "title": "Blue",
        "sku": "TP-B",
        "price": "20.00",
        "compareAtPrice": "25.00",
        "inventoryPolicy": "DENY",
        "inventoryQuantity": 7,
        "createdAt": "2025-01-01T00:00:00Z",
        "updatedAt": "2026-03-01T00:00:00Z",
        "inventoryItem": {
            "id": "gid://shopify/InventoryItem/61",
            "tracked": tracked,
            "inventoryLevels": {"nodes": list(levels), "pageInfo": {"hasNextPage": False}},
        },
    }
    return made | changes


def product(*variants: Json, **changes: Any) -> Json:
    made = {
        "id": "gid://shopify/Product/31",
        "title": "Teapot",
        "status": "ACTIVE",
        "productType": "Kitchen",
        "createdAt": "2025-01-01T00:00:00Z",
        "updatedAt": "2026-03-02T00:00:00Z",
        "category": {"name": "Teapots"},
        "featuredMedia": {"preview": {"image": {"url": "https://cdn.example.test/teapot.png"}}},
        "variants": {"nodes": list(variants) or [variant(level(7))]},
    }
    return made | changes


def customer(**changes: Any) -> Json:
    made = {
        "id": "gid://shopify/Customer/51",
        "displayName": "Ada Lovelace",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "state": "ENABLED",
        "numberOfOrders": "3",
        "createdAt": "2025-01-01T00:00:00Z",
        "updatedAt": "2026-03-02T00:00:00Z",
        "defaultEmailAddress": {"emailAddress": "ada@example.test"},
        "defaultAddress": {"city": "Graz", "countryCodeV2": "AT"},
    }
    return made | changes
