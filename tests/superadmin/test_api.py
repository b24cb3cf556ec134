"""The three documented routes of the integration guide: exact bodies, everything or nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox
from portal.stores import service as stores
from portal.tenancy.scope import tenant
from tests.conftest import SignIn
from tests.shops import credentials
from tests.superadmin.conftest import Count
from tests.visitors import Visitor

CREATE = "/api/superadmin/clients/api-integration"
PLATFORMS = "/api/superadmin/api-platforms"
TEST = "/api/superadmin/test-api-connection"
TEST_KEYS = ["success", "status", "response_time", "permissions", "sample", "store", "advice"]


def client_body(store: Sandbox, **changed: Any) -> dict[str, Any]:
    body = {
        "company_name": "Lamps & Söhne",
        "email": f"owner-{uuid4().hex[:8]}@lamps.example",
        "invite": True,
        "platform_type": "woocommerce",
        "connection_name": "Main store",
        "credentials": credentials(store),
        "sync_frequency": "every_6_hours",
    }
    return {name: value for name, value in (body | changed).items() if value is not None}


async def test_platforms_are_generated_from_the_connectors(agency: Visitor) -> None:
    for path in (PLATFORMS, f"{PLATFORMS}/"):
        body = (await agency.get(path)).json()
        assert list(body) == ["platforms"]
        woo = next(each for each in body["platforms"] if each["platform"] == "woocommerce")
        assert list(woo) == ["platform", "label", "fields", "permissions", "rate_limit", "data_types", "docs_url"]
        field_keys = ["name", "label", "type", "required", "secret", "help", "placeholder"]
        assert all(list(each) == field_keys for each in woo["fields"])
        secret = {each["name"] for each in woo["fields"] if each["secret"]}
        assert secret == {"consumer_key", "consumer_secret"}
        assert {"orders", "products", "customers"} <= set(woo["data_types"])
        assert isinstance(woo["rate_limit"], str)
        assert woo["docs_url"].startswith("/docs/connectors/")


async def test_a_connection_test_tells_permissions_sample_and_the_store(agency: Visitor, store: Sandbox) -> None:
    answer = await agency.post(TEST, json={"platform_type": "woocommerce", "credentials": credentials(store)})
    assert answer.status == 200
    body = answer.json()
    assert list(body) == TEST_KEYS
    assert body["success"] is True
    assert isinstance(body["response_time"], int)
    assert [list(each) for each in body["permissions"]] == [["name", "granted", "needed_for"]] * len(
        body["permissions"]
    )
    assert {each["name"]: each["granted"] for each in body["permissions"]}["read_orders"] is True
    assert list(body["sample"]) == ["orders", "products", "customers"]
    assert body["sample"]["orders"] > 0
    assert list(body["store"]) == ["name", "currency", "timezone"]
    assert (body["store"]["currency"], body["store"]["timezone"]) == ("EUR", "Europe/Berlin")
    assert all(isinstance(each, str) for each in body["advice"])


async def test_a_created_client_has_everything_and_its_first_sync_is_queued(
    rt: Runtime, agency: Visitor, store: Sandbox, admin: Any
) -> None:
    sent = client_body(store)
    answer = await agency.post(CREATE, json=sent)
    assert answer.status == 201, answer.text
    body = answer.json()
    assert list(body) == ["success", "data"]
    assert body["success"] is True
    data = body["data"]
    assert list(data) == ["client_id", "user_id", "connection_id", "connection_test", "first_sync", "invitation_url"]
    assert list(data["connection_test"]) == TEST_KEYS
    assert list(data["first_sync"]) == ["id", "status"]
    assert data["first_sync"]["status"] == "queued"
    org = UUID(data["client_id"])
    row = await admin.fetchrow("SELECT * FROM organizations WHERE id = $1", org)
    assert (row["name"], row["reporting_currency"], row["timezone"]) == ("Lamps & Söhne", "EUR", "Europe/Berlin")
    assert row["disabled_at"] is None
    member = await admin.fetchrow("SELECT user_id, role FROM memberships WHERE org_id = $1", org)
    assert (str(member["user_id"]), member["role"]) == (data["user_id"], "owner")
    run = await admin.fetchrow("SELECT * FROM client_api_sync_results WHERE id = $1", data["first_sync"]["id"])
    assert (run["org_id"], run["connection_id"], run["trigger"]) == (org, data["connection_id"], "first")
    assert await admin.fetchval("SELECT count(*) FROM pgqueuer WHERE dedupe_key = $1", f"run:{run['run_id']}") == 1
    async with tenant(rt.database, org) as scope:
        connection = await stores.load(scope, data["connection_id"])
        assert connection.frequency == "every_6_hours"
        saved = await stores.credentials(rt, scope, connection)
        assert saved["consumer_secret"] == sent["credentials"]["consumer_secret"]
        stored = await scope.sql.fetchrow("SELECT settings, secrets FROM client_api_credentials")
        trail = await scope.sql.fetchval("SELECT after FROM audit_entries WHERE action = 'client.create'")
    for secret in (saved["consumer_secret"], saved["consumer_key"]):
        assert secret not in str(stored["settings"])
        assert secret.encode() not in bytes(stored["secrets"])
        assert secret not in trail
        assert secret not in answer.text
    assert "ck_****" in trail


async def test_a_client_with_a_password_must_change_it_and_gets_no_link(
    agency: Visitor, store: Sandbox, client: Visitor, admin: Any
) -> None:
    sent = client_body(store, invite=None, password="an-uncommon-passphrase")
    answer = await agency.post(CREATE, json=sent)
    assert answer.status == 201, answer.text
    assert "invitation_url" not in answer.json()["data"]
    assert "an-uncommon-passphrase" not in answer.text
    token = await client.post(
        "/api/auth/token", json={"grant_type": "password", "email": sent["email"], "password": sent["password"]}
    )
    assert token.status == 403
    assert token.json()["details"]["code"] == "PASSWORD_CHANGE_REQUIRED"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"company_name": "   "}, "company_name"),
        ({"company_name": "x" * 201}, "company_name"),
        ({"email": "nobody"}, "email"),
        ({"email": f"{'x' * 250}@lamps.example"}, "email"),
        ({"platform_type": "shopware"}, "platform_type"),
        ({"platform_type": ""}, "platform_type"),
        ({"connection_name": ""}, "connection_name"),
        ({"connection_name": "x" * 101}, "connection_name"),
        ({"sync_frequency": "monthly"}, "sync_frequency"),
        ({"invite": False}, "password"),
        ({"invite": False, "password": "short"}, "password"),
        ({"password": "an-uncommon-passphrase"}, "password"),
        ({"credentials": {}}, "site_url"),
        ({"company_name": None}, "company_name"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_a_wrong_field_is_422_by_name_and_creates_nothing(
    agency: Visitor, store: Sandbox, count: Count, changed: dict[str, Any], field: str
) -> None:
    before = await count()
    answer = await agency.post(CREATE, json=client_body(store, **changed))
    assert answer.status == 422, answer.text
    body = answer.json()
    assert list(body) == ["error", "details"]
    assert body["details"]["fields"].get(field), body
    assert await count() == before


async def test_every_wrong_field_is_told_at_once(agency: Visitor, store: Sandbox) -> None:
    sent = client_body(store, company_name="", email="x", connection_name="", credentials={"site_url": "ftp://x"})
    fields = (await agency.post(CREATE, json=sent)).json()["details"]["fields"]
    assert {"company_name", "email", "connection_name", "site_url", "consumer_key", "consumer_secret"} <= set(fields)


async def test_a_taken_address_is_a_conflict_and_creates_nothing(agency: Visitor, store: Sandbox, count: Count) -> None:
    sent = client_body(store)
    assert (await agency.post(CREATE, json=sent)).status == 201
    before = await count()
    again = await agency.post(CREATE, json=sent | {"email": sent["email"].upper()})
    assert again.status == 409
    assert "email" in again.json()["details"]["fields"]
    assert await count() == before


async def test_a_failed_connection_creates_nothing_and_says_what_to_do(
    agency: Visitor, store: Sandbox, count: Count
) -> None:
    before = await count()
    wrong = credentials(store, consumer_secret="cs_" + "0" * 40)
    answer = await agency.post(CREATE, json=client_body(store, credentials=wrong))
    assert answer.status == 422
    details = answer.json()["details"]
    assert details["code"] == "CONNECTION_TEST_FAILED"
    assert "Check consumer key/secret" in details["advice"]
    assert list(details["connection_test"]) == TEST_KEYS
    assert details["connection_test"]["status"] == "auth_failed"
    assert await count() == before


async def test_a_client_that_cannot_be_furnished_leaves_nothing_behind(
    agency: Visitor, store: Sandbox, count: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.sync import jobs

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the queue is full")

    before = await count()
    monkeypatch.setattr(jobs, "request_sync", broken)
    assert (await agency.post(CREATE, json=client_body(store))).status == 500
    assert await count() == before


async def test_only_the_agency_may(org: UUID, sign_in: SignIn, store: Sandbox, count: Count) -> None:
    for role in ("owner", "member", "operator", "agent"):
        visitor = await sign_in(role, org)
        before = await count()
        for path, sent in ((CREATE, client_body(store)), (TEST, {"platform_type": "woocommerce", "credentials": {}})):
            answer = await visitor.post(path, json=sent)
            assert answer.status == 403
            assert set(answer.json()) == {"error", "details"}
        assert (await visitor.get(PLATFORMS)).status == 403
        assert await count() == before


async def test_bodies_of_another_kind_are_told_apart(agency: Visitor) -> None:
    assert (await agency.post(TEST, data=b"{", headers={"Content-Type": "application/json"})).status == 400
    assert (await agency.post(TEST, data={"platform_type": "woocommerce"})).status == 415
    assert (await agency.post(TEST, json=[])).status == 422
    unknown = await agency.post(TEST, json={"platform_type": "nothing", "credentials": {}})
    assert unknown.status == 422
    assert "woocommerce" in unknown.json()["details"]["fields"]["platform_type"], "the known ones are named"
    large = b'{"platform_type":"' + b"x" * 1_100_000 + b'"}'
    assert (await agency.post(TEST, data=large, headers={"Content-Type": "application/json"})).status == 413
