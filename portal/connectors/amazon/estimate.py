"""What Amazon's usage plans make of a first reading, at the least. Pure.

Amazon tells no counts, so nothing can be reckoned by rows. What is certain is how many reports and windows two years are, and
how often each operation may be called; how long Amazon takes to make a report it does not say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from portal.connectors.amazon import finances, history
from portal.connectors.amazon.rates import CREATE_REPORT, GET_DOCUMENT, INVENTORY, TRANSACTIONS, Operation
from portal.connectors.findings import Step


def first_sync(sample: Mapping[str, int | None], per_second: float, burst: int) -> Sequence[Step]:
    """The documented rates, or the portal's ceiling where that is lower. Answers may tell higher ones, and then it is quicker."""
    reports = ceil(history.BACK / history.WINDOW)
    windows = ceil(history.BACK / finances.WINDOW)
    # Asked for and fetched side by side, three reports ahead: the slower of both is what is waited for.
    orders = max(_seconds(each, reports, per_second) for each in (CREATE_REPORT, GET_DOCUMENT))
    return [
        Step(
            stream="orders",
            seconds=orders,
            why=f"{reports} reports of {history.WINDOW.days} days each; Amazon allows {CREATE_REPORT.burst} at once and then "
            f"one {_every(CREATE_REPORT, per_second)}. How long it takes to make each one, it does not say: minutes, as a rule",
        ),
        Step(
            stream="refunds",
            seconds=_seconds(TRANSACTIONS, windows, per_second),
            why=f"{windows} windows of {finances.WINDOW.days} days, one page {_every(TRANSACTIONS, per_second)}; Amazon does not "
            "tell how many transactions there are, and more pages take longer",
        ),
        Step(
            stream="products",
            seconds=None,
            why="the list of offers of each marketplace, which Amazon makes first, then its stock at 50 SKUs a page, one page "
            f"{_every(INVENTORY, per_second)}; it does not tell how many",
        ),
    ]


def _rate(operation: Operation, per_second: float) -> float:
    return min(operation.rate, per_second)


def _seconds(operation: Operation, requests: int, per_second: float) -> float:
    return max(0, requests - operation.burst) / _rate(operation, per_second)


def _every(operation: Operation, per_second: float) -> str:
    seconds = 1 / _rate(operation, per_second)
    return f"every {seconds:.0f} s" if seconds >= 1 else f"every {seconds:.1f} s"
