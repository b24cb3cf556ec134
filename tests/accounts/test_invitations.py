"""Invitation links."""

from __future__ import annotations

from uuid import UUID, uuid4

from portal.accounts.service import create_user, invite, set_membership
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform
from tests.conftest import SignIn
from tests.visitors import Visitor


async def invited(rt: Runtime, org: UUID, *, role: str = "member") -> tuple[str, str]:
    email = f"new-{uuid4().hex[:10]}@example.com"
    async with platform(rt.database, "test") as scope:
        user_id = await create_user(scope, email=email)
        return email, await invite(scope, org_id=org, user_id=user_id, role=role, invited_by=None)


async def test_a_link_lets_one_choose_name_and_password_and_signs_in(client: Visitor, rt: Runtime, org: UUID) -> None:
    email, token = await invited(rt, org)
    path = f"/invitation/{token}"
    await client.learn_csrf(path)
    for values, said in (
        ({"name": "", "password": "a-long-enough-password"}, "1 to 200 characters"),
        ({"name": "Ada", "password": "short"}, "at least 10 characters"),
        ({"name": "Ada", "password": email}, "e-mail address"),
    ):
        wrong = await client.submit(path, values)
        assert wrong.status == 422
        assert said in wrong.text
    answer = await client.submit(path, {"name": "Ada <b>", "password": "a-long-enough-password"})
    assert (answer.status, answer.location) == (303, "/")
    page = await client.page("/account")
    assert email in page.text
    assert "Ada &lt;b&gt;" in page.text
    assert "member" in page.text


async def test_a_link_works_once(client: Visitor, rt: Runtime, org: UUID, live_server: str) -> None:
    _, token = await invited(rt, org)
    await client.learn_csrf(f"/invitation/{token}")
    await client.submit(f"/invitation/{token}", {"name": "Ada", "password": "a-long-enough-password"})
    async with Visitor(live_server) as second:
        page = await second.page(f"/invitation/{token}")
        assert page.status == 404
        assert "no longer valid" in page.text
        await second.learn_csrf("/login")
        again = await second.submit(f"/invitation/{token}", {"name": "Eve", "password": "another-long-password"})
        assert again.status == 404
    assert (await client.page("/invitation/unknown")).status == 404


async def test_a_link_older_than_its_days_or_replaced_is_over(client: Visitor, rt: Runtime, org: UUID) -> None:
    _, token = await invited(rt, org)
    async with platform(rt.database, "test") as scope:
        row = await scope.sql.fetchrow(
            "SELECT user_id, expires_at - created_at AS life FROM invitations WHERE org_id = $1", org
        )
        assert row["life"].days == 7
        newer = await invite(scope, org_id=org, user_id=row["user_id"], role="owner", invited_by=None)
    assert (await client.page(f"/invitation/{token}")).status == 404
    assert (await client.page(f"/invitation/{newer}")).status == 200
    async with platform(rt.database, "test") as scope:
        await scope.sql.execute("UPDATE invitations SET expires_at = now() WHERE org_id = $1", org)
    assert (await client.page(f"/invitation/{newer}")).status == 404


async def test_whoever_invites_a_known_user_cannot_take_over_the_account(
    client: Visitor, rt: Runtime, org: UUID, other_org: UUID, sign_in: SignIn
) -> None:
    known = await sign_in("owner", org)
    async with platform(rt.database, "test") as scope:
        token = await invite(scope, org_id=other_org, user_id=known.user_id, role="member", invited_by=None)
    await client.learn_csrf(f"/invitation/{token}")
    stolen = await client.submit(f"/invitation/{token}", {"name": "Eve", "password": "a-password-of-eves"})
    assert stolen.status == 422
    assert "not the password of your account" in stolen.text
    joined = await client.submit(f"/invitation/{token}", {"password": known.password})
    assert joined.status == 303
    assert "Globex" in (await client.page("/account")).text


async def test_an_invitation_does_not_change_a_role_that_is_there(
    client: Visitor, rt: Runtime, org: UUID, sign_in: SignIn
) -> None:
    known = await sign_in("member", org)
    async with platform(rt.database, "test") as scope:
        token = await invite(scope, org_id=org, user_id=known.user_id, role="owner", invited_by=None)
        await set_membership(scope, org, known.user_id, "member")
    await client.learn_csrf(f"/invitation/{token}")
    answer = await client.submit(f"/invitation/{token}", {"password": known.password})
    assert answer.status == 409
    assert (await client.page(f"/invitation/{token}")).status == 200
