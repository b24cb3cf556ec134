from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from portal.commerce.records import Coupon, Customer, Deleted, Order, Product
from portal.connectors.woocommerce import webhooks
from tests.connectors.woocommerce import samples
from tests.connectors.woocommerce.samples import NOW

SECRET = "a webhook secret"


def delivery(topic: str, payload: Any, *, raw: bytes | None = None) -> tuple[dict[str, str], bytes]:
    body = raw if raw is not None else json.dumps(payload).encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    headers = {
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Delivery-ID": "d1",
        "X-WC-Webhook-Signature": signature,
    }
    return headers, body


def test_the_ping_of_a_saved_webhook_is_recognised() -> None:
    assert webhooks.is_ping({"Content-Type": "application/x-www-form-urlencoded"}, b"webhook_id=12")
    assert not webhooks.is_ping({}, b'{"id": 1}')
    assert not webhooks.is_ping({"x-wc-webhook-signature": "x"}, b"webhook_id=12")


def test_a_signature_holds_for_the_exact_bytes_and_secret() -> None:
    headers, body = delivery("order.created", samples.order())
    assert webhooks.verify(headers, body, SECRET)
    assert webhooks.verify({key.lower(): value for key, value in headers.items()}, body, SECRET)
    assert not webhooks.verify(headers, body + b" ", SECRET)
    assert not webhooks.verify(headers, body, "another secret")
    assert not webhooks.verify({}, body, SECRET)
    assert not webhooks.verify(headers | {"X-WC-Webhook-Signature": "ünï"}, body, SECRET)
    unsigned = base64.b64encode(hmac.new(b"", body, hashlib.sha256).digest()).decode()
    assert not webhooks.verify({"X-WC-Webhook-Signature": unsigned}, body, "")


def test_the_same_delivery_again_has_the_same_key_and_others_do_not() -> None:
    headers, body = delivery("order.created", samples.order())
    key = webhooks.dedupe_key(headers, body)
    assert webhooks.dedupe_key(headers, body) == key
    assert webhooks.dedupe_key(headers | {"X-WC-Webhook-Topic": "order.updated"}, body) != key
    assert webhooks.dedupe_key(headers, body + b" ") != key  # two orders in one delivery id do happen
    assert len(key) < 200


@pytest.mark.parametrize(
    ("topic", "payload", "kind"),
    [
        ("order.created", samples.order(), Order),
        ("order.updated", samples.order(), Order),
        ("order.restored", samples.order(), Order),
        ("product.updated", samples.product(), Product),
        ("customer.created", samples.customer(), Customer),
        ("coupon.updated", samples.coupon(), Coupon),
    ],
)
def test_a_delivery_becomes_its_record(topic: str, payload: Any, kind: type) -> None:
    found = webhooks.parse(*delivery(topic, payload), NOW)
    assert found.topic == topic
    assert [type(record) for record in found.records] == [kind]


@pytest.mark.parametrize(
    ("topic", "of", "trashed"),
    [
        ("order.deleted", "orders", True),
        ("product.deleted", "products", True),
        ("customer.deleted", "customers", False),
    ],
)
def test_a_deletion_names_only_the_id(topic: str, of: str, trashed: bool) -> None:
    found = webhooks.parse(*delivery(topic, {"id": 501}), NOW)
    assert found.records == (Deleted(external_id="501", modified_at=NOW, of=of, trashed=trashed),)


def test_a_variation_arrives_as_a_product_of_its_own() -> None:
    payload = samples.product(id=22, type="variation", parent_id=20, manage_stock="parent", stock_quantity=4)
    (record,) = webhooks.parse(*delivery("product.updated", payload), NOW).records
    assert isinstance(record, Product)
    assert (record.kind, record.parent_id, record.quantity) == ("variation", "20", 4)


@pytest.mark.parametrize("topic", ["", "order", "action.wc_x", "order.exploded", "subscription.created"])
def test_an_unknown_topic_has_no_records(topic: str) -> None:
    found = webhooks.parse(*delivery(topic, samples.order()), NOW)
    assert (list(found.records), list(found.rejected)) == ([], [])


@pytest.mark.parametrize("raw", [b"", b"not json", b"[1]", b"null", b'{"id": 1', b"\xff\xfe"])
def test_a_body_that_cannot_be_read_is_rejected_and_never_raises(raw: bytes) -> None:
    found = webhooks.parse(*delivery("order.updated", None, raw=raw), NOW)
    assert not found.records
    assert found.rejected[0].reason


def test_a_draft_gives_nothing() -> None:
    assert not webhooks.parse(*delivery("order.created", samples.order(status="checkout-draft")), NOW).records
