"""Refunds and fees out of transactions of the Finances API 2024-06-19. Raises `BadValue`.

A transaction's total is what moves on the seller's account: what the buyer pays or gets back, less Amazon's fees, less tax
that Amazon keeps to remit it. The tree of breakdowns takes it apart: leaves below a container of fees are fees, leaves that
name a withheld tax are between Amazon and the state, and all the others are the buyer's money.

An amount on hold is posted twice, when it is deferred and when it is released, each naming the other. Both get the id of the
first, and the release is dated before everything, so that it never replaces what was posted on the day it happened.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from portal.commerce.records import Fee, Refund, RefundLine
from portal.connectors import values
from portal.connectors.amazon.account import Account
from portal.connectors.amazon.mapping_orders import required
from portal.connectors.amazon.payloads import (
    Amount,
    Breakdown,
    ItemRelated,
    MarketplaceDetails,
    ProductContext,
    Related,
    Transaction,
    TransactionItem,
    child,
    children,
    read,
)
from portal.connectors.values import BadValue

_FEES = frozenset({"amazonfees", "fbafees", "expenses", "refundedexpenses"})
_WITHHELD = ("marketplacefacilitator", "lowvaluegoodstax", "taxwithheld", "tcs", "tds")
_REFUNDS = frozenset({"refund", "chargebackrefund", "guaranteeclaim", "chargeback"})
_DEEPEST = 8
_LONGEST = 80  # letters of a name that are looked at
Money = tuple[Decimal, str]


def records(row: object, account: Account, seen_at: datetime) -> list[Refund | Fee]:
    """The refund (of a refunding transaction) and each kind of fee; nothing for other marketplaces."""
    source = read(Transaction, row)
    marketplace_id = values.text(child(MarketplaceDetails, source.marketplace_details).marketplace_id, 30)
    if marketplace_id and not account.sells_in(marketplace_id):
        return []
    names = _names(source)
    known = names.get("DEFERRED_TRANSACTION_ID") or required(source.transaction_id, "transactionId")
    posted_at = values.instant(source.posted_date, "postedDate", seen_at)
    modified_at = values.EARLIEST if "DEFERRED_TRANSACTION_ID" in names else posted_at
    order_id = names.get("ORDER_ID")
    found: list[Refund | Fee] = []
    if values.text(source.transaction_type, 40).lower() in _REFUNDS and order_id:
        refund = _refund(source, known, order_id, posted_at, modified_at)
        found += [refund] if refund else []
    for kind, (amount, currency) in _fees(source).items():
        found.append(
            Fee(
                external_id=f"{known}:{kind}",
                modified_at=modified_at,
                order_id=order_id,
                kind=kind,
                amount=-amount,
                currency=currency,
                charged_at=posted_at,
            )
        )
    return found


def _refund(
    source: Transaction, known: str, order_id: str, posted_at: datetime, modified_at: datetime
) -> Refund | None:
    """What the buyer got back, with tax; None when only fees were moved."""
    lines: list[RefundLine] = []
    total, currency = Decimal(0), ""
    items = list(children(TransactionItem, source.items))
    trees: list[object] = [item.breakdowns for item in items if item.breakdowns] or [source.breakdowns]
    if not any(isinstance(tree, list) and tree for tree in trees):
        if isinstance(source.total_amount, Amount) and not _money(source.total_amount, "totalAmount")[0]:
            return None
        raise BadValue("the refund does not say what of it went to the buyer")
    for place, tree in enumerate(trees):
        net, tax = Decimal(0), Decimal(0)
        for name, (amount, code) in _buyers(tree):
            if currency not in {"", code}:
                raise BadValue("the refund is in several currencies")
            currency = code
            if "tax" in name:
                tax -= amount
            else:
                net -= amount
        total += net + tax
        if net or tax:
            item = items[place] if len(items) == len(trees) else TransactionItem()
            lines.append(_line(item, f"{known}:{place + 1}", net, tax))
    if total < 0:
        raise BadValue("the refund takes money from the buyer")
    if not total:
        return None
    return Refund(
        external_id=known,
        modified_at=modified_at,
        order_id=order_id,
        amount=total,
        currency=currency,
        refunded_at=posted_at,
        reason=values.text(source.description, 500),
        lines=tuple(lines),
    )


def _line(item: TransactionItem, known: str, net: Decimal, tax: Decimal) -> RefundLine:
    context = next((each for each in children(ProductContext, item.contexts) if each.sku), ProductContext())
    related = {
        values.text(each.item_related_identifier_name, 60): values.text(each.item_related_identifier_value, 100)
        for each in children(ItemRelated, item.related_identifiers)
    }
    return RefundLine(
        external_id=known,
        order_line_id=related.get("ORDER_ADJUSTMENT_ITEM_ID") or None,
        sku=values.text(context.sku, 200) or None,
        quantity=abs(values.zero_or(context.quantity_shipped, "quantityShipped")),
        total=net,
        total_tax=tax,
    )


def _buyers(tree: object, depth: int = 0) -> Iterator[tuple[str, Money]]:
    """The leaves that are the buyer's money, with their names in lower case."""
    for node in children(Breakdown, tree):
        name = _plain(node.breakdown_type)
        if name in _FEES or name.startswith(_WITHHELD) or depth > _DEEPEST:
            continue
        if isinstance(node.breakdowns, list) and node.breakdowns:
            yield from _buyers(node.breakdowns, depth + 1)
        elif isinstance(node.breakdown_amount, Amount):
            yield name, _money(node.breakdown_amount, name)


def _fees(source: Transaction) -> dict[str, Money]:
    """Amounts by kind of fee, as they move on the account: negative when charged. Items are more exact than the whole."""
    found: dict[str, Money] = {}
    items = [item.breakdowns for item in children(TransactionItem, source.items)]
    trees: list[object] = [tree for tree in items if tree] or [source.breakdowns]
    for tree in trees:
        for kind, (amount, currency) in _charged(tree, inside=False):
            before, code = found.get(kind, (Decimal(0), currency))
            if code != currency:
                raise BadValue("the fees are in several currencies")
            found[kind] = (before + amount, currency)
    return {kind: money for kind, money in found.items() if money[0]}


def _charged(tree: object, *, inside: bool, depth: int = 0) -> Iterator[tuple[str, Money]]:
    """Each fee below a container of fees, whole: its base and the tax on it are not told apart."""
    for node in children(Breakdown, tree):
        name = _plain(node.breakdown_type)
        below = isinstance(node.breakdowns, list) and bool(node.breakdowns)
        if depth <= _DEEPEST and below and (name in _FEES or not inside):
            yield from _charged(node.breakdowns, inside=inside or name in _FEES, depth=depth + 1)
        elif (inside or name in _FEES) and isinstance(node.breakdown_amount, Amount):
            kind = values.text(node.breakdown_type, 80) or "Fee"
            yield kind, _money(node.breakdown_amount, kind)


def _names(source: Transaction) -> dict[str, str]:
    pairs = (
        (values.text(each.related_identifier_name, 60), values.text(each.related_identifier_value, 100))
        for each in children(Related, source.related_identifiers)
    )
    return {name: value for name, value in pairs if value}


def _money(given: Amount, what: str) -> Money:
    return values.amount(given.currency_amount, what), values.currency(given.currency_code)


def _plain(value: object) -> str:
    """A breakdown's name to compare by. Amazon has some dozens of them, thousands of times."""
    return _spelled(value) if type(value) is str and len(value) <= _LONGEST else _spelled.__wrapped__(value)


@lru_cache(maxsize=512)
def _spelled(value: object) -> str:
    return values.text(value, _LONGEST).lower().replace(" ", "")
