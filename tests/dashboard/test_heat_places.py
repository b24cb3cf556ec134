"""Which items the heat map has places for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from portal.dashboard.tiles.inventory_alerts import DRAWN, LEVELS, _cover, _shared
from portal.foundation.web.filters import day, number


def items(**counts: int) -> list[dict[str, Any]]:
    return [{"cover_bucket": level, "rank": place} for level, count in counts.items() for place in range(count)]


def test_a_stock_that_fits_is_drawn_whole_from_the_least_covered_on() -> None:
    drawn = [cell["cover_bucket"] for cell in _shared(items(over=3, out=2, covered=4))]
    assert drawn == ["out"] * 2 + ["covered"] * 4 + ["over"] * 3


def test_a_larger_stock_keeps_the_proportions_of_its_levels_and_every_level() -> None:
    drawn = _shared(items(out=1, low=400, covered=1200, ample=399))
    counts = {level: sum(cell["cover_bucket"] == level for cell in drawn) for level in LEVELS}
    assert counts == {"out": 1, "critical": 0, "low": 39, "covered": 117, "ample": 39, "over": 0}
    assert len(drawn) <= DRAWN
    assert [cell["rank"] for cell in drawn if cell["cover_bucket"] == "low"] == list(range(39))


def test_a_day_of_cover_is_one_day() -> None:
    cells = [{"cover_bucket": "critical", "days_of_cover": days} for days in (1, 2, 0, None)]
    assert [_cover(cell) for cell in cells] == [
        "1 day of cover",
        "2 days of cover",
        "0 days of cover",
        "nothing sold in 30 days",
    ]


def test_negative_stock_has_a_real_minus() -> None:
    assert number(-2) == "−2"


def test_a_moments_day_is_the_day_it_is_in_the_time_zone() -> None:
    assert day(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "Europe/Berlin") == "Sunday 22 November"
