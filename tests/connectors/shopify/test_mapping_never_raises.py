"""Whatever stands in a row, the mapping gives records or says why not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.commerce.records import Record
from portal.connectors.answers import Rejected
from portal.connectors.shopify import mapping
from tests.connectors.shopify import samples
from tests.connectors.shopify.samples import NOW

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(["", "0", "1e999", "-0.0", "12,5", "٣", "NaN", "\ud800", "\x00", "9" * 5000, 10**4000, -1])
    | st.sampled_from(
        ["gid://shopify/Order/0", "gid://shopify/x/1", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59-14:00"]
    )
)
_JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
Mapping = Callable[[object, datetime], Sequence[object]]
_MAPPINGS: list[tuple[samples.Json, Mapping]] = [
    (samples.order(refunds=[samples.refund()]), mapping.order),
    (samples.order(**samples.details()), mapping.order),
    (samples.product(), mapping.product),
    (samples.customer(), mapping.customer),
]


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, each in inner for path in _paths(each, (*here, key)))]


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value[path[0]] = _put(value[path[0]], path[1:], new)
    return value


@pytest.mark.parametrize(("sample", "read"), _MAPPINGS, ids=["order", "details", "product", "customer"])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_row_with_anything_in_it_is_mapped_or_rejected(
    sample: samples.Json, read: Mapping, data: st.DataObject
) -> None:
    row = msgspec.json.decode(msgspec.json.encode(sample))
    path = data.draw(st.sampled_from(_paths(row)))
    found = read(_put(row, path, data.draw(_JSON)), NOW)
    assert found
    for each in found:
        assert isinstance(each, Record | Rejected)
        if isinstance(each, Rejected):
            assert each.reason
        else:
            _clean(msgspec.to_builtins(each, builtin_types=(Decimal, datetime)))


def _clean(value: object) -> None:
    """Nothing that PostgreSQL would refuse."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            _clean(each)
    elif isinstance(value, str):
        value.encode()
        assert "\x00" not in value
    elif isinstance(value, Decimal):
        assert value.is_finite()
