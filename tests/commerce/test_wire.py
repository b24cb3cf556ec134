from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.commerce import wire
from portal.commerce.verdicts import SLACK, Stored, Verdict, deletes, deletion, verdict
from tests.commerce.made import NOON, Store, order, product

LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize("odd", ["", "\x1f", "\x1e", "a\x1fb\x1e", "\x1e\x1f" * 3])
async def test_any_text_arrives_as_it_was(store: Store, odd: str):
    await store.write(product("1", sku=odd or None, name=odd), product("2", sku=None, name="plain", categories=(odd,)))
    rows = await store.rows("SELECT name, sku, categories FROM products ORDER BY external_id")
    assert rows == [
        {"name": odd, "sku": odd or None, "categories": []},
        {"name": "plain", "sku": None, "categories": [odd]},
    ]


async def test_a_nul_character_is_left_out(store: Store):
    await store.write(order(note="a\x00b"))
    assert (await store.rows("SELECT note FROM orders"))[0]["note"] == "ab"


def test_columns_are_joined_unless_a_text_contains_the_separator():
    separator, null, texts, numbers, flags = wire.pack(
        ["text", "numeric", "boolean"], [("a", Decimal("1.50"), True), (None, None, False)]
    )
    assert (separator, null) == ("\x1f", "\x1e")
    assert texts == "a\x1f\x1e\x1f"
    assert numbers == "1.50\x1f\x1e\x1f"
    assert flags == [True, False]
    assert wire.pack(["text"], [("\x1f",)])[0] not in ("\x1f", "")


def test_only_newer_or_equally_old_and_different_copies_are_taken():
    stored = Stored(NOON, b"a", None, NOON)
    assert verdict(NOON, b"a", None) is Verdict.NEW
    assert verdict(NOON, b"a", stored) is Verdict.STALE
    assert verdict(NOON - timedelta(seconds=1), b"b", stored) is Verdict.STALE
    assert verdict(NOON, b"b", stored) is Verdict.CHANGED
    assert verdict(LATER, b"a", stored) is Verdict.TOUCHED
    assert verdict(LATER, b"b", stored) is Verdict.CHANGED


def test_a_newer_copy_of_the_same_content_is_a_change_when_it_brings_a_deleted_thing_back():
    gone = Stored(NOON, b"a", NOON, NOON)
    assert verdict(LATER, b"a", gone) is Verdict.CHANGED
    assert deletion(LATER, gone) is None
    assert deletion(NOON, gone) == NOON
    assert deletion(LATER - SLACK, Stored(NOON, b"a", LATER, NOON)) == LATER


def test_a_deletion_concerns_copies_of_its_time_or_before():
    assert deletes(NOON, Stored(NOON + SLACK, b"", None, NOON))
    assert not deletes(NOON, Stored(NOON + SLACK + timedelta(seconds=1), b"", None, NOON))
    assert not deletes(NOON, Stored(NOON, b"", NOON, NOON))
