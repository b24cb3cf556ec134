"""The parts of Amazon's interfaces that the portal reads, in our own short form: object -> field -> type.

A type is a JSON type, the name of another object here, or a list `[type]`; `!` marks a field that is always there. Fields that
the portal does not read and the sandbox does not send are left out.
"""

from __future__ import annotations

from decimal import Decimal

SHAPES: dict[str, dict[str, object]] = {
    # Orders 2026-01-01
    "SearchOrdersResponse": {
        "orders": ["Order"], "pagination": "OrdersPagination", "lastUpdatedBefore": "string", "createdBefore": "string",
    },
    "GetOrderResponse": {"order": "Order!"},
    "OrdersPagination": {"nextToken": "string"},
    "Order": {
        "orderId": "string!", "orderAliases": ["Alias"], "createdTime": "string!", "lastUpdatedTime": "string!",
        "programs": ["string"], "associatedOrders": ["AssociatedOrder"], "salesChannel": "SalesChannel!", "buyer": "Buyer",
        "recipient": "Recipient", "proceeds": "OrderProceeds", "fulfillment": "OrderFulfillment", "orderItems": ["OrderItem"],
        "packages": ["OrderPackage"],
    },
    "OrderPackage": {
        "packageReferenceId": "string!", "createdTime": "string", "packageStatus": "PackageStatus", "carrier": "string",
        "shipTime": "string", "trackingNumber": "string", "packageItems": ["PackageItem"],
    },
    "PackageStatus": {"status": "string!"},
    "PackageItem": {"orderItemId": "string!", "quantity": "integer!"},
    "Alias": {"aliasId": "string!", "aliasType": "string!"},
    "AssociatedOrder": {"orderId": "string", "associationType": "string"},
    "SalesChannel": {"channelName": "string!", "marketplaceId": "string", "marketplaceName": "string"},
    "Buyer": {"buyerName": "string"},
    "Recipient": {"deliveryAddress": "CustomerAddress"},
    "CustomerAddress": {"name": "string", "city": "string"},
    "OrderFulfillment": {"fulfillmentStatus": "string!", "fulfilledBy": "string", "fulfillmentServiceLevel": "string"},
    "OrderProceeds": {"grandTotal": "Money", "breakdowns": ["OrderProceedsBreakdown"]},
    "OrderProceedsBreakdown": {"type": "string!", "subtotal": "Money!"},
    "OrderItem": {
        "orderItemId": "string!", "quantityOrdered": "integer!", "product": "ItemProduct!", "proceeds": "ItemProceeds",
    },
    "ItemProduct": {
        "asin": "string", "title": "string", "sellerSku": "string", "condition": "ItemCondition", "price": "ItemPrice",
    },
    "ItemCondition": {"conditionType": "string"},
    "ItemPrice": {"unitPrice": "Money"},
    "ItemProceeds": {"proceedsTotal": "Money", "breakdowns": ["ItemProceedsBreakdown"]},
    "ItemProceedsBreakdown": {
        "type": "string!", "subtotal": "Money!", "detailedBreakdowns": ["ItemProceedsDetailedBreakdown"],
    },
    "ItemProceedsDetailedBreakdown": {"subtype": "string", "value": "Money"},
    "Money": {"amount": "string!", "currencyCode": "string!"},
    # Reports 2021-06-30
    "CreateReportResponse": {"reportId": "string!"},
    "GetReportsResponse": {"reports": ["Report"]},
    "Report": {
        "reportId": "string!", "reportType": "string!", "marketplaceIds": ["string"], "dataStartTime": "string",
        "dataEndTime": "string", "createdTime": "string!", "processingStatus": "string!", "reportDocumentId": "string",
    },
    "ReportDocument": {"reportDocumentId": "string!", "url": "string!", "compressionAlgorithm": "string"},
    # FBA inventory v1
    "GetInventorySummariesResponse": {"payload": "GetInventorySummariesResult", "pagination": "InventoryPagination"},
    "InventoryPagination": {"nextToken": "string"},
    "GetInventorySummariesResult": {"granularity": "Granularity!", "inventorySummaries": ["InventorySummary"]},
    "Granularity": {"granularityType": "string", "granularityId": "string"},
    "InventorySummary": {
        "asin": "string", "fnSku": "string", "sellerSku": "string", "condition": "string",
        "inventoryDetails": "InventoryDetails", "lastUpdatedTime": "string", "productName": "string",
        "totalQuantity": "integer",
    },
    "InventoryDetails": {
        "fulfillableQuantity": "integer", "inboundWorkingQuantity": "integer", "inboundShippedQuantity": "integer",
        "inboundReceivingQuantity": "integer", "reservedQuantity": "ReservedQuantity",
    },
    "ReservedQuantity": {"totalReservedQuantity": "integer"},
    # Finances 2024-06-19
    "ListTransactionsResponse": {"payload": "TransactionsPayload"},
    "TransactionsPayload": {"nextToken": "string", "transactions": ["Transaction"]},
    "Transaction": {
        "sellingPartnerMetadata": "SellingPartnerMetadata", "relatedIdentifiers": ["RelatedIdentifier"],
        "transactionType": "string", "transactionId": "string", "transactionStatus": "string", "description": "string",
        "postedDate": "string", "totalAmount": "Currency", "marketplaceDetails": "MarketplaceDetails",
        "items": ["Item"], "breakdowns": ["Breakdown"],
    },
    "SellingPartnerMetadata": {"sellingPartnerId": "string", "accountType": "string", "marketplaceId": "string"},
    "RelatedIdentifier": {"relatedIdentifierName": "string", "relatedIdentifierValue": "string"},
    "MarketplaceDetails": {"marketplaceId": "string", "marketplaceName": "string"},
    "Item": {
        "description": "string", "relatedIdentifiers": ["ItemRelatedIdentifier"], "totalAmount": "Currency",
        "breakdowns": ["Breakdown"], "contexts": ["ProductContext"],
    },
    "ItemRelatedIdentifier": {"itemRelatedIdentifierName": "string", "itemRelatedIdentifierValue": "string"},
    "ProductContext": {
        "contextType": "string", "asin": "string", "sku": "string", "quantityShipped": "integer",
        "fulfillmentNetwork": "string",
    },
    "Breakdown": {"breakdownType": "string", "breakdownAmount": "Currency", "breakdowns": ["Breakdown"]},
    "Currency": {"currencyCode": "string", "currencyAmount": "number"},
    # Sellers v1
    "GetMarketplaceParticipationsResponse": {"payload": ["MarketplaceParticipation"]},
    "MarketplaceParticipation": {
        "marketplace": "Marketplace!", "participation": "Participation!", "storeName": "string!",
    },
    "Marketplace": {
        "id": "string!", "name": "string!", "countryCode": "string!", "defaultCurrencyCode": "string!",
        "defaultLanguageCode": "string!", "domainName": "string!",
    },
    "Participation": {"isParticipating": "boolean!", "hasSuspendedListings": "boolean!"},
}  # fmt: skip
_PLAIN = {"string": str, "integer": int, "boolean": bool, "number": (int, float, Decimal)}


def problems(value: object, shape: str, at: str = "") -> list[str]:
    """What is wrong with a value that should have a shape: unknown and missing fields, other types."""
    if not isinstance(value, dict):
        return [f"{at or shape} is no object"]
    fields = SHAPES[shape]
    found = [f"{at}.{name} is unknown to {shape}" for name in value if name not in fields]
    for name, kind in fields.items():
        word = kind[0] if isinstance(kind, list) else kind
        assert isinstance(word, str)
        if name not in value:
            found += [f"{at}.{name} is missing"] if word.endswith("!") else []
            continue
        rows = value[name] if isinstance(kind, list) else [value[name]]
        for row in rows:
            found += _wrong(row, word.removesuffix("!"), f"{at}.{name}")
    return found


def _wrong(value: object, kind: str, at: str) -> list[str]:
    if kind in SHAPES:
        return problems(value, kind, at)
    return [] if isinstance(value, _PLAIN[kind]) else [f"{at} is no {kind}"]
