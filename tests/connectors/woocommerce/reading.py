"""Running a stream to its end, as the sync engine does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from portal.commerce.records import AnyRecord
from portal.connectors.answers import Cursor, Page, Rejected
from portal.connectors.contract import Connector

MOST_PAGES = 200


class Run:
    """What one run of a stream gave. `rows` keeps the last copy of each id, as the ledger would."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.cursor: Cursor = {}

    @property
    def records(self) -> Sequence[AnyRecord]:
        return [record for page in self.pages for record in page.records]

    @property
    def rejected(self) -> Sequence[Rejected]:
        return [each for page in self.pages for each in page.rejected]

    @property
    def rows(self) -> dict[str, Any]:
        return {record.external_id: record for record in self.records}


async def one_page(connector: Connector, stream: str, cursor: Cursor | None) -> Page:
    """A page, with its cursor through JSON as in the database."""
    page = await connector.page(stream, cursor)
    page.next = json.loads(json.dumps(page.next))
    return page


async def run(connector: Connector, stream: str, cursor: Cursor | None = None) -> Run:
    """All pages until the stream has caught up."""
    found = Run()
    while len(found.pages) < MOST_PAGES:
        page = await one_page(connector, stream, cursor)
        found.pages.append(page)
        found.cursor = cursor = page.next
        if page.caught_up:
            return found
    raise AssertionError(f"{stream} does not catch up")
