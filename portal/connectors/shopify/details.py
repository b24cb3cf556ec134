"""What a page of orders or products leaves open: many lines, the lines of refunds, returns, variants with their stock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portal.connectors.shopify import queries
from portal.connectors.shopify.reader import Reader
from portal.connectors.shopify.search import any_of
from portal.connectors.shopify.values import Row, gid, inside, number_of, rows

_PRODUCTS_AT_ONCE = 25  # ids in one search


async def complete_orders(reader: Reader, orders: Sequence[Row]) -> None:
    """Put the lines that did not fit, the lines of refunds, and returns into the rows of `orders`."""
    for order in orders:
        await _rest(reader, order, "lineItems", queries.MORE_LINES, {"first": 50})
    refunds = {str(refund["id"]): refund for order in orders for refund in rows(order.get("refunds")) if "id" in refund}
    for found in await reader.nodes(queries.REFUND_LINES, list(refunds), {"lines": 4}, at_once=12):
        await _rest(reader, found, "refundLineItems", queries.MORE_REFUND_LINES, {"first": 50})
        if str(found.get("id")) in refunds:
            refunds[str(found["id"])]["refundLineItems"] = found.get("refundLineItems")
    await _complete_returns(reader, orders)


async def _complete_returns(reader: Reader, orders: Sequence[Row]) -> None:
    """Put `returns` into the rows of orders that have any, an empty list into the others, nothing at all without the scope.

    An export brings them; a list of orders only says that there are some.
    """
    asked: dict[str, Row] = {}
    for order in orders:
        if order.get("returnStatus") == "NO_RETURN":
            order["returns"] = {"nodes": []}
        elif not any(rows(order.get("returns"))):
            asked[str(order.get("id"))] = order

    async def read(scopes: frozenset[str]) -> list[Row] | None:
        if "read_returns" not in scopes:
            return None
        sizes = {"returns": 3, "lines": 5}
        return await reader.nodes(queries.ORDER_RETURNS, list(asked), sizes, at_once=12) if asked else []

    found = await reader.permitted("orders", read)
    if found is None:
        for order in orders:
            order.pop("returns", None)
        return
    for row in found:
        await _rest(reader, row, "returns", queries.MORE_RETURNS, {"first": 5, "lines": 20})
        for each in rows(row.get("returns")):
            await _rest(reader, each, "returnLineItems", queries.MORE_RETURN_LINES, {"first": 50})
        if str(row.get("id")) in asked:
            asked[str(row["id"])]["returns"] = row.get("returns")


async def _rest(reader: Reader, owner: Row, name: str, document: str, sizes: Mapping[str, int]) -> None:
    """Put what did not fit into the list `name` of a row."""
    listed = owner.get(name)
    if isinstance(listed, dict) and inside(listed, "pageInfo", "hasNextPage") is True:
        given = {"id": owner.get("id"), "after": inside(listed, "pageInfo", "endCursor")}
        listed["nodes"] = [*rows(listed)] + [row async for part in reader.pages(document, sizes, given) for row in part]
        listed["pageInfo"] = {"hasNextPage": False}


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
        for row in found:  # stock at more than a few locations
            item = row.get("inventoryItem")
            if isinstance(item, dict):
                await _rest(reader, item, "inventoryLevels", queries.levels(scopes), {"first": 50})
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
