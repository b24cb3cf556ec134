"""A WooCommerce store on the web: requests below `wp-json/`, with the faults that are planned."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from portal.sandbox.broken import JSON_TYPE, broken_answer, spoilt
from portal.sandbox.control import ACTIONS
from portal.sandbox.platforms import Action
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.auth import Asked
from portal.sandbox.woocommerce.delivery import Courier
from portal.sandbox.woocommerce.errors import ApiError
from portal.sandbox.woocommerce.routes import Api

_EXPOSED = {
    "Content-Type": JSON_TYPE,
    "Access-Control-Expose-Headers": "X-WP-Total, X-WP-TotalPages, Link",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-cache, must-revalidate, max-age=0, no-store, private",
}


class WooCommerceSite:
    """One store's API over HTTP."""

    actions: Mapping[str, Action] = ACTIONS

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.spec.name
        self.api = Api(store)

    @property
    def courier(self) -> Courier:
        return self.api.courier

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the form of a connection asks for."""
        spec = self.store.spec
        return [
            ("Site", self.store.site_url),
            ("Key", spec.consumer_key),
            ("Secret", spec.consumer_secret),
            ("Read-only key", spec.readonly_key),
            ("Read-only secret", spec.readonly_secret),
        ]

    async def serve(self, request: web.Request, below: str) -> web.StreamResponse | None:
        """The answer to `wp-json` and what is below it."""
        if below != "wp-json" and not below.startswith("wp-json/"):
            return None
        path = below.removeprefix("wp-json")
        fault = self.store.faults.next_for(path)
        if fault is not None:
            wrong = await broken_answer(request, fault)
            if wrong is not None:
                return wrong
        address = f"{request.scheme}://{request.host}{request.rel_url.raw_path}"
        asked = Asked(request.method, address, list(request.query.items()), request.headers.get("Authorization", ""))
        headers = {**_EXPOSED, "Link": f'<{self.store.site_url}/wp-json/>; rel="https://api.w.org/"'}
        try:
            reply = self.api.answer(asked, path, await request.read())
            status, content = reply.status, reply.body
            headers |= reply.headers
        except ApiError as error:
            status, content = error.status, error.body
            headers |= error.headers
        body = msgspec.json.encode(content).replace(b"/", b"\\/")
        return await spoilt(request, fault, status, body, headers)
