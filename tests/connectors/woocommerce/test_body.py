"""Pages are decoded straight into what is read, and whatever else stands there costs at most its own row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from portal.commerce.records import Order
from portal.connectors.answers import Rejected
from portal.connectors.woocommerce import body, mapping
from portal.connectors.woocommerce.payloads import OrderPayload
from tests.connectors.woocommerce import samples

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ODD = (
    "[]",
    '""',
    "null",
    "false",
    "0",
    "1.5",
    '"text"',
    "{}",
    '{"0": []}',
    "[[], null, 3.25, true]",
    '{"0": {"id": 9}}',
)


def page_of(*found: object) -> bytes:
    return msgspec.json.encode(found)


def rows(page: bytes) -> list[object]:
    found = body.parse(page, OrderPayload)
    assert isinstance(found, list)
    return found


def test_a_decoded_row_and_the_same_row_as_a_dict_give_the_same_order() -> None:
    page = page_of(samples.order())
    (typed,), (loose,) = rows(page), json.loads(page)
    assert isinstance(typed, OrderPayload)
    assert mapping.order(typed, NOW) == mapping.order(loose, NOW)
    assert isinstance(mapping.order(typed, NOW), Order)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["billing", "shipping", "line_items", "refunds", "meta_data", "coupon_lines"])
def test_anything_may_stand_where_an_object_or_a_list_should(name: str, odd: str) -> None:
    page = page_of(samples.order(), {**samples.order(), "id": 7, name: "@"}).replace(b'"@"', odd.encode())
    whole, strange = rows(page)
    assert isinstance(strange, OrderPayload)
    assert isinstance(mapping.order(whole, NOW), Order)
    assert isinstance(mapping.order(strange, NOW), Order | Rejected)


@pytest.mark.parametrize("row", ["5", "null", '"draft"', "[]", "1.5"])
def test_a_row_that_is_no_object_is_rejected_alone(row: str) -> None:
    page = page_of(samples.order(), "@").replace(b'"@"', row.encode())
    first, second = rows(page)
    assert isinstance(mapping.order(first, NOW), Order)
    assert isinstance(mapping.order(second, NOW), Rejected)


@pytest.mark.parametrize(
    "spoilt", [b'"\\ud83d"', b'"\xff"', b"1e400", b"9" * 400, b"9" * 5000, b"1e99999999999999999999"]
)
def test_what_the_decoder_refuses_is_read_the_tolerant_way(spoilt: bytes) -> None:
    page = page_of({**samples.order(), "billing": "@"}).replace(b'"@"', spoilt)
    (row,) = rows(page)
    assert isinstance(mapping.order(row, NOW), Order | Rejected)


@pytest.mark.parametrize(
    "number", ["9" * 5000, "-" + "9" * 5000, "1e99999999999999999999", "-1e-99999999999999999999", "NaN"]
)
def test_a_number_that_nothing_holds_costs_its_own_row_only(number: str) -> None:
    page = page_of(samples.order(), {**samples.order(), "id": 7, "total": "@"}).replace(b'"@"', number.encode())
    whole, strange = (mapping.order(row, NOW) for row in rows(page))
    assert isinstance(whole, Order)
    assert isinstance(strange, Rejected)
    assert strange.external_id == "7"


def test_fractions_stay_what_was_written() -> None:
    (row,) = rows(b'[{"id": 1, "line_items": [{"id": 2, "price": 28.4850}]}]')
    assert isinstance(row, OrderPayload)
    assert str(row.line_items[0].price) == str(Decimal("28.4850"))  # type: ignore[index,union-attr]


def test_a_list_with_gaps_is_a_list() -> None:
    found = body.parse(b'{"0": {"id": 1}, "2": {"id": 3}}', OrderPayload)
    assert isinstance(found, dict)
    assert [row.id for row in found.values()] == [1, 3]
