"""The roots: the shop itself, lists with searches, counts, and objects by their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from portal.sandbox.shopify.graphql.execute import Context, Ref, Resolver, Slice
from portal.sandbox.shopify.listing import sliced
from portal.sandbox.shopify.resolve_catalog import CATALOG, CUSTOMER_SEARCH, PRODUCT_SEARCH, VARIANT_SEARCH
from portal.sandbox.shopify.resolve_details import Back
from portal.sandbox.shopify.resolve_orders import ORDERS, SEARCH, order_key
from portal.sandbox.shopify.returns import RETURNS, returns_of
from portal.sandbox.shopify.search import compiled
from portal.sandbox.shopify.world import ITEMS, VARIANTS, sees, touched, variant_of, visible
from portal.sandbox.store import Store

Args = Mapping[str, Any]
Rows = Callable[[Context], Iterable[Any]]


def _orders(context: Context) -> Iterable[Any]:
    return visible(context.world, context.scopes)


def _found(context: Context, rows: Iterable[Any], args: Args, getters: Mapping[str, Any], path: str) -> Iterable[Any]:
    query = args.get("query")
    if not query:
        return rows
    test, told = compiled(query, getters, path)
    context.searches.append(told)
    return [row for row in rows if test(row)]


def _list(rows: Rows, getters: Mapping[str, Any], path: str, key: Callable[[str], Any]) -> Resolver:
    def resolve(context: Context, root: Any, args: Args) -> Slice:
        found = _found(context, rows(context), args, getters, path)
        return sliced(found, args, key(str(args.get("sortKey") or "ID")))

    return resolve


def _count(rows: Rows, getters: Mapping[str, Any], path: str) -> Resolver:
    def resolve(context: Context, root: Any, args: Args) -> tuple[int, str]:
        number = len(list(_found(context, rows(context), args, getters, path)))
        limit = args.get("limit", 10_000)
        return (number, "EXACT") if limit is None or number <= limit else (limit, "AT_LEAST")

    return resolve


def _by_stamp(modified: Callable[[Any], int]) -> Callable[[str], Any]:
    def key(sort: str) -> Any:
        if sort == "UPDATED_AT":
            return lambda row: (modified(row), row.id)
        return (lambda row: (row.created, row.id)) if sort == "CREATED_AT" else (lambda row: (row.id, row.id))

    return key


def node(context: Context, root: Any, args: Args) -> Ref | None:
    """The object with a global id."""
    return _node(context, str(args["id"]))


def _node(context: Context, given: str) -> Ref | None:
    kind, _, rest = given.removeprefix("gid://shopify/").partition("/")
    digits = rest.split("?")[0]
    if not digits.isdigit():
        return None
    number, store = int(digits), context.world
    if kind == "Order":
        order = store.orders.get(number)
        return None if order is None or not sees(store, context.scopes, order) else Ref(kind, order)
    if kind == "Refund":
        refund = store.refunds.get(number)
        return None if refund is None else Ref(kind, (refund, store.orders[refund.order_id]))
    if kind == "Return":
        return _return(context, number - RETURNS)
    get = _KINDS.get(kind)
    found = None if get is None else get(store, number)
    return None if found is None else Ref(kind, found)


def _return(context: Context, number: int) -> Ref | None:
    if "read_returns" not in context.scopes:
        return None
    found = (Back(order, each) for order in context.world.orders.values() for each in returns_of(context.world, order))
    return next((Ref("Return", each) for each in found if each.row.id == number), None)


_KINDS: dict[str, Callable[[Store, int], object]] = {
    "Product": lambda store, number: store.products.get(number),
    "ProductVariant": lambda store, number: variant_of(store, number - VARIANTS),
    "InventoryItem": lambda store, number: variant_of(store, number - ITEMS),
    "Customer": lambda store, number: store.customers.get(number),
}
_PRODUCTS: Rows = lambda context: context.world.products.values()  # noqa: E731
_SOLD: Rows = lambda context: context.world.sellables()  # noqa: E731
_CUSTOMERS: Rows = lambda context: context.world.customers.values()  # noqa: E731

RESOLVERS: dict[str, dict[str, Resolver]] = {
    **ORDERS,
    **CATALOG,
    "QueryRoot": {
        "shop": lambda c, root, a: c.world,
        "currentAppInstallation": lambda c, root, a: c.world,
        "node": node,
        "nodes": lambda c, root, a: [_node(c, str(each)) for each in a["ids"]],
        "orders": _list(_orders, SEARCH, "orders", order_key),
        "ordersCount": _count(_orders, SEARCH, "ordersCount"),
        "products": _list(_PRODUCTS, PRODUCT_SEARCH, "products", _by_stamp(touched)),
        "productsCount": _count(_PRODUCTS, PRODUCT_SEARCH, "productsCount"),
        "productVariants": _list(_SOLD, VARIANT_SEARCH, "productVariants", _by_stamp(lambda row: int(row.modified))),
        "customers": _list(_CUSTOMERS, CUSTOMER_SEARCH, "customers", _by_stamp(lambda row: int(row.modified))),
        "customersCount": _count(_CUSTOMERS, CUSTOMER_SEARCH, "customersCount"),
    },
    "Count": {"count": lambda c, each, a: each[0], "precision": lambda c, each, a: each[1]},
    "Shop": {
        "name": lambda c, store, a: store.spec.title,
        "currencyCode": lambda c, store, a: store.spec.currency,
        "ianaTimezone": lambda c, store, a: store.spec.timezone,
        "myshopifyDomain": lambda c, store, a: f"{store.spec.name}.myshopify.com",
        "plan": lambda c, store, a: store,
    },
    "ShopPlan": {"publicDisplayName": lambda c, store, a: "Basic"},
    "AppInstallation": {"accessScopes": lambda c, store, a: sorted(c.scopes)},
    "AccessScope": {"handle": lambda c, scope, a: scope},
}
NEEDS = {
    ("QueryRoot", "orders"): "read_orders",
    ("QueryRoot", "ordersCount"): "read_orders",
    ("QueryRoot", "products"): "read_products",
    ("QueryRoot", "productsCount"): "read_products",
    ("QueryRoot", "productVariants"): "read_products",
    ("QueryRoot", "customers"): "read_customers",
    ("QueryRoot", "customersCount"): "read_customers",
    ("Order", "customer"): "read_customers",
    ("Order", "email"): "read_customers",
    ("Order", "returns"): "read_returns",
    ("InventoryItem", "inventoryLevels"): "read_inventory",
    ("InventoryLevel", "location"): "read_locations",
}
"""The scope without which a field is refused."""
