"""Tokens of an outside issuer, whose keys come over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from portal.accounts import outside
from portal.accounts.service import create_user, set_membership
from portal.app import create_app
from portal.foundation.outbound import OutboundClient
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform
from tests.accounts.conftest import Caller, stage

ISSUER, AUDIENCE = "https://issuer.example/auth", "authenticated"


@dataclass
class Issuer:
    """Publishes its keys and counts who fetches them."""

    url: str = ""
    keys: dict[str, Any] = field(default_factory=dict)
    published: list[dict[str, Any]] = field(default_factory=list)
    fetches: int = 0
    status: int = 200

    def add(self, kid: str, kind: str) -> None:
        if kind == "RS256":
            key: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
        else:
            key = ec.generate_private_key(ec.SECP256R1())
            public = json.loads(ECAlgorithm.to_jwk(key.public_key()))
        self.keys[kid] = (kind, key)
        self.published.append({**public, "kid": kid, "alg": kind, "use": "sig"})

    def token(self, kid: str, **claims: Any) -> str:
        kind, key = self.keys[kid]
        basis = {"iss": ISSUER, "aud": AUDIENCE, "sub": "subject-1", "exp": datetime.now(UTC) + timedelta(minutes=5)}
        chosen = {name: value for name, value in {**basis, **claims}.items() if value is not None}
        return jwt.encode(chosen, key, algorithm=kind, headers={"kid": kid})

    async def answer(self, request: web.Request) -> web.Response:
        self.fetches += 1
        return web.json_response({"keys": self.published}, status=self.status)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    found = Issuer()
    found.add("rsa-1", "RS256")
    found.add("ec-1", "ES256")
    app = web.Application()
    app.router.add_get("/jwks.json", found.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks.json"
    yield found
    await runner.cleanup()


@pytest.fixture
async def visiting(rt: Runtime, issuer: Issuer) -> AsyncIterator[Caller]:
    """The app configured for the outside issuer."""
    outbound = OutboundClient((issuer.url.split("/")[2],), None, rt.link)
    changes = {"jwks_url": issuer.url, "jwks_issuer": ISSUER, "jwks_audience": AUDIENCE}
    configured = replace(rt, settings=rt.settings.model_copy(update=changes), outbound=outbound)
    app = create_app(configured)
    app.register_blueprint(stage())
    async with app.test_app():
        yield Caller(app)
    await outbound.close()


async def member(rt: Runtime, org: UUID, role: str = "member") -> tuple[UUID, str]:
    email = f"outside-{uuid4().hex[:10]}@example.com"
    async with platform(rt.database, "test") as scope:
        user_id = await create_user(scope, email=email)
        await set_membership(scope, org, user_id, role)
    return user_id, email


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_verified_email_links_the_identity_and_then_its_subject_is_enough(
    rt: Runtime, issuer: Issuer, visiting: Caller, org: UUID
) -> None:
    _, email = await member(rt, org)
    subject = uuid4().hex
    for kid, claims in (
        ("rsa-1", {"email": email.upper(), "email_verified": True, "org_id": str(org)}),
        ("ec-1", {"app_metadata": {"org_id": str(org)}}),
    ):
        answer = await visiting.get("/v1/who", headers=bearer(issuer.token(kid, sub=subject, **claims)))
        assert answer.status_code == 200, await answer.get_data(as_text=True)
        assert (await answer.get_json())["data"] == {"org": str(org), "role": "member", "via": "external"}
    assert issuer.fetches == 1


async def test_an_unverified_email_or_another_subject_takes_over_nobody(
    rt: Runtime, issuer: Issuer, visiting: Caller, org: UUID
) -> None:
    _, email = await member(rt, org)
    claims = {"email": email, "org_id": str(org)}
    for verified in (False, "true", None):
        token = issuer.token("rsa-1", sub=uuid4().hex, email_verified=verified, **claims)
        assert (await visiting.get("/v1/who", headers=bearer(token))).status_code == 401
    rightful = issuer.token("rsa-1", sub="a" * 20, email_verified=True, **claims)
    assert (await visiting.get("/v1/who", headers=bearer(rightful))).status_code == 200
    thief = issuer.token("rsa-1", sub="b" * 20, email_verified=True, **claims)
    assert (await visiting.get("/v1/who", headers=bearer(thief))).status_code == 401


async def test_the_claimed_organization_must_be_the_users(
    rt: Runtime, issuer: Issuer, visiting: Caller, org: UUID, other_org: UUID
) -> None:
    _, email = await member(rt, org)
    claims = {"sub": uuid4().hex, "email": email, "email_verified": True}
    elsewhere = await visiting.get("/v1/who", headers=bearer(issuer.token("rsa-1", org_id=str(other_org), **claims)))
    assert (elsewhere.status_code, (await elsewhere.get_json())["error"]["code"]) == (403, "ORG_MISMATCH")
    bare = await visiting.get("/v1/who", headers=bearer(issuer.token("rsa-1", **claims)))
    assert (bare.status_code, (await bare.get_json())["error"]["code"]) == (403, "ORG_REQUIRED")


async def test_only_the_issuers_algorithms_keys_audience_and_time_count(
    rt: Runtime, issuer: Issuer, visiting: Caller, org: UUID
) -> None:
    _, email = await member(rt, org)
    claims = {"sub": uuid4().hex, "email": email, "email_verified": True, "org_id": str(org)}
    public = next(entry for entry in issuer.published if entry["kid"] == "rsa-1")
    stranger = Issuer()
    stranger.add("rsa-1", "RS256")
    basis = {"iss": ISSUER, "aud": AUDIENCE, "exp": datetime.now(UTC) + timedelta(minutes=5), **claims}
    bad = {
        "HS256 with the public key": jwt.encode(basis, public["n"].encode(), "HS256", headers={"kid": "rsa-1"}),
        "a stranger's key": stranger.token("rsa-1", **claims),
        "another audience": issuer.token("rsa-1", aud="other", **claims),
        "no audience": issuer.token("rsa-1", aud=None, **claims),
        "expired": issuer.token("rsa-1", exp=datetime.now(UTC) - timedelta(minutes=1), **claims),
        "another issuer": issuer.token("rsa-1", iss="https://evil.example", **claims),
    }
    for what, token in bad.items():
        assert (await visiting.get("/v1/who", headers=bearer(token))).status_code == 401, what
    assert (await visiting.get("/v1/who", headers=bearer(issuer.token("rsa-1", **claims)))).status_code == 200


async def test_unknown_key_ids_do_not_make_us_hammer_the_issuer(
    rt: Runtime, issuer: Issuer, visiting: Caller, org: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.keys["rsa-2"] = issuer.keys["rsa-1"]
    _, email = await member(rt, org)
    claims = {"sub": uuid4().hex, "email": email, "email_verified": True, "org_id": str(org)}
    tokens = [issuer.token("rsa-2", jti=str(n), **claims) for n in range(5)]
    await asyncio.gather(*(visiting.get("/v1/who", headers=bearer(token)) for token in tokens))
    assert issuer.fetches == 1
    issuer.published.append({**issuer.published[0], "kid": "rsa-2"})  # the issuer has rotated
    assert (await visiting.get("/v1/who", headers=bearer(tokens[0]))).status_code == 401
    monkeypatch.setattr(outside, "_REFETCH", 0.0)
    assert (await visiting.get("/v1/who", headers=bearer(tokens[0]))).status_code == 200
    issuer.status = 500  # away: the keys we know stay good
    other = issuer.token("rsa-1", **claims)
    assert (await visiting.get("/v1/who", headers=bearer(other))).status_code == 200


async def test_without_any_keys_the_answer_is_503(issuer: Issuer, visiting: Caller) -> None:
    issuer.status = 500
    assert (await visiting.get("/v1/who", headers=bearer(issuer.token("rsa-1")))).status_code == 503
