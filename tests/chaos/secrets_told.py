"""Every secret of a run, the shapes in which it could stand somewhere, and stores that repeat what they were sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from aiohttp import web

from portal.sandbox import Sandbox
from portal.sandbox.amazon.lwa import Grants
from portal.sandbox.shopify.gate import Gate
from tests.conftest import MASTER_KEY

_SECRET = ("secret", "token", "consumer_key")
_HEADERS = ("X-Shopify-Access-Token", "X-Amz-Access-Token", "Authorization")
Text = tuple[str, str]
"""Where something stands, and what."""


class Secrets:
    """By a name that a failure may say."""

    def __init__(self) -> None:
        self.known = {"master key": MASTER_KEY}

    def learn(self, whose: str, fields: dict[str, str]) -> None:
        """Those of the fields of a form whose names say so."""
        secret = {name: each for name, each in fields.items() if each and any(word in name for word in _SECRET)}
        self.known |= {f"{whose} {name}": each for name, each in secret.items()}

    def found_in(self, texts: Iterable[Text]) -> set[str]:
        """Which secret stands where; never the secret itself."""
        shapes = {name: _shapes(each) for name, each in self.known.items()}
        return {
            f"{name} in {where}"
            for where, text in texts
            for name, every in shapes.items()
            if any(each in text for each in every)
        }

    def note_grants(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Learn every token that a store of the sandbox gives out."""
        for kind, method in ((Gate, "grant"), (Grants, "exchange")):
            monkeypatch.setattr(kind, method, self._noting(getattr(kind, method)))

    def _noting(self, grant: Any) -> Any:
        def noted(site: Any, form: Any) -> Any:
            status, answer = grant(site, form)
            if "access_token" in answer:
                self.known[f"granted token {len(self.known)}"] = answer["access_token"]
            return status, answer

        return noted


def _shapes(secret: str) -> set[str]:
    """Plain, in an address, in JSON, in base64 and as hexadecimal bytes."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        encoded,
        secret.encode().hex(),
    }


def parrots(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every store repeats in its refusals what it was sent, as some plug-ins and error pages do."""
    serve = Sandbox._serve

    async def repeating(self: Sandbox, request: web.Request) -> web.StreamResponse:
        sent = await request.text()
        answer = await serve(self, request)
        return answer if answer.status < 400 else web.json_response(_refusal(request, sent), status=answer.status)

    monkeypatch.setattr(Sandbox, "_serve", repeating)


def _refusal(request: web.Request, sent: str) -> dict[str, Any]:
    """In the shape of each platform at once."""
    keys = [request.headers[name] for name in _HEADERS if name in request.headers]
    keys += [base64.b64decode(key[6:]).decode() for key in keys if key.startswith("Basic ")]
    keys += [value for name, value in request.query.items() if any(word in name for word in _SECRET)]
    said = f"access token {' '.join(keys)} {sent}"[:280]
    return {
        "code": "woocommerce_rest_authentication_error",
        "message": said,
        "errors": [{"code": "Unauthorized", "message": said, "details": said}],
        "error": said[:60],
        "error_description": said,
    }
