"""Reading an order report: gzip or plain, tab-separated, line by line in bounded memory, the rows of one order together.

A reading stands at a line and can be taken up there again by another process: the lines before it are skipped. An order
whose rows do not stand together cannot be told from its first rows alone; its id is handed out to be asked for by itself.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import IO, cast

import msgspec

from portal.foundation.errors import Permanent, Temporary

Row = dict[str, str]
_LONGEST_LINE = 1 << 20
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
        self._file = file
        magic = file.read(2)
        file.seek(0)
        packed = magic == b"\x1f\x8b"
        self._lines = cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb")) if packed else file
        self._charset = charset
        self._columns: list[str] = []
        self._waiting: Row | None = None
        self._seen: set[int] = set()

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def skip(self, line: int) -> None:
        """Go on at `line`, remembering the orders before it. Raises `Permanent` when the report is shorter."""
        while self.line < line:
            row = self._next()
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
            row = self._waiting or self._next()
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

    def _next(self) -> Row | None:
        if not self._columns:
            header = self._text()
            if header is None:
                return None
            self._columns = [name.strip().strip('"').lower() for name in header.lstrip("\ufeff").split("\t")]
            if "amazon-order-id" not in self._columns:
                raise Permanent("The report is not a list of orders.", "Nothing to do: it is asked for again.")
        while True:
            text = self._text()
            if text is None:
                return None
            if text:
                return dict(zip(self._columns, text.split("\t"), strict=False))

    def _text(self) -> str | None:
        """The next line, None at the end."""
        try:
            raw = self._lines.readline(_LONGEST_LINE)
        except (EOFError, OSError, zlib.error):
            raise Temporary("The report was cut off.", "It is fetched again by itself.") from None
        if not raw:
            return None
        if len(raw) >= _LONGEST_LINE:
            raise Permanent("The report holds a line of over a megabyte.", "Report this message.")
        return self._decoded(raw.rstrip(b"\r\n"))

    def _decoded(self, raw: bytes) -> str:
        """Reports come in UTF-8, Windows-1252 (Europe) or Shift JIS (Japan), and only sometimes say so."""
        for charset in ("utf-8", self._charset):
            if charset:
                try:
                    return raw.decode(charset)
                except (UnicodeDecodeError, LookupError):
                    continue
        return raw.decode("cp1252", "replace")
