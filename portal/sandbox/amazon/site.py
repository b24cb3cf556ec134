"""An Amazon seller account on the web: Login with Amazon, the Selling Partner API below the store's name, report documents.

Both addresses of the portal's settings (PORTAL_AMAZON_API_URL, PORTAL_AMAZON_LWA_URL) are the store's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.utils import formatdate
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from portal.sandbox.amazon import control, finances, inventory, orders, states
from portal.sandbox.amazon.buckets import Buckets, Plan
from portal.sandbox.amazon.call import Call, Json
from portal.sandbox.amazon.errors import Refused, bad_input, bad_token, missing, no_role, throttled
from portal.sandbox.amazon.lwa import Grants, keys
from portal.sandbox.amazon.places import PLACES
from portal.sandbox.amazon.reports import Reports
from portal.sandbox.broken import broken_answer, spoilt
from portal.sandbox.faults import Fault
from portal.sandbox.platforms import Action
from portal.sandbox.rows import Order, Product
from portal.sandbox.store import Store

Handler = Callable[[Call], Json]
_PERSONAL = ("BUYER", "RECIPIENT")


class _NoCourier:
    """Amazon delivers nothing to web addresses."""

    async def settled(self) -> None:
        return None

    async def close(self) -> None:
        return None


class AmazonSite:
    """One account's API over HTTP. `asked` counts requests by operation, `asked_personal` those for people's data."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.spec.name
        self.options = keys(store.spec)
        self.grants = Grants(store, self.options)
        self.buckets = Buckets(self.options.pace)
        self.reports = Reports(store, self.options.report_seconds / self.options.pace)
        self.roles = set(self.options.roles)
        self.courier = _NoCourier()
        self.asked: dict[str, int] = {}
        self.asked_personal = 0
        self.actions: Mapping[str, Action] = control.actions(self)
        for row in (*store.orders.values(), *store.sellables()):
            self._heard("", row)
        store.listeners.append(self._heard)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the form of a connection asks for."""
        return [
            ("Address", self.store.site_url),
            ("Seller ID", self.options.seller_id),
            ("Marketplace IDs", ",".join(self.options.marketplaces)),
            ("LWA client ID", self.options.client_id),
            ("LWA client secret", self.grants.client_secret),
            ("Refresh token", self.options.refresh_token),
        ]

    async def serve(self, request: web.Request, below: str) -> web.StreamResponse | None:
        """The answer of the account, with the faults that are planned."""
        path = f"/{below}"
        fault = self.store.faults.next_for(path)
        if fault is not None:
            wrong = self._refusal(fault) or await broken_answer(request, fault)
            if wrong is not None:
                return wrong
        headers = {"Content-Type": "application/json", "Date": formatdate(self.store.clock.now(), usegmt=True)}
        status, body = self._answered(request, path, await request.read(), headers)
        return await spoilt(request, fault, status, body, headers)

    def _refusal(self, fault: Fault) -> web.Response | None:
        """Faults that only this platform has. Some leave the answer to be what it then is."""
        if fault.kind == "expired":
            self.grants.expire()
        if fault.kind == "report_failed":
            self.reports.fatal_next += 1
        if fault.kind != "quota":
            return None
        refused = throttled()
        return web.json_response(refused.body, status=refused.status)

    def _answered(self, request: web.Request, path: str, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if path == "/auth/o2/token":
            status, found = self.grants.exchange(dict(parse_qsl(content.decode("utf-8", "replace"))))
            return status, msgspec.json.encode(found)
        if path.startswith("/_documents/"):
            document = self.reports.content(path.rpartition("/")[2], self.store.clock.now())
            headers["Content-Type"] = "text/plain; charset=UTF-8" if document else "application/xml"
            return (200, document) if document else (403, b"<Error><Code>AccessDenied</Code></Error>")
        try:
            return 202 if request.method == "POST" else 200, msgspec.json.encode(
                self._called(request, path, content, headers)
            )
        except Refused as refused:
            return refused.status, msgspec.json.encode(refused.body)

    def _called(self, request: web.Request, path: str, content: bytes, headers: dict[str, str]) -> Json:
        headers["x-amzn-RequestId"] = "sandbox"
        for method, pattern, name, family, plan, handler in self._routes():
            found = re.fullmatch(pattern, path)
            if not found or method != request.method:
                continue
            if not self.grants.is_good(request.headers.get("x-amz-access-token", "")):
                raise bad_token()
            if family not in self.roles:
                raise no_role()
            if not self.buckets.take(name, plan):
                raise throttled()  # without a rate: only successes tell it
            self.asked[name] = self.asked.get(name, 0) + 1
            self.asked_personal += any(each in request.query.get("includedData", "") for each in _PERSONAL)
            call = Call(next(iter(found.groups()), ""), request.query, self.store.clock.now(), _json(content))
            answer = handler(call)
            headers["x-amzn-RateLimit-Limit"] = f"{self.buckets.rate(plan):g}"
            return answer
        raise missing()

    def _routes(self) -> tuple[tuple[str, str, str, str, Plan, Handler], ...]:
        reports, store = "/reports/2021-06-30/reports", self.store
        return (
            ("GET", "/sellers/v1/marketplaceParticipations", "getMarketplaceParticipations", "sellers", Plan(0.016, 15),
             self._participations),
            ("GET", "/orders/2026-01-01/orders", "searchOrders", "orders", Plan(0.0056, 20),
             lambda call: orders.search(store, call)),
            ("GET", "/orders/2026-01-01/orders/([^/]+)", "getOrder", "orders", Plan(0.5, 30),
             lambda call: orders.one(store, call)),
            ("POST", reports, "createReport", "reports", Plan(0.0167, 15), self.reports.create),
            ("GET", reports, "getReports", "reports", Plan(0.0222, 10), self.reports.list),
            ("GET", f"{reports}/([^/]+)", "getReport", "reports", Plan(2.0, 15), self.reports.get),
            ("GET", "/reports/2021-06-30/documents/([^/]+)", "getReportDocument", "reports", Plan(0.0167, 15),
             self.reports.document),
            ("GET", "/fba/inventory/v1/summaries", "getInventorySummaries", "fba", Plan(2.0, 2),
             lambda call: inventory.summaries(store, call)),
            ("GET", "/finances/2024-06-19/transactions", "listTransactions", "finances", Plan(0.5, 10),
             lambda call: finances.transactions(store, call)),
        )  # fmt: skip

    def _participations(self, call: Call) -> Json:
        """The account's marketplaces, and one where it has registered without selling."""
        rows: list[Json] = []
        for place in PLACES.values():
            sells = place.id in self.options.marketplaces
            if not sells and place.country != "AU":
                continue
            rows.append(
                {
                    "marketplace": {
                        "id": place.id, "name": place.channel, "countryCode": place.country,
                        "defaultCurrencyCode": place.currency, "defaultLanguageCode": place.language,
                        "domainName": f"www.{place.channel.lower()}",
                    },
                    "participation": {"isParticipating": sells, "hasSuspendedListings": False},
                    "storeName": self.store.spec.title,
                }
            )  # fmt: skip
        return {"payload": rows}

    def _heard(self, topic: str, row: object) -> None:
        if isinstance(row, Order):
            states.tidy(row, self.store.spec)
        elif isinstance(row, Product):
            states.tidy_product(row)


def _json(content: bytes) -> Json:
    if not content:
        return {}
    try:
        return msgspec.json.decode(content, type=dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise bad_input("The body is not a JSON object.") from None
