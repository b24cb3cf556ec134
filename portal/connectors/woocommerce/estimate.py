"""How long a shop's first reading takes at the least: its pages, at the rate the portal keeps to. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from portal.connectors.findings import Step
from portal.connectors.woocommerce.scan import LARGEST_PAGE

SLOW_PAGE = 2.0
"""Seconds that a small host takes for a page of a hundred orders (docs/adding-a-connector.md, WooCommerce 14)."""
_NEW_ROWS = LARGEST_PAGE - 1  # each page begins with the last row of the one before


def first_sync(sample: Mapping[str, int | None], per_second: float, burst: int) -> Sequence[Step]:
    """Pages are asked for one after the other, so on a slow host its own answer time is the limit, not the rate."""
    steps = [_pages(name, sample.get(name), per_second, burst) for name in ("orders", "customers")]
    products = sample.get("products")
    if products is None:
        steps.append(_unknown("products"))
    else:
        pages = _requests(products)
        why = f"{products:,} products at {LARGEST_PAGE} a page, and one more request for each that has variations"
        most = (pages + products) * SLOW_PAGE / 4  # variations are asked for four at a time
        steps.append(
            Step(stream="products", seconds=_seconds(pages, per_second, burst), slow=most, why=_at(why, per_second))
        )
    steps.append(
        Step(
            stream="refunds",
            seconds=None,
            why=f"{LARGEST_PAGE} a page; the connection test does not learn how many there are",
        )
    )
    return steps


def _pages(name: str, rows: int | None, per_second: float, burst: int) -> Step:
    if rows is None:
        return _unknown(name)
    requests = _requests(rows)
    return Step(
        stream=name,
        seconds=_seconds(requests, per_second, burst),
        slow=requests * SLOW_PAGE,
        why=_at(f"{rows:,} {name} at {LARGEST_PAGE} a page", per_second),
    )


def _unknown(name: str) -> Step:
    return Step(stream=name, seconds=None, why=f"the shop did not tell how many {name} it has")


def _requests(rows: int) -> int:
    return max(1, ceil(rows / _NEW_ROWS))


def _seconds(requests: int, per_second: float, burst: int) -> float:
    return max(0, requests - burst) / per_second


def _at(what: str, per_second: float) -> str:
    return f"{what}, at most {per_second:g} request{'' if per_second == 1 else 's'} a second"
