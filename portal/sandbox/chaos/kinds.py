"""What chaos deals, how often each, by platform."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_EVERYWHERE = {
    "500": 3, "502": 1, "503": 2, "429": 2, "429_bare": 1, "slow": 4, "silence": 1, "cut": 2, "cut_head": 2,
    "truncated": 1, "html": 1, "garbage": 1, "wrong_type": 1, "duplicates": 4, "disorder": 4,
}  # fmt: skip
_MORE: dict[str, dict[str, int]] = {
    "woocommerce": {},
    "shopify": {"throttled": 5, "internal": 1, "expired": 2, "bulk_failed": 1},
    "amazon": {"quota": 5, "expired": 2, "report_failed": 1},
}
DELIVERIES: Mapping[str, int] = MappingProxyType({"dropped": 2, "doubled": 3, "delayed": 3})
"""What happens to webhooks. A delayed one is overtaken by those behind it: that is the disorder."""


def weights(platform: str) -> dict[str, int]:
    """How often each kind of fault is dealt on a platform, relative to the others. Money is never altered."""
    return _EVERYWHERE | _MORE[platform]


def meaning(kind: str) -> tuple[str, int | None]:
    """The kind of `faults.Fault` behind a kind of chaos, and the `Retry-After` it tells."""
    if kind == "429_bare":
        return "429", None
    return kind, 1 if kind in {"429", "503"} else None
