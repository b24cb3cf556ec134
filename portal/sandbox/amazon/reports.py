"""Reports API 2021-06-30: reports are asked for, made in Amazon's own time, and fetched from a storage of their own."""

from __future__ import annotations

import gzip
import secrets
import time
from dataclasses import dataclass

from portal.sandbox.amazon.call import Call, Json, iso, moment
from portal.sandbox.amazon.errors import bad_input, missing
from portal.sandbox.amazon.flat_file import flat_file
from portal.sandbox.amazon.inventory import listed
from portal.sandbox.amazon.offers_file import offers_file
from portal.sandbox.amazon.places import PLACES
from portal.sandbox.store import Store

KINDS = {
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL": "created",
    "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL": "modified",
}
OFFERS = "GET_MERCHANT_LISTINGS_ALL_DATA"
LONGEST_DAYS = 31
_ADDRESS_SECONDS = 300


@dataclass
class Report:
    """A report that was asked for."""

    id: str
    kind: str
    marketplaces: tuple[str, ...]
    start: int
    end: int
    created: int
    asked_at: float
    fatal: bool = False
    content: bytes | None = None


class Reports:
    """The reports of one account. `fatal_next` of them will fail."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._known: dict[str, Report] = {}
        self._addresses: dict[str, tuple[str, int]] = {}
        self.fatal_next = 0
        self.asked = 0

    def create(self, call: Call) -> Json:
        """Takes the order for a report over at most 31 days, or for the list of offers of one marketplace."""
        kind = str(call.body.get("reportType"))
        given = call.body.get("marketplaceIds")
        wanted = tuple(str(each) for each in given) if isinstance(given, list) else ()
        if kind not in (*KINDS, OFFERS) or not wanted or any(each not in PLACES for each in wanted):
            raise bad_input("reportType and marketplaceIds must be given.")
        start = end = call.now
        if kind == OFFERS:
            wanted = wanted[:1]  # only the first is taken
        else:
            start = moment(call.body.get("dataStartTime"), "dataStartTime", call.now)
            end = moment(call.body.get("dataEndTime"), "dataEndTime", call.now)
        if not start <= end or end - start > LONGEST_DAYS * 86_400:
            raise bad_input("The date range must be at most 31 days.")
        self.asked += 1
        report = Report(secrets.token_hex(6), kind, wanted, start, end, call.now, time.monotonic())
        if self.fatal_next > 0:
            self.fatal_next -= 1
            report.fatal = True
        self._known[report.id] = report
        return {"reportId": report.id}

    def list(self, call: Call) -> Json:
        """The reports of some types, newest first."""
        wanted = call.several("reportTypes")
        rows = [each for each in reversed(self._known.values()) if each.kind in wanted]
        return {"reports": [self._json(each) for each in rows[: int(call.query.get("pageSize", "10"))]]}

    def get(self, call: Call) -> Json:
        """How a report is getting on."""
        return self._json(self._report(call.named))

    def document(self, call: Call) -> Json:
        """Where a document lies: an address that lives for five minutes."""
        report = self._report(call.named.removeprefix("doc-"))
        if self._status(report) != "DONE":
            raise missing("The report document does not exist.")
        secret = secrets.token_hex(16)
        self._addresses[secret] = (report.id, call.now + _ADDRESS_SECONDS)
        url = f"{self._store.site_url}/_documents/{secret}"
        return {"reportDocumentId": call.named, "url": url, "compressionAlgorithm": "GZIP"}

    def content(self, secret: str, now: int) -> bytes | None:
        """The compressed document behind an address, None when that has expired."""
        known, until = self._addresses.get(secret, ("", 0))
        if now > until or known not in self._known:
            return None
        report = self._known[known]
        if report.content is None:
            if report.kind == OFFERS:
                rows = offers_file(self._store, report.marketplaces[0])
            else:
                rows = flat_file(self._store, KINDS[report.kind], report.start, report.end, report.marketplaces)
            report.content = gzip.compress(rows.encode(), 3)
        return report.content

    def forget(self) -> None:
        """All reports are gone, as after ninety days."""
        self._known.clear()

    def _report(self, known: str) -> Report:
        if known not in self._known:
            raise missing("The report does not exist.")
        return self._known[known]

    def _status(self, report: Report) -> str:
        waited = time.monotonic() - report.asked_at
        if waited < self._seconds:
            return "IN_QUEUE" if waited < self._seconds / 3 else "IN_PROGRESS"
        if report.fatal:
            return "FATAL"
        if report.kind == OFFERS:
            return "DONE" if any(listed(self._store, report.marketplaces[0])) else "CANCELLED"
        by = KINDS[report.kind]
        there = any(
            report.start <= getattr(order, by) <= report.end and order.via in report.marketplaces
            for order in self._store.orders.values()
        )
        return "DONE" if there else "CANCELLED"  # Amazon cancels a report with nothing in it

    def _json(self, report: Report) -> Json:
        status = self._status(report)
        row: Json = {
            "reportId": report.id,
            "reportType": report.kind,
            "marketplaceIds": list(report.marketplaces),
            "dataStartTime": iso(report.start),
            "dataEndTime": iso(report.end),
            "createdTime": iso(report.created),
            "processingStatus": status,
        }
        if status == "DONE":
            row["reportDocumentId"] = f"doc-{report.id}"
        return row
