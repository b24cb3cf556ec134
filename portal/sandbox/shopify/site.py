"""A Shopify store on the web: tokens, GraphQL and the files of exports, with the faults that are planned."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from portal.sandbox.broken import broken_answer, drop, spoilt
from portal.sandbox.control import Action
from portal.sandbox.faults import Fault
from portal.sandbox.platforms import folder_of
from portal.sandbox.shopify import control
from portal.sandbox.shopify.api import VERSION, Api
from portal.sandbox.shopify.delivery import Courier
from portal.sandbox.shopify.gate import access_token, client_id, client_secret
from portal.sandbox.store import Store

_TOKEN = "admin/oauth/access_token"  # noqa: S105 - a path
_GRAPHQL = f"admin/api/{VERSION}/graphql.json"
_EXPORT = "_exports/"
_STATUS = {
    "401": "[API] Invalid API key or access token (unrecognized login or wrong password)",
    "402": "Unavailable Shop",
    "403": "[API] This action requires merchant approval for a scope.",
    "423": "Unavailable Shop",
}


class ShopifySite:
    """One store's API over HTTP."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = folder_of(store.spec)
        self.api = Api(store)
        self.delivery = Courier(store)
        self.actions: Mapping[str, Action] = control.actions(self.api, self.delivery)

    @property
    def courier(self) -> Courier:
        return self.delivery

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the form of a connection asks for."""
        spec = self.store.spec
        return [
            ("Shop domain", self.folder),
            ("Access token", access_token(spec)),
            ("Client ID", client_id(spec)),
            ("Client secret", client_secret(spec)),
            ("PORTAL_SHOPIFY_BASE_URL", self.store.site_url.removesuffix(f"/{self.folder}")),
        ]

    async def serve(self, request: web.Request, below: str) -> web.StreamResponse | None:
        """The answer to a path of the API; None for others."""
        if below.startswith(_EXPORT):
            return await self._export(request, below)
        if not below.startswith("admin/"):
            return None
        fault = self.store.faults.next_for(below)
        if fault is not None:
            wrong = self._refusal(fault) or await broken_answer(request, fault)
            if wrong is not None:
                return wrong
        if below == _TOKEN:
            form = dict(parse_qsl((await request.read()).decode("utf-8", "replace")))
            status, content = self.api.gate.grant(form)
        elif below != _GRAPHQL:
            status, content = 404, {"errors": "Not Found"}
        elif not self.api.gate.knows(request.headers.get("X-Shopify-Access-Token", "")):
            status, content = 401, {"errors": _STATUS["401"]}
        else:
            status, content = self.api.answer(await request.read())
        return await self._answer(request, status, content, fault)

    async def _answer(
        self, request: web.Request, status: int, content: object, fault: Fault | None
    ) -> web.StreamResponse:
        return await spoilt(request, fault, status, msgspec.json.encode(content), self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json; charset=utf-8",
            "X-Shopify-API-Version": VERSION,
            "Date": formatdate(self.store.clock.now(), usegmt=True),  # the shop's clock, which may be wrong
        }

    def _refusal(self, fault: Fault) -> web.Response | None:
        """Faults that only this platform has. Some leave the answer to be what it then is."""
        if fault.kind == "expired":
            self.api.gate.expire()
        if fault.kind == "bulk_failed":
            self.api.exports.failing.append("INTERNAL_SERVER_ERROR")
        if fault.kind in _STATUS:
            return self._json(int(fault.kind), {"errors": _STATUS[fault.kind]})
        if fault.kind == "throttled":
            throttled = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            cost = self.api.gate.cost(500, None)
            return self._json(200, {"errors": [throttled], "extensions": {"cost": cost}})
        if fault.kind == "internal":
            failed = {"message": "Internal error.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
            return self._json(200, {"errors": [failed]})
        return None

    def _json(self, status: int, content: object) -> web.Response:
        return web.Response(status=status, body=msgspec.json.encode(content), headers=self._headers())

    async def _export(self, request: web.Request, below: str) -> web.StreamResponse:
        """The file of a finished bulk operation, made while it is sent; its address needs no token."""
        number = below.removeprefix(_EXPORT).removesuffix(".jsonl")
        export = self.api.exports.all.get(int(number)) if number.isdigit() else None
        if export is None or export.status != "COMPLETED":
            return web.Response(
                status=404, text="<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml"
            )
        fault = self.store.faults.next_for(below)
        if fault is not None:
            wrong = await broken_answer(request, fault)
            if wrong is not None:
                return wrong
        answer = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        await answer.prepare(request)
        half = export.objects // 2
        for place, line in enumerate(self.api.exports.lines(export)):
            if fault is not None and fault.kind in {"cut", "truncated"} and place >= half:
                await answer.write(line[: len(line) // 2])
                if fault.kind == "cut":
                    drop(request)
                return answer
            await answer.write(line)
            if place % 200 == 0:
                await asyncio.sleep(0)
        await answer.write_eof()
        return answer
