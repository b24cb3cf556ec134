"""How much of anything a file may have. Memory follows these, not the size of the file."""

from __future__ import annotations

MAX_BYTES = 1 << 30
"""The largest file."""
MAX_LINE = 1 << 20
"""Characters of one line, and of one JSON or XML record."""
MAX_CELL = 32_767
"""Characters of one cell: what a spreadsheet can hold."""
MAX_COLUMNS = 500
MAX_DEPTH = 32
"""Nesting of a JSON or XML record."""
MAX_KEY = 200
"""Characters of an id or SKU."""
SAMPLE = 200
"""Rows that are looked at to guess columns, decimal mark and dates."""
CHUNK = 1 << 16
"""Bytes that are read at once."""
