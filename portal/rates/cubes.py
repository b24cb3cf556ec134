"""The European Central Bank's XML: `<Cube time="2026-11-20"><Cube currency="SEK" rate="11.4505"/>…`, per 1 EUR. Streamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from portal.connectors.files.bounds import MAX_DEPTH
from portal.connectors.files.refusal import Refused
from portal.connectors.files.xml_records import fed, guarded

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
    for _ in fed(parser, path):
        yield from found
        found.clear()
