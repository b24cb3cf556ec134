"""`POST /api/auth/token` and `/api/auth/revoke`."""

from __future__ import annotations

from quart import Blueprint, Response

from portal.accounts import grants
from portal.accounts.gate import client_address, principal
from portal.accounts.schemas import RevokeAnswer, RevokeRequest, TokenAnswer, TokenRequest
from portal.foundation.errors import Invalid
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import json_answer
from portal.foundation.web.policy import PUBLIC, SIGNED_IN, Doc, route
from portal.foundation.web.requests import parse_json

blueprint = Blueprint("accounts_api", __name__)
_NO_STORE = {"Cache-Control": "no-store"}


def _example(role: str) -> dict[str, object]:
    """One sign-in per role for the API's documentation."""
    value = {"grant_type": "password", "email": f"{role}@example.com", "password": "…"}
    return {"summary": f"As {'an' if role[0] in 'aeiou' else 'a'} {role}", "value": value}


@route(
    blueprint,
    "/api/auth/token",
    roles=PUBLIC,
    family="login",
    methods=("POST",),
    csrf=False,
    max_body=10_000,
    doc=Doc(
        summary="Sign in for tokens, or refresh them",
        description=(
            "A refresh token works once: each answer carries its successor. Using one twice ends the whole sign-in. "
            "Wrong credentials are 401, too many attempts 429."
        ),
        body=TokenRequest,
        response=TokenAnswer,
        tag="Authentication",
        body_example={"examples": {role: _example(role) for role in sorted(SIGNED_IN)}},
    ),
)
async def token() -> Response:
    """By password or by refresh token."""
    body = await parse_json(TokenRequest)
    if body.grant_type == "password":
        _require(email=body.email, password=body.password)
        answer = await grants.password_grant(
            runtime(), body.email, body.password, body.org_id, address=client_address()
        )
    else:
        _require(refresh_token=body.refresh_token)
        answer = await grants.refresh_grant(runtime(), body.refresh_token, body.org_id)
    return json_answer(answer, headers=_NO_STORE)


@route(
    blueprint,
    "/api/auth/revoke",
    roles=PUBLIC,
    family="login",
    methods=("POST",),
    csrf=False,
    max_body=10_000,
    doc=Doc(
        summary="End a sign-in",
        description="By its refresh token, or by the access token in the header. Access tokens stop within seconds.",
        body=RevokeRequest,
        response=RevokeAnswer,
        tag="Authentication",
    ),
)
async def revoke() -> Response:
    """Everything that came from one sign-in ends."""
    body = await parse_json(RevokeRequest)
    if body.refresh_token:
        await grants.revoke_refresh_token(runtime(), body.refresh_token)
    else:
        await grants.revoke_sign_in(runtime(), principal())
    return json_answer(RevokeAnswer(), headers=_NO_STORE)


def _require(**fields: str) -> None:
    missing = {name: "is required for this grant_type" for name, value in fields.items() if not value}
    if missing:
        raise Invalid(f"Missing: {', '.join(missing)}.", missing)
