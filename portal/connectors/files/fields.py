"""What a file may say, by kind: the fields, their types, and the names that columns are given in English and German."""

from __future__ import annotations

from typing import Literal

import msgspec

from portal.connectors.files.column_names import NAMES

Kind = Literal["orders", "products", "customers", "inventory"]
Type = Literal["key", "text", "money", "number", "count", "date", "currency", "status", "fulfilment", "email", "word"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """`names` are folded (`guessing.folded`). `repeats`: may differ between the rows of one order."""

    name: str
    label: str
    type: Type = "text"
    required: bool = False
    names: tuple[str, ...] = ()
    repeats: bool = False
    help: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of file. `one_of`: sets of fields of which at least one must be mapped."""

    kind: Kind
    label: str
    about: str
    key: str
    fields: tuple[Field, ...]
    one_of: tuple[tuple[str, ...], ...] = ()

    def field(self, name: str) -> Field:
        """The field called `name`. Raises KeyError."""
        return next((each for each in self.fields if each.name == name), None) or _unknown(name)


def _unknown(name: str) -> Field:
    raise KeyError(name)


def _field(
    name: str, label: str, kind: Type, *, required: bool = False, help: str = "", repeats: bool = False
) -> Field:
    return Field(name=name, label=label, type=kind, required=required, help=help, repeats=repeats)


def _table(table: Table) -> Table:
    """`table` with the names of its columns."""
    fields = tuple(
        msgspec.structs.replace(field, names=NAMES[table.kind].get(field.name, ())) for field in table.fields
    )
    return msgspec.structs.replace(table, fields=fields)


ORDERS = Table(
    kind="orders",
    label="Orders",
    about="One row per order, or one per line item.",
    key="id",
    fields=(
        _field("id", "Order number", "key", required=True),
        _field("created_at", "Order date", "date", required=True),
        _field("total", "Total", "money", help="With tax, shipping and after discounts. Without it the lines are added up."),
        _field("currency", "Currency", "currency"),
        _field("status", "Status", "status"),
        _field("fulfilment", "Fulfilment", "fulfilment"),
        _field("paid_at", "Paid on", "date"),
        _field("total_tax", "Tax in it", "money"),
        _field("shipping_total", "Shipping", "money"),
        _field("discount_total", "Discount", "money"),
        _field("refunded", "Refunded", "money"),
        _field("refunded_at", "Refunded on", "date", help="Left out: the order's date."),
        _field("customer_id", "Customer number", "text"),
        _field("customer_email", "Customer's e-mail", "email"),
        _field("customer_name", "Customer's name", "text"),
        _field("country", "Country", "text"),
        _field("payment_method", "Payment method", "text"),
        _field("sku", "Item: SKU", "text", repeats=True),
        _field("item_name", "Item: name", "text", repeats=True),
        _field("quantity", "Item: quantity", "number", repeats=True),
        _field("unit_price", "Item: unit price", "money", repeats=True),
        _field("line_total", "Item: total", "money", repeats=True, help="After discounts, without tax."),
    ),
    one_of=(("total", "unit_price", "line_total"),),
)  # fmt: skip
PRODUCTS = Table(
    kind="products",
    label="Products",
    about="One row per SKU, with prices and stock.",
    key="sku",
    fields=(
        _field("sku", "SKU", "key", required=True),
        _field("name", "Name", "text"),
        _field("price", "Price", "money"),
        _field("regular_price", "Regular price", "money"),
        _field("quantity", "In stock", "count"),
        _field("low_stock_threshold", "Low stock at", "count"),
        _field("category", "Category", "text"),
        _field("status", "Status", "word"),
        _field("image_url", "Picture", "text"),
    ),
)  # fmt: skip
CUSTOMERS = Table(
    kind="customers",
    label="Customers",
    about="One row per customer.",
    key="id",
    fields=(
        _field("id", "Customer number", "key"),
        _field("email", "E-mail", "email"),
        _field("name", "Name", "text"),
        _field("first_name", "First name", "text"),
        _field("last_name", "Last name", "text"),
        _field("country", "Country", "text"),
        _field("city", "City", "text"),
        _field("created_at", "Customer since", "date"),
    ),
    one_of=(("id", "email"),),
)  # fmt: skip
INVENTORY = Table(
    kind="inventory",
    label="Inventory",
    about="One row per SKU, or per SKU and location.",
    key="sku",
    fields=(
        _field("sku", "SKU", "key", required=True),
        _field("quantity", "In stock", "count", required=True),
        _field("location", "Location", "text", repeats=True),
        _field("low_stock_threshold", "Low stock at", "count"),
        _field("name", "Name", "text"),
    ),
)  # fmt: skip
TABLES: dict[str, Table] = {table.kind: table for table in map(_table, (ORDERS, PRODUCTS, CUSTOMERS, INVENTORY))}
ITEM_FIELDS = frozenset({"sku", "item_name", "quantity", "unit_price", "line_total"})
"""Of orders: what belongs to a line item."""
