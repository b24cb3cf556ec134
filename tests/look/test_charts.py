from __future__ import annotations

import re

import pytest
from jinja2 import Environment, FileSystemLoader

from portal.foundation.resources import ROOT

CHARTS = Environment(loader=FileSystemLoader(ROOT / "templates"), autoescape=True).get_template(
    "components/charts.html"
)


def drawn(values: list[float | None]) -> str:
    return str(CHARTS.module.chart("Revenue per hour", ["00", "01", "02"], values))  # type: ignore[attr-defined]


def axis(html: str) -> list[str]:
    return re.findall(r"<span>([^<]+)</span>", html.partition('class="x"')[0])


@pytest.mark.parametrize(
    "values", [[10, -30, 5], [-397, 0, 380], [-5, -3, None], [10, 20, None], [0, 0, 0], [-0.5, 100, 1]]
)
def test_a_line_never_leaves_its_plot(values: list[float | None]) -> None:
    (line,) = re.findall(r'class="line" d="([^"]+)"', drawn(values))
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ (-?[\d.]+)", line)]
    assert all(0 <= height <= 100 for height in heights)


def test_the_axis_goes_below_zero_when_more_was_refunded_than_sold() -> None:
    assert axis(drawn([-397, 0, 380])) == ["400", "200", "0", "−200", "−400"]
    assert axis(drawn([10, 20, None])) == ["20", "15", "10", "5", "0"]


def test_the_area_stands_on_the_line_of_zero() -> None:
    assert "V50.00H" in drawn([-397, 0, 380])
    assert "V100.00H" in drawn([10, 20, None])
