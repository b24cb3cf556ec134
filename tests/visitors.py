"""People and programs who use the portal in tests: a signed-in browser session, a bearer of a token."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from uuid import UUID

from aiohttp import ClientResponse, ClientSession, CookieJar

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}


@dataclass
class Answer:
    """A read answer: status, headers, text."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        import json

        return json.loads(self.body)

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


@dataclass
class Visitor:
    """Requests of one principal against the live server. Redirects are not followed; unsafe ones carry the CSRF token.

    `user_id`, `email`, `password` are what the fixture made (empty for an anonymous visitor).
    """

    base: str
    role: str = ""
    org: UUID | None = None
    user_id: UUID | None = None
    email: str = ""
    password: str = ""
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    session: ClientSession = field(init=False)

    def __post_init__(self) -> None:
        self.session = ClientSession(self.base, cookie_jar=CookieJar(unsafe=True), cookies=self.cookies)

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self.session.close()

    async def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **kwargs: Any
    ) -> Answer:
        """One request; `json=` and `data=` as in aiohttp."""
        sent = {**self.headers, **(headers or {})}
        if method not in {"GET", "HEAD"} and self.csrf:
            sent.setdefault("X-CSRF-Token", self.csrf)
        async with self.session.request(method, path, headers=sent, allow_redirects=False, **kwargs) as response:
            return await _read(response)

    async def get(self, path: str, **kwargs: Any) -> Answer:
        """A program's GET (no Accept header of a browser)."""
        return await self.request("GET", path, **kwargs)

    async def page(self, path: str, **kwargs: Any) -> Answer:
        """A browser's GET."""
        return await self.request("GET", path, headers={**HTML, **kwargs.pop("headers", {})}, **kwargs)

    async def post(self, path: str, **kwargs: Any) -> Answer:
        return await self.request("POST", path, **kwargs)

    async def submit(self, path: str, values: Mapping[str, str], **kwargs: Any) -> Answer:
        """A browser's form post, with the token in the form as a page without JavaScript sends it."""
        data = {**({"csrf_token": self.csrf} if self.csrf else {}), **values}
        sent = {**HTML, "Origin": self.base, **kwargs.pop("headers", {})}
        async with self.session.post(
            path, data=data, headers={**self.headers, **sent}, allow_redirects=False, **kwargs
        ) as response:
            return await _read(response)

    async def learn_csrf(self, path: str) -> str:
        """Fetch a page and take over the CSRF token of its form."""
        answer = await self.page(path)
        found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
        assert found, f"no CSRF token on {path}: {answer.status}"
        self.csrf = found[1]
        return self.csrf


async def _read(response: ClientResponse) -> Answer:
    cookies = {name: morsel.value for name, morsel in response.cookies.items()}
    return Answer(response.status, response.headers, await response.read(), cookies)
