"""Tokens for programs: issued, refreshed, revoked, and everything that must not pass for one."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from portal.accounts import access_tokens, service
from portal.accounts.secrets import signing_keys
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform
from tests.accounts.conftest import Caller
from tests.conftest import SignIn
from tests.visitors import Visitor


async def granted(client: Visitor, **body: Any) -> Any:
    answer = await client.post("/api/auth/token", json=body)
    assert answer.status == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_password_gives_tokens_that_open_the_documented_routes(
    client: Visitor, sign_in: SignIn, org: UUID, anonymous: Caller
) -> None:
    known = await sign_in("owner", org)
    tokens = await granted(client, grant_type="password", email=known.email, password=known.password)
    assert {**tokens, "access_token": "", "refresh_token": ""} == {
        "access_token": "",
        "token_type": "Bearer",
        "expires_in": 900,
        "refresh_token": "",
        "org_id": str(org),
        "role": "owner",
    }
    answer = await anonymous.get("/v1/who", headers=bearer(tokens["access_token"]))
    assert (await answer.get_json())["data"] == {"org": str(org), "role": "owner", "via": "token"}


async def test_wrong_credentials_are_401_and_missing_ones_422(client: Visitor, sign_in: SignIn, org: UUID) -> None:
    known = await sign_in("owner", org)
    for email in (known.email, f"{uuid4().hex}@example.com", "\x00'; --", "x" * 900):
        answer = await client.post(
            "/api/auth/token", json={"grant_type": "password", "email": email, "password": "wrong password"}
        )
        assert (answer.status, answer.json()["details"]["code"]) == (401, "INVALID_CREDENTIALS")
    missing = await client.post("/api/auth/token", json={"grant_type": "password", "email": known.email})
    assert (missing.status, list(missing.json()["details"]["fields"])) == (422, ["password"])
    unknown = await client.post("/api/auth/token", json={"grant_type": "magic"})
    assert (unknown.status, unknown.json()["details"]["fields"]) == (
        422,
        {"grant_type": "must be one of: password, refresh_token"},
    )
    assert (await client.post("/api/auth/token", data=b"{", headers={"Content-Type": "application/json"})).status == 400
    assert (await client.post("/api/auth/token", data={"grant_type": "password"})).status == 415


async def test_tokens_of_an_organization_of_ones_choice_but_only_of_ones_own(
    client: Visitor, sign_in: SignIn, org: UUID, other_org: UUID, rt: Runtime
) -> None:
    known = await sign_in("owner", org)
    base = {"grant_type": "password", "email": known.email, "password": known.password}
    refused = await client.post("/api/auth/token", json={**base, "org_id": str(other_org)})
    assert (refused.status, refused.json()["details"]["code"]) == (403, "ORG_MISMATCH")
    async with platform(rt.database, "test") as scope:
        await service.set_membership(scope, other_org, known.user_id, "member")
    tokens = await granted(client, **base, org_id=str(other_org))
    assert (tokens["org_id"], tokens["role"]) == (str(other_org), "member")
    again = await granted(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (again["org_id"], again["role"]) == (str(other_org), "member")


async def test_a_refresh_token_works_once_and_its_reuse_ends_the_whole_sign_in(
    client: Visitor, sign_in: SignIn, org: UUID, anonymous: Caller
) -> None:
    known = await sign_in("owner", org)
    first = await granted(client, grant_type="password", email=known.email, password=known.password)
    second = await granted(client, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert (await anonymous.get("/v1/who", headers=bearer(second["access_token"]))).status_code == 200
    reused = await client.post(
        "/api/auth/token", json={"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    )
    assert (reused.status, reused.json()["details"]["code"]) == (401, "REFRESH_REUSED")
    after = await client.post(
        "/api/auth/token", json={"grant_type": "refresh_token", "refresh_token": second["refresh_token"]}
    )
    assert after.status == 401
    for tokens in (first, second):
        assert (await anonymous.get("/v1/who", headers=bearer(tokens["access_token"]))).status_code == 401


async def test_two_refreshes_at_once_do_not_both_succeed(client: Visitor, sign_in: SignIn, org: UUID) -> None:
    import asyncio

    known = await sign_in("owner", org)
    first = await granted(client, grant_type="password", email=known.email, password=known.password)
    body = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    answers = await asyncio.gather(*(client.post("/api/auth/token", json=body) for _ in range(3)))
    assert sorted(answer.status for answer in answers) == [200, 401, 401]


async def test_revoking_ends_a_sign_in_at_once_and_unknown_tokens_are_no_news(
    client: Visitor, sign_in: SignIn, org: UUID, anonymous: Caller
) -> None:
    known = await sign_in("owner", org)
    for by_refresh in (True, False):
        tokens = await granted(client, grant_type="password", email=known.email, password=known.password)
        access = bearer(tokens["access_token"])
        assert (await anonymous.get("/v1/who", headers=access)).status_code == 200
        body = {"refresh_token": tokens["refresh_token"]} if by_refresh else {}
        answer = await client.post("/api/auth/revoke", json=body, headers={} if by_refresh else access)
        assert (answer.status, answer.json()) == (200, {"revoked": True})
        assert (await anonymous.get("/v1/who", headers=access)).status_code == 401
    assert (await client.post("/api/auth/revoke", json={"refresh_token": "prt_unknown"})).status == 200
    assert (await client.post("/api/auth/revoke", json={})).status == 401


async def test_sign_out_everywhere_kills_tokens_and_sessions(
    caller: Any, sign_in: SignIn, org: UUID, rt: Runtime, client: Visitor, anonymous: Caller
) -> None:
    browser = await sign_in("owner", org)
    tokens = await granted(client, grant_type="password", email=browser.email, password=browser.password)
    access = bearer(tokens["access_token"])
    assert (await anonymous.get("/v1/who", headers=access)).status_code == 200
    assert (await browser.submit("/account/sessions/revoke-all", {})).location == "/login"
    assert (await anonymous.get("/v1/who", headers=access)).status_code == 401
    refused = await client.post(
        "/api/auth/token", json={"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    )
    assert refused.status == 401
    browser.session.cookie_jar.update_cookies(browser.cookies)
    assert (await browser.page("/account")).status == 303


async def test_a_role_taken_away_is_gone_from_tokens_at_once(caller: Any, org: UUID, rt: Runtime) -> None:
    from portal.accounts.sessions import tell

    owner = await caller("owner", org, via="token")
    assert (await owner.get("/api/stage/owner")).status_code == 200
    async with platform(rt.database, "test") as scope:
        await service.set_membership(scope, org, owner.entry.user_id, "member")
    await tell(rt, owner.entry.user_id, "role_changed")
    assert (await owner.get("/api/stage/owner")).status_code == 403
    assert (await owner.get("/api/stage/dashboard")).status_code == 200


def minted(rt: Runtime, **changes: Any) -> str:
    """A token as ours, with changes; None removes a claim."""
    kid, key = signing_keys(rt.settings).current
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        "iss": access_tokens.issuer(rt.settings),
        "aud": access_tokens.AUDIENCE,
        "iat": now,
        "exp": now + timedelta(minutes=5),
        "jti": "1",
        "sub": str(uuid4()),
        "role": "owner",
        "sid": str(uuid4()),
        "org_id": str(uuid4()),
    }
    key = changes.pop("key", key)
    algorithm = changes.pop("algorithm", "HS256")
    header = {"kid": changes.pop("kid", kid)}
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers=header)


def unsigned(token: str) -> str:
    """The same claims with `alg: none` and no signature."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{header}.{token.split('.')[1]}."


async def test_what_must_not_pass_for_a_token(rt: Runtime, anonymous: Caller) -> None:
    now = datetime.now(UTC)
    bad = {
        "unsigned": unsigned(minted(rt)),
        "another key": minted(rt, key=b"k" * 32),
        "another algorithm": minted(rt, algorithm="HS512"),
        "an unknown key id": minted(rt, kid="nope"),
        "another issuer": minted(rt, iss="urn:portal:elsewhere"),
        "another audience": minted(rt, aud="somebody-else"),
        "no audience": minted(rt, aud=None),
        "no expiry": minted(rt, exp=None),
        "no sign-in": minted(rt, sid=None),
        "issued in the future": minted(rt, iat=now + timedelta(hours=1)),
        "a user that is no id": minted(rt, sub="admin"),
        "a user that is not there": minted(rt),
        "cut": minted(rt)[:-4],
        "nonsense": "a.b.c",
        "no text": "\u00e9\u00e9",
        "very long": "a" * 20_000,
        "an unknown key": "pk_live_" + "x" * 43,
    }
    for what, token in bad.items():
        answer = await anonymous.get("/v1/who", headers=bearer(token))
        assert answer.status_code == 401, what
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"], what


async def test_an_expired_token_says_so_with_thirty_seconds_of_grace(
    rt: Runtime, anonymous: Caller, caller: Any, org: UUID
) -> None:
    owner = await caller("owner", org, via="token")
    good = jwt.decode(owner.entry.headers["Authorization"][7:], options={"verify_signature": False})
    names = ("sub", "sid", "org_id", "role")
    now = datetime.now(UTC)
    late = minted(rt, **{name: good[name] for name in names}, exp=now - timedelta(seconds=10))
    assert (await anonymous.get("/v1/who", headers=bearer(late))).status_code == 200
    over = minted(rt, **{name: good[name] for name in names}, exp=now - timedelta(seconds=40))
    answer = await anonymous.get("/v1/who", headers=bearer(over))
    assert (answer.status_code, (await answer.get_json())["error"]["code"]) == (401, "TOKEN_EXPIRED")


async def test_a_forged_organization_or_role_claim_is_worth_nothing(
    rt: Runtime, anonymous: Caller, caller: Any, org: UUID, other_org: UUID
) -> None:
    member = await caller("member", org, via="token")
    good = jwt.decode(member.entry.headers["Authorization"][7:], options={"verify_signature": False})
    mine = {name: good[name] for name in ("sub", "sid", "org_id", "role")}
    lifted = minted(rt, **{**mine, "role": "owner"})
    assert (await anonymous.get("/api/stage/owner", headers=bearer(lifted))).status_code == 403
    elsewhere = minted(rt, **{**mine, "org_id": str(other_org)})
    assert (await anonymous.get("/v1/who", headers=bearer(elsewhere))).status_code == 401
    bare = minted(rt, **{**mine, "org_id": None})
    answer = await anonymous.get("/v1/who", headers=bearer(bare))
    assert (answer.status_code, (await answer.get_json())["error"]["code"]) == (403, "ORG_REQUIRED")


async def test_tokens_signed_by_an_older_master_key_still_verify(rt: Runtime) -> None:
    older = rt.settings.master_keys
    rotated = rt.settings.model_copy(update={"master_keys": base64.b64encode(b"n" * 32).decode() + "," + older})
    token = minted(rt)
    assert access_tokens.verify(rotated, token).role == "owner"
    fresh, _ = access_tokens.issue(
        rotated, user_id=uuid4(), org_id=None, role="superadmin", sid=uuid4(), now=datetime.now(UTC)
    )
    with pytest.raises(Exception, match="not valid"):
        access_tokens.verify(rt.settings, fresh)


async def test_a_key_that_is_revoked_or_expired_opens_nothing(
    caller: Any, org: UUID, rt: Runtime, anonymous: Caller
) -> None:
    from portal.accounts.api_keys import create_api_key, revoke_api_key
    from portal.accounts.sessions import tell
    from portal.tenancy.scope import tenant

    async with tenant(rt.database, org) as scope:
        key_id, secret = await create_api_key(scope, org_id=org, name="shop")
        _, over = await create_api_key(
            scope, org_id=org, name="old", expires_at=datetime.now(UTC) - timedelta(seconds=1)
        )
        stored = await scope.sql.fetchrow("SELECT prefix, key_hash FROM api_keys WHERE id = $1", key_id)
    assert secret.startswith(stored["prefix"])
    assert secret.encode() not in stored["key_hash"]
    assert (await anonymous.get("/v1/who", headers=bearer(over))).status_code == 401
    assert (await anonymous.get("/v1/who", headers=bearer(secret))).status_code == 200
    async with tenant(rt.database, org) as scope:
        assert await revoke_api_key(scope, key_id)
    await tell(rt, None, "signed_out", session_id=key_id)
    assert (await anonymous.get("/v1/who", headers=bearer(secret))).status_code == 401
