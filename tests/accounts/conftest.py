"""A small app behind the real gate: one route per kind of policy, so that the gate is tested apart from the rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from quart import Blueprint, Quart, Response, request
from quart import websocket as connection

from portal.accounts.gate import maybe_principal, principal
from portal.app import create_app
from portal.foundation.runtime import Runtime
from portal.foundation.web.answers import json_answer, page
from portal.foundation.web.policy import DASHBOARD, OWNER, PUBLIC, SIGNED_IN, SUPERADMIN, route, websocket
from tests.admission import Entry, admit


@dataclass
class Caller:
    """Requests straight into the app, as one principal."""

    app: Quart
    entry: Entry | None = None

    async def __call__(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any
    ) -> Response:
        client = self.app.test_client(use_cookies=False)
        sent = dict(self.entry.headers) if self.entry else {}
        if self.entry and self.entry.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.entry.cookies.items())
        return await client.open(path, method=method, headers={**sent, **(headers or {})}, **kwargs)

    async def get(self, path: str, **kwargs: Any) -> Response:
        return await self("GET", path, **kwargs)

    async def post(self, path: str, **kwargs: Any) -> Response:
        return await self("POST", path, **kwargs)


def stage() -> Blueprint:
    """Routes that answer with who asks."""
    blueprint = Blueprint("stage", __name__)

    @route(blueprint, "/v1/who", roles=SIGNED_IN, family="dashboard")
    async def who() -> Response:
        asks = principal()
        return json_answer({"org": str(asks.org), "role": asks.role, "via": asks.via})

    @route(blueprint, "/api/stage/owner", roles=OWNER, family="page")
    async def owner() -> Response:
        return json_answer({"ok": True})

    @route(blueprint, "/api/stage/dashboard", roles=DASHBOARD, family="page")
    async def dashboard() -> Response:
        return json_answer({"org": str(principal().org)})

    @route(blueprint, "/api/stage/agency", roles=SUPERADMIN, family="admin")
    async def agency() -> Response:
        return json_answer({"ok": True})

    @route(blueprint, "/api/stage/export", roles=SIGNED_IN, family="export")
    async def export() -> Response:
        return json_answer({"ok": True})

    @route(blueprint, "/api/stage/change", roles=SIGNED_IN, family="page", methods=("POST",), max_body=1000)
    async def change() -> Response:
        await request.get_data()
        return json_answer({"ok": True})

    @route(blueprint, "/api/stage/public", roles=PUBLIC, family="page")
    async def public() -> Response:
        asks = maybe_principal()
        return json_answer({"who": asks.role if asks else None})

    @route(blueprint, "/stage/page", roles=SIGNED_IN, family="page")
    async def shown() -> Response:
        return await page("accounts/account.html", sessions=[], places=[])

    @route(blueprint, "/api/stage/broken", roles=PUBLIC, family="page")
    async def broken() -> Response:
        raise ValueError("the secret of the handler")

    @websocket(blueprint, "/ws/stage", roles=DASHBOARD, family="page")
    async def live() -> None:
        await connection.accept()
        await connection.send(str(principal().org))

    return blueprint


@pytest.fixture(scope="session")
async def staged(rt: Runtime) -> AsyncIterator[Quart]:
    """The portal's app with the stage."""
    app = create_app(rt)
    app.register_blueprint(stage())
    async with app.test_app():
        yield app


@pytest.fixture
def anonymous(staged: Quart) -> Caller:
    return Caller(staged)


@pytest.fixture
def caller(rt: Runtime, staged: Quart) -> Any:
    """`await caller("owner", org, via="token")`: a Caller who is that."""

    async def make(role: str, org: UUID | None, **kwargs: Any) -> Caller:
        email = f"{role}-{uuid4().hex[:12]}@example.com"
        return Caller(staged, await admit(rt, role=role, org_id=org, email=email, **kwargs))

    return make
