"""Requests that another site makes in one's name."""

from __future__ import annotations

from uuid import UUID

import pytest

from portal.accounts.csrf import same_origin
from portal.foundation.runtime import Runtime
from tests.conftest import SignIn
from tests.visitors import HTML, Visitor


async def test_an_unsafe_request_by_cookie_needs_the_token(sign_in: SignIn, org: UUID, other_org: UUID) -> None:
    owner, other = await sign_in("owner", org), await sign_in("owner", other_org)
    token, owner.csrf = owner.csrf, ""
    for sent in ("", "wrong", other.csrf, token[:-1], "é"):
        answer = await owner.post("/account/organization", data={"organization": str(org), "csrf_token": sent})
        assert (answer.status, answer.json()["details"]["code"]) == (403, "CSRF")
    assert (
        await owner.post("/account/organization", data={"organization": str(org), "csrf_token": token})
    ).status == 303
    by_header = await owner.post(
        "/account/organization", data={"organization": str(org)}, headers={"X-CSRF-Token": token}
    )
    assert by_header.status == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_sites_request_is_refused_even_with_the_token(
    sign_in: SignIn, org: UUID, headers: dict[str, str]
) -> None:
    owner = await sign_in("owner", org)
    answer = await owner.post("/logout", headers=headers)
    assert answer.status == 403
    assert (await owner.page("/account")).status == 200


async def test_signing_somebody_in_from_another_site_is_not_possible(
    client: Visitor, sign_in: SignIn, org: UUID
) -> None:
    known = await sign_in("owner", org)
    answer = await client.submit("/login", {"email": known.email, "password": known.password})
    assert answer.status == 403
    assert "out of date" in answer.text
    assert "portal_session" not in answer.cookies


async def test_a_token_in_the_header_needs_no_csrf(sign_in: SignIn, org: UUID) -> None:
    program = await sign_in("owner", org, via="token")
    answer = await program.post("/logout", headers={"Origin": "https://app.example"})
    assert answer.status == 403  # a token has no session to end; but it was not CSRF that stopped it
    assert "for people at a browser" in answer.text


async def test_the_page_carries_the_token_of_its_own_session(sign_in: SignIn, org: UUID) -> None:
    owner = await sign_in("owner", org)
    page = await owner.page("/account", headers=HTML)
    assert f'name="csrf_token" value="{owner.csrf}"' in page.text


def test_behind_a_proxy_the_public_address_is_our_origin(rt: Runtime) -> None:
    from dataclasses import replace

    public = replace(rt, settings=rt.settings.model_copy(update={"public_url": "https://portal.example.com"}))
    inner = {"Host": "10.0.0.5:8000"}
    assert same_origin(public, {**inner, "Origin": "https://portal.example.com"}, "http")
    assert same_origin(public, {**inner, "Origin": "http://10.0.0.5:8000"}, "http")
    assert not same_origin(public, {**inner, "Origin": "http://portal.example.com"}, "http")
    assert not same_origin(public, {**inner, "Origin": "https://portal.example.com.evil.example"}, "http")
