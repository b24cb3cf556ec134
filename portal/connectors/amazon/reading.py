"""Reading an order report: the rows of one order together.

A reading stands at a line and can be taken up there again by another process: the lines before it are skipped. An order
whose rows do not stand together cannot be told from its first rows alone; its id is handed out to be asked for by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import msgspec

from portal.connectors.amazon.rows import Row, Rows
from portal.foundation.errors import Permanent

_MOST_ROWS = 5000  # of one order; more is not an order


class Part(msgspec.Struct, frozen=True):
    """Some orders of a report: their rows, ids of orders that were begun in an earlier part, whether the end was reached."""

    orders: list[list[Row]]
    scattered: list[str]
    finished: bool


class Reading:
    """One report document. Blocking: read it in a thread. Closes its file at the end, or by `close`."""

    def __init__(self, document: str, file: IO[bytes], charset: str = "") -> None:
        self.document = document
        self.line = 0  # data lines handed out
        self._rows = Rows(file, charset, needed=("amazon-order-id",))
        self._waiting: Row | None = None
        self._seen: set[int] = set()

    def close(self) -> None:
        """Let the file go."""
        self._rows.close()

    def skip(self, line: int) -> None:
        """Go on at `line`, remembering the orders before it. Raises `Permanent` when the report is shorter."""
        while self.line < line:
            row = self._rows.next()
            if row is None:
                raise Permanent("The report is shorter than before.", "Nothing to do: it is asked for again.")
            self._seen.add(hash(row.get("amazon-order-id", "")))
            self.line += 1

    def part(self, most: int) -> Part:
        """The next `most` orders. Raises `Temporary` for a document that was cut off."""
        orders: list[list[Row]] = []
        scattered: list[str] = []
        for rows in self._orders():
            known = rows[0].get("amazon-order-id", "")
            self.line += len(rows)
            if hash(known) in self._seen:
                scattered.append(known)
            else:
                self._seen.add(hash(known))
                orders.append(rows)
            if len(orders) + len(scattered) >= most:
                return Part(orders, scattered, False)
        return Part(orders, scattered, True)

    def _orders(self) -> Iterator[list[Row]]:
        rows: list[Row] = []
        while True:
            row = self._waiting or self._rows.next()
            self._waiting = None
            if row is None:
                if rows:
                    yield rows
                return
            if rows and (row.get("amazon-order-id") != rows[0].get("amazon-order-id") or len(rows) >= _MOST_ROWS):
                self._waiting = row
                yield rows
                rows = []
                continue
            rows.append(row)
