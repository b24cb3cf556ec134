"""`/webhooks`: create, read, edit, delete. Saving an active one sends the ping."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from portal.sandbox.rows import Webhook
from portal.sandbox.woocommerce.call import Call, Reply, links
from portal.sandbox.woocommerce.delivery import Courier
from portal.sandbox.woocommerce.errors import Json, bad_request, invalid_id
from portal.sandbox.woocommerce.listing import fields_of, listing, narrowed

TOPICS: dict[str, list[str]] = {
    "order.created": ["woocommerce_new_order"],
    "order.updated": ["woocommerce_update_order", "woocommerce_order_refunded"],
    "order.deleted": ["wp_trash_post", "woocommerce_trash_order"],
    "order.restored": ["untrashed_post", "woocommerce_untrash_order"],
    "product.created": ["woocommerce_process_product_meta", "woocommerce_new_product"],
    "product.updated": ["woocommerce_process_product_meta", "woocommerce_update_product"],
    "product.deleted": ["wp_trash_post"],
    "product.restored": ["untrashed_post"],
    "customer.created": ["user_register", "woocommerce_created_customer", "woocommerce_new_customer"],
    "customer.updated": ["profile_update", "woocommerce_update_customer"],
    "customer.deleted": ["delete_user"],
    "coupon.created": ["woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"],
    "coupon.updated": ["woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"],
    "coupon.deleted": ["wp_trash_post"],
}
STATUSES = ("active", "paused", "disabled")


def webhook_json(call: Call, hook: Webhook) -> Json:
    """A webhook; its secret is never shown."""
    clock, (resource, _, event) = call.store.clock, hook.topic.partition(".")
    return {
        "id": hook.id, "name": hook.name, "status": hook.status, "topic": hook.topic, "resource": resource,
        "event": event, "hooks": TOPICS[hook.topic], "delivery_url": hook.delivery_url,
        "date_created": clock.iso(hook.created), "date_created_gmt": clock.gmt(hook.created),
        "date_modified": None if hook.modified is None else clock.iso(hook.modified),
        "date_modified_gmt": None if hook.modified is None else clock.gmt(hook.modified),
        "_links": links(call.rest, f"webhooks/{hook.id}"),
    }  # fmt: skip


def list_webhooks(call: Call) -> Reply:
    """A page of webhooks, newest first; `status` is all, active, paused or disabled."""
    status = call.params.choice("status", "all", ("all", *STATUSES))
    call.params.check()
    rows = [hook for hook in call.store.webhooks.values() if status in ("all", hook.status)]
    rows.sort(key=lambda hook: (-hook.created, hook.id))
    return listing(call, rows, lambda hook: webhook_json(call, hook))


def _wanted(call: Call) -> Webhook:
    hook = call.store.webhooks.get(call.numbers[0])
    if hook is None:
        raise invalid_id("shop_webhook")
    return hook


def get_webhook(call: Call) -> Reply:
    """One webhook."""
    return Reply(narrowed(webhook_json(call, _wanted(call)), fields_of(call)))


def _checked(body: Json, topic: str, address: str, status: str) -> tuple[str, str, str]:
    topic, address = str(body.get("topic", topic)), str(body.get("delivery_url", address))
    status = str(body.get("status", status))
    if topic not in TOPICS:
        raise bad_request("woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic is required and must be valid.")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise bad_request(
            "woocommerce_rest_shop_webhook_invalid_delivery_url",
            "Webhook delivery URL must be a valid URL starting with http:// or https://.",
        )
    if status not in STATUSES:
        raise bad_request("woocommerce_rest_shop_webhook_invalid_status", "Webhook status must be valid.")
    return topic, address, status


def create_webhook(call: Call, courier: Courier) -> Reply:
    """Creates a webhook and sends its ping."""
    body, store = call.body, call.store
    topic, address, status = _checked(body, "", "", "active")
    number = store.take_webhook_id()
    hook = Webhook(
        number,
        str(body.get("name") or f"Webhook {number}"),
        topic,
        address,
        str(body.get("secret") or secrets.token_hex(25)),
        store.clock.now(),
        status=status,
    )
    store.webhooks[number] = hook
    store.version += 1
    made = webhook_json(call, hook)
    if status == "active":
        courier.ping(hook)
    return Reply(made, 201, {"Location": f"{call.rest}/webhooks/{number}"})


def update_webhook(call: Call, courier: Courier) -> Reply:
    """Edits a webhook; making it active again forgets its failures and sends a ping."""
    hook, body = _wanted(call), call.body
    before = hook.status, hook.delivery_url
    hook.topic, hook.delivery_url, hook.status = _checked(body, hook.topic, hook.delivery_url, hook.status)
    hook.name, hook.secret = str(body.get("name", hook.name)), str(body.get("secret") or hook.secret)
    hook.modified = call.store.clock.now()
    call.store.version += 1
    if hook.status == "active" and (hook.status, hook.delivery_url) != before:
        hook.failures = 0
        courier.ping(hook)
    return Reply(webhook_json(call, hook))


def delete_webhook(call: Call) -> Reply:
    """Deletes a webhook; `force=true` is required."""
    hook = _wanted(call)
    if not call.params.boolean("force"):
        raise bad_request("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.")
    del call.store.webhooks[hook.id]
    call.store.version += 1
    return Reply(webhook_json(call, hook))
