"""The form that brings a client on board, without JavaScript: plain posts, errors beside the field, nothing lost."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import pytest

from portal.foundation.runtime import Runtime
from portal.foundation.web.policy import LIMITS
from portal.sandbox import Sandbox
from tests.conftest import SignIn
from tests.shops import credentials
from tests.superadmin.conftest import Count
from tests.visitors import Answer, Visitor

NEW = "/superadmin/clients/new"


def fields_of(text: str) -> dict[str, str]:
    """What a browser would send of the client form as it stands, unchanged."""
    form = re.search(r'<form id="client-form".*?</form>', text, re.S)
    assert form, text
    sent: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form[0]):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        kind = attributes.get("type", "text")
        if "name" in attributes and (kind not in {"radio", "checkbox"} or " checked" in tag):
            sent[attributes["name"]] = unescape(attributes.get("value", ""))
    for name, options in re.findall(r'<select[^>]* name="(\w+)".*?>(.*?)</select>', form[0], re.S):
        chosen = re.search(r'value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        sent[name] = chosen[1] if chosen else ""
    for name, text_ in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>(.*?)</textarea>', form[0], re.S):
        sent[name] = unescape(text_)
    return sent


def beside(text: str, field: str) -> str:
    """The error beside a field, empty when there is none."""
    found = re.search(rf'id="f-{field}-error">(.*?)</p>', text, re.S)
    return unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


def filled(store: Sandbox, **changed: str) -> dict[str, str]:
    return {
        "company_name": "Lamps & Söhne",
        "email": f"owner-{uuid4().hex[:8]}@lamps.example",
        "access": "invite",
        "input_method": "api",
        "platform_type": "woocommerce",
        "connection_name": "Main store",
        "sync_frequency": "daily",
        **credentials(store),
        "verify_ssl": "1",
        **changed,
    }


async def submit(agency: Visitor, values: dict[str, str], path: str = NEW) -> Answer:
    return await agency.submit(path, {name: value for name, value in values.items() if name != "csrf_token"})


async def test_the_empty_form_has_every_field_of_the_platform(agency: Visitor) -> None:
    page = await agency.page(f"{NEW}?platform_type=woocommerce")
    assert page.status == 200
    found = fields_of(page.text)
    assert {"company_name", "email", "access", "input_method", "platform_type", "connection_name", "site_url"} <= set(
        found
    )
    assert {"consumer_key", "consumer_secret", "verify_ssl", "timeout", "sync_frequency", "draft"} <= set(found)
    assert found["access"] == "invite"
    for label in re.findall(r'<label for="([^"]+)"', page.text):
        assert f'id="{label}"' in page.text, f"the label of {label} points nowhere"


async def test_wrong_fields_are_marked_and_nothing_typed_is_lost(agency: Visitor, store: Sandbox, count: Count) -> None:
    before = await count()
    sent = filled(store, company_name="", email="nobody", connection_name="", site_url="ftp://x", timeout="900")
    answer = await submit(agency, sent)
    assert answer.status == 422
    assert "company" in beside(answer.text, "company_name")
    assert "name@company.com" in beside(answer.text, "email")
    assert beside(answer.text, "connection_name")
    assert "https://" in beside(answer.text, "site_url")
    assert "1 to 120" in beside(answer.text, "timeout")
    assert not beside(answer.text, "consumer_key")
    for name in ("company_name", "email", "connection_name", "site_url", "timeout"):
        assert f'href="#f-{name}"' in answer.text, "the summary leads to the field"
    kept = fields_of(answer.text)
    for name in set(sent) - {"consumer_key", "consumer_secret"}:
        assert kept[name] == sent[name], name
    assert await count() == before


async def test_secrets_are_kept_sealed_and_never_come_back_in_clear(
    agency: Visitor, store: Sandbox, admin: Any
) -> None:
    sent = filled(store, email="nobody", access="password", password="an-uncommon-passphrase")
    answer = await submit(agency, sent)
    secrets = (sent["consumer_key"], sent["consumer_secret"], sent["password"])
    for secret in secrets:
        assert secret not in answer.text
    assert 'placeholder="ck_****"' in answer.text
    kept = fields_of(answer.text)
    assert (kept["consumer_key"], kept["consumer_secret"], kept["password"]) == ("", "", "")
    assert len(kept["draft"]) > 100
    # Only the wrong field is typed again; the browser sends the rest as the page gave it.
    mended = await submit(agency, kept | {"email": f"mended-{uuid4().hex[:8]}@lamps.example"})
    assert mended.status == 303, mended.text
    created = await agency.page(mended.location)
    assert "is on board" in created.text
    for secret in secrets:
        assert secret not in created.text


async def test_a_draft_is_worthless_for_others_and_after_tampering(
    rt: Runtime, agency: Visitor, sign_in: SignIn, store: Sandbox
) -> None:
    kept = fields_of((await submit(agency, filled(store, email="nobody"))).text)
    other = await sign_in("superadmin")
    answer = await submit(other, kept | {"email": "fine@lamps.example"})
    assert answer.status == 422
    assert "required" in beside(answer.text, "consumer_key")
    tampered = await submit(agency, kept | {"draft": kept["draft"][:-4] + "AAAA", "email": "fine@lamps.example"})
    assert tampered.status == 422


async def test_testing_shows_the_findings_and_keeps_the_form(agency: Visitor, store: Sandbox, count: Count) -> None:
    before = await count()
    sent = filled(store, company_name="")
    answer = await submit(agency, sent, f"{NEW}/test")
    assert answer.status == 200
    for expected in ("Connected", "EUR", "Europe/Berlin", "granted", "Read orders"):
        assert expected in answer.text, expected
    kept = fields_of(answer.text)
    assert kept["site_url"] == sent["site_url"]
    assert sent["consumer_secret"] not in answer.text
    part = await agency.submit(f"{NEW}/test", sent, headers={"HX-Request": "true"})
    assert part.text.strip().startswith('<div id="test-result"')
    assert await count() == before


async def test_a_failed_test_says_what_to_do_beside_the_button(agency: Visitor, store: Sandbox) -> None:
    answer = await submit(agency, filled(store, consumer_key="ck_" + "0" * 40), f"{NEW}/test")
    assert answer.status == 200
    assert "The store could not be connected." in answer.text
    assert "Check consumer key/secret" in answer.text
    unfinished = await submit(agency, filled(store, site_url=""), f"{NEW}/test")
    assert unfinished.status == 422
    assert beside(unfinished.text, "site_url")


async def test_a_failed_connection_creates_nothing_and_keeps_the_form(
    agency: Visitor, store: Sandbox, count: Count
) -> None:
    before = await count()
    sent = filled(store, consumer_secret="cs_" + "0" * 40)
    answer = await submit(agency, sent)
    assert answer.status == 422
    assert "nothing was created" in answer.text
    assert "Check consumer key/secret" in answer.text
    assert fields_of(answer.text)["company_name"] == "Lamps & Söhne"
    assert await count() == before


async def test_a_taken_address_is_told_beside_the_field(agency: Visitor, store: Sandbox, count: Count) -> None:
    before = await count()
    answer = await submit(agency, filled(store, email=agency.email))
    assert answer.status == 409
    assert "already has an account" in beside(answer.text, "email")
    assert "Nothing was tested" not in answer.text, "that the address is taken says nothing of the store"
    assert await count() == before


async def test_more_tries_than_the_limit_are_told_in_the_form_and_nothing_typed_is_lost(
    agency: Visitor, store: Sandbox, count: Count
) -> None:
    sent = filled(store, email="nobody")
    before = await count()
    for _ in range(LIMITS["test"]):
        assert (await submit(agency, sent)).status == 422
    answer = await submit(agency, filled(store))
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "No more than 12 requests a minute here. Try again in" in answer.text
    kept = fields_of(answer.text)
    assert kept["company_name"] == "Lamps & Söhne"
    assert 'placeholder="ck_****"' in answer.text
    assert kept["draft"]
    part = await agency.submit(NEW, sent, headers={"HX-Request": "true"})
    assert part.text.strip().startswith('<form id="client-form"')
    beside_button = await agency.submit(f"{NEW}/test", sent, headers={"HX-Request": "true"})
    assert beside_button.status == 429
    assert beside_button.text.strip().startswith('<div id="test-result"')
    assert "Try again in" in beside_button.text
    program = await agency.submit(NEW, sent, headers={"Accept": "application/json"})
    assert (program.status, program.headers["Content-Type"]) == (429, "application/json")
    assert await count() == before


async def test_beyond_the_limit_a_form_that_cannot_be_read_is_told_the_limit_all_the_same(
    agency: Visitor, store: Sandbox
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x=" + b"x" * 100_000 + b"&"

    for _ in range(LIMITS["test"]):
        await submit(agency, filled(store, email="nobody"))
    plain = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
    answer = await agency.request("POST", NEW, data=endless(), headers=plain)
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_created_client_gets_an_invitation_that_works(
    agency: Visitor, store: Sandbox, client: Visitor, admin: Any
) -> None:
    sent = filled(store)
    made = await submit(agency, sent)
    assert (made.status, made.location.endswith("/created")) == (303, True), made.text
    answer = await agency.page(made.location)
    assert answer.status == 200
    link = re.search(r"https?://[^\s<\"]*(/invitation/[\w-]+)", answer.text)
    assert link, answer.text
    page = await client.page(link[1])
    assert page.status == 200
    assert "Lamps &amp; Söhne" in page.text
    await client.learn_csrf(link[1])
    joined = await client.submit(link[1], {"name": "Lena Lamp", "password": "an-uncommon-passphrase"})
    assert joined.status == 303, joined.text
    dashboard = await client.page("/dashboard")
    assert dashboard.status == 200
    assert "Lamps &amp; Söhne" in dashboard.text
    assert (await client.page("/superadmin/clients")).status == 403


async def test_the_page_of_a_new_client_can_be_loaded_again_and_shows_the_link_to_nobody_else(
    agency: Visitor, store: Sandbox, sign_in: SignIn, count: Count
) -> None:
    made = await submit(agency, filled(store))
    page = await agency.page(made.location)
    assert "/invitation/" in page.text
    assert "waiting" in page.text.casefold() or "queued" in page.text.casefold()
    before = await count()
    assert (await agency.page(made.location)).text.count("/invitation/") == page.text.count("/invitation/")
    assert await count() == before
    assert page.headers["Cache-Control"] == "no-store"
    other = await sign_in("superadmin")
    theirs = await other.page(made.location)
    assert "is on board" in theirs.text
    assert "/invitation/" not in theirs.text
    assert (await agency.page(f"/superadmin/clients/{uuid4()}/created")).status == 404


async def test_the_link_is_sealed_in_the_cookie_and_no_other_users(
    agency: Visitor, store: Sandbox, sign_in: SignIn
) -> None:
    made = await submit(agency, filled(store))
    link = re.search(r"/invitation/([\w-]+)", (await agency.page(made.location)).text)
    assert link
    cookies = {each.key: each.value for each in agency.session.cookie_jar}
    assert link[1] not in unquote(" ".join(cookies.values()))
    carried = next(value for name, value in cookies.items() if "flash" in name)
    assert link[1].encode() not in base64.urlsafe_b64decode(carried.partition(".")[0] + "===")
    other = await sign_in("superadmin")
    theirs = await other.page(made.location, headers={"Cookie": f"portal_flash={carried}; " + session_of(other)})
    assert "is on board" in theirs.text
    assert "/invitation/" not in theirs.text


def session_of(visitor: Visitor) -> str:
    """The visitor's own sign-in, as a cookie header."""
    return "; ".join(f"{each.key}={each.value}" for each in visitor.session.cookie_jar if "session" in each.key)


async def test_the_address_of_a_form_that_was_sent_leads_back_to_the_form(agency: Visitor) -> None:
    for path, form in (
        ("/superadmin/clients/new/test", NEW),
        ("/superadmin/platforms/woocommerce", "/superadmin/platforms"),
        ("/account/sessions/revoke-all", "/account/sessions"),
        ("/logout", "/"),
    ):
        answer = await agency.page(path)
        assert (answer.status, answer.location) == (303, form), path
        assert (await agency.get(path)).status == 405, "a program is told"


async def test_a_client_may_begin_without_a_store(agency: Visitor, count: Count) -> None:
    before = await count()
    sent = {
        "company_name": "Later GmbH",
        "email": f"later-{uuid4().hex[:8]}@lamps.example",
        "access": "invite",
        "input_method": "manual",
        "platform_type": "woocommerce",
    }
    made = await submit(agency, sent)
    assert made.status == 303, made.text
    after = await count()
    assert "Later GmbH is on board" in (await agency.page(made.location)).text
    grown = {name for name in after if after[name] != before[name]}
    assert grown == {"organizations", "tenant_versions", "users", "memberships", "invitations", "audit_entries"}


@pytest.mark.parametrize("method", ["", "carrier pigeon"])
async def test_an_unknown_input_method_creates_no_client_without_a_store(
    agency: Visitor, store: Sandbox, count: Count, method: str
) -> None:
    before = await count()
    answer = await submit(agency, filled(store, input_method=method))
    assert answer.status == 422
    assert "Choose API or No store yet." in beside(answer.text, "input_method")
    assert await count() == before


@pytest.mark.parametrize("platform", ["nothing", "../../etc/passwd", "x" * 300])
async def test_an_unknown_platform_is_told_beside_the_field(agency: Visitor, store: Sandbox, platform: str) -> None:
    for path in (NEW, f"{NEW}/test"):
        answer = await submit(agency, filled(store, platform_type=platform), path)
        assert answer.status == 422, f"{path}: {answer.status}"
        assert "woocommerce" in beside(answer.text, "platform_type")
    shown = await agency.page(f"{NEW}/fields?platform_type={platform}")
    assert shown.status in {200, 400}


async def test_script_in_a_field_is_only_text(agency: Visitor, store: Sandbox) -> None:
    script = '"><script>alert(1)</script>'
    names = (
        "company_name",
        "email",
        "connection_name",
        "site_url",
        "api_version",
        "ca_pem",
        "sync_frequency",
        "access",
    )
    answer = await submit(agency, filled(store, **dict.fromkeys(names, script)))
    assert answer.status == 422
    assert "<script>alert" not in answer.text
    assert fields_of(answer.text)["company_name"] == script


async def test_over_long_values_are_refused_without_being_lost(agency: Visitor, store: Sandbox) -> None:
    answer = await submit(agency, filled(store, company_name="x" * 201, consumer_key="ck_" + "1" * 300))
    assert answer.status == 422
    assert "200" in beside(answer.text, "company_name")
    assert "200" in beside(answer.text, "consumer_key")
    assert fields_of(answer.text)["company_name"] == "x" * 201
    assert (await submit(agency, filled(store, company_name="x" * 30_000))).status == 413


async def test_the_form_needs_its_token(agency: Visitor, store: Sandbox, count: Count) -> None:
    before = await count()
    agency.csrf = ""
    assert (await submit(agency, filled(store))).status == 403
    assert await count() == before
