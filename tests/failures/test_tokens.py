"""Tokens that are old, broken, forged or somebody else's: 401 or 403 in the envelope of the route, for sockets too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import jwt
import pytest

from portal.accounts import access_tokens
from portal.foundation.runtime import Runtime
from tests.conftest import SignIn
from tests.visitors import Visitor

PULSE = "/api/v1/dashboard/sales-pulse"


async def refused(client: Visitor, token: str, status: int, **headers: str) -> dict[str, Any]:
    answer = await client.get(PULSE, headers={"Authorization": f"Bearer {token}", **headers})
    assert answer.status == status, (token[:20], answer.status)
    body: dict[str, Any] = answer.json()
    assert list(body) == ["error", "details"]
    with pytest.raises(aiohttp.WSServerHandshakeError) as socket:
        await client.session.ws_connect("/ws/dashboard", headers={"Authorization": f"Bearer {token}", **headers})
    assert socket.value.status == status
    return body


@pytest.mark.parametrize(
    "token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "pk_live_nothing", "🔑".encode().hex(), "x" * 9000]
)
async def test_a_malformed_token_is_401(client: Visitor, token: str) -> None:
    assert (await refused(client, token, 401))["details"]["code"] == "INVALID_TOKEN"


async def test_an_expired_token_is_401_and_says_so(rt: Runtime, org: UUID, sign_in: SignIn, client: Visitor) -> None:
    member = await sign_in("member", org)
    assert member.user_id is not None
    past = datetime.now(UTC) - timedelta(hours=2)
    token, _ = access_tokens.issue(
        rt.settings, user_id=member.user_id, org_id=org, role="member", sid=uuid4(), now=past
    )
    assert (await refused(client, token, 401))["details"]["code"] == "TOKEN_EXPIRED"


async def test_a_token_signed_by_somebody_else_is_401(rt: Runtime, org: UUID, sign_in: SignIn, client: Visitor) -> None:
    real = (await sign_in("owner", org, via="token")).headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(real, options={"verify_signature": False})
    head = jwt.get_unverified_header(real)
    for key, algorithm in (("guess", "HS256"), ("guess", "HS512")):
        forged = jwt.encode(
            claims | {"role": "superadmin"}, key * 16, algorithm=algorithm, headers={"kid": head["kid"]}
        )
        await refused(client, forged, 401)
    await refused(client, jwt.encode(claims, None, algorithm="none", headers={"kid": head["kid"]}), 401)


async def test_a_token_of_another_organization_cannot_be_turned_to_ours(
    org: UUID, other_org: UUID, sign_in: SignIn, client: Visitor
) -> None:
    theirs = (await sign_in("owner", other_org, via="token")).headers["Authorization"].removeprefix("Bearer ")
    assert (await refused(client, theirs, 403, **{"x-org-id": str(org)}))["details"]["code"] == "ORG_MISMATCH"
    await refused(client, theirs, 403, **{"x-org-id": "not-an-id"})


async def test_a_revoked_token_is_401_at_once(org: UUID, sign_in: SignIn, client: Visitor) -> None:
    program = await sign_in("member", org, via="token")
    assert (await program.get(PULSE)).status == 200
    assert (await program.post("/api/auth/revoke", json={})).status == 200
    await refused(client, program.headers["Authorization"].removeprefix("Bearer "), 401)
