"""Text of a file line by line, never more than a bounded line in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from portal.connectors.files.bounds import MAX_LINE
from portal.connectors.files.refusal import Refused
from portal.connectors.files.survey import ENCODINGS


def opened(path: Path, encoding: str) -> io.TextIOWrapper:
    """`path` as text, line ends untouched."""
    if encoding not in ENCODINGS:
        raise Refused(f"The encoding {encoding[:20]!r} is not known here.", "Choose one of those offered.")
    return io.TextIOWrapper(cast(BinaryIO, path.open("rb")), encoding, errors="strict", newline="")


def lines(file: io.TextIOWrapper) -> Iterator[str]:
    """Lines with their ends. Raises `Refused` for one that is too long, not in the encoding, or holds a NUL."""
    number = 0
    while True:
        number += 1
        try:
            line = file.readline(MAX_LINE + 1)
        except UnicodeDecodeError:
            raise Refused(
                f"Near line {number} there are bytes that are not {file.encoding.upper()}.",
                "Choose another encoding, or save the file as UTF-8.",
                number,
            ) from None
        if not line:
            return
        if len(line) > MAX_LINE:
            raise Refused(
                f"Line {number} has more than {MAX_LINE:,} characters.",
                "Is it a table? Each order, product or customer stands on a line of its own.",
                number,
            )
        if "\x00" in line:
            raise Refused(f"Line {number} holds binary data (a NUL).", "Export the file again as plain text.", number)
        yield line
