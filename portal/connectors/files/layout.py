"""How a file is to be read, as data: guessed once, shown, changeable, kept with the upload."""

from __future__ import annotations

import msgspec


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """`format` csv, json, jsonl or xml; `decimal` "." or ","; `dates` ymd, dmy, mdy or unix (`dates.ORDERS`).

    `timezone` is meant by dates without one; `currency` by amounts without one, when no column says it.
    """

    format: str = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    decimal: str = "."
    dates: str = "ymd"
    timezone: str = "UTC"
    currency: str = "USD"


DELIMITERS = {",": "comma  ,", ";": "semicolon  ;", "\t": "tab", "|": "bar  |"}
QUOTES = {'"': 'double  "', "'": "single  '"}
DECIMALS = {".": "point: 1,234.56", ",": "comma: 1.234,56"}
ENCODING_WORDS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a mark",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252",
    "latin-1": "Latin-1",
}
