"""Whatever a plug-in does to a payload, the mapping gives a record or says why not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.commerce.records import Record
from portal.connectors.answers import Rejected
from portal.connectors.woocommerce import mapping
from tests.connectors.woocommerce import samples
from tests.connectors.woocommerce.samples import NOW

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False)  # JSON has no signalling NaN
    | st.text(max_size=20)
    | st.sampled_from(["", "0", "1e999", "-0.0", "12,5", "٣", "1_0", "NaN", "\ud800", "\x00", "9" * 5000, 10**4000, -1])
    | st.sampled_from(
        ["2026-03-09T08:00:00", "0000-00-00T00:00:00", "2026-02-30T00:00:00", "9999-12-31T23:59:59-14:00"]
    )
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_MAPPINGS: list[tuple[Callable[..., samples.Json], Callable[[object, datetime], object]]] = [
    (samples.order, mapping.order),
    (samples.refund, mapping.refund),
    (samples.product, mapping.product),
    (samples.customer, mapping.customer),
    (samples.coupon, mapping.coupon),
    (samples.tax, mapping.tax_rate),
    (samples.product, lambda row, now: mapping.variation(row, row, now)),
]


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, each in inner for path in _paths(each, (*here, key)))]


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value[path[0]] = _put(value[path[0]], path[1:], new)
    return value


@pytest.mark.parametrize("which", range(len(_MAPPINGS)))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_mutation_of_a_payload_gives_a_record_or_a_reason(which: int, data: st.DataObject) -> None:
    make, read = _MAPPINGS[which]
    row: Any = make()
    for _ in range(data.draw(st.integers(1, 3))):
        row = _put(row, data.draw(st.sampled_from(_paths(row))), data.draw(_JSON))
    found = read(row, NOW)
    assert found is None or isinstance(found, Record | Rejected)
    if isinstance(found, Rejected):
        assert found.reason
    text = msgspec.json.encode(found).decode("utf-8")  # no lone surrogate anywhere
    assert "\\u0000" not in text
    if isinstance(found, Record):
        for value in msgspec.structs.asdict(found).values():
            assert not isinstance(value, Decimal) or value.is_finite()


def test_an_integer_too_long_to_print_is_rejected_too() -> None:
    found = mapping.order(samples.order(total=10**5000, customer_note=10**5000, id=10**5000), NOW)
    assert isinstance(found, Rejected)
