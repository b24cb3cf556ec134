"""Every route declares who may use it and under which rate limit. One gate enforces it; an undeclared route does not start.

`route()` both registers the rule (with and without a trailing slash, no redirects) and attaches its `Policy`; the gate
(`accounts/gate.py`), the OpenAPI document and the isolation test all read the same declaration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import msgspec
from quart import Blueprint, Quart

Family = Literal[
    "page", "dashboard", "analytics", "export", "audit", "login", "test", "admin", "webhook", "health", "assets"
]
LIMITS: dict[str, int] = {
    "page": 300,
    "dashboard": 60,
    "analytics": 60,
    "export": 10,
    "audit": 30,
    "login": 30,
    "test": 12,
    "admin": 120,
    "webhook": 0,  # a busy store's burst is genuine; what fails there is counted by the route itself
    "health": 0,
    "assets": 0,
}
"""Requests per minute and principal (address when anonymous); 0 is unlimited."""

PUBLIC: frozenset[str] = frozenset()
SIGNED_IN = frozenset({"superadmin", "owner", "member", "operator", "agent"})
SUPERADMIN = frozenset({"superadmin"})
OWNER = frozenset({"superadmin", "owner"})
MERCHANT = frozenset({"superadmin", "owner", "member"})
DASHBOARD = frozenset({"superadmin", "owner", "member", "operator"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Doc:
    """What OpenAPI says of a JSON route. Structs give the schemas; `examples` maps a name to a body."""

    summary: str
    description: str = ""
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    body_type: str = "application/json"
    response: Any = None
    status: int = 200
    tag: str = ""
    example: Any = None
    body_example: Any = None


TooManyAnswer = Callable[..., Awaitable[Any]]
"""Takes the `TooMany` and the route's own arguments; status and headers of the response are then set to the error's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`roles` empty means public. `tenant`: needs an active organization. `csrf` False only for signed or token-only routes.

    `too_many` answers a browser whose limit is used up: a form that must not lose what was typed. Without it, the error page.
    """

    roles: frozenset[str]
    family: Family
    tenant: bool = True
    csrf: bool = True
    max_body: int = 1_000_000
    doc: Doc | None = None
    methods: tuple[str, ...] = field(default=("GET",))
    too_many: TooManyAnswer | None = None


Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])


def route(
    target: Blueprint | Quart,
    path: str,
    *,
    roles: frozenset[str],
    family: Family,
    methods: tuple[str, ...] = ("GET",),
    tenant: bool | None = None,
    csrf: bool = True,
    max_body: int = 1_000_000,
    doc: Doc | None = None,
    endpoint: str | None = None,
    too_many: TooManyAnswer | None = None,
) -> Callable[[Handler], Handler]:
    """Declare and register one route. `tenant` defaults to True for signed-in routes other than the superadmin's."""

    def register(handler: Handler) -> Handler:
        needs_tenant = tenant if tenant is not None else bool(roles) and roles != SUPERADMIN
        policy = Policy(
            roles=roles,
            family=family,
            tenant=needs_tenant,
            csrf=csrf,
            max_body=max_body,
            doc=doc,
            methods=methods,
            too_many=too_many,
        )
        handler.__policy__ = policy  # type: ignore[attr-defined]
        target.add_url_rule(path, endpoint or handler.__name__, handler, methods=list(methods), strict_slashes=False)
        return handler

    return register


def websocket(
    target: Blueprint | Quart, path: str, *, roles: frozenset[str], family: Family
) -> Callable[[Handler], Handler]:
    """Declare and register one WebSocket; the gate runs before it is accepted."""

    def register(handler: Handler) -> Handler:
        handler.__policy__ = Policy(roles=roles, family=family)  # type: ignore[attr-defined]
        target.add_websocket(path, handler.__name__, handler, strict_slashes=False)
        return handler

    return register
