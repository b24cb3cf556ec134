"""The rows of a report document: gzip or plain, tab-separated, line by line in bounded memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from typing import IO, cast

from portal.foundation.errors import Permanent, Temporary

Row = dict[str, str]
_LONGEST_LINE = 1 << 20


class Rows:
    """Reads a document from its beginning. Blocking: read it in a thread. The file is closed by `close`.

    `needed` are the columns without which it is not the report that was asked for; `spelled` gives Amazon's English name of a
    column for how other countries write it.
    """

    def __init__(
        self, file: IO[bytes], charset: str = "", *, needed: tuple[str, ...], spelled: Mapping[str, str] | None = None
    ) -> None:
        self._file = file
        magic = file.read(2)
        file.seek(0)
        packed = magic == b"\x1f\x8b"
        self._lines = cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb")) if packed else file
        self._charset = charset
        self._needed = needed
        self._spelled = spelled or {}
        self._columns: list[str] = []

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def next(self) -> Row | None:
        """The next row, None at the end. Raises `Temporary` for a document that was cut off, `Permanent` for another report."""
        if not self._columns and not self._header():
            return None
        while True:
            text = self._text()
            if text is None:
                return None
            if text:
                return dict(zip(self._columns, text.split("\t"), strict=False))

    def _header(self) -> bool:
        header = self._text()
        if header is None:
            return False
        names = (name.strip().strip('"').lower() for name in header.lstrip("\ufeff").split("\t"))
        self._columns = [self._spelled.get(name, name) for name in names]
        if missing := [name for name in self._needed if name not in self._columns]:
            self._columns = []
            raise Permanent(
                f"The report is not the one that was asked for: it has no column {missing[0]!r}.",
                "Nothing to do: it is asked for again.",
            )
        return True

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
