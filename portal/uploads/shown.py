"""An upload in words for its page: what can be chosen, and rows as they would be understood."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from portal.connectors.files.dates import ORDERS
from portal.connectors.files.layout import DECIMALS, DELIMITERS, ENCODING_WORDS, QUOTES, Layout
from portal.uploads.looking import Seen
from portal.uploads.upload import Upload


def choices(layout: Layout) -> dict[str, list[tuple[str, str]]]:
    """The options of the selects, by name: only those that the format has."""
    made = {"decimal": list(DECIMALS.items()), "dates": list(ORDERS.items())}
    if layout.format == "csv":
        delimiters = dict(DELIMITERS)
        delimiters.setdefault(layout.delimiter, layout.delimiter)
        made |= {
            "encoding": list(ENCODING_WORDS.items()),
            "delimiter": list(delimiters.items()),
            "quote": list(QUOTES.items()),
        }
    return made


def row_of(seen: Seen, upload: Upload) -> dict[str, Any]:
    """One row of the preview: its line, the mapped fields in words, and what is wrong with it."""
    zone = ZoneInfo(upload.layout.timezone)
    cells = [
        _cell(field.type, seen.entry.get(field.name, ""), upload, zone)
        for field in upload.table.fields
        if field.name in upload.mapping
    ]
    return {"line": seen.line, "cells": cells, "troubles": seen.troubles}


def _cell(kind: str, value: str, upload: Upload, zone: ZoneInfo) -> dict[str, Any]:
    number = kind in ("money", "number", "count")
    if value and kind == "date":
        moment = datetime.fromisoformat(value).astimezone(zone)
        value = moment.strftime("%-d %b %Y" if (moment.hour, moment.minute) == (0, 0) else "%-d %b %Y, %H:%M")
    elif value and kind == "money":
        shown = upload.kind == "orders" and "currency" not in upload.mapping
        currency = upload.layout.currency if shown else ""
        value = f"{Decimal(value):,f} {currency}".strip()
    elif value and number:
        value = f"{Decimal(value):,f}"
    elif value and kind in ("status", "fulfilment", "word"):
        value = value.replace("_", " ")
    return {"text": value, "number": number}
