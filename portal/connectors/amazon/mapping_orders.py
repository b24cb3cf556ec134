"""Orders of the Orders API 2026-01-01. Raises `BadValue` for what cannot be trusted; `mapping` makes a `Rejected` of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from portal.commerce.records import Order, OrderLine
from portal.connectors import values
from portal.connectors.amazon import mapping_packages, statuses
from portal.connectors.amazon.account import Account
from portal.connectors.amazon.mapping_stock import product_id
from portal.connectors.amazon.marketplaces import MARKETPLACES, Marketplace
from portal.connectors.amazon.payloads import (
    Alias,
    Associated,
    Channel,
    Detail,
    Handling,
    Item,
    ItemProduct,
    Money,
    OrderPayload,
    Price,
    Proceeds,
    Share,
    child,
    children,
    read,
)
from portal.connectors.values import BadValue

_ZERO = Decimal(0)
_CHARGES = ("GIFT_WRAP", "COD_FEE", "DELIVERY_TIP", "OTHER")


def order(row: object, account: Account, seen_at: datetime) -> Order | None:
    """An order with its items. `total` is what the buyer pays, with tax and shipping, before refunds.

    A pending order may have no amounts yet: its total is zero and does not count (its status does not), until it moves on
    and comes again. There is no date of payment; orders count from when they were placed.
    """
    source = read(OrderPayload, row)
    channel = child(Channel, source.sales_channel)
    if values.text(channel.channel_name, 20).upper() == "NON_AMAZON":
        return None
    marketplace_id = values.text(channel.marketplace_id, 30)
    if marketplace_id and not account.sells_in(marketplace_id):
        return None
    marketplace = MARKETPLACES[marketplace_id] if marketplace_id else account.marketplaces[0]
    order_id = required(source.order_id, "orderId")
    handling = child(Handling, source.fulfillment)
    word = statuses.word(values.text(handling.fulfillment_status, 40))
    proceeds = child(Proceeds, source.proceeds)
    items = list(children(Item, source.order_items))
    total, currency = _total(source, proceeds, items, marketplace, word)
    shares = _shares(proceeds, currency)
    lines = tuple(line for item in items for line in _lines(item, marketplace, currency))
    created_at = values.instant(source.created_time, "createdTime", seen_at)
    return Order(
        external_id=order_id,
        modified_at=values.instant_or_none(source.last_updated_time, "lastUpdatedTime", seen_at) or created_at,
        number=order_id,
        status=statuses.status(word),
        source_status=word,
        fulfilment=statuses.fulfilment(word),
        currency=currency,
        total=total,
        total_tax=shares.get("TAX", _ZERO),
        discount_total=abs(shares.get("DISCOUNT", _ZERO)),
        shipping_total=shares.get("SHIPPING", _ZERO),
        fee_total=sum((shares.get(each, _ZERO) for each in _CHARGES), _ZERO),
        prices_include_tax=not marketplace.tax_on_top,
        created_at=created_at,
        lines=lines,
        meta=facts(marketplace, values.text(handling.fulfilled_by, 20), _alias(source)),
        shipments=mapping_packages.shipments(source, seen_at),
    )


def facts(marketplace: Marketplace, fulfilled_by: str, own_number: str) -> dict[str, str]:
    """What is kept beside an order: where it was placed, who ships it, the seller's own number for it."""
    found = {
        "marketplace": marketplace.id,
        "marketplace_name": marketplace.channel,
        "fulfilled_by": fulfilled_by.upper(),
        "seller_order_id": own_number,
    }
    return {name: value for name, value in found.items() if value}


def required(value: object, what: str) -> str:
    """An id that must be there. Raises `BadValue`."""
    found = values.text(value, 100)
    if not found:
        raise BadValue(f"{what} is missing")
    return found


def _total(
    source: OrderPayload, proceeds: Proceeds, items: Sequence[Item], marketplace: Marketplace, word: str
) -> tuple[Decimal, str]:
    """The order's total and currency: as told, else of its items, else zero where an order may have none."""
    told = proceeds.grand_total
    if isinstance(told, dict):
        return _money(told, "grandTotal")
    parts = [child(Proceeds, item.proceeds).proceeds_total for item in items]
    known = [_money(part, "proceedsTotal") for part in parts if isinstance(part, dict)]
    if known and len(known) == len(items):
        currencies = {currency for _, currency in known}
        if len(currencies) > 1:
            raise BadValue("the order's items are in several currencies")
        return sum((amount for amount, _ in known), _ZERO), currencies.pop()
    if word in statuses.UNPRICED or _replaces(source):
        return _ZERO, marketplace.currency
    raise BadValue("the order has no total")


def _replaces(source: OrderPayload) -> bool:
    """Whether it is a free replacement of another order."""
    kinds = (values.text(each.association_type, 60) for each in children(Associated, source.associated_orders))
    return any(kind.startswith("REPLACEMENT") for kind in kinds)


def _lines(item: Item, marketplace: Marketplace, currency: str) -> list[OrderLine]:
    """The item, and what was paid for shipping it and for its gift wrap; together without tax, after discounts.

    They and the tax add up to the item's `proceedsTotal`, whether the marketplace shows prices with tax or without.
    """
    product, proceeds = child(ItemProduct, item.product), child(Proceeds, item.proceeds)
    known = required(item.order_item_id, "orderItemId")
    sku = values.text(product.seller_sku, 200)
    shares, off = _shares(proceeds, currency), _details(proceeds, "DISCOUNT")
    tax = _details(proceeds, "TAX")
    total = shares.get("ITEM", _ZERO) - abs(off.get("ITEM", _ZERO))
    if isinstance(proceeds.proceeds_total, dict):
        total = _money(proceeds.proceeds_total, "proceedsTotal")[0] - shares.get("TAX", _ZERO)
        total -= sum((shares.get(each, _ZERO) for each in ("SHIPPING", *_CHARGES)), _ZERO)
        total += abs(off.get("SHIPPING", _ZERO))
    other_tax = sum((tax.get(each, _ZERO) for each in ("SHIPPING", *_CHARGES)), _ZERO)
    price = child(Price, product.price).unit_price
    lines = [
        OrderLine(
            external_id=known,
            product_id=product_id(marketplace, sku) if sku else None,
            sku=sku or None,
            name=values.text(product.title, 500),
            quantity=values.zero_or(item.quantity_ordered, "quantityOrdered"),
            unit_price=_money(price, "unitPrice")[0] if isinstance(price, dict) else None,
            subtotal=total + abs(off.get("ITEM", _ZERO)),
            total=total,
            total_tax=shares.get("TAX", _ZERO) - other_tax,
        )
    ]
    shipping = shares.get("SHIPPING", _ZERO)
    if shipping:
        net = shipping - abs(off.get("SHIPPING", _ZERO))
        paid_tax = tax.get("SHIPPING", _ZERO)
        lines.append(
            charge(f"{known}:shipping", "shipping", name="Shipping", subtotal=shipping, total=net, tax=paid_tax)
        )
    extra = sum((shares.get(each, _ZERO) for each in _CHARGES), _ZERO)
    if extra:
        extra_tax = sum((tax.get(each, _ZERO) for each in _CHARGES), _ZERO)
        name = "Gift wrap and other charges"
        lines.append(charge(f"{known}:extras", "fee", name=name, subtotal=extra, total=extra, tax=extra_tax))
    return lines


def charge(external_id: str, kind: str, *, name: str, subtotal: Decimal, total: Decimal, tax: Decimal) -> OrderLine:
    """A line that is not a product."""
    return OrderLine(external_id=external_id, kind=kind, name=name, subtotal=subtotal, total=total, total_tax=tax)


def _shares(proceeds: Proceeds, currency: str) -> dict[str, Decimal]:
    """Amounts by category (ITEM, SHIPPING, TAX, DISCOUNT, …); several of one category are added."""
    found: dict[str, Decimal] = {}
    for share in children(Share, proceeds.breakdowns):
        kind = values.text(share.type, 40).upper()
        amount, code = _money(share.subtotal, kind or "breakdown")
        if code != currency:
            raise BadValue(f"{kind} is in {code}, the order in {currency}")
        found[kind] = found.get(kind, _ZERO) + amount
    return found


def _details(proceeds: Proceeds, wanted: str) -> dict[str, Decimal]:
    """What a tax or a discount was for."""
    found: dict[str, Decimal] = {}
    for share in children(Share, proceeds.breakdowns):
        if values.text(share.type, 40).upper() == wanted:
            for detail in children(Detail, share.detailed_breakdowns):
                kind = values.text(detail.subtype, 40).upper()
                found[kind] = found.get(kind, _ZERO) + _money(detail.value, wanted)[0]
    return found


def _money(value: object, what: str) -> tuple[Decimal, str]:
    given = read(Money, value)
    return values.amount(given.amount, what), values.currency(given.currency_code)


def _alias(source: OrderPayload) -> str:
    aliases = children(Alias, source.order_aliases)
    return next((values.text(each.alias_id, 100) for each in aliases if each.alias_type == "SELLER_ORDER_ID"), "")
