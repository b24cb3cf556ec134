"""The part of the Admin API's schema that the sandbox knows, in a notation of its own: what is asked beyond it is refused.

A type stands at the margin, its fields below it as `name(argument:Type):Type`. Tests hold the portal's queries to this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

TABLE = """
AccessScope
    handle:String!
AppInstallation
    accessScopes:[AccessScope!]!
BulkOperation
    createdAt:DateTime! errorCode:BulkOperationErrorCode id:ID! objectCount:UnsignedInt64! query:String!
    rootObjectCount:UnsignedInt64! status:BulkOperationStatus! url:URL
BulkOperationConnection
    nodes:[BulkOperation!]!
BulkOperationRunQueryPayload
    bulkOperation:BulkOperation userErrors:[BulkOperationUserError!]!
BulkOperationUserError
    code:BulkOperationUserErrorCode field:[String!] message:String!
Count
    count:Int! precision:CountPrecision!
Customer
    createdAt:DateTime! defaultAddress:MailingAddress defaultEmailAddress:CustomerEmailAddress
    displayName:String! firstName:String id:ID! lastName:String numberOfOrders:UnsignedInt64!
    state:CustomerState! updatedAt:DateTime!
CustomerConnection
    edges:[CustomerEdge!]! nodes:[Customer!]! pageInfo:PageInfo!
CustomerEdge
    node:Customer!
CustomerEmailAddress
    emailAddress:String!
DiscountAllocation
    allocatedAmountSet:MoneyBag! discountApplication:DiscountApplication!
DiscountApplication
    index:Int!
AutomaticDiscountApplication
    index:Int!
DiscountCodeApplication
    code:String! index:Int!
Fulfillment
    createdAt:DateTime! displayStatus:FulfillmentDisplayStatus id:ID! status:FulfillmentStatus! totalQuantity:Int!
    trackingInfo(first:Int):[FulfillmentTrackingInfo!]!
FulfillmentLineItem
    lineItem:LineItem!
FulfillmentTrackingInfo
    company:String number:String url:URL
Image
    url:URL!
InventoryItem
    id:ID! inventoryLevels(first:Int,after:String):InventoryLevelConnection! tracked:Boolean!
    variants(first:Int):ProductVariantConnection
InventoryLevel
    id:ID! isActive:Boolean! location:Location! quantities(names:[String!]!):[InventoryQuantity!]! updatedAt:DateTime!
InventoryLevelConnection
    edges:[InventoryLevelEdge!]! nodes:[InventoryLevel!]! pageInfo:PageInfo!
InventoryLevelEdge
    node:InventoryLevel!
InventoryQuantity
    name:String! quantity:Int!
LineItem
    discountAllocations:[DiscountAllocation!]! id:ID! name:String! originalTotalSet:MoneyBag!
    originalUnitPriceSet:MoneyBag! product:Product quantity:Int! sku:String taxLines:[TaxLine!]!
    variant:ProductVariant
LineItemConnection
    edges:[LineItemEdge!]! nodes:[LineItem!]! pageInfo:PageInfo!
LineItemEdge
    node:LineItem!
Location
    id:ID! name:String!
MailingAddress
    city:String countryCodeV2:CountryCode name:String
Media
    preview:MediaPreviewImage
MediaPreviewImage
    image:Image
MoneyBag
    presentmentMoney:MoneyV2! shopMoney:MoneyV2!
MoneyV2
    amount:Decimal! currencyCode:CurrencyCode!
Mutation
    bulkOperationRunQuery(query:String!,groupObjects:Boolean!):BulkOperationRunQueryPayload
    webhookSubscriptionCreate(topic:WebhookSubscriptionTopic!,webhookSubscription:WebhookSubscriptionInput!):WebhookSubscriptionCreatePayload
    webhookSubscriptionDelete(id:ID!):WebhookSubscriptionDeletePayload
    webhookSubscriptionUpdate(id:ID!,webhookSubscription:WebhookSubscriptionInput!):WebhookSubscriptionUpdatePayload
Order
    billingAddress:MailingAddress cancelledAt:DateTime createdAt:DateTime! currentTotalPriceSet:MoneyBag!
    customer:Customer discountCodes:[String!]! displayFinancialStatus:OrderDisplayFinancialStatus
    displayFulfillmentStatus:OrderDisplayFulfillmentStatus! edited:Boolean! email:String
    fulfillments(first:Int):[Fulfillment!]! id:ID! lineItems(first:Int,after:String):LineItemConnection!
    name:String! note:String originalTotalAdditionalFeesSet:MoneyBag originalTotalDutiesSet:MoneyBag
    paymentGatewayNames:[String!]! processedAt:DateTime! refunds(first:Int):[Refund!]! requiresShipping:Boolean!
    returnStatus:OrderReturnStatus! returns(first:Int,after:String):ReturnConnection!
    shippingAddress:MailingAddress shippingLine:ShippingLine sourceName:String
    taxesIncluded:Boolean! test:Boolean! totalDiscountsSet:MoneyBag totalPriceSet:MoneyBag!
    totalRefundedSet:MoneyBag! totalTaxSet:MoneyBag totalTipReceivedSet:MoneyBag!
    transactions(first:Int):[OrderTransaction!]! updatedAt:DateTime!
OrderConnection
    edges:[OrderEdge!]! nodes:[Order!]! pageInfo:PageInfo!
OrderEdge
    node:Order!
OrderTransaction
    amountSet:MoneyBag! gateway:String id:ID! kind:OrderTransactionKind! paymentId:String
    processedAt:DateTime status:OrderTransactionStatus!
PageInfo
    endCursor:String hasNextPage:Boolean!
Product
    category:TaxonomyCategory createdAt:DateTime! featuredMedia:Media id:ID! productType:String!
    status:ProductStatus! title:String! updatedAt:DateTime! variants:ProductVariantConnection!
ProductConnection
    edges:[ProductEdge!]! nodes:[Product!]! pageInfo:PageInfo!
ProductEdge
    node:Product!
ProductVariant
    compareAtPrice:Money createdAt:DateTime! id:ID! inventoryItem:InventoryItem!
    inventoryPolicy:ProductVariantInventoryPolicy! inventoryQuantity:Int price:Money! product:Product!
    sku:String title:String! updatedAt:DateTime!
ProductVariantConnection
    edges:[ProductVariantEdge!]! nodes:[ProductVariant!]! pageInfo:PageInfo!
ProductVariantEdge
    node:ProductVariant!
QueryRoot
    bulkOperation(id:ID!):BulkOperation
    bulkOperations(first:Int,sortKey:BulkOperationsSortKeys,reverse:Boolean,after:String,query:String):BulkOperationConnection!
    currentAppInstallation:AppInstallation!
    customers(first:Int,after:String,query:String,sortKey:CustomerSortKeys,reverse:Boolean):CustomerConnection!
    customersCount(limit:Int,query:String):Count node(id:ID!):Node nodes(ids:[ID!]!):[Node]!
    orders(first:Int,after:String,query:String,sortKey:OrderSortKeys,reverse:Boolean):OrderConnection!
    ordersCount(limit:Int,query:String):Count
    productVariants(first:Int,after:String,query:String,sortKey:ProductVariantSortKeys,reverse:Boolean):ProductVariantConnection!
    products(first:Int,after:String,query:String,sortKey:ProductSortKeys,reverse:Boolean):ProductConnection!
    productsCount(limit:Int,query:String):Count shop:Shop!
    webhookSubscriptions(first:Int,after:String,query:String,reverse:Boolean,sortKey:WebhookSubscriptionSortKeys):WebhookSubscriptionConnection!
Refund
    createdAt:DateTime id:ID! note:String processedAt:DateTime!
    refundLineItems(first:Int,after:String):RefundLineItemConnection! totalRefundedSet:MoneyBag!
    updatedAt:DateTime!
RefundLineItem
    id:ID lineItem:LineItem! quantity:Int! subtotalSet:MoneyBag! totalTaxSet:MoneyBag!
RefundLineItemConnection
    nodes:[RefundLineItem!]! pageInfo:PageInfo!
Return
    createdAt:DateTime! id:ID! name:String!
    returnLineItems(first:Int,after:String):ReturnLineItemTypeConnection! status:ReturnStatus!
ReturnConnection
    edges:[ReturnEdge!]! nodes:[Return!]! pageInfo:PageInfo!
ReturnEdge
    node:Return!
ReturnLineItem
    fulfillmentLineItem:FulfillmentLineItem! id:ID! quantity:Int! returnReasonDefinition:ReturnReasonDefinition
    returnReasonNote:String!
ReturnLineItemType
    id:ID! quantity:Int! returnReasonDefinition:ReturnReasonDefinition returnReasonNote:String!
ReturnLineItemTypeConnection
    edges:[ReturnLineItemTypeEdge!]! nodes:[ReturnLineItemType!]! pageInfo:PageInfo!
ReturnLineItemTypeEdge
    node:ReturnLineItemType!
ReturnReasonDefinition
    name:String!
ShippingLine
    discountedPriceSet:MoneyBag! taxLines:[TaxLine!]! title:String!
Shop
    currencyCode:CurrencyCode! ianaTimezone:String! myshopifyDomain:String! name:String! plan:ShopPlan!
ShopPlan
    publicDisplayName:String!
TaxLine
    priceSet:MoneyBag!
TaxonomyCategory
    name:String!
UserError
    field:[String!] message:String!
WebhookSubscription
    format:WebhookSubscriptionFormat! id:ID! topic:WebhookSubscriptionTopic! uri:String!
WebhookSubscriptionConnection
    nodes:[WebhookSubscription!]! pageInfo:PageInfo!
WebhookSubscriptionCreatePayload
    userErrors:[UserError!]! webhookSubscription:WebhookSubscription
WebhookSubscriptionDeletePayload
    deletedWebhookSubscriptionId:ID userErrors:[UserError!]!
WebhookSubscriptionUpdatePayload
    userErrors:[UserError!]! webhookSubscription:WebhookSubscription
"""
INPUTS = {"WebhookSubscriptionInput": {"uri": "String", "format": "WebhookSubscriptionFormat"}}
ENUMS = {
    "OrderSortKeys": "CREATED_AT ID PROCESSED_AT UPDATED_AT",
    "ProductSortKeys": "CREATED_AT ID TITLE UPDATED_AT",
    "ProductVariantSortKeys": "ID SKU TITLE",
    "CustomerSortKeys": "CREATED_AT ID UPDATED_AT",
    "BulkOperationsSortKeys": "COMPLETED_AT CREATED_AT",
    "WebhookSubscriptionSortKeys": "CREATED_AT ID",
    "WebhookSubscriptionFormat": "JSON XML",
    "WebhookSubscriptionTopic": "ORDERS_CREATE ORDERS_UPDATED ORDERS_CANCELLED ORDERS_EDITED ORDERS_DELETE REFUNDS_CREATE "
    "PRODUCTS_CREATE PRODUCTS_UPDATE PRODUCTS_DELETE INVENTORY_LEVELS_UPDATE CUSTOMERS_CREATE CUSTOMERS_UPDATE "
    "CUSTOMERS_DELETE APP_UNINSTALLED ORDERS_PAID ORDERS_FULFILLED FULFILLMENTS_CREATE FULFILLMENTS_UPDATE RETURNS_APPROVE "
    "RETURNS_CANCEL RETURNS_CLOSE RETURNS_DECLINE RETURNS_PROCESS RETURNS_REOPEN RETURNS_REQUEST RETURNS_UPDATE",
}
# What has a global id; only connections of these can be exported.
NODES = frozenset({
    "BulkOperation", "Customer", "Fulfillment", "InventoryItem", "InventoryLevel", "LineItem", "Location",
    "MailingAddress", "Order", "OrderTransaction", "Product", "ProductVariant", "Refund", "Return", "ReturnLineItem",
    "TaxonomyCategory", "WebhookSubscription",
})  # fmt: skip
# Abstract types -> what their objects may be.
ABSTRACT = {
    "Node": NODES,
    "ReturnLineItemType": frozenset({"ReturnLineItem"}),
    "DiscountApplication": frozenset({"AutomaticDiscountApplication", "DiscountCodeApplication"}),
}


@dataclass(frozen=True, slots=True)
class Declared:
    """A field's type (`[Order!]!`) and its arguments' types."""

    type: str
    args: dict[str, str]

    @property
    def named(self) -> str:
        """The type without brackets and exclamation marks."""
        return self.type.strip("[]!")

    @property
    def listed(self) -> bool:
        return self.type.startswith("[")


@cache
def types() -> dict[str, dict[str, Declared]]:
    """Type -> field -> what is declared of it."""
    found: dict[str, dict[str, Declared]] = {}
    fields: dict[str, Declared] = {}
    for line in TABLE.strip().splitlines():
        if not line.startswith(" "):
            fields = found[line] = {}
            continue
        for entry in line.split():
            head, _, named = entry.rpartition(":")
            name, _, rest = head.partition("(")
            pairs = [pair.split(":") for pair in rest.rstrip(")").split(",") if pair]
            fields[name] = Declared(named, {each[0]: each[1] for each in pairs})
    return found


def is_connection(name: str) -> bool:
    return name.endswith("Connection")
