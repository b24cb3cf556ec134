"""`/products` and `/products/{id}/variations`."""

from __future__ import annotations

from portal.sandbox import changes
from portal.sandbox.catalog import slug_of
from portal.sandbox.money import cents_of
from portal.sandbox.rows import Product
from portal.sandbox.woocommerce.call import Call, Reply
from portal.sandbox.woocommerce.errors import ApiError, bad_request, invalid_id
from portal.sandbox.woocommerce.listing import fields_of, listing, narrowed
from portal.sandbox.woocommerce.product_json import product_json, variation_json

ORDERBY = (
    "date", "id", "include", "title", "slug", "modified", "menu_order", "price", "popularity", "rating",
)  # fmt: skip
_SORT_BY = {
    "id": lambda row: row.id,
    "title": lambda row: (row.name, row.id),
    "slug": lambda row: (row.slug, row.id),
    "modified": lambda row: (row.modified, row.id),
    "price": lambda row: (row.price, row.id),
    "popularity": lambda row: (row.total_sales, row.id),
}
STOCK = ("instock", "outofstock", "onbackorder")
STATUSES = ("any", "future", "trash", "draft", "pending", "private", "publish")


def select(call: Call, rows: list[Product]) -> list[Product]:
    """Filters and sorts products or variations by the query. Raises ApiError (400)."""
    params, clock = call.params, call.store.clock
    gmt = params.boolean("dates_are_gmt")
    after, before = params.moment("after", clock, gmt), params.moment("before", clock, gmt)
    modified_after = params.moment("modified_after", clock, gmt)
    modified_before = params.moment("modified_before", clock, gmt)
    include, exclude = params.ids("include"), params.ids("exclude") or []
    orderby = params.choice("orderby", "date", ORDERBY)
    descending = params.choice("order", "desc", ("asc", "desc")) == "desc"
    values = params.values
    stock = params.choice("stock_status", "", STOCK) if "stock_status" in values else ""
    status = params.choice("status", "any", STATUSES)
    on_sale = params.boolean("on_sale") if "on_sale" in values else None
    params.check()
    skus = {sku.strip() for sku in values.get("sku", "").split(",") if sku.strip()}
    search = values.get("search", "").lower()
    kept = [
        row
        for row in rows
        if (after is None or row.created > after)
        and (before is None or row.created < before)
        and (modified_after is None or row.modified > modified_after)
        and (modified_before is None or row.modified < modified_before)
        and (include is None or row.id in include)
        and row.id not in exclude
        and (row.status == status or (status == "any" and row.status != "trash"))
        and (not stock or row.stock_status == stock)
        and (on_sale is None or (row.regular_price > row.price) == on_sale)
        and (not skus or row.sku in skus)
        and ("type" not in values or row.kind == values["type"])
        and search in row.name.lower()
    ]
    kept.sort(key=_SORT_BY.get(orderby, lambda row: (row.created, row.id)), reverse=descending)
    return kept


def list_products(call: Call) -> Reply:
    """A page of products; variations are not among them."""
    rows = select(call, list(call.store.products.values()))
    return listing(call, rows, lambda row: product_json(call.store, row))


def wanted_product(call: Call) -> Product:
    """The product (or variation) in the path. Raises ApiError (404)."""
    product = call.store.product(call.numbers[0])
    if product is None:
        raise invalid_id("product")
    return product


def get_product(call: Call) -> Reply:
    """One product, trashed ones too."""
    return Reply(narrowed(product_json(call.store, wanted_product(call)), fields_of(call)))


def list_variations(call: Call) -> Reply:
    """The variations of a product."""
    product = call.store.products.get(call.numbers[0])
    if product is None:
        raise ApiError(404, "woocommerce_rest_product_invalid_id", "Invalid ID.")
    return listing(call, select(call, list(product.variations)), lambda row: variation_json(call.store, row))


def get_variation(call: Call) -> Reply:
    """One variation of a product."""
    row = call.store.variations.get(call.numbers[1])
    if row is None or row.parent is None or row.parent.id != call.numbers[0]:
        raise ApiError(404, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
    return Reply(narrowed(variation_json(call.store, row), fields_of(call)))


def _write(call: Call, product: Product) -> None:
    body, store = call.body, call.store
    sku = str(body.get("sku", product.own_sku))
    owner = store.by_sku(sku) if sku else None
    if owner is not None and owner is not product:
        raise bad_request(
            "product_invalid_sku", "Invalid or duplicated SKU.", resource_id=owner.id, unique_sku=f"{sku}-1"
        )
    product.own_sku = sku
    product.name = str(body.get("name", product.name))
    try:
        if "regular_price" in body:
            product.regular_price = product.price = cents_of(body["regular_price"] or 0)
    except ValueError as error:
        raise bad_request("rest_invalid_param", "Invalid parameter(s): regular_price") from error
    if "manage_stock" in body:
        product.managed = bool(body["manage_stock"])
    quantity = body.get("stock_quantity")
    if isinstance(quantity, int):
        product.stock = quantity
    if product.managed and product.stock is None:
        product.stock = 0
    product.modified = store.clock.now()
    store.version += 1


def create_product(call: Call) -> Reply:
    """Creates a simple product."""
    store, now = call.store, call.store.clock.now()
    name = str(call.body.get("name", "Product"))
    product = Product(0, "simple", name, "", "", 0, now, now)
    _write(call, product)
    product.id = store.take_id()
    product.slug = slug_of(name, product.id)
    store.add_product(product)
    store.publish("product.created", product)
    headers = {"Location": f"{call.rest}/products/{product.id}"}
    return Reply(product_json(store, product), 201, headers)


def update_product(call: Call) -> Reply:
    """Edits name, SKU, price and stock."""
    product = wanted_product(call)
    _write(call, product)
    call.store.publish("product.updated", product)
    return Reply(product_json(call.store, product))


def delete_product(call: Call) -> Reply:
    """Trashes a product, or with `force=true` deletes it for good."""
    product = wanted_product(call)
    before = product_json(call.store, product)
    if call.params.boolean("force"):
        changes.delete_product(call.store, product)
        return Reply(before)
    if product.status == "trash":
        raise ApiError(410, "woocommerce_rest_already_trashed", "The product has already been deleted.")
    product.status, product.modified = "trash", call.store.clock.now()
    call.store.version += 1
    call.store.publish("product.deleted", product)
    return Reply(before)
