"""Paging: the page of rows, `X-WP-Total`, `X-WP-TotalPages`, `Link`, and `_fields`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from portal.sandbox.woocommerce.call import Call, Reply
from portal.sandbox.woocommerce.errors import Json

Row = TypeVar("Row")
MAX_PER_PAGE = 100
_UNLINKED = ("consumer_key", "consumer_secret", "page")


def listing(
    call: Call,
    rows: Sequence[Row],
    render: Callable[[Row], Json],
    *,
    link_defaults: tuple[tuple[str, str], ...] = (),
    zero_past_end: bool = False,
) -> Reply:
    """One page of rows. Past the last page the list is empty; `zero_past_end` (orders and refunds) then also says
    that there are 0 rows, while other collections keep their total."""
    params = call.params
    per_page = params.integer("per_page", 10, 1, MAX_PER_PAGE)
    page = params.integer("page", 1, 1)
    params.check()
    start = max(0, params.integer("offset", (page - 1) * per_page))
    total = len(rows)
    shown = rows[start : start + per_page]
    if zero_past_end and not shown:
        total = 0
    pages = -(-total // per_page)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    near = []
    if page > 1:
        near.append((min(page - 1, pages), "prev"))
    if page < pages:
        near.append((page + 1, "next"))
    if near:
        headers["Link"] = ", ".join(f'<{_address(call, link_defaults, to)}>; rel="{rel}"' for to, rel in near)
    pick = fields_of(call)
    return Reply([narrowed(render(row), pick) for row in shown], headers=headers)


def _address(call: Call, defaults: tuple[tuple[str, str], ...], page: int) -> str:
    query = [(name, value) for name, value in call.params.values.items() if name not in _UNLINKED]
    query += [(name, value) for name, value in defaults if name.partition("[")[0] not in dict(query)]
    return f"{call.rest}/{call.path}?{urlencode([*query, ('page', str(page))])}"


def fields_of(call: Call) -> tuple[str, ...]:
    """The names in `_fields`; empty for all."""
    raw = call.params.values.get("_fields", "")
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def narrowed(row: Json, fields: tuple[str, ...]) -> Json:
    """Only the wanted fields of a row, in the row's order; "billing.email" reaches one level down."""
    if not fields:
        return row
    kept: Json = {}
    for name, value in row.items():
        if name in fields:
            kept[name] = value
        elif isinstance(value, dict):
            inner = {key: part for key, part in value.items() if f"{name}.{key}" in fields}
            if inner:
                kept[name] = inner
    return kept
