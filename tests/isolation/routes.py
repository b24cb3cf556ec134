"""Finds every route of an app and puts another organization's identifiers into its path."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from quart import Quart

from portal.connectors import registry
from portal.dashboard.registry import tiles
from portal.foundation.web.policy import Policy
from tests.isolation.planting import Planted

_ARGUMENT = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")


@dataclass(frozen=True)
class Way:
    """One route with its declared policy. `method` is GET, POST, ... or WEBSOCKET."""

    rule: str
    endpoint: str
    method: str
    policy: Policy | None
    arguments: tuple[tuple[str, str], ...]  # (converter, name)

    def filled(self, planted: Planted) -> Iterator[tuple[str, bool]]:
        """Paths with `planted`'s identifiers, and whether one is in it (else only words that mean the same to all)."""
        pools = [self._pool(kind, planted) for kind, _ in self.arguments]
        for chosen in itertools.product(*pools):
            path = self.rule
            for value in chosen:
                path = _ARGUMENT.sub(lambda _, value=value: value, path, count=1)
            yield path, any(value in planted.ids or planted.mark in value for value in chosen)

    def _pool(self, kind: str, planted: Planted) -> list[str]:
        if kind == "int":
            return [str(planted.connection_id)]
        if kind == "uuid":
            return sorted(each for each in planted.ids if re.fullmatch(r"[0-9a-f-]{36}", each))[:12]
        words = [*(tile.slug for tile in tiles()), *(manifest.platform for manifest in registry.manifests())]
        tokens = sorted(each for each in planted.ids if re.fullmatch(r"[0-9a-f]{32}", each))
        words += ["css/base.css", f"gid/{planted.mark}/1"] if kind == "path" else []
        return [*words, planted.order_id, planted.sku, str(planted.org), *tokens[:2]]


def ways(app: Quart) -> list[Way]:
    """Every method of every rule."""
    found = []
    for rule in app.url_map.iter_rules():
        policy: Any = getattr(app.view_functions.get(rule.endpoint), "__policy__", None)
        arguments = tuple((kind or "string", name) for kind, name in _ARGUMENT.findall(rule.rule))
        methods = ["WEBSOCKET"] if rule.websocket else sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        found += [Way(rule.rule, rule.endpoint, method, policy, arguments) for method in methods]
    return found


def readable(app: Quart) -> list[Way]:
    return [way for way in ways(app) if way.method == "GET"]


def writable(app: Quart) -> list[Way]:
    return [way for way in ways(app) if way.method not in {"GET", "WEBSOCKET"}]
