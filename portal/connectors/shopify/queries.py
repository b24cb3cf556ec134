"""Every document the portal sends, for the Admin API of `manifest.API_VERSION`; tests hold them to its schema.

What an app may not read makes a whole query fail, so parts that need a scope are left out without it. A bulk operation takes
no variables, only connections of nodes with ids, and none inside a list: refund lines therefore come by a query of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from string import Template

from portal.connectors.shopify import fragments as of

ADDRESSES = "addresses"
"""No scope of Shopify's: whether the app may see the addresses of orders, which depends on plan and approval."""

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
    nodes {{ {of.ORDER} $buyer lineItems(first: $$lines) {{ nodes {{ {of.LINE} }} {of.PAGE} }} }}
    {of.PAGE}
  }}
}}"""),
    "products": Template(f"""query Products($$first: Int!, $$after: String, $$query: String) {{
  rows: products(first: $$first, after: $$after, query: $$query, sortKey: UPDATED_AT) {{
    nodes {{ {of.PRODUCT} }}
    {of.PAGE}
  }}
}}"""),
    "customers": Template(f"""query Customers($$first: Int!, $$after: String, $$query: String) {{
  rows: customers(first: $$first, after: $$after, query: $$query, sortKey: UPDATED_AT) {{
    nodes {{ {of.CUSTOMER} }}
    {of.PAGE}
  }}
}}"""),
}
_BULK = {
    "orders": Template(f"""{{
  orders$filter {{ edges {{ node {{ {of.ORDER} $buyer lineItems {{ edges {{ node {{ {of.LINE} }} }} }} $returns }} }} }}
}}"""),
    "products": Template(f"""{{
  products$filter {{ edges {{ node {{ {of.PRODUCT} variants {{ edges {{ node {{ {of.VARIANT} $stock }} }} }} }} }} }}
}}"""),
    "customers": Template(f"{{ customers$filter {{ edges {{ node {{ {of.CUSTOMER} }} }} }} }}"),
}
_NAMED = {
    "orders": Template(f"""query NamedOrders($$ids: [ID!]!, $$lines: Int!) {{
  nodes(ids: $$ids) {{
    ... on Order {{ {of.ORDER} $buyer lineItems(first: $$lines) {{ nodes {{ {of.LINE} }} {of.PAGE} }} }}
  }}
}}"""),
    "products": Template(f"""query NamedProducts($$ids: [ID!]!) {{
  nodes(ids: $$ids) {{
    ... on Product {{ {of.PRODUCT} }}
  }}
}}"""),
    "customers": Template(f"""query NamedCustomers($$ids: [ID!]!) {{
  nodes(ids: $$ids) {{
    ... on Customer {{ {of.CUSTOMER} }}
  }}
}}"""),
}
_IDS = Template(f"""query ${{what}}Ids($$first: Int!, $$after: String) {{
  rows: $what(first: $$first, after: $$after, sortKey: ID) {{ nodes {{ $fields }} {of.PAGE} }}
}}""")
# What proves an order beside its id: where it stands, what it came to and what was given back. Eight points each.
_PROVEN = f"""
  id updatedAt createdAt processedAt cancelledAt edited displayFinancialStatus
  totalPriceSet {{ shopMoney {{ amount currencyCode }} }}
  currentTotalPriceSet {of.AMOUNT}
  totalRefundedSet {of.AMOUNT}
"""
LATELY = f"""query LatelyChanged($first: Int!, $query: String) {{
  rows: orders(first: $first, query: $query, sortKey: UPDATED_AT, reverse: true) {{ nodes {{ {_PROVEN} }} {of.PAGE} }}
}}"""
"""The orders that changed last."""
_VARIANTS = Template(f"""query Variants($$first: Int!, $$after: String, $$query: String) {{
  rows: productVariants(first: $$first, after: $$after, query: $$query, sortKey: ID) {{
    nodes {{ {of.VARIANT} product {{ id }} $stock }}
    {of.PAGE}
  }}
}}""")

MORE_LINES = f"""query MoreLines($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{ ... on Order {{ rows: lineItems(first: $first, after: $after) {{ nodes {{ {of.LINE} }} {of.PAGE} }} }} }}
}}"""
_RETURNED = f"""
  nodes {{ id quantity subtotalSet {of.AMOUNT} totalTaxSet {of.AMOUNT} lineItem {{ id sku }} }}
  {of.PAGE}
"""
REFUND_LINES = f"""query RefundLines($ids: [ID!]!, $lines: Int!) {{
  nodes(ids: $ids) {{ ... on Refund {{ id refundLineItems(first: $lines) {{ {_RETURNED} }} }} }}
}}"""
MORE_REFUND_LINES = f"""query MoreRefundLines($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{ ... on Refund {{ rows: refundLineItems(first: $first, after: $after) {{ {_RETURNED} }} }} }}
}}"""
_RETURN_LINES = f"returnLineItems(first: $lines) {{ nodes {{ {of.RETURN_LINE} }} {of.PAGE} }}"
ORDER_RETURNS = f"""query OrderReturns($ids: [ID!]!, $returns: Int!, $lines: Int!) {{
  nodes(ids: $ids) {{
    ... on Order {{ id returns(first: $returns) {{ nodes {{ {of.RETURN} {_RETURN_LINES} }} {of.PAGE} }} }}
  }}
}}"""
"""The returns of orders that have any: in a list of orders they would cost sixty points an order, most of them for nothing."""
MORE_RETURNS = f"""query MoreReturns($id: ID!, $first: Int!, $lines: Int!, $after: String) {{
  node(id: $id) {{
    ... on Order {{ rows: returns(first: $first, after: $after) {{ nodes {{ {of.RETURN} {_RETURN_LINES} }} {of.PAGE} }} }}
  }}
}}"""
MORE_RETURN_LINES = f"""query MoreReturnLines($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{
    ... on Return {{ rows: returnLineItems(first: $first, after: $after) {{ nodes {{ {of.RETURN_LINE} }} {of.PAGE} }} }}
  }}
}}"""
_LEVELS = Template(f"""query MoreLevels($$id: ID!, $$first: Int!, $$after: String) {{
  node(id: $$id) {{
    ... on InventoryItem {{ rows: inventoryLevels(first: $$first, after: $$after) {{ nodes {{ $level }} {of.PAGE} }} }}
  }}
}}""")
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


def levels(scopes: Iterable[str]) -> str:
    """A page of the stock of one inventory item by location: variables id, first, after."""
    return _LEVELS.substitute(level=_level(set(scopes)))


def ids(what: str) -> str:
    """A page of the ids of orders (with their money), products, productVariants or customers."""
    return _IDS.substitute(what=what, fields=_PROVEN if what == "orders" else "id")


def _level(granted: set[str]) -> str:
    return of.LEVEL.substitute(location="location { id name }" if "read_locations" in granted else "")


def _parts(scopes: Iterable[str], *, bulk: bool) -> dict[str, str]:
    granted = set(scopes)
    level = _level(granted)
    levels = f"edges {{ node {{ {level} }} }}" if bulk else f"nodes {{ {level} }} {of.PAGE}"
    sized = "" if bulk else f"(first: {of.FEW})"
    stock = f"inventoryItem {{ id tracked inventoryLevels{sized} {{ {levels} }} }}"
    lines = f"returnLineItems {{ edges {{ node {{ {of.RETURN_LINE} }} }} }}"
    return {
        "buyer": " ".join(
            part for scope, part in (("read_customers", of.BUYER), (ADDRESSES, of.ADDRESSES)) if scope in granted
        ),
        "stock": stock if "read_inventory" in granted else "inventoryItem { id tracked }",
        "returns": f"returns {{ edges {{ node {{ {of.RETURN} {lines} }} }} }}" if "read_returns" in granted else "",
    }
