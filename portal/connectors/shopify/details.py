"""What a page of orders or products leaves open: many lines, the lines of refunds, variants with their stock."""

from __future__ import annotations

from collections.abc import Sequence

from portal.connectors.shopify import queries
from portal.connectors.shopify.reader import Reader
from portal.connectors.shopify.search import any_of
from portal.connectors.shopify.values import Row, gid, inside, number_of, rows

_PRODUCTS_AT_ONCE = 25  # ids in one search


async def complete_orders(reader: Reader, orders: Sequence[Row]) -> None:
    """Put the lines that did not fit, and the lines of refunds, into the rows of `orders`."""
    for order in orders:
        lines = order.get("lineItems")
        if isinstance(lines, dict) and inside(lines, "pageInfo", "hasNextPage") is True:
            given = {"id": order.get("id"), "after": inside(lines, "pageInfo", "endCursor")}
            lines["nodes"] = [*rows(lines)] + [
                row async for part in reader.pages(queries.MORE_LINES, {"first": 50}, given) for row in part
            ]
    refunds = {str(refund["id"]): refund for order in orders for refund in rows(order.get("refunds")) if "id" in refund}
    for found in await reader.nodes(queries.REFUND_LINES, list(refunds), {"lines": 4}, at_once=12):
        returned = found.get("refundLineItems")
        if isinstance(returned, dict) and inside(returned, "pageInfo", "hasNextPage") is True:
            given = {"id": found.get("id"), "after": inside(returned, "pageInfo", "endCursor")}
            returned["nodes"] = [*rows(returned)] + [
                row async for part in reader.pages(queries.MORE_REFUND_LINES, {"first": 50}, given) for row in part
            ]
        if str(found.get("id")) in refunds:
            refunds[str(found["id"])]["refundLineItems"] = returned


async def complete_products(reader: Reader, products: Sequence[Row]) -> None:
    """Put their variants into the rows of `products`; some have hundreds, so they are read as a list of their own."""
    owners: dict[str, list[Row]] = {}
    for product in products:
        if number := number_of(product.get("id")):
            owners[number] = []
            product["variants"] = {"nodes": owners[number]}
    numbers = list(owners)

    async def read(scopes: frozenset[str]) -> list[Row]:
        found: list[Row] = []
        for start in range(0, len(numbers), _PRODUCTS_AT_ONCE):
            some = {"query": any_of("product_ids", numbers[start : start + _PRODUCTS_AT_ONCE])}
            async for part in reader.pages(queries.variants(scopes), {"first": 50}, some):
                found += part
        return found

    for row in await reader.permitted("products", read) if numbers else []:
        owner = number_of(inside(row, "product", "id"))
        if owner in owners:
            owners[owner].append(row)


async def owners_of(reader: Reader, numbers: Sequence[str], items: Sequence[str]) -> list[str]:
    """The global ids of the products that own these variants and inventory items."""
    asked = [gid("ProductVariant", each) for each in numbers] + [gid("InventoryItem", each) for each in items]
    found = await reader.nodes(queries.OWNERS, asked, {})
    owners = [inside(row, "product", "id") for row in found]
    owners += [inside(each, "product", "id") for row in found for each in rows(row.get("variants"))]
    return list(dict.fromkeys(str(each) for each in owners if each))
