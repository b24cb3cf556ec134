from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.commerce.records import Customer, Deleted, Fulfilment, Order, OrderStatus, Product, Refund
from portal.connectors.files.assembling import records
from portal.connectors.files.cells import cleaned
from portal.connectors.files.fields import TABLES
from portal.connectors.files.guessing import folded, guess, missing, signature
from portal.connectors.files.layout import Layout
from portal.connectors.files.rows import Entry, Reader, Trouble

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(kind: str, header: str, row: str, layout: Layout | None = None) -> tuple[str, Entry, list[Trouble]]:
    columns = header.split("|")
    table = TABLES[kind]
    return Reader(table, columns, guess(table, columns), layout or Layout(), NOW).read(2, row.split("|"))


@pytest.mark.parametrize(
    ("kind", "header", "fields"),
    [
        ("orders", "Order ID|Order Date|Grand Total|Currency|Email", ["id", "created_at", "total", "currency", "customer_email"]),
        ("orders", "Bestellnummer|Bestelldatum|Gesamtbetrag|Währung|Kunde",
         ["id", "created_at", "total", "currency", "customer_name"]),
        ("orders", "Name|Email|Financial Status|Total|Created at|Lineitem sku|Lineitem quantity|Lineitem price",
         ["id", "customer_email", "status", "total", "created_at", "sku", "quantity", "unit_price"]),
        ("products", "Artikelnummer|Bezeichnung|Preis|UVP|Lagerbestand", ["sku", "name", "price", "regular_price", "quantity"]),
        ("customers", "Kundennr.|E-Mail|Vorname|Nachname|Ort|Land", ["id", "email", "first_name", "last_name", "city", "country"]),
        ("inventory", "SKU|Verfügbar|Lagerort", ["sku", "quantity", "location"]),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_their_english_and_german_names(kind: str, header: str, fields: list[str]) -> None:
    columns = header.split("|")
    found = guess(TABLES[kind], columns)
    assert [next((f for f, c in found.items() if c == column), None) for column in columns] == fields
    assert missing(TABLES[kind], found) == {}


def test_no_two_fields_have_one_surest_name() -> None:
    for table in TABLES.values():
        surest = [field.names[0] for field in table.fields]
        assert len(surest) == len(set(surest)), table.kind
        assert all(name == folded(name) for field in table.fields for name in field.names)


def test_a_signature_forgets_order_case_and_accents_and_nothing_else() -> None:
    assert signature(["Größe", "id"]) == signature(["ID", "groesse"])
    assert signature(["a", "b"]) != signature(["a", "c"])


@given(st.lists(st.text(max_size=20), min_size=5, max_size=5))
def test_any_cells_are_an_entry_or_problems_and_never_an_error(cells: list[str]) -> None:
    columns = ["id", "date", "total", "status", "email"]
    reader = Reader(TABLES["orders"], columns, guess(TABLES["orders"], columns), Layout(), NOW)
    key, _, troubles = reader.read(2, cells)
    assert key or troubles
    assert all(each.remedy and each.line == 2 for each in troubles)


def test_formulas_are_refused_and_what_only_looks_like_one_is_not() -> None:
    for text in ("=1+1", " =HYPERLINK(1)", "+cmd|x", "@SUM(A1)", "-cmd|' /C calc'!A0"):
        assert not isinstance(cleaned(text), str), text
    assert cleaned('="00123"') == "00123"
    assert cleaned("-5") == "-5"
    assert cleaned("+49 30 1") == "+49 30 1"
    assert cleaned("@home tea") == "@home tea"
    assert cleaned("'=not run") == "=not run"


def order(header: str, *rows: str) -> list[object]:
    entries = []
    for row in rows:
        key, entry, troubles = read("orders", header, row)
        assert troubles == []
        entries.append(entry)
    return list(records("orders", key, [("orders", entries)], NOW, currency="EUR"))


def test_rows_of_one_order_make_its_lines() -> None:
    (made,) = order(
        "id|date|total|sku|quantity|unit price|Artikel",
        "7|2026-11-02|30.50|TEA|2|10|Tea",
        "7|2026-11-02||CUP|1|10.5|Cup",
    )
    assert isinstance(made, Order)
    assert (made.total, made.currency, made.status) == (Decimal("30.50"), "EUR", OrderStatus.COMPLETED)
    assert [(line.sku, line.quantity, line.total) for line in made.lines] == [
        ("TEA", 2, 20),
        ("CUP", 1, Decimal("10.5")),
    ]
    assert made.paid_at == made.created_at


def test_an_order_without_a_total_is_what_its_lines_shipping_and_tax_add_up_to() -> None:
    (made,) = order("id|date|sku|line total|shipping|tax", "7|2026-11-02|A|10.00|4.90|1.90", "7|2026-11-02|B|0.10||")
    assert isinstance(made, Order)
    assert made.total == Decimal("16.90")


@pytest.mark.parametrize(
    ("word", "status", "fulfilment", "paid"),
    [
        ("Versendet", OrderStatus.COMPLETED, Fulfilment.FULFILLED, True),
        ("on hold", OrderStatus.ON_HOLD, Fulfilment.UNFULFILLED, True),
        ("Storniert", OrderStatus.CANCELLED, Fulfilment.NOT_REQUIRED, False),
        ("pending", OrderStatus.PENDING, Fulfilment.UNFULFILLED, False),
    ],
)
def test_a_status_in_the_shops_words_is_understood(
    word: str, status: OrderStatus, fulfilment: Fulfilment, paid: bool
) -> None:
    (made,) = order("id|date|total|status", f"1|2026-11-02|1.00|{word}")
    assert isinstance(made, Order)
    assert (made.status, made.fulfilment, made.paid_at is not None) == (status, fulfilment, paid)


def test_a_refund_comes_with_its_order_and_is_named_by_it() -> None:
    made, refund = order("id|date|total|refunded", "1|2026-11-02|10.00|2.50")
    assert isinstance(made, Order)
    assert isinstance(refund, Refund)
    assert made.refund_ids == (refund.external_id,)
    assert (refund.amount, refund.currency, refund.refunded_at) == (Decimal("2.50"), "EUR", made.created_at)


def test_versions_of_a_product_lie_over_each_other_and_only_what_a_file_says_changes() -> None:
    versions = [
        ("products", [{"sku": "A", "name": "Tea", "price": "9.90", "quantity": "4"}]),
        ("inventory", [{"sku": "A", "quantity": "2"}, {"sku": "A", "quantity": "0.5"}]),
        ("products", [{"sku": "A", "price": "8.00"}]),
    ]
    (made,) = records("products", "A", versions, NOW, currency="EUR")
    assert isinstance(made, Product)
    assert (made.name, made.price, made.quantity) == ("Tea", Decimal("8.00"), Decimal("2.5"))
    (earlier,) = records("products", "A", versions[:1], NOW, currency="EUR")
    assert isinstance(earlier, Product)
    assert earlier.quantity == 4


def test_a_stock_nobody_told_is_unknown_and_not_zero() -> None:
    (made,) = records("products", "A", [("products", [{"sku": "A"}])], NOW, currency="EUR")
    assert isinstance(made, Product)
    assert (made.quantity, made.stock_tracked, made.name) == (None, False, "A")


def test_a_thing_without_any_version_left_is_deleted() -> None:
    gone = records("orders", "1", [], NOW, currency="EUR")
    assert all(isinstance(each, Deleted) for each in gone)
    assert {each.of for each in gone if isinstance(each, Deleted)} == {"orders", "refunds"}


def test_a_customer_is_known_by_number_or_else_by_mail() -> None:
    key, entry, _ = read("customers", "email|first name|last name", "Ada@Example.com|Ada|Lovelace")
    assert key == "ada@example.com"
    (made,) = records("customers", key, [("customers", [entry])], NOW, currency="EUR")
    assert isinstance(made, Customer)
    assert made.name == "Ada Lovelace"
    assert read("customers", "id|email", "7|a@b.de")[0] == "7"
