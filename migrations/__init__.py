"""Tortoise migrations. Each one runs the readable `.sql` file beside it: tables, policies and views are plain SQL."""

from pathlib import Path


def sql(name: str) -> str:
    """The text of `migrations/<name>.sql`."""
    return (Path(__file__).parent / f"{name}.sql").read_text()
