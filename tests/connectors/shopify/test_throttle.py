from __future__ import annotations

import pytest

from portal.connectors.shopify import search
from portal.connectors.shopify.throttle import Cost, Status, Throttle
from portal.foundation.errors import Permanent


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def cost(asked: float, left: float, rate: float = 100.0, most: float = 2000.0) -> Cost:
    status = Status(maximum_available=most, currently_available=left, restore_rate=rate)
    return Cost(requested_query_cost=asked, actual_query_cost=asked, throttle_status=status)


def test_nothing_is_waited_for_before_shopify_has_said_anything() -> None:
    assert Throttle().wait("Orders") == 0
    assert Throttle().restore_rate is None


def test_the_wait_is_what_is_missing_at_the_rate_that_was_told() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    throttle.seen("Orders", cost(500, 100, rate=50))
    assert throttle.restore_rate == 50
    assert throttle.wait("Orders") == pytest.approx(8 * 1.05)
    clock.now += 4
    assert throttle.wait("Orders") == pytest.approx(4 * 1.05)
    clock.now += 100
    assert throttle.wait("Orders") == 0


def test_a_faster_plan_waits_less() -> None:
    throttle = Throttle(Clock())
    throttle.seen("Orders", cost(500, 100, rate=1000))
    assert throttle.wait("Orders") == pytest.approx(0.4 * 1.05)


def test_other_queries_have_costs_of_their_own() -> None:
    throttle = Throttle(Clock())
    throttle.seen("Orders", cost(500, 100))
    assert throttle.wait("Customers") == 0
    throttle.forget("Orders")
    assert throttle.wait("Orders") == 0


def test_a_query_dearer_than_the_bucket_is_asked_when_the_bucket_is_full() -> None:
    throttle = Throttle(Clock())
    throttle.seen("Orders", cost(900, 0, rate=100, most=500))
    assert throttle.wait("Orders") == pytest.approx(5 * 1.05)


@pytest.mark.parametrize(
    "filters",
    [
        "updated_at:>=2026-01-01T00:00:00Z",
        "updated_at:2026-01-01",
        "id:1 AND created_at:< 2026-01-01",
        "updated_at:>='2026-01-01T00:00:00Z' created_at:>2026-01-01",
    ],
)
def test_an_unquoted_date_never_leaves_the_portal(filters: str) -> None:
    with pytest.raises(Permanent, match="not quoted"):
        search.check(filters)


@pytest.mark.parametrize("filters", ["", "id:>=12", "updated_at:>='2026-01-01T00:00:00Z'", "product_ids:1,2,3"])
def test_filters_with_quoted_dates_pass(filters: str) -> None:
    assert search.check(filters) == filters


def test_a_remark_of_the_search_is_an_error() -> None:
    search.refuse_warnings([{"path": ["orders"], "query": "id:1"}])
    search.refuse_warnings(None)
    with pytest.raises(Permanent, match="updated_at"):
        search.refuse_warnings([{"warnings": [{"field": "updated_at", "message": "was cut"}]}])
