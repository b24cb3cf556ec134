"""Tortoise migrations. Each one runs the readable `.sql` file beside it: tables, policies and views are plain SQL."""

from pathlib import Path


def sql(name: str) -> str:
    """The text of `migrations/<name>.sql`."""
    return (Path(__file__).parent / f"{name}.sql").read_text()


def one_by_one(name: str) -> list[str]:
    """The statements of `migrations/<name>.sql`, which blank lines part: for a migration with `atomic = False`.

    That is for `CREATE INDEX CONCURRENTLY` on a table that is large and written to (docs/operations.md). Killed in the middle it
    runs again from its first statement, so each has to bear that.
    """
    parts = sql(name).split("\n\n")
    return [part for part in parts if not all(line.startswith("--") for line in part.strip().splitlines())]
