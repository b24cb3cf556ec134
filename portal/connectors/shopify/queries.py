"""Every document the portal sends, for the Admin API of `manifest.API_VERSION`; tests hold them to its schema.

What an app may not read makes a whole query fail, so parts that need a scope are left out without it. A bulk operation takes
no variables, only connections of nodes with ids, and none inside a list: refund lines therefore come by a query of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from string import Template

ADDRESSES = "addresses"
"""No scope of Shopify's: whether the app may see the addresses of orders, which depends on plan and approval."""

_SHOP = "{ shopMoney { amount } }"
_BOTH = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"

_LINE = f"""
  id name sku quantity
  product {{ id }}
  variant {{ id }}
  originalUnitPriceSet {_SHOP}
  originalTotalSet {_SHOP}
  discountAllocations {{
    allocatedAmountSet {_SHOP}
    discountApplication {{ index ... on DiscountCodeApplication {{ code }} }}
  }}
  taxLines {{ priceSet {_SHOP} }}
"""
_ORDER = f"""
  id name createdAt processedAt updatedAt cancelledAt
  test edited taxesIncluded requiresShipping sourceName note
  displayFinancialStatus displayFulfillmentStatus returnStatus
  discountCodes paymentGatewayNames
  totalPriceSet {_BOTH}
  currentTotalPriceSet {_SHOP}
  totalRefundedSet {_SHOP}
  totalTaxSet {_SHOP}
  totalDiscountsSet {_SHOP}
  totalTipReceivedSet {_SHOP}
  originalTotalDutiesSet {_SHOP}
  originalTotalAdditionalFeesSet {_SHOP}
  shippingLine {{ title discountedPriceSet {_SHOP} taxLines {{ priceSet {_SHOP} }} }}
  transactions(first: 50) {{ kind status processedAt gateway }}
  fulfillments(first: 50) {{ createdAt status }}
  refunds(first: 100) {{
    id createdAt processedAt updatedAt note
    totalRefundedSet {{ shopMoney {{ amount currencyCode }} }}
  }}
"""
_BUYER = "email customer { id displayName }"
_ADDRESSES = "billingAddress { name countryCodeV2 } shippingAddress { name countryCodeV2 }"
_PRODUCT = """
  id title status productType createdAt updatedAt
  category { name }
  featuredMedia { preview { image { url } } }
"""
_VARIANT = "id title sku price compareAtPrice inventoryPolicy inventoryQuantity createdAt updatedAt"
_LEVEL = 'id updatedAt isActive quantities(names: ["available"]) { name quantity }'
_CUSTOMER = """
  id displayName firstName lastName state numberOfOrders createdAt updatedAt
  defaultEmailAddress { emailAddress }
  defaultAddress { city countryCodeV2 }
"""
_PAGE = "pageInfo { hasNextPage endCursor }"

SHOP = """query Shop {
  shop { name currencyCode ianaTimezone myshopifyDomain plan { publicDisplayName } }
  currentAppInstallation { accessScopes { handle } }
}"""
COUNTS = {
    "orders": "query OrdersCount($query: String) { ordersCount(limit: null, query: $query) { count precision } }",
    "products": "query ProductsCount($query: String) { productsCount(limit: null, query: $query) { count precision } }",
    "customers": "query CustomersCount($query: String) { customersCount(limit: null, query: $query) { count precision } }",
}

_LISTS = {
    "orders": Template(f"""query Orders($$first: Int!, $$lines: Int!, $$after: String, $$query: String) {{
  rows: orders(first: $$first, after: $$after, query: $$query, sortKey: UPDATED_AT) {{
    nodes {{ {_ORDER} $buyer lineItems(first: $$lines) {{ nodes {{ {_LINE} }} {_PAGE} }} }}
    {_PAGE}
  }}
}}"""),
    "products": Template(f"""query Products($$first: Int!, $$after: String, $$query: String) {{
  rows: products(first: $$first, after: $$after, query: $$query, sortKey: UPDATED_AT) {{
    nodes {{ {_PRODUCT} }}
    {_PAGE}
  }}
}}"""),
    "customers": Template(f"""query Customers($$first: Int!, $$after: String, $$query: String) {{
  rows: customers(first: $$first, after: $$after, query: $$query, sortKey: UPDATED_AT) {{
    nodes {{ {_CUSTOMER} }}
    {_PAGE}
  }}
}}"""),
}
_BULK = {
    "orders": Template(f"""{{
  orders$filter {{ edges {{ node {{ {_ORDER} $buyer lineItems {{ edges {{ node {{ {_LINE} }} }} }} }} }} }}
}}"""),
    "products": Template(f"""{{
  products$filter {{ edges {{ node {{ {_PRODUCT} variants {{ edges {{ node {{ {_VARIANT} $stock }} }} }} }} }} }}
}}"""),
    "customers": Template(f"{{ customers$filter {{ edges {{ node {{ {_CUSTOMER} }} }} }} }}"),
}
_NAMED = {
    "orders": Template(f"""query NamedOrders($$ids: [ID!]!, $$lines: Int!) {{
  nodes(ids: $$ids) {{
    ... on Order {{ {_ORDER} $buyer lineItems(first: $$lines) {{ nodes {{ {_LINE} }} {_PAGE} }} }}
  }}
}}"""),
    "products": Template(f"""query NamedProducts($$ids: [ID!]!) {{
  nodes(ids: $$ids) {{
    ... on Product {{ {_PRODUCT} }}
  }}
}}"""),
    "customers": Template(f"""query NamedCustomers($$ids: [ID!]!) {{
  nodes(ids: $$ids) {{
    ... on Customer {{ {_CUSTOMER} }}
  }}
}}"""),
}
_IDS = Template(f"""query ${{what}}Ids($$first: Int!, $$after: String) {{
  rows: $what(first: $$first, after: $$after, sortKey: ID) {{ nodes {{ $fields }} {_PAGE} }}
}}""")
# What proves an order beside its id: where it stands, what it came to and what was given back. Eight points each.
_PROVEN = f"""
  id updatedAt createdAt processedAt cancelledAt edited displayFinancialStatus
  totalPriceSet {{ shopMoney {{ amount currencyCode }} }}
  currentTotalPriceSet {_SHOP}
  totalRefundedSet {_SHOP}
"""
LATELY = f"""query LatelyChanged($first: Int!, $query: String) {{
  rows: orders(first: $first, query: $query, sortKey: UPDATED_AT, reverse: true) {{ nodes {{ {_PROVEN} }} {_PAGE} }}
}}"""
"""The orders that changed last."""
_VARIANTS = Template(f"""query Variants($$first: Int!, $$after: String, $$query: String) {{
  rows: productVariants(first: $$first, after: $$after, query: $$query, sortKey: ID) {{
    nodes {{ {_VARIANT} product {{ id }} $stock }}
    {_PAGE}
  }}
}}""")

MORE_LINES = f"""query MoreLines($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{ ... on Order {{ rows: lineItems(first: $first, after: $after) {{ nodes {{ {_LINE} }} {_PAGE} }} }} }}
}}"""
_RETURNED = f"""
  nodes {{ id quantity subtotalSet {_SHOP} totalTaxSet {_SHOP} lineItem {{ id sku }} }}
  {_PAGE}
"""
REFUND_LINES = f"""query RefundLines($ids: [ID!]!, $lines: Int!) {{
  nodes(ids: $ids) {{ ... on Refund {{ id refundLineItems(first: $lines) {{ {_RETURNED} }} }} }}
}}"""
MORE_REFUND_LINES = f"""query MoreRefundLines($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{ ... on Refund {{ rows: refundLineItems(first: $first, after: $after) {{ {_RETURNED} }} }} }}
}}"""
OWNERS = """query Owners($ids: [ID!]!) {
  nodes(ids: $ids) {
    ... on ProductVariant { id product { id } }
    ... on InventoryItem { id variants(first: 10) { nodes { id product { id } } } }
  }
}"""

BULK_RUN = """mutation BulkRun($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) {
    bulkOperation { id status createdAt }
    userErrors { code field message }
  }
}"""
BULK_STATE = """query BulkState($id: ID!) {
  bulkOperation(id: $id) { id status errorCode createdAt objectCount rootObjectCount url }
}"""
BULK_RUNNING = """query BulkRunning {
  bulkOperations(first: 25, sortKey: CREATED_AT, reverse: true) { nodes { id status createdAt query } }
}"""

WEBHOOKS = """query Webhooks($first: Int!, $after: String) {
  rows: webhookSubscriptions(first: $first, after: $after) {
    nodes { id topic uri format }
    pageInfo { hasNextPage endCursor }
  }
}"""
WEBHOOK_CREATE = """mutation WebhookCreate($topic: WebhookSubscriptionTopic!, $webhook: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $webhook) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}"""
WEBHOOK_UPDATE = """mutation WebhookUpdate($id: ID!, $webhook: WebhookSubscriptionInput!) {
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $webhook) {
    webhookSubscription { id topic uri }
    userErrors { field message }
  }
}"""
WEBHOOK_DELETE = """mutation WebhookDelete($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}"""


def listing(stream: str, scopes: Iterable[str]) -> str:
    """A page of `stream` by modification: variables first, after, query (and lines for orders)."""
    return _LISTS[stream].substitute(_parts(scopes, bulk=False))


def bulk(stream: str, scopes: Iterable[str], filters: str = "") -> str:
    """The whole of `stream`, or what `filters` (of `search`) find of it, for a bulk operation, which takes no variables."""
    given = f'(query: "{filters}")' if filters else ""
    return _BULK[stream].substitute(_parts(scopes, bulk=True), filter=given)


def named(stream: str, scopes: Iterable[str]) -> str:
    """Rows of `stream` by their ids: variables ids (and lines for orders)."""
    return _NAMED[stream].substitute(_parts(scopes, bulk=False))


def variants(scopes: Iterable[str]) -> str:
    """A page of variants with their stock: variables first, after, query."""
    return _VARIANTS.substitute(_parts(scopes, bulk=False))


def ids(what: str) -> str:
    """A page of the ids of orders (with their money), products, productVariants or customers."""
    return _IDS.substitute(what=what, fields=_PROVEN if what == "orders" else "id")


def _parts(scopes: Iterable[str], *, bulk: bool) -> dict[str, str]:
    granted = set(scopes)
    levels = f"edges {{ node {{ {_LEVEL} }} }}" if bulk else f"nodes {{ {_LEVEL} }} pageInfo {{ hasNextPage }}"
    sized = "" if bulk else "(first: 5)"
    stock = f"inventoryItem {{ id tracked inventoryLevels{sized} {{ {levels} }} }}"
    return {
        "buyer": " ".join(
            part for scope, part in (("read_customers", _BUYER), (ADDRESSES, _ADDRESSES)) if scope in granted
        ),
        "stock": stock if "read_inventory" in granted else "inventoryItem { id tracked }",
    }
