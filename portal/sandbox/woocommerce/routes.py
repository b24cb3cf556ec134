"""The table of API paths, and the one function that turns a request into an answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from portal.sandbox.store import Store
from portal.sandbox.woocommerce import coupons, customers, orders, products, refunds, settings, status, webhooks
from portal.sandbox.woocommerce.auth import Asked, Gate
from portal.sandbox.woocommerce.call import Call, Reply
from portal.sandbox.woocommerce.delivery import Courier
from portal.sandbox.woocommerce.errors import ApiError, cannot, invalid_json, no_route
from portal.sandbox.woocommerce.order_query import ORDERBY, STATUSES, OrderIndex
from portal.sandbox.woocommerce.params import Params

Handler = Callable[[Call], Reply]
_ONE = "GET, POST, PUT, PATCH, DELETE"
_DECIMALS_AT_MOST = 8
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Route:
    """A path pattern below `wc/v3`, its `Allow` header and a handler per method."""

    pattern: re.Pattern[str]
    allow: str
    handlers: dict[str, Handler]


def _route(pattern: str, allow: str, **handlers: Handler) -> Route:
    table = {method.upper(): handler for method, handler in handlers.items()}
    if "PUT" in table:
        table["PATCH"] = table["PUT"]
        table.setdefault("POST", table["PUT"])
    return Route(re.compile(pattern), allow, table)


class Api:
    """The API of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.gate = Gate(store)
        self.courier = Courier(store)
        index = OrderIndex(store)
        n = r"(\d+)"
        self._routes = (
            _route("orders", "GET, POST", get=lambda c: orders.list_orders(c, index), post=orders.create_order),
            _route(f"orders/{n}", _ONE, get=orders.get_order, put=orders.update_order, delete=orders.delete_order),
            _route(f"orders/{n}/notes", "GET, POST", get=orders.list_notes, post=orders.create_note),
            _route(
                f"orders/{n}/refunds", "GET, POST", get=refunds.list_order_refunds, post=refunds.create_refund
            ),
            _route(
                f"orders/{n}/refunds/{n}", "GET, DELETE", get=refunds.get_refund, delete=refunds.delete_refund
            ),
            _route("refunds", "GET", get=refunds.list_refunds),
            _route("products", "GET, POST", get=products.list_products, post=products.create_product),
            _route(
                f"products/{n}", _ONE, get=products.get_product, put=products.update_product,
                delete=products.delete_product,
            ),
            _route(f"products/{n}/variations", "GET, POST", get=products.list_variations),
            _route(f"products/{n}/variations/{n}", _ONE, get=products.get_variation),
            _route("customers", "GET, POST", get=customers.list_customers, post=customers.create_customer),
            _route(f"customers/{n}", _ONE, get=customers.get_customer, delete=customers.delete_customer),
            _route("coupons", "GET, POST", get=coupons.list_coupons),
            _route("taxes", "GET, POST", get=coupons.list_taxes),
            _route("settings/general", "GET", get=settings.general),
            _route("data/currencies/current", "GET", get=settings.current_currency),
            _route("system_status", "GET", get=status.system_status),
            _route("reports/sales", "GET", get=status.sales_report),
            _route("reports/orders/totals", "GET", get=status.order_totals),
            _route(
                "webhooks", "GET, POST", get=webhooks.list_webhooks,
                post=lambda c: webhooks.create_webhook(c, self.courier),
            ),
            _route(
                f"webhooks/{n}", _ONE, get=webhooks.get_webhook,
                put=lambda c: webhooks.update_webhook(c, self.courier), delete=webhooks.delete_webhook,
            ),
        )  # fmt: skip

    def answer(self, asked: Asked, path: str, body: bytes) -> Reply:
        """The answer to a request for `path` (below `wp-json/`). Raises ApiError for every refusal."""
        method = "GET" if asked.method == "HEAD" else asked.method
        path = path.strip("/")
        call = Call(self.store, method, path.removeprefix("wc/v3/"), (), Params(asked.pairs))
        if path in ("", "wc/v3"):
            return settings.site_index(call)
        key = self.gate.identify(asked)
        if key is not None:
            self.gate.allow(key, method)
        route, numbers = self._find(path)
        if method == "OPTIONS":
            return self._describe(call, route)
        handler = route.handlers.get(method)
        if handler is None:
            raise no_route()
        call.numbers = numbers
        if key is None:
            raise cannot(_action(method, numbers))
        try:
            if method in _WRITES and body.strip():
                call.body = _decoded(body)
            call.dp = min(call.params.integer("dp", 2, 0), _DECIMALS_AT_MOST)
            reply = handler(call)
        except ApiError as error:
            error.headers["Allow"] = route.allow
            raise
        reply.headers.setdefault("Allow", route.allow)
        return reply

    def _find(self, path: str) -> tuple[Route, tuple[int, ...]]:
        below = path.removeprefix("wc/v3/")
        if below != path:
            for route in self._routes:
                match = route.pattern.fullmatch(below)
                if match:
                    return route, tuple(min(int(part), 2**62) for part in match.groups())
        raise no_route()

    def _describe(self, call: Call, route: Route) -> Reply:
        """OPTIONS: a short description of the route; needs no key."""
        methods = [method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if method in route.handlers]
        arguments: dict[str, object] = {
            "page": {"type": "integer", "default": 1, "minimum": 1, "required": False},
            "per_page": {"type": "integer", "default": 10, "minimum": 1, "maximum": 100, "required": False},
        }
        if call.path == "orders":
            arguments["status"] = {"type": "array", "items": {"type": "string", "enum": list(STATUSES)}}
            arguments["orderby"] = {"type": "string", "enum": list(ORDERBY), "default": "date"}
        endpoints = [{"methods": [method], "args": arguments if method == "GET" else {}} for method in methods]
        own = {"self": [{"href": f"{call.rest}/{call.path}"}]}
        schema = {"$schema": "http://json-schema.org/draft-04/schema#", "title": call.path, "type": "object"}
        made: dict[str, object] = {
            "namespace": "wc/v3", "methods": methods, "endpoints": endpoints, "schema": {**schema, "properties": {}},
            "_links": own,
        }  # fmt: skip
        return Reply(made)


def _decoded(body: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid_json() from error


def _action(method: str, numbers: tuple[int, ...]) -> str:
    if method == "GET":
        return "view" if numbers else "list"
    if method == "DELETE":
        return "delete"
    return "edit" if numbers else "create"
