"""The bench measures fairly and says plainly what it found."""

from __future__ import annotations

import pytest

from portal.bench.finding import beside, line
from portal.bench.roles.sockets import _frame
from portal.bench.rounds import in_turn
from portal.foundation.wire import text_frame


async def test_both_sides_run_in_turn_after_one_warm_up_each() -> None:
    order: list[str] = []

    async def side(name: str) -> float:
        order.append(name)
        return float(len(order))

    values = await in_turn(3, lambda: side("portal"), lambda: side("floor"))
    assert order == ["portal", "floor", "portal", "floor", "floor", "portal", "portal", "floor"]
    assert values == [[3.0, 6.0, 7.0], [4.0, 5.0, 8.0]]


def test_the_ratio_is_that_of_the_medians_and_an_outlier_does_not_move_it() -> None:
    found = beside("b", "case", "ms", [2.0, 90.0, 2.2], [1.0, 1.1, 0.9], bar=2.5)
    assert found.ratio == pytest.approx(2.2)
    assert found.reached
    assert "ratio   2.20x   bar <= 2.5x: reached" in line(found)
    assert "cores" in line(found)


def test_a_speed_reaches_its_bar_from_above() -> None:
    found = beside("b", "case", "rows/s", [40.0], [100.0], bar=0.5, bound="at_least")
    assert found.ratio == pytest.approx(0.4)
    assert found.reached is False
    assert "bar >= 0.5x: MISSED" in line(found)


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_the_cheap_client_reads_frames_of_any_length_and_waits_for_the_rest(length: int) -> None:
    frame = text_frame(b"x" * length)
    kind, begin, end = _frame(frame + b"\x89\x00", 0) or (0, 0, 0)
    assert (kind, end - begin, end) == (0x81, length, len(frame))
    assert _frame(frame[:-1], 0) is None
