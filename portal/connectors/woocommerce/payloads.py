"""The payloads the mapping reads, by the field names of `wc/v3`; fields it does not use are not named and ignored.

Scalars are `object`, because real stores send "" for null, text for numbers and numbers for text; `values` reads them.
Collections are read by `children`, because PHP sends [] for {} and {"0": …} for a list with gaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from portal.connectors.values import BadValue

Loose = object
_S = TypeVar("_S", bound=msgspec.Struct)


class Address(msgspec.Struct):
    first_name: Loose = None
    last_name: Loose = None
    company: Loose = None
    city: Loose = None
    country: Loose = None
    email: Loose = None


class Meta(msgspec.Struct):
    key: Loose = None
    value: Loose = None


class Line(msgspec.Struct):
    """One of `line_items`, `shipping_lines`, `fee_lines` or `coupon_lines`."""

    id: Loose = None
    name: Loose = None
    product_id: Loose = None
    variation_id: Loose = None
    quantity: Loose = None
    subtotal: Loose = None
    total: Loose = None
    total_tax: Loose = None
    price: Loose = None
    sku: Loose = None
    method_title: Loose = None
    code: Loose = None
    discount: Loose = None
    meta_data: Loose = None


class RefundNote(msgspec.Struct):
    """A refund as an order mentions it: a negative total, no date."""

    id: Loose = None


class OrderPayload(msgspec.Struct):
    id: Loose = None
    number: Loose = None
    status: Loose = None
    currency: Loose = None
    prices_include_tax: Loose = None
    date_created_gmt: Loose = None
    date_modified_gmt: Loose = None
    date_paid_gmt: Loose = None
    date_completed_gmt: Loose = None
    total: Loose = None
    total_tax: Loose = None
    discount_total: Loose = None
    shipping_total: Loose = None
    customer_id: Loose = None
    customer_note: Loose = None
    billing: Loose = None
    shipping: Loose = None
    payment_method: Loose = None
    payment_method_title: Loose = None
    transaction_id: Loose = None
    created_via: Loose = None
    needs_processing: Loose = None
    line_items: Loose = None
    shipping_lines: Loose = None
    fee_lines: Loose = None
    coupon_lines: Loose = None
    refunds: Loose = None
    meta_data: Loose = None


class RefundPayload(msgspec.Struct):
    id: Loose = None
    parent_id: Loose = None
    date_created_gmt: Loose = None
    amount: Loose = None
    reason: Loose = None
    line_items: Loose = None
    shipping_lines: Loose = None
    fee_lines: Loose = None


class Named(msgspec.Struct):
    name: Loose = None


class Image(msgspec.Struct):
    src: Loose = None


class ProductPayload(msgspec.Struct):
    """A product or one variation of it."""

    id: Loose = None
    parent_id: Loose = None
    name: Loose = None
    type: Loose = None
    status: Loose = None
    sku: Loose = None
    price: Loose = None
    regular_price: Loose = None
    sale_price: Loose = None
    manage_stock: Loose = None
    stock_quantity: Loose = None
    stock_status: Loose = None
    backorders: Loose = None
    low_stock_amount: Loose = None
    date_created_gmt: Loose = None
    date_modified_gmt: Loose = None
    categories: Loose = None
    images: Loose = None
    image: Loose = None
    attributes: Loose = None


class Attribute(msgspec.Struct):
    option: Loose = None


class CustomerPayload(msgspec.Struct):
    id: Loose = None
    email: Loose = None
    first_name: Loose = None
    last_name: Loose = None
    username: Loose = None
    role: Loose = None
    billing: Loose = None
    is_paying_customer: Loose = None
    date_created_gmt: Loose = None
    date_modified_gmt: Loose = None


class CouponPayload(msgspec.Struct):
    id: Loose = None
    code: Loose = None
    amount: Loose = None
    status: Loose = None
    discount_type: Loose = None
    description: Loose = None
    usage_count: Loose = None
    usage_limit: Loose = None
    date_expires_gmt: Loose = None
    free_shipping: Loose = None
    date_created_gmt: Loose = None
    date_modified_gmt: Loose = None


class TaxPayload(msgspec.Struct):
    id: Loose = None
    country: Loose = None
    state: Loose = None
    rate: Loose = None
    name: Loose = None
    priority: Loose = None
    compound: Loose = None
    shipping: Loose = None
    # `class` is a Python keyword
    tax_class: Loose = msgspec.field(default=None, name="class")


def read(kind: type[_S], row: object) -> _S:
    """`row` as `kind`, unknown fields left out. Raises `BadValue` when it is not an object."""
    if not isinstance(row, dict):
        raise BadValue("the row is not an object")
    try:
        return msgspec.convert(row, kind)
    except (msgspec.ValidationError, RecursionError) as wrong:
        raise BadValue(f"the row cannot be read: {wrong}") from None


def child(kind: type[_S], value: object) -> _S:
    """An object inside a payload; an empty one where PHP sent [], "", null or something else."""
    return read(kind, value) if isinstance(value, dict) else kind()


def children(kind: type[_S], value: object) -> Iterator[_S]:
    """The objects of a collection inside a payload, in order; things that are not objects are passed over."""
    rows = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (read(kind, row) for row in rows if isinstance(row, dict))
