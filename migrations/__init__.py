"""Tortoise migrations. Each one runs the readable `.sql` file beside it: tables, policies and views are plain SQL."""

from pathlib import Path

# Behind a long transaction (an upload being taken over) a change of a table waits, and everybody who reads the table waits behind
# it. So it waits three seconds, lets the readers through, and is tried again (`foundation/migrate.py`).
_PATIENCE = "SET LOCAL lock_timeout = '3s';\n"


def sql(name: str) -> str:
    """The text of `migrations/<name>.sql`, to be run in one transaction."""
    return _PATIENCE + _text(name)


def _text(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text()


def one_by_one(name: str) -> list[str]:
    """The statements of `migrations/<name>.sql`, which blank lines part: for a migration with `atomic = False`.

    That is for `CREATE INDEX CONCURRENTLY` on a table that is large and written to (docs/operations.md). Killed in the middle it
    runs again from its first statement, so each has to bear that.
    """
    parts = _text(name).split("\n\n")
    return [part for part in parts if not all(line.startswith("--") for line in part.strip().splitlines())]
