"""Whatever arrives: records or a `Rejected`, never an exception."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.commerce.records import Fee, Order, Product, Refund
from portal.connectors.amazon import mapping
from portal.connectors.amazon.marketplaces import MARKETPLACES
from portal.connectors.answers import Rejected
from tests.connectors.amazon.samples import GB, NOW, order, package, refund, reported, seller, summary

ACCOUNT = seller()
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
)
few = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    rows = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [before] if before else []
    for key, inner in rows:
        found += paths(inner, (*before, key))
    return found


def damaged(sample: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The sample with one thing in it replaced by anything."""

    def replace(chosen: tuple[tuple[Any, ...], Any]) -> dict[str, Any]:
        made = copy.deepcopy(sample)
        holder: Any = made
        for key in chosen[0][:-1]:
            holder = holder[key]
        holder[chosen[0][-1]] = chosen[1]
        return made

    return st.tuples(st.sampled_from(paths(sample)), anything).map(replace)


@few
@given(damaged(order()) | damaged(order(fulfillment={"fulfilledBy": "MERCHANT"}, packages=[package()])) | anything)
def test_orders(row: Any) -> None:
    assert isinstance(mapping.order(row, ACCOUNT, NOW), Order | Rejected | None)


@few
@given(damaged(refund()) | anything)
def test_transactions(row: Any) -> None:
    assert all(isinstance(each, Refund | Fee | Rejected) for each in mapping.transaction(row, ACCOUNT, NOW))


@few
@given(damaged(summary()) | anything)
def test_stock(row: Any) -> None:
    assert isinstance(mapping.stock(row, MARKETPLACES[GB], ACCOUNT, NOW), Product | Rejected | None)


@few
@given(st.dictionaries(st.sampled_from(sorted(reported())), st.text(max_size=40)), st.integers(1, 3))
def test_rows_of_reports(changes: dict[str, str], count: int) -> None:
    rows = [reported() | changes] * count
    mapping.tells_all(rows)
    assert isinstance(mapping.reported_order(rows, ACCOUNT, NOW), Order | Rejected | None)
