"""What can be said ahead of a shop's first reading. Pure.

Shopify exports the history by itself, outside of its rate limits, and says nowhere how long that takes: no number is made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from portal.connectors.findings import Step
from portal.connectors.shopify.streams import SIZES

_STREAMS = ("orders", "products", "customers")
_BECAUSE = "Shopify exports in its own time and does not say how long"


def first_sync(sample: Mapping[str, int | None], per_second: float, burst: int) -> Sequence[Step]:
    """Unknown for what there is, nothing for what there is none of."""
    return [_exported(name, SIZES[name]["first"], sample.get(name), per_second, burst) for name in _STREAMS]


def _exported(name: str, size: int, rows: int | None, per_second: float, burst: int) -> Step:
    if rows == 0:
        return Step(stream=name, seconds=0, why=f"the shop has no {name} that the app may see")
    many = f"{rows:,} {name}" if rows is not None else f"{name.capitalize()}, their number unknown,"
    why = (
        f"{many} in one export that Shopify makes by itself (bulk operation): no request limit applies, and Shopify does not "
        "say how long it takes"
    )
    # The bucket of points makes it longer still; how fast that fills, the shop's plan decides (throttle.py).
    paged = max(0, ceil(rows / size) - burst) / per_second if rows is not None else None
    if paged is not None and paged >= 60:
        why += f". Were it refused, {size} a page at {per_second:g} requests a second would take at least {paged / 60:,.0f} min"
    return Step(stream=name, seconds=None, why=why, because=_BECAUSE, rows=rows, otherwise=paged)
