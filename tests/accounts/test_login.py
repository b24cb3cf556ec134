"""Signing in and out at the form."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from portal.accounts.returning import safe_next
from portal.foundation.runtime import Runtime
from tests.conftest import SignIn
from tests.visitors import HTML, Visitor


async def signed_up(sign_in: SignIn, org: UUID, role: str = "owner", **user: object) -> Visitor:
    """A user who exists; the returned visitor is signed in elsewhere."""
    return await sign_in(role, org, **user)


async def test_the_right_password_opens_a_session_and_goes_where_one_wanted(
    client: Visitor, sign_in: SignIn, org: UUID
) -> None:
    known = await signed_up(sign_in, org)
    await client.learn_csrf("/login?next=/account")
    answer = await client.submit(
        "/login", {"email": known.email.upper(), "password": known.password, "next": "/account"}
    )
    assert (answer.status, answer.location) == (303, "/account")
    page = await client.page("/account")
    assert page.status == 200
    assert known.email in page.text
    assert "this one" in page.text


async def test_a_wrong_password_and_an_unknown_account_read_the_same(
    client: Visitor, sign_in: SignIn, org: UUID
) -> None:
    known = await signed_up(sign_in, org)
    await client.learn_csrf("/login")
    wrong = await client.submit("/login", {"email": known.email, "password": "not-the-password"})
    email = f"nobody-{uuid4().hex}@example.com"
    unknown = await client.submit("/login", {"email": email, "password": "not-the-password"})
    assert wrong.status == unknown.status == 422
    said = [
        re.sub(r'value="[^"]*"', "", answer.text.replace(known.email, "").replace(email, ""))
        for answer in (wrong, unknown)
    ]
    ids = r"[0-9a-f]{24}|content=\"[^\"]*\""
    assert re.sub(ids, "", said[0]) == re.sub(ids, "", said[1])
    assert "is not right" in wrong.text


async def test_signing_out_ends_the_session_at_once(sign_in: SignIn, org: UUID) -> None:
    owner = await sign_in("owner", org)
    assert (await owner.page("/account")).status == 200
    assert (await owner.submit("/logout", {})).location == "/login"
    owner.session.cookie_jar.update_cookies(owner.cookies)
    assert (await owner.page("/account")).location == "/login?next=/account"


async def test_whoever_is_not_signed_in_is_led_to_the_form_and_programs_are_told(client: Visitor) -> None:
    page = await client.page("/account?x=1")
    assert (page.status, page.location) == (303, "/login?next=/account%3Fx%3D1")
    told = await client.get("/account")
    assert told.status == 401
    assert told.headers["WWW-Authenticate"].startswith("Bearer")
    fragment = await client.get("/account", headers={"HX-Request": "true", "HX-Current-URL": client.base + "/account"})
    assert fragment.headers["HX-Redirect"] == "/login?next=/account"


async def test_a_session_of_a_removed_member_is_over(sign_in: SignIn, org: UUID, rt: Runtime) -> None:
    from portal.accounts.service import remove_membership
    from portal.accounts.sessions import tell
    from portal.tenancy.scope import platform

    await sign_in("owner", org)
    member = await sign_in("member", org)
    assert (await member.page("/account")).status == 200
    async with platform(rt.database, "test") as scope:
        await remove_membership(scope, org, member.user_id)
    await tell(rt, member.user_id, "role_changed")
    assert (await member.page("/account")).status == 303


async def test_too_many_failures_close_the_door_even_for_the_right_password(
    client: Visitor, sign_in: SignIn, org: UUID, rt: Runtime
) -> None:
    from portal.accounts import throttle

    known = await signed_up(sign_in, org)
    for _ in range(throttle.LIMITS["both"]):
        await throttle.failed(rt.link, known.email, "127.0.0.1")
    await client.learn_csrf("/login")
    answer = await client.submit("/login", {"email": known.email, "password": known.password})
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 60
    assert "Too many failed attempts" in answer.text


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/login",
        "/a\r\nSet-Cookie: x=1",
        "",
        "/%5c\x00",
    ],
)
def test_only_paths_of_this_site_are_returned_to(wanted: str) -> None:
    assert safe_next(wanted) == "/"


@pytest.mark.parametrize("wanted", ["/", "/orders?day=today&q=a%20b", "/stores/12#runs"])
def test_paths_of_this_site_are_kept(wanted: str) -> None:
    assert safe_next(wanted) == wanted


async def test_an_open_redirect_is_not_possible_through_the_form(client: Visitor, sign_in: SignIn, org: UUID) -> None:
    known = await signed_up(sign_in, org)
    page = await client.page("/login?next=//evil.example/")
    assert "evil.example" not in page.text
    await client.learn_csrf("/login")
    answer = await client.submit(
        "/login", {"email": known.email, "password": known.password, "next": "//evil.example/"}
    )
    assert answer.location == "/"


async def test_script_in_the_address_is_only_text(client: Visitor) -> None:
    await client.learn_csrf("/login")
    answer = await client.submit("/login", {"email": "<script>alert(1)</script>", "password": "x" * 300})
    assert answer.status == 422
    assert "<script>alert" not in answer.text


async def test_the_session_cookie_is_not_for_scripts(client: Visitor, sign_in: SignIn, org: UUID) -> None:
    known = await signed_up(sign_in, org)
    await client.learn_csrf("/login")
    async with client.session.post(
        "/login",
        data={"email": known.email, "password": known.password, "csrf_token": client.csrf},
        headers=HTML,
        allow_redirects=False,
    ) as answer:
        cookie = next(value for value in answer.headers.getall("Set-Cookie") if value.startswith("portal_session="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
