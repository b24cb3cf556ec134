from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.connectors.files.dates import ORDERS, moment, order_of

FORMS = {
    "ymd": ["%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S +0000"],
    "dmy": ["%d.%m.%Y %H:%M:%S", "%d/%m/%Y, %H:%M:%S", "%d-%m-%Y %H:%M:%S"],
    "mdy": ["%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%y %H:%M:%S"],
}
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2068, 1, 1)).map(lambda d: d.replace(microsecond=0, tzinfo=UTC))


@given(MOMENTS, st.sampled_from([(order, form) for order, forms in FORMS.items() for form in forms]))
def test_a_moment_written_in_an_order_is_read_in_it(value: datetime, way: tuple[str, str]) -> None:
    order, form = way
    assert moment(value.strftime(form), order, UTC) == value


@given(st.text(max_size=30), st.sampled_from(sorted(ORDERS)))
def test_any_text_is_a_moment_or_none_and_never_an_error(text: str, order: str) -> None:
    found = moment(text, order, UTC)
    assert found is None or found.tzinfo is UTC


@given(st.lists(MOMENTS, min_size=1, max_size=30), st.sampled_from(["ymd", "dmy", "mdy"]))
def test_the_order_that_is_found_reads_every_cell(values: list[datetime], order: str) -> None:
    cells = [value.strftime(FORMS[order][0]) for value in values]
    found, ambiguous = order_of(cells)
    assert all(moment(cell, found, UTC) is not None for cell in cells)
    assert found == order or ambiguous


def test_a_date_without_a_zone_is_the_organizations_and_one_with_a_zone_is_its_own() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert moment("22.11.2026", "dmy", berlin) == datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert moment("2026-11-22T00:00:00-05:00", "ymd", berlin) == datetime(2026, 11, 22, 5, tzinfo=UTC)
    assert moment("1795305600", "unix", berlin) == datetime(2026, 11, 22, tzinfo=UTC)
    assert moment("1795305600000", "unix", berlin) == datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["2026-02-30", "2026-13-01", "22.11.26.1", "11-2026", "2026-1-1 25:00", "00.00.2026", "45000", "tomorrow"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert all(moment(text, order, UTC) is None for order in ORDERS)


def test_day_or_month_first_is_decided_by_the_cells_and_asked_when_they_do_not() -> None:
    assert order_of(["03/14/2026", "01/02/2026"]) == ("mdy", False)
    assert order_of(["14/03/2026", "01/02/2026"]) == ("dmy", False)
    assert order_of(["03/04/2026"]) == ("dmy", True)
    assert order_of(["03/04/2026"], "America/New_York") == ("mdy", True)
    assert order_of(["2026-04-03"]) == ("ymd", False)


def test_one_wrong_cell_does_not_hide_the_order_of_the_others() -> None:
    assert order_of(["14.03.2026", "15.03.2026", "soon"])[0] == "dmy"


def test_an_hour_before_noon_and_after_it() -> None:
    day = datetime(2026, 11, 2, tzinfo=UTC)
    assert moment("11/2/2026 12:05 AM", "mdy", UTC) == day + timedelta(minutes=5)
    assert moment("11/2/2026 12:05 PM", "mdy", UTC) == day + timedelta(hours=12, minutes=5)
    assert moment("11/2/2026 13:05 PM", "mdy", UTC) is None
