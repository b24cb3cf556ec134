"""What a sandbox store is asked to be: its name, size, seed, currency, zone and keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portal.sandbox.amazon.options import AmazonOptions
from portal.sandbox.shopify.options import ShopifyOptions

Platform = Literal["woocommerce", "shopify", "amazon"]
PLATFORMS: tuple[Platform, ...] = ("woocommerce", "shopify", "amazon")
MAX_ORDERS = 50_000
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def demo_key(prefix: str, name: str, seed: int) -> str:
    """A key in the store's usual form (`ck_`/`cs_` and 40 hex digits), the same for the same name and seed."""
    from hashlib import sha1

    return prefix + sha1(f"{prefix}{name}:{seed}".encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSpec:
    """A webhook the store has from the beginning (no ping is sent for it)."""

    topic: str
    delivery_url: str
    secret: str


@dataclass(frozen=True)
class SandboxStoreSpec:
    """One store of a sandbox. Empty keys are derived from name and seed, so that a demo needs no configuration.

    `orders` is the number of orders at the start (0..50,000, refunds come on top), `now` the moment the store
    begins at (default: the real time); its clock runs on from there. `basic_over_http` and `strip_authorization`
    are switches real hosts set by their web server: the first lets Basic pass over plain http (a proxy that
    ends TLS in front), the second loses the Authorization header, so that only the query-string form works.
    Raises ValueError that names the field for a value outside its limits.
    """

    name: str
    seed: int = 1
    orders: int = 500
    currency: str = "EUR"
    timezone: str = "Europe/Berlin"
    consumer_key: str = ""
    consumer_secret: str = ""
    readonly_key: str = ""
    readonly_secret: str = ""
    writeonly_key: str = ""
    writeonly_secret: str = ""
    title: str = ""
    now: datetime | None = None
    basic_over_http: bool = False
    strip_authorization: bool = False
    webhooks: tuple[WebhookSpec, ...] = ()
    platform: Platform = "woocommerce"
    shopify: ShopifyOptions = field(default_factory=ShopifyOptions)
    amazon: AmazonOptions = field(default_factory=AmazonOptions)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name: {self.name!r} must be lower-case letters, digits and dashes, at most 40")
        if self.platform not in PLATFORMS:
            raise ValueError(f"platform: {self.platform!r} must be one of {', '.join(PLATFORMS)}")
        if not 0 <= self.orders <= MAX_ORDERS:
            raise ValueError(f"orders: {self.orders} must be between 0 and {MAX_ORDERS}")
        if not re.fullmatch("[A-Z]{3}", self.currency):
            raise ValueError(f"currency: {self.currency!r} must be three capital letters")
        if self.now is not None and self.now.tzinfo is None:
            raise ValueError("now: must be an aware datetime")
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"timezone: {self.timezone!r} is not a known time zone") from error
        for name, prefix, salt in (
            ("consumer_key", "ck_", "rw"),
            ("consumer_secret", "cs_", "rw"),
            ("readonly_key", "ck_", "ro"),
            ("readonly_secret", "cs_", "ro"),
            ("writeonly_key", "ck_", "wo"),
            ("writeonly_secret", "cs_", "wo"),
        ):
            if not getattr(self, name):
                object.__setattr__(self, name, demo_key(prefix, f"{self.name}-{salt}", self.seed))
        if not self.title:
            object.__setattr__(self, "title", f"{self.name.capitalize()} – Küche & Büro 🛒")

    def generously(self) -> SandboxStoreSpec:
        """The same store under limits that a demonstration need not wait for: those of a large Shopify plan, and of an
        Amazon a thousand times as fast."""
        plan = replace(self.shopify, points=20_000.0, restore_rate=2_000.0, bulk_seconds=0.1)
        return replace(self, shopify=plan, amazon=replace(self.amazon, pace=1_000.0))
