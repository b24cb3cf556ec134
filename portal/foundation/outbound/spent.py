"""What a piece of work costs the stores: its requests, how many were repeated, how long it waited. For the log of a sync run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Spent:
    """`waited` is in seconds: for the rate limit, and between repeats."""

    requests: int = 0
    repeats: int = 0
    waited: float = 0.0


_current: ContextVar[Spent | None] = ContextVar("outbound_spent", default=None)


@contextmanager
def counted(spent: Spent) -> Iterator[None]:
    """Count every request of this task, and of the tasks it starts, into `spent`."""
    token = _current.set(spent)
    try:
        yield
    finally:
        _current.reset(token)


def asked() -> None:
    """A request went out."""
    if spent := _current.get():
        spent.requests += 1


def waited(seconds: float, *, repeat: bool = False) -> None:
    """A request waits for its turn, or before it is repeated."""
    if spent := _current.get():
        spent.waited += seconds
        spent.repeats += repeat
