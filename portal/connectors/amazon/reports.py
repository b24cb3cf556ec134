"""The Reports API: ask for a report, see how it is getting on, open its document. Amazon's times are minutes, not seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import IO

import msgspec

from portal.connectors.amazon.client import Client
from portal.connectors.amazon.marketplaces import Marketplace
from portal.connectors.amazon.rates import CREATE_REPORT, GET_DOCUMENT, GET_REPORT
from portal.connectors.amazon.reading import Reading
from portal.connectors.values import text
from portal.foundation.errors import Permanent

BY_ORDER_DATE = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
BY_LAST_UPDATE = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
ALL_LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
_REPORTS = "/reports/2021-06-30/reports"
_DOCUMENTS = "/reports/2021-06-30/documents"
_PAUSES = (0.2, 0.4, 0.8, 1.6, 3.0, 5.0, 7.0)  # of one page; in between progress is shown and the worker may stop


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a report is getting on. `document` only when it is done."""

    status: str
    document: str = ""
    created_at: datetime | None = None

    @property
    def pending(self) -> bool:
        return self.status not in {"DONE", "CANCELLED", "FATAL"}


async def ask(client: Client, kind: str, start: datetime, end: datetime) -> str:
    """Ask for a report over at most 30 days; gives its id."""
    wanted = {
        "reportType": kind,
        "marketplaceIds": [each.id for each in client.account.marketplaces],
        "dataStartTime": stamp(start),
        "dataEndTime": stamp(end),
    }
    return await _ask(client, wanted)


async def ask_listings(client: Client, marketplace: Marketplace) -> str:
    """Ask for the list of everything offered in one marketplace (Amazon takes only one at a time); gives the report's id.

    Amazon may answer with a copy that is up to an hour old, for long lists up to six; then also in another language.
    """
    return await _ask(
        client,
        {
            "reportType": ALL_LISTINGS,
            "marketplaceIds": [marketplace.id],
            "reportOptions": {"preferredReportDocumentLocale": "en_US"},
        },
    )


async def _ask(client: Client, wanted: Mapping[str, object]) -> str:
    answer = await client.post(CREATE_REPORT, _REPORTS, wanted)
    known = text(answer.get("reportId"), 200)
    if not known:
        raise Permanent("Amazon took the request for a report without naming it.", "Report this message.")
    return known


async def wait(client: Client, report_id: str) -> Report:
    """The report, after at most some twenty seconds of waiting for it. Raises `NotFound` for one Amazon has forgotten."""
    report = await _look(client, report_id)
    for pause in _PAUSES:
        if not report.pending:
            break
        await asyncio.sleep(pause)  # not for the rate, which the budget keeps, but for Amazon to get the work done
        report = await _look(client, report_id)
    return report


async def open_document(client: Client, document: str) -> Reading:
    """An order report to read."""
    return Reading(document, await fetch(client, document), charset(client.account.marketplaces))


async def fetch(client: Client, document: str) -> IO[bytes]:
    """A document's file. The address it is fetched from lives for five minutes, so it is never kept."""
    answer = await client.get(GET_DOCUMENT, f"{_DOCUMENTS}/{document}")
    return await client.download(text(answer.get("url"), 8000))


def charset(marketplaces: Iterable[Marketplace]) -> str:
    """What a report is written in when it is not UTF-8; "": Western European."""
    return "cp932" if any(each.country == "JP" for each in marketplaces) else ""


def stamp(moment: datetime) -> str:
    """As the API takes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _look(client: Client, report_id: str) -> Report:
    answer = await client.get(GET_REPORT, f"{_REPORTS}/{report_id}")
    try:
        created: datetime | None = datetime.fromisoformat(text(answer.get("createdTime"), 40))
    except ValueError:
        created = None
    if created is not None and created.tzinfo is None:
        created = created.replace(tzinfo=UTC)
    return Report(
        status=text(answer.get("processingStatus"), 20).upper(),
        document=text(answer.get("reportDocumentId"), 300),
        created_at=created,
    )
