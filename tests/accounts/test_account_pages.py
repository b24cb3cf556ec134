"""The account's own pages: password, sessions, organizations."""

from __future__ import annotations

from uuid import UUID, uuid4

from portal.accounts.service import set_membership
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform, tenant
from tests.conftest import SignIn
from tests.visitors import Visitor

NEW = "another-long-password"


async def test_a_set_password_must_be_changed_before_anything_else(sign_in: SignIn, org: UUID) -> None:
    owner = await sign_in("owner", org, must_change_password=True)
    for path in ("/account", "/audit", "/"):
        assert (await owner.page(path)).location == "/account/password"
    told = await owner.get("/audit")
    assert (told.status, told.json()["details"]["code"]) == (403, "PASSWORD_CHANGE_REQUIRED")
    page = await owner.page("/account/password")
    assert "password of your own" in page.text
    changed = await owner.submit("/account/password", {"current": owner.password, "new": NEW, "again": NEW})
    assert (changed.status, changed.location) == (303, "/")
    assert (await owner.page("/account")).status == 200


async def test_a_forced_change_also_keeps_tokens_back(client: Visitor, sign_in: SignIn, org: UUID) -> None:
    owner = await sign_in("owner", org, must_change_password=True)
    answer = await client.post(
        "/api/auth/token", json={"grant_type": "password", "email": owner.email, "password": owner.password}
    )
    assert (answer.status, answer.json()["details"]["code"]) == (403, "PASSWORD_CHANGE_REQUIRED")


async def test_a_wrong_password_form_says_what_is_wrong_beside_the_field(sign_in: SignIn, org: UUID) -> None:
    owner = await sign_in("owner", org)
    for values, said in (
        ({"current": "wrong", "new": NEW, "again": NEW}, "is not your current password"),
        ({"current": owner.password, "new": "short", "again": "short"}, "at least 10 characters"),
        ({"current": owner.password, "new": NEW, "again": NEW + "!"}, "is not the same"),
        ({"current": owner.password, "new": owner.email, "again": owner.email}, "must not be your e-mail"),
        ({"current": owner.password, "new": "password123", "again": "password123"}, "anybody would try"),
        ({"current": owner.password, "new": owner.password, "again": owner.password}, "must differ"),
        ({"current": owner.password, "new": "x" * 257, "again": "x" * 257}, "at most 256"),
    ):
        answer = await owner.submit("/account/password", values)
        assert answer.status == 422, said
        assert said in answer.text
        assert NEW not in answer.text


async def test_a_changed_password_signs_out_the_other_browser_and_not_this_one(
    sign_in: SignIn, org: UUID, live_server: str, rt: Runtime
) -> None:
    owner = await sign_in("owner", org)
    from portal.accounts import sessions
    from tests.admission import cookie

    async with platform(rt.database, "test") as scope:
        _, secret = await sessions.open_session(scope, user_id=owner.user_id, active_org=org, days=1)
    async with Visitor(live_server, cookies={"portal_session": cookie(rt, secret)}) as elsewhere:
        assert (await elsewhere.page("/account")).status == 200
        await owner.submit("/account/password", {"current": owner.password, "new": NEW, "again": NEW})
        assert (await elsewhere.page("/account")).status == 303
    assert (await owner.page("/account")).status == 200


async def test_one_of_ones_own_sessions_can_be_ended_but_nobody_elses(
    sign_in: SignIn, org: UUID, live_server: str, rt: Runtime
) -> None:
    from portal.accounts import sessions
    from tests.admission import cookie

    owner, member = await sign_in("owner", org), await sign_in("member", org)
    async with platform(rt.database, "test") as scope:
        session_id, secret = await sessions.open_session(
            scope,
            user_id=owner.user_id,
            active_org=org,
            days=1,
            user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            address="192.0.2.7",
        )
    page = await owner.page("/account/sessions")
    assert "Firefox on Linux" in page.text
    assert "192.0.2.7" in page.text
    async with Visitor(live_server, cookies={"portal_session": cookie(rt, secret)}) as elsewhere:
        assert (await elsewhere.page("/account")).status == 200
        assert (await member.submit(f"/account/sessions/{session_id}/revoke", {})).status == 404
        assert (await elsewhere.page("/account")).status == 200
        assert (await owner.submit(f"/account/sessions/{session_id}/revoke", {})).status == 303
        assert (await elsewhere.page("/account")).status == 303
    assert "That session was signed out." in (await owner.page("/account")).text
    assert "That session was signed out." not in (await owner.page("/account")).text


async def test_a_member_of_two_organizations_switches_and_outsiders_find_nothing(
    sign_in: SignIn, org: UUID, other_org: UUID, rt: Runtime
) -> None:
    member = await sign_in("owner", org)
    for path in ("/account/organization", "/organizations/switch"):
        assert (await member.submit(path, {"organization": str(other_org)})).status == 404
    async with platform(rt.database, "test") as scope:
        await set_membership(scope, other_org, member.user_id, "member")
    assert (await member.submit("/account/organization", {"organization": str(other_org)})).status == 303
    assert (await member.page("/audit")).status == 403  # only a member there
    await member.submit("/organizations/switch", {"organization": str(org)})
    assert (await member.page("/audit")).status == 200
    assert (await member.submit("/account/organization", {"organization": "nonsense"})).status == 400
    assert (await member.submit("/account/organization", {"organization": ""})).status == 404


async def test_a_superadmin_enters_and_leaves_any_client_on_the_record(sign_in: SignIn, org: UUID, rt: Runtime) -> None:
    agency = await sign_in("superadmin")
    assert (await agency.get("/audit")).status == 400
    assert (await agency.submit("/account/organization", {"organization": str(uuid4())})).status == 404
    assert (await agency.submit("/account/organization", {"organization": str(org)})).status == 303
    page = await agency.page("/audit")
    assert page.status == 200
    assert "organization.entered" in page.text
    assert agency.email in page.text
    await agency.submit("/account/organization", {"organization": ""})
    async with tenant(rt.database, org) as scope:
        rows = await scope.sql.fetch("SELECT action, role FROM audit_entries ORDER BY seq")
    assert [tuple(row) for row in rows] == [("organization.entered", "superadmin"), ("organization.left", "superadmin")]
    assert (await agency.get("/audit")).status == 400


async def test_the_appearance_is_remembered(client: Visitor) -> None:
    await client.learn_csrf("/login")
    answer = await client.submit("/theme", {"theme": "dark"}, headers={"Referer": client.base + "/login"})
    assert (answer.status, answer.cookies["theme"]) == (303, "dark")
    assert 'data-theme="dark"' in (await client.page("/login")).text
    await client.submit("/theme", {"theme": "<script>"})
    assert "data-theme" not in (await client.page("/login")).text


async def test_the_audit_page_is_for_owners_and_shows_only_ones_own(
    sign_in: SignIn, org: UUID, other_org: UUID, rt: Runtime
) -> None:
    from portal.audit.trail import record

    for each, name in ((org, "ours"), (other_org, "theirs")):
        async with tenant(rt.database, each) as scope:
            for number in range(60):
                await record(
                    scope, actor="test", actor_id=None, role="owner", action=f"deed.{number}", target=name,
                    before={"limit": 1}, after={"limit": 2, "secret": "cs_abcdef"},
                )  # fmt: skip
    owner = await sign_in("owner", org)
    first = await owner.page("/audit")
    assert "deed.59" in first.text
    assert "theirs" not in first.text
    assert "cs_abcdef" not in first.text
    second = await owner.page("/audit?before=11")
    assert "deed.9" in second.text
    assert "deed.10" not in second.text
    assert (await owner.page("/audit?before=x")).status == 400
    assert (await owner.page("/audit?page=2")).status == 400
    assert (await (await sign_in("member", org)).page("/audit")).status == 403
