"""How long to wait, and when not to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.foundation.outbound import RetryPolicy, retry_after_seconds

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0), ("120", 120), (" 1.5 ", 1.5), ("-3", 0), ("Sun, 01 Mar 2026 12:02:00 GMT", 120),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0), ("soon", None), ("", None), ("nan", None), ("inf", None),
    ],
)  # fmt: skip
def test_retry_after_is_read_as_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after_seconds({"retry-AFTER": value}, NOW) == seconds


def test_without_the_header_nothing_is_asked() -> None:
    assert retry_after_seconds({}) is None


@given(attempt=st.integers(1, 50), elapsed=st.floats(0, 200), asked=st.none() | st.floats(0, 100))
def test_a_pause_is_bounded_by_cap_attempts_and_deadline(attempt: int, elapsed: float, asked: float | None) -> None:
    policy = RetryPolicy(attempts=10, base=0.5, cap=20, deadline=90)
    pause = policy.pause(attempt, elapsed, asked)
    if attempt >= 10 or (asked or 0) > 20:
        assert pause is None
    if pause is not None:
        assert (asked or 0) <= pause <= 20.5
        assert elapsed + pause < 90


@pytest.mark.parametrize(
    ("method", "status", "repeated"),
    [("GET", 500, True), ("HEAD", 500, False), ("GET", 429, True), ("HEAD", 503, True), ("OPTIONS", 502, True),
     ("GET", 504, True), ("POST", 503, False), ("DELETE", 502, False), ("GET", 404, False), ("GET", 501, False)],
)  # fmt: skip
def test_only_passing_failures_of_safe_methods_are_repeated(method: str, status: int, repeated: bool) -> None:
    assert RetryPolicy().passing(method, status) == repeated
