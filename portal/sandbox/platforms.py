"""The platforms a store can be of, and what the server asks of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from aiohttp import web

from portal.sandbox.asking import Asking
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store

Json = dict[str, object]
Action = tuple[Callable[[Store, Asking], Json], tuple[str, ...]]


class Courier(Protocol):
    """What delivers a store's webhooks."""

    async def settled(self) -> None: ...

    async def close(self) -> None: ...


class Site(Protocol):
    """A store on the web. `folder` is the first segment of its paths, `actions` what its control desk can do, `facts`
    what one needs to connect to it."""

    store: Store
    folder: str
    actions: Mapping[str, Action]

    @property
    def courier(self) -> Courier: ...

    @property
    def facts(self) -> list[tuple[str, str]]: ...

    async def serve(self, request: web.Request, below: str) -> web.StreamResponse | None:
        """The answer of the store's API to a path below its folder; None when the path is not the API's."""
        ...


def open_site(store: Store) -> Site:
    """The store as its platform shows it."""
    if store.spec.platform == "shopify":
        from portal.sandbox.shopify.site import ShopifySite

        return ShopifySite(store)
    if store.spec.platform == "amazon":
        from portal.sandbox.amazon.site import AmazonSite

        return AmazonSite(store)
    from portal.sandbox.woocommerce.site import WooCommerceSite

    return WooCommerceSite(store)


def folder_of(spec: SandboxStoreSpec) -> str:
    """The first segment of a store's paths: its name, at Shopify its domain."""
    return f"{spec.name}.myshopify.com" if spec.platform == "shopify" else spec.name
