"""The gate: who may pass where, and what every answer carries."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from quart import Blueprint, Quart
from quart.testing.connections import WebsocketResponseError

from portal.accounts.resolver import bearer_of
from portal.app import create_app
from portal.foundation.errors import Unauthenticated
from portal.foundation.runtime import Runtime
from tests.accounts.conftest import Caller

ROLES = ("superadmin", "owner", "member", "operator", "agent")


@pytest.mark.parametrize("via", ["session", "token"])
@pytest.mark.parametrize("role", ROLES)
async def test_each_role_passes_only_where_it_may(caller: Any, org: UUID, role: str, via: str) -> None:
    asks = await caller(role, org, via=via)
    allowed = {
        "/v1/who": set(ROLES),
        "/api/stage/owner": {"superadmin", "owner"},
        "/api/stage/dashboard": {"superadmin", "owner", "member", "operator"},
        "/api/stage/agency": {"superadmin"},
    }
    for path, roles in allowed.items():
        answer = await asks.get(path)
        assert answer.status_code == (200 if role in roles else 403), path
    who = await (await asks.get("/v1/who")).get_json()
    assert who == {"success": True, "data": {"org": str(org), "role": role, "via": via}}


async def test_nobody_gets_401_with_a_challenge_in_the_familys_envelope(anonymous: Caller) -> None:
    answer = await anonymous.get("/v1/who")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="portal"'
    assert await answer.get_json() == {
        "success": False,
        "error": {"code": "UNAUTHENTICATED", "message": "Sign in first."},
    }


async def test_x_org_id_may_repeat_but_not_widen(caller: Any, org: UUID, other_org: UUID) -> None:
    member = await caller("member", org, via="token")
    assert (await member.get("/v1/who", headers={"x-org-id": str(org).upper()})).status_code == 200
    for wrong in (str(other_org), str(uuid4()), "nonsense", ""):
        answer = await member.get("/v1/who", headers={"x-org-id": wrong})
        assert answer.status_code == 403, wrong
        assert (await answer.get_json())["error"]["code"] == "ORG_MISMATCH"


async def test_a_superadmin_names_any_organization_and_it_is_written_down(
    caller: Any, org: UUID, other_org: UUID, rt: Runtime
) -> None:
    agency = await caller("superadmin", None, via="token")
    bare = await agency.get("/v1/who")
    assert (bare.status_code, (await bare.get_json())["error"]["code"]) == (403, "ORG_REQUIRED")
    for each in (org, other_org):
        for _ in range(2):
            answer = await agency.get("/v1/who", headers={"x-org-id": str(each)})
            assert (await answer.get_json())["data"]["org"] == str(each)
        async with rt.database.pool().acquire() as connection, connection.transaction():
            await connection.execute("SELECT set_config('app.org_id', $1, true)", str(each))
            visits = await connection.fetchval(
                "SELECT count(*) FROM audit_entries WHERE action = 'organization.visited'"
            )
        assert visits == 1
    assert (await agency.get("/v1/who", headers={"x-org-id": str(uuid4())})).status_code == 404
    assert (await agency.get("/v1/who", headers={"x-org-id": "nonsense"})).status_code == 400
    assert (await agency.get("/api/stage/owner")).status_code == 400
    assert (await agency.get("/api/stage/agency")).status_code == 200


async def test_an_api_key_reads_its_own_organization_with_its_scopes(caller: Any, org: UUID, other_org: UUID) -> None:
    reads = await caller("key", org, via="api_key")
    answer = await reads.get("/v1/who")
    assert (await answer.get_json())["data"] == {"org": str(org), "role": "member", "via": "api_key"}
    assert (await reads.get("/v1/who", headers={"x-org-id": str(other_org)})).status_code == 403
    assert (await reads.get("/api/stage/owner")).status_code == 403
    refused = await reads.post("/api/stage/change")
    assert (refused.status_code, (await refused.get_json())["details"]["code"]) == (403, "SCOPE_REQUIRED")
    writes = await caller("key", org, via="api_key", scopes=("write",))
    assert (await writes.post("/api/stage/change")).status_code == 200
    assert (await writes.get("/v1/who")).status_code == 403


async def test_a_public_route_lives_without_and_with_bad_credentials(anonymous: Caller, caller: Any, org: UUID) -> None:
    bad = await anonymous.get("/api/stage/public", headers={"Authorization": "Bearer nonsense"})
    assert await bad.get_json() == {"who": None}
    good = await (await caller("owner", org)).get("/api/stage/public")
    assert await good.get_json() == {"who": "owner"}


async def test_an_explicit_token_wins_over_the_cookie_and_a_bad_one_is_not_forgiven(
    caller: Any, org: UUID, other_org: UUID
) -> None:
    session, token = await caller("owner", org), await caller("member", other_org, via="token")
    both = await session.get("/v1/who", headers=token.entry.headers)
    assert (await both.get_json())["data"]["org"] == str(other_org)
    assert (await session.get("/v1/who", headers={"Authorization": "Bearer nonsense"})).status_code == 401


async def test_a_request_id_is_accepted_made_and_echoed_on_errors_too(anonymous: Caller) -> None:
    for path in ("/healthz", "/v1/who", "/nowhere", "/api/stage/broken"):
        answer = await anonymous.get(path, headers={"X-Request-Id": "trace-1.a:b"})
        assert answer.headers["X-Request-Id"] == "trace-1.a:b", path
    made = (await anonymous.get("/nowhere")).headers["X-Request-Id"]
    assert len(made) == 24
    for bad in ("x" * 129, "a b", "a\tb", '"><script>'):
        assert (await anonymous.get("/nowhere", headers={"X-Request-Id": bad})).headers["X-Request-Id"] != bad


async def test_every_answer_carries_the_security_headers(anonymous: Caller) -> None:
    for path in ("/login", "/healthz", "/nowhere", "/v1/who", "/api/stage/broken", "/static/css/base.css"):
        headers = (await anonymous.get(path, headers={"Accept": "text/html"})).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in headers
        assert len(headers.getlist("Content-Security-Policy")) == 1


async def test_behind_https_cookies_are_secure_and_hsts_is_told(rt: Runtime) -> None:
    from dataclasses import replace

    from tests.visitors import HTML

    app = create_app(replace(rt, settings=rt.settings.model_copy(update={"public_url": "https://portal.example.com"})))
    answer = await app.test_client().get("/login", headers=HTML, scheme="https")
    assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-portal-form=")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert app.extensions["gate"].cookie == "__Host-portal"


async def test_an_unexpected_error_tells_nothing_but_its_id(anonymous: Caller) -> None:
    answer = await anonymous.get("/api/stage/broken")
    assert answer.status_code == 500
    assert "secret of the handler" not in (await answer.get_data(as_text=True))
    assert (await answer.get_json())["details"] == {"code": "INTERNAL"}


async def test_unknown_paths_and_methods_answer_in_kind(anonymous: Caller) -> None:
    lost = await anonymous.get("/v1/nowhere")
    assert (lost.status_code, (await lost.get_json())["error"]["code"]) == (404, "NOT_FOUND")
    assert "<html" in await (await anonymous.get("/nowhere", headers={"Accept": "text/html"})).get_data(as_text=True)
    wrong = await anonymous.post("/healthz")
    assert wrong.status_code == 405
    assert "GET" in wrong.headers["Allow"]


async def test_the_rate_limit_is_told_and_then_enforced(caller: Any, org: UUID) -> None:
    asks = await caller("owner", org, via="token")
    answers = [await asks.get("/api/stage/export") for _ in range(12)]
    assert [a.status_code for a in answers] in ([200] * 10 + [429] * 2, [200] * 12)  # the minute may turn in between
    assert answers[0].headers["RateLimit-Limit"] == "10"
    assert answers[0].headers["RateLimit-Remaining"] == "9"
    assert 1 <= int(answers[0].headers["RateLimit-Reset"]) <= 60
    if answers[-1].status_code == 429:
        assert int(answers[-1].headers["Retry-After"]) >= 1
        other = await caller("owner", org, via="token")
        assert (await other.get("/api/stage/export")).status_code == 200


async def test_a_body_beyond_the_routes_bound_is_413(caller: Any, org: UUID) -> None:
    asks = await caller("owner", org, via="token")
    assert (await asks.post("/api/stage/change", data=b"x" * 1000)).status_code == 200
    assert (await asks.post("/api/stage/change", data=b"x" * 1001)).status_code == 413
    told = await asks.post("/api/stage/change", data=b"", headers={"Content-Length": "1001"})
    assert (told.status_code, (await told.get_json())["details"]["max_bytes"]) == (413, 1000)


async def test_a_route_without_a_policy_keeps_the_app_from_serving(rt: Runtime) -> None:
    app = create_app(rt)
    blueprint = Blueprint("careless", __name__)

    @blueprint.get("/careless")
    async def careless() -> str:
        return "open to everybody"

    app.register_blueprint(blueprint)
    with pytest.raises(RuntimeError, match="careless"):
        await app.extensions["gate"].start()
    assert (await app.test_client().get("/careless")).status_code == 500


async def test_a_websocket_passes_the_same_gate(staged: Quart, caller: Any, org: UUID) -> None:
    owner = await caller("owner", org)
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in owner.entry.cookies.items())}
    client = staged.test_client(use_cookies=False)
    async with client.websocket("/ws/stage", headers={**cookie, "Origin": "http://localhost"}) as live:
        assert await live.receive() == str(org)
    agent = await caller("agent", org)
    for headers, status in (
        ({}, 401),
        ({**cookie, "Origin": "https://evil.example"}, 403),
        ({"Cookie": f"portal_session={agent.entry.cookies['portal_session']}"}, 403),
    ):
        with pytest.raises(WebsocketResponseError) as refused:
            async with client.websocket("/ws/stage", headers=headers) as live:
                await live.receive()
        assert refused.value.response.status_code == status


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer  ", "Bearer a b", "abc"])
def test_an_authorization_of_another_shape_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        bearer_of(header)
