"""The payloads the mapping reads, by the field names of `wc/v3`; fields it does not use are not named and ignored.

Scalars are `object`, because real stores send "" for null, text for numbers and numbers for text; `values` reads them.
Objects and collections take anything beside their own shape, because PHP sends [] for {} and {"0": …} for a list with gaps;
`child` and `children` read them. So a page of rows is decoded straight into these types (`body.rows`), and nothing of the
nine tenths that nobody reads is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from portal.connectors.values import BadValue

Loose = object
_S = TypeVar("_S", bound=msgspec.Struct)
Odd: TypeAlias = list[Any] | str | int | float | bool | None
"""What may stand where an object should."""
One: TypeAlias = _S | Odd
Many: TypeAlias = list[One[_S]] | dict[str, One[_S]] | str | int | float | bool | None


class Address(msgspec.Struct, gc=False):
    first_name: Loose = None
    last_name: Loose = None
    company: Loose = None
    city: Loose = None
    country: Loose = None
    email: Loose = None


class Meta(msgspec.Struct, gc=False):
    key: Loose = None
    value: Loose = None


class Line(msgspec.Struct, gc=False):
    """One of an order's `line_items`, `shipping_lines`, `fee_lines` or `coupon_lines`."""

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


class ReturnedLine(Line, gc=False):
    """One of a refund's lines, which names the order's line in its meta data."""

    meta_data: Many[Meta] = None


class RefundNote(msgspec.Struct, gc=False):
    """A refund as an order mentions it: a negative total, no date."""

    id: Loose = None


class OrderPayload(msgspec.Struct, gc=False):
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
    billing: One[Address] = None
    shipping: One[Address] = None
    payment_method: Loose = None
    payment_method_title: Loose = None
    transaction_id: Loose = None
    created_via: Loose = None
    needs_processing: Loose = None
    line_items: Many[Line] = None
    shipping_lines: Many[Line] = None
    fee_lines: Many[Line] = None
    coupon_lines: Many[Line] = None
    refunds: Many[RefundNote] = None
    meta_data: Many[Meta] = None


class RefundPayload(msgspec.Struct, gc=False):
    id: Loose = None
    parent_id: Loose = None
    date_created_gmt: Loose = None
    amount: Loose = None
    reason: Loose = None
    line_items: Many[ReturnedLine] = None
    shipping_lines: Many[ReturnedLine] = None
    fee_lines: Many[ReturnedLine] = None


class Named(msgspec.Struct, gc=False):
    name: Loose = None


class Image(msgspec.Struct, gc=False):
    src: Loose = None


class Attribute(msgspec.Struct, gc=False):
    option: Loose = None


class ProductPayload(msgspec.Struct, gc=False):
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
    categories: Many[Named] = None
    images: Many[Image] = None
    variations: Loose = None
    image: One[Image] = None
    attributes: Many[Attribute] = None


class CustomerPayload(msgspec.Struct, gc=False):
    id: Loose = None
    email: Loose = None
    first_name: Loose = None
    last_name: Loose = None
    username: Loose = None
    role: Loose = None
    billing: One[Address] = None
    is_paying_customer: Loose = None
    date_created_gmt: Loose = None
    date_modified_gmt: Loose = None


class CouponPayload(msgspec.Struct, gc=False):
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


class TaxPayload(msgspec.Struct, gc=False):
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
    if type(row) is kind:  # decoded as what it is
        return row
    if not isinstance(row, dict):
        raise BadValue("the row is not an object")
    try:
        return msgspec.convert(row, kind)
    except (msgspec.ValidationError, RecursionError) as wrong:
        raise BadValue(f"the row cannot be read: {wrong}") from None


def named(row: object, name: str) -> object:
    """A field of a row, decoded into a type or not; None when it has none."""
    return row.get(name) if isinstance(row, dict) else getattr(row, name, None)


def child(kind: type[_S], value: One[_S]) -> _S:
    """An object inside a payload; an empty one where PHP sent [], "", null or something else."""
    return value if isinstance(value, kind) else kind()


def children(kind: type[_S], value: Many[_S]) -> Sequence[_S]:
    """The objects of a collection inside a payload, in order; things that are not objects are passed over."""
    if not value:
        return ()
    rows = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [row for row in rows if isinstance(row, kind)]
