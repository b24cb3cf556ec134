"""The European Central Bank's XML: `<Cube time="2026-11-20"><Cube currency="SEK" rate="11.4505"/>…`, per 1 EUR. Streamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from portal.connectors.files.bounds import CHUNK, MAX_DEPTH
from portal.connectors.files.refusal import Refused
from portal.connectors.files.xml_records import guarded, refusal

BASE = "EUR"


def cubes(path: Path) -> Iterator[tuple[int, str, str, str]]:
    """(line, day, currency, rate) as they are written. Raises `Refused` for what is no such XML, and for a document type."""
    found: list[tuple[int, str, str, str]] = []
    days: list[str] = []
    parser = guarded()

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(days) >= MAX_DEPTH:
            raise Refused(f"Line {parser.CurrentLineNumber} is nested too deep.", "Is it the ECB's file?")
        day = attributes.get("time", days[-1] if days else "")
        days.append(day)
        if tag.rpartition(":")[2] == "Cube" and "currency" in attributes:
            found.append((parser.CurrentLineNumber, day, attributes["currency"], attributes.get("rate", "")))

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _tag: days.pop()
    with path.open("rb") as file:
        while True:
            piece = file.read(CHUNK)
            try:
                parser.Parse(piece, not piece)
            except expat.ExpatError as error:
                raise refusal(error) from None
            yield from found
            found.clear()
            if not piece:
                return
