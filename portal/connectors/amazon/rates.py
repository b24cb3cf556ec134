"""How often each operation may be called: what Amazon's answers say, and its documented usage plans where they do not.

Every operation has a bucket of its own per seller and application. A 200 carries the rate that applies
(`x-amzn-RateLimit-Limit`), a 429 does not. The manifest's rate (s1's figure) is the ceiling of them all.
"""

from __future__ import annotations

from typing import NamedTuple

from portal.foundation.outbound import Budget

RATE_HEADER = "x-amzn-ratelimit-limit"
_SLOWEST, _FASTEST = 0.0001, 10_000.0


class Operation(NamedTuple):
    """An operation of the API with its documented usage plan: requests per second and burst."""

    name: str
    family: str
    rate: float
    burst: int

    @property
    def refill_seconds(self) -> float:
        """How long one request takes to come back at the documented rate."""
        return 1 / self.rate


SEARCH_ORDERS = Operation("searchOrders", "orders", 0.0056, 20)
GET_ORDER = Operation("getOrder", "orders", 0.5, 30)
CREATE_REPORT = Operation("createReport", "reports", 0.0167, 15)
GET_REPORT = Operation("getReport", "reports", 2.0, 15)
GET_REPORTS = Operation("getReports", "reports", 0.0222, 10)
GET_DOCUMENT = Operation("getReportDocument", "reports", 0.0167, 15)
INVENTORY = Operation("getInventorySummaries", "fba", 2.0, 2)
TRANSACTIONS = Operation("listTransactions", "finances", 0.5, 10)
PARTICIPATIONS = Operation("getMarketplaceParticipations", "sellers", 0.016, 15)


class Rates:
    """The budgets of one connection. Learned rates live as long as the object; a new one learns with its first answer."""

    def __init__(self, ceiling: Budget | None) -> None:
        self._ceiling = ceiling
        self._learned: dict[str, float] = {}

    def budget(self, operation: Operation) -> Budget | None:
        """The budget to wait for before a request; None where the caller gave none (a test)."""
        if self._ceiling is None:
            return None
        known = self._learned.get(operation.name)
        if known is None:
            # Amazon's own bucket judges the first request of a run, and its answer tells the rate of all others. A bucket of
            # ours at the documented rate would hold up a worker that was killed a few times, whatever Amazon allows.
            return self._ceiling._replace(key=f"{self._ceiling.key}:{operation.name}")
        rate = min(known, self._ceiling.rate_per_second)
        # The rate is part of the key: a bucket counts in its own interval, and another rate is another bucket.
        return Budget(f"{self._ceiling.key}:{operation.name}:{rate:g}", rate, operation.burst)

    def learn(self, operation: Operation, header: str) -> None:
        """Take the rate from an answer's header; anything that is not a sensible number is passed over."""
        try:
            rate = float(header)
        except ValueError:
            return
        if _SLOWEST <= rate <= _FASTEST:
            self._learned[operation.name] = rate

    def refill_seconds(self, operation: Operation) -> float:
        """How long one request takes to come back at the rate that is known."""
        return 1 / self._learned.get(operation.name, operation.rate)
