"""Finds the tiles: every module of `tiles/` with a `TILE`. Refuses two with one slug or path."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from portal.dashboard import tiles as package
from portal.dashboard.tile import Tile
from portal.foundation.errors import Missing


@cache
def tiles() -> tuple[Tile, ...]:
    """All tiles in the order of the dashboard. Raises ValueError for duplicates."""
    found = [
        import_module(f"{package.__name__}.{module.name}").TILE
        for module in pkgutil.iter_modules(package.__path__)
        if not module.name.startswith("_")
    ]
    for attribute in ("slug", "path"):
        values = [getattr(tile, attribute) for tile in found]
        if len(values) != len(set(values)):
            raise ValueError(f"two tiles have the same {attribute}: {sorted(values)}")
    return tuple(sorted(found, key=lambda tile: (tile.order, tile.slug)))


def tile(slug: str) -> Tile:
    """The tile with this slug. Raises `Missing`."""
    for candidate in tiles():
        if candidate.slug == slug:
            return candidate
    raise Missing(f"There is no tile {slug!r}.", details={"tiles": [t.slug for t in tiles()]})
