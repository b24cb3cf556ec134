from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.commerce.records import Deleted
from portal.connectors.shopify import webhooks
from portal.connectors.shopify.manifest import MANIFEST

SECRET = "an app's client secret"
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


def delivery(topic: str, payload: Any, **more: str) -> tuple[dict[str, str], bytes]:
    body = json.dumps(payload).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": signature, "X-Shopify-Webhook-Id": "w1"} | more
    return headers, body


def test_a_signature_holds_for_the_exact_bytes_and_secret() -> None:
    headers, body = delivery("orders/create", {"id": 17})
    assert webhooks.verify(headers, body, SECRET)
    assert webhooks.verify({key.lower(): value for key, value in headers.items()}, body, SECRET)
    assert not webhooks.verify(headers, body + b" ", SECRET)
    assert not webhooks.verify(headers, body, "another")
    assert not webhooks.verify(headers, body, "")
    assert not webhooks.verify({**headers, "X-Shopify-Hmac-Sha256": "ü"}, body, SECRET)
    assert not webhooks.verify({}, body, SECRET)


def test_nothing_is_answered_without_a_signature() -> None:
    assert not webhooks.is_ping({}, b"")
    assert not webhooks.is_ping({}, b"ping")


def test_a_repetition_has_the_same_key_and_another_delivery_has_not() -> None:
    first = delivery("orders/updated", {"id": 17})
    assert webhooks.dedupe_key(*first) == webhooks.dedupe_key(*first)
    other = delivery("orders/updated", {"id": 17}, **{"X-Shopify-Webhook-Id": "w2"})
    assert webhooks.dedupe_key(*first) != webhooks.dedupe_key(*other)
    nameless = {"X-Shopify-Topic": "orders/updated"}
    assert webhooks.dedupe_key(nameless, b"1") != webhooks.dedupe_key(nameless, b"2")


@pytest.mark.parametrize(
    ("topic", "payload", "stale"),
    [
        ("orders/create", {"id": 17, "total_price": "5.00"}, {"orders": ("17",)}),
        ("orders/updated", {"id": 17}, {"orders": ("17",)}),
        ("orders/cancelled", {"id": 17}, {"orders": ("17",)}),
        ("orders/edited", {"order_edit": {"id": 3, "order_id": 17}}, {"orders": ("17",)}),
        ("refunds/create", {"id": 91, "order_id": 17}, {"orders": ("17",)}),
        ("products/create", {"id": 31}, {"products": ("31",)}),
        ("products/update", {"id": 31}, {"products": ("31",)}),
        ("inventory_levels/update", {"inventory_item_id": 61, "available": 2}, {"products": ("inventory_item:61",)}),
        ("customers/create", {"id": 51}, {"customers": ("51",)}),
        ("customers/update", {"id": "51"}, {"customers": ("51",)}),
        ("orders/create", {"id": None}, {}),
        ("orders/create", [], {}),
        ("orders/unheard_of", {"id": 17}, {}),
        ("themes/publish", {"id": 17}, {}),
    ],
)
def test_a_delivery_names_what_changed(topic: str, payload: Any, stale: dict[str, tuple[str, ...]]) -> None:
    found = webhooks.parse(*delivery(topic, payload), NOW)
    assert found.stale == stale
    assert not found.records
    assert not found.ask


@pytest.mark.parametrize(
    ("topic", "of"), [("orders/delete", "orders"), ("products/delete", "products"), ("customers/delete", "customers")]
)
def test_what_is_deleted_is_believed(topic: str, of: str) -> None:
    headers, body = delivery(topic, {"id": 17}, **{"X-Shopify-Triggered-At": "2026-03-10T11:59:00.123456789Z"})
    (record,) = webhooks.parse(headers, body, NOW).records
    assert isinstance(record, Deleted)
    assert (record.external_id, record.of) == ("17", of)
    assert record.modified_at <= NOW


def test_a_deletion_of_the_future_is_dated_by_its_arrival() -> None:
    headers, body = delivery("orders/delete", {"id": 17}, **{"X-Shopify-Triggered-At": "2100-01-01T00:00:00Z"})
    assert webhooks.parse(headers, body, NOW).records[0].modified_at == NOW


def test_an_uninstalled_app_asks_for_a_run_that_will_say_so() -> None:
    assert webhooks.parse(*delivery("app/uninstalled", {"id": 1}), NOW).ask


def test_a_body_that_is_not_json_is_rejected() -> None:
    headers, _ = delivery("orders/create", {})
    found = webhooks.parse(headers, b"<html>", NOW)
    assert "not JSON" in found.rejected[0].reason


def test_every_topic_of_the_manifest_is_understood() -> None:
    payload = {"id": 17, "order_id": 17, "inventory_item_id": 17, "order": {"id": 17}}
    for topic in MANIFEST.webhook_topics:
        found = webhooks.parse(*delivery(topic, payload), NOW)
        assert found.stale or found.records or found.ask, topic


def test_a_return_and_a_shipment_name_their_order_as_stale() -> None:
    back = {"id": 9, "admin_graphql_api_id": "gid://shopify/Return/9", "order": {"id": 17}, "status": "open"}
    assert webhooks.parse(*delivery("returns/approve", back), NOW).stale == {"orders": ("17",)}
    sent = {"id": 8, "order_id": 17, "tracking_number": "00340"}
    assert webhooks.parse(*delivery("fulfillments/update", sent), NOW).stale == {"orders": ("17",)}


def test_a_return_that_names_no_order_says_nothing() -> None:
    for order in (None, 17, {}, {"id": "x"}):
        found = webhooks.parse(*delivery("returns/close", {"id": 9, "order": order}), NOW)
        assert not found.stale, order
        assert not found.records, order
