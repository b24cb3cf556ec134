"""What changes something: exports and webhook subscriptions; and reading them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from portal.sandbox.rows import Webhook
from portal.sandbox.shopify.exports import Export, Exports, operation_json
from portal.sandbox.shopify.gate import client_secret
from portal.sandbox.shopify.graphql.execute import Context, Resolver
from portal.sandbox.shopify.listing import sliced
from portal.sandbox.shopify.world import gid, stamp

Args = Mapping[str, Any]
Json = dict[str, Any]


def _number(given: object) -> int:
    digits = str(given).rsplit("/", 1)[-1]
    return int(digits) if digits.isdigit() else 0


def _wrong(field: str, message: str) -> Json:
    return {"field": ["webhookSubscription", field], "message": message}


def _address(given: Args, known: str = "") -> tuple[str, list[Json]]:
    uri = str((given["webhookSubscription"] or {}).get("uri") or known)
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or not parts.hostname:  # http too: a sandbox delivers to its own machine
        return uri, [_wrong("uri", "Address is invalid")]
    return uri, []


def _create(context: Context, root: Any, args: Args) -> Json:
    store, topic = context.world, str(args["topic"])
    uri, wrong = _address(args)
    if any(hook.topic == topic and hook.delivery_url == uri for hook in store.webhooks.values()):
        wrong.append(_wrong("uri", "Address for this topic has already been taken"))
    if wrong:
        return {"hook": None, "errors": wrong}
    number = store.take_webhook_id()
    made = Webhook(number, topic, topic, uri, client_secret(store.spec), store.clock.now())
    store.webhooks[number] = made
    store.version += 1
    return {"hook": made, "errors": []}


def _update(context: Context, root: Any, args: Args) -> Json:
    hook = context.world.webhooks.get(_number(args["id"]))
    if hook is None:
        return {"hook": None, "errors": [{"field": ["id"], "message": "Webhook subscription does not exist"}]}
    uri, wrong = _address(args, hook.delivery_url)
    if not wrong:
        hook.delivery_url, hook.failures = uri, 0
        context.world.version += 1
    return {"hook": hook, "errors": wrong}


def _delete(context: Context, root: Any, args: Args) -> Json:
    hook = context.world.webhooks.pop(_number(args["id"]), None)
    if hook is None:
        return {"id": None, "errors": [{"field": ["id"], "message": "Webhook subscription does not exist"}]}
    context.world.version += 1
    return {"id": gid("WebhookSubscription", hook.id), "errors": []}


def resolvers(exports: Exports) -> dict[str, dict[str, Resolver]]:
    """The tables of these types, for the exports of one store."""

    def run(context: Context, root: Any, args: Args) -> Json:
        found = exports.start(str(args["query"]), context.scopes)
        if isinstance(found, Export):
            return {"operation": operation_json(found, context.world.site_url), "errors": []}
        return {"operation": None, "errors": found}

    def one(context: Context, root: Any, args: Args) -> Json | None:
        found = exports.all.get(_number(args["id"]))
        return None if found is None else operation_json(found, context.world.site_url)

    def listed(context: Context, root: Any, args: Args) -> Any:
        return sliced(exports.all.values(), args, lambda each: (each.created, each.id))

    def told(context: Context, each: Any) -> Json:
        return operation_json(each, context.world.site_url) if isinstance(each, Export) else each

    def hooks(context: Context, root: Any, args: Args) -> Any:
        return sliced(context.world.webhooks.values(), args, lambda each: (each.id, each.id))

    payload: dict[str, Resolver] = {
        "webhookSubscription": lambda c, found, a: found["hook"],
        "userErrors": lambda c, found, a: found["errors"],
    }
    return {
        "Mutation": {
            "bulkOperationRunQuery": run,
            "webhookSubscriptionCreate": _create,
            "webhookSubscriptionUpdate": _update,
            "webhookSubscriptionDelete": _delete,
        },
        "QueryRoot": {"bulkOperation": one, "bulkOperations": listed, "webhookSubscriptions": hooks},
        "BulkOperation": {
            "id": lambda c, each, a: told(c, each)["id"],
            "status": lambda c, each, a: told(c, each)["status"],
            "errorCode": lambda c, each, a: told(c, each)["error"],
            "createdAt": lambda c, each, a: stamp(c.world, told(c, each)["created"]),
            "query": lambda c, each, a: told(c, each)["query"],
            "objectCount": lambda c, each, a: str(told(c, each)["objects"]),
            "rootObjectCount": lambda c, each, a: str(told(c, each)["roots"]),
            "url": lambda c, each, a: told(c, each)["url"],
        },
        "BulkOperationRunQueryPayload": {
            "bulkOperation": lambda c, found, a: found["operation"],
            "userErrors": lambda c, found, a: found["errors"],
        },
        "BulkOperationUserError": {
            "code": lambda c, each, a: each["code"],
            "field": lambda c, each, a: each["field"],
            "message": lambda c, each, a: each["message"],
        },
        "WebhookSubscription": {
            "id": lambda c, hook, a: gid("WebhookSubscription", hook.id),
            "topic": lambda c, hook, a: hook.topic,
            "uri": lambda c, hook, a: hook.delivery_url,
            "format": lambda c, hook, a: "JSON",
        },
        "WebhookSubscriptionCreatePayload": payload,
        "WebhookSubscriptionUpdatePayload": payload,
        "WebhookSubscriptionDeletePayload": {
            "deletedWebhookSubscriptionId": lambda c, found, a: found["id"],
            "userErrors": lambda c, found, a: found["errors"],
        },
        "UserError": {
            "field": lambda c, each, a: each["field"],
            "message": lambda c, each, a: each["message"],
        },
    }
