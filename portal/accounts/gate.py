"""The gate before every route and WebSocket: who asks, may they, is it really them, and not too often.

Order: request id, the route's policy (a route without one does not start), credentials, forced password change, role,
`x-org-id`, CSRF, rate limit. The answer gets the request id, the rate limit's state and the security headers.
"""

from __future__ import annotations

import math
import re
import secrets
from typing import Any

import structlog
from quart import Quart, Response, current_app, g, request, websocket
from quart_auth import AuthUser, QuartAuth

from portal.accounts import csrf
from portal.accounts.asking import client_address, current_standing, maybe_principal, principal, request_id
from portal.accounts.elsewhere import change_password_first, choose_client_first, sign_in_first
from portal.accounts.narrowing import Narrowing
from portal.accounts.principal import Standing
from portal.accounts.protection import protection_headers
from portal.accounts.resolver import Resolver, bearer_of
from portal.accounts.rights import allow
from portal.accounts.secrets import signing_keys
from portal.foundation.database import AWAY
from portal.foundation.errors import BadRequest, NotAllowed, PortalError, TooLarge, TooMany, Unauthenticated
from portal.foundation.runtime import Runtime
from portal.foundation.server import leave_request_id
from portal.foundation.web.envelopes import encode, error_body
from portal.foundation.web.policy import LIMITS, Policy

__all__ = [
    "Gate",
    "client_address",
    "current_standing",
    "gate",
    "install",
    "maybe_principal",
    "principal",
    "request_id",
]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")
_NOBODY = AuthUser(None)
_UNASKED = frozenset({"assets", "webhook"})  # families that never look at who asks
_FORCED = frozenset({"accounts.password_page", "accounts.change_password", "accounts.sign_out", "accounts.set_theme"})


def request_id_for(given: str) -> str:
    """The client's own id when it is a decent one, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(12)


def install(app: Quart) -> Gate:
    """Put the gate before every route of `app`, whose `extensions["portal"]` is the runtime."""
    gate = Gate(app, app.extensions["portal"])
    app.extensions["gate"] = gate
    app.before_request(gate.before_request)
    app.before_websocket(gate.before_websocket)
    app.after_request(gate.after_request)
    app.before_serving(gate.start)
    return gate


class Gate:
    """Of one app; see the module."""

    def __init__(self, app: Quart, rt: Runtime) -> None:
        self._app, self._rt = app, rt
        settings, keys = rt.settings, signing_keys(rt.settings)
        app.secret_key = keys.cookies[0]
        app.config["SECRET_KEY_FALLBACKS"] = list(keys.cookies[1:])
        app.config.update(SESSION_COOKIE_NAME="portal_flash", SESSION_COOKIE_SAMESITE="Lax")
        app.config["SESSION_COOKIE_SECURE"] = settings.secure_cookies
        self.cookie = "__Host-portal" if settings.secure_cookies else "portal_session"
        self.cookies = QuartAuth(
            app,
            cookie_name=self.cookie,
            cookie_secure=settings.secure_cookies,
            cookie_samesite="Lax",
            duration=settings.session_days * 86_400,
            salt="portal session",
        )
        self.resolver = Resolver(rt, self.cookies)
        self._narrowing = Narrowing(rt)
        self._headers = protection_headers(settings)
        self._policies: dict[str, Policy] = {}

    async def start(self) -> None:
        """Refuse to serve an app with an undeclared route; begin to hear of sign-outs."""
        for rule in self._app.url_map.iter_rules():
            self._policy(rule.endpoint)
        self.resolver.listen()

    async def before_request(self) -> Response | None:
        g.request_id = leave_request_id(request.scope, request_id_for(request.headers.get("X-Request-Id", "")))
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        g._quart_auth_user = _NOBODY  # ours reads the cookie; quart-auth only writes it
        rule = request.url_rule
        if rule is None:
            return None  # 404 or 405: nothing to guard
        policy = self._policy(rule.endpoint)
        self._bound_body(policy)
        standing: Standing | None = None
        if policy.family not in _UNASKED:
            try:
                standing = await self._who(request, policy)
            except Unauthenticated as error:
                await self._slow_down_guessing()
                return sign_in_first(error)
        if standing is None and policy.roles:
            return sign_in_first(
                Unauthenticated("Sign in first.", headers={"WWW-Authenticate": 'Bearer realm="portal"'})
            )
        g.standing = standing
        if standing is not None:
            if standing.must_change_password and policy.roles and rule.endpoint not in _FORCED:
                return change_password_first()
            try:
                allow(policy, standing.principal, request.path, request.method)
            except BadRequest as error:
                return await choose_client_first(error)
        if (
            request.method not in csrf.SAFE
            and policy.csrf
            and (standing is None or standing.principal.via == "session")
        ):
            await csrf.check(self._rt, standing)
        await self._limit(policy, standing)
        return None

    async def before_websocket(self) -> Response | None:
        g.request_id = leave_request_id(websocket.scope, secrets.token_hex(12))
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        g._quart_auth_user = _NOBODY
        if websocket.url_rule is None:
            return None
        policy = self._policy(websocket.url_rule.endpoint)
        try:
            if not csrf.same_origin(self._rt, websocket.headers, websocket.scheme):
                raise NotAllowed("The connection came from another site.", code="CROSS_SITE")
            standing = await self._who(websocket, policy)
            if standing is None and policy.roles:
                raise Unauthenticated("Sign in first.")
            if standing is not None:
                g.standing = standing
                if standing.must_change_password:
                    raise NotAllowed("Change your password first.", code="PASSWORD_CHANGE_REQUIRED")
                allow(policy, standing.principal, websocket.path, "GET")
            await self._limit(policy, standing)
        except PortalError as error:
            return _json_refusal(websocket.path, error)
        except AWAY:
            return _json_refusal(websocket.path, PortalError("The database is away.", status=503))
        return None

    async def after_request(self, response: Response) -> Response:
        headers = response.headers
        headers.extend(self._headers)
        headers["X-Request-Id"] = getattr(g, "request_id", "")
        if (limit := getattr(g, "limit", None)) is not None:
            headers.extend(limit)
        if value := getattr(g, "form_cookie", ""):
            response.set_cookie(
                csrf.anonymous_cookie(self._rt.settings.secure_cookies),
                value,
                httponly=True,
                samesite="Lax",
                secure=self._rt.settings.secure_cookies,
            )
        return response

    def _policy(self, endpoint: str) -> Policy:
        policy = self._policies.get(endpoint)
        if policy is None:
            declared = getattr(self._app.view_functions.get(endpoint), "__policy__", None)
            if not isinstance(declared, Policy):
                raise RuntimeError(f"the route {endpoint!r} declares no policy; use foundation.web.policy.route")
            policy = self._policies[endpoint] = declared
        return policy

    async def _who(self, asked: Any, policy: Policy) -> Standing | None:
        """The standing of the request or WebSocket, narrowed by `x-org-id`. On a public route trouble means nobody."""
        try:
            if authorization := asked.headers.get("Authorization"):
                standing: Standing | None = await self.resolver.resolve_bearer(bearer_of(authorization))
            elif cookie := asked.cookies.get(self.cookie):
                standing = await self.resolver.resolve_cookie(cookie)
            else:
                return None
            named = asked.headers.get("x-org-id")
            return standing if named is None or standing is None else await self._narrowing.apply(standing, named)
        except (PortalError, *AWAY):
            if policy.roles:
                raise
            return None

    async def _limit(self, policy: Policy, standing: Standing | None) -> None:
        if not (limit := LIMITS[policy.family]):
            return
        key = standing.principal.limit_key if standing is not None else f"a:{client_address()}"
        state = await self._rt.limiter.hit(key, policy.family, limit)
        reset = max(1, math.ceil(state.reset_seconds))
        g.limit = (
            ("RateLimit-Limit", str(limit)),
            ("RateLimit-Remaining", str(state.remaining)),
            ("RateLimit-Reset", str(reset)),
        )
        if not state.allowed:
            g.too_many = policy.too_many
            raise TooMany(f"No more than {limit} requests a minute here. Try again in {reset} s.", reset)

    async def _slow_down_guessing(self) -> None:
        """Bad credentials cost a look-up each: an address gets a hundred a minute."""
        state = await self._rt.limiter.hit(f"a:{client_address()}", "credentials", 100)
        if not state.allowed:
            raise TooMany("Too many bad credentials from your address.", max(1, math.ceil(state.reset_seconds)))

    def _bound_body(self, policy: Policy) -> None:
        arrived = max(request.content_length or 0, len(request.body._data))
        if arrived > policy.max_body:
            raise TooLarge(f"The body is larger than {policy.max_body} bytes.", details={"max_bytes": policy.max_body})
        request.body._max_content_length = policy.max_body  # for bodies that do not tell their length


def _json_refusal(path: str, error: PortalError) -> Response:
    return Response(encode(error_body(path, error)), error.status, {"Content-Type": "application/json"})


def gate() -> Gate:
    """The gate of the app that serves the current request."""
    found: Gate = current_app.extensions["gate"]
    return found
