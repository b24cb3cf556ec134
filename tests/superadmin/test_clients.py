"""The clients list: every organization, how its stores are doing, found by company or e-mail."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest

from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform
from tests import ledgers
from tests.conftest import SignIn, make_org
from tests.visitors import Visitor

CLIENTS = "/superadmin/clients"


async def named(rt: Runtime, name: str) -> UUID:
    org = await make_org(rt, "x")
    async with platform(rt.database, "test") as scope:
        await scope.sql.execute("UPDATE organizations SET name = $2 WHERE id = $1", org, name)
    return org


def row_of(text: str, name: str) -> str:
    rows: list[str] = re.findall(r"<tr>.*?</tr>", text, re.S)
    return next(row for row in rows if name in row)


async def test_each_client_shows_its_stores_their_last_sync_and_errors(
    rt: Runtime, agency: Visitor, sign_in: SignIn
) -> None:
    word = uuid4().hex[:8]
    org = await named(rt, f"Several {word}")
    owner = await sign_in("owner", org)
    await ledgers.connect(rt, org, "Berlin")
    failing = await ledgers.connect(rt, org, "Hamburg")
    await ledgers.set_store(
        rt, org, failing, "status = 'error', last_error = 'The key was revoked.', last_error_at = now()"
    )
    paused = await ledgers.connect(rt, org, "Köln", synced=False)
    await ledgers.set_store(rt, org, paused, "status = 'paused'")
    await named(rt, f"Empty {word}")
    text = (await agency.page(f"{CLIENTS}?q={word}")).text
    row = row_of(text, f"Several {word}")
    for expected in ("Berlin", "connected", "Hamburg", "error", "The key was revoked.", "Köln", "paused", owner.email):
        assert expected.casefold() in row.casefold(), expected
    assert "<time" in row
    empty = row_of(text, f"Empty {word}")
    assert "no store yet" in empty
    assert "never" in empty


async def test_search_matches_company_and_email_literally(rt: Runtime, agency: Visitor, sign_in: SignIn) -> None:
    word = uuid4().hex[:8]
    org = await named(rt, f"100%_{word}")
    other = await named(rt, f"100xx{word}")
    owner = await sign_in("owner", other)
    for query, found, missing in (
        (f"100%25_{word}", f"100%_{word}", f"100xx{word}"),
        (owner.email.upper().replace("@", "%40"), f"100xx{word}", f"100%_{word}"),
    ):
        text = (await agency.page(f"{CLIENTS}?q={query}")).text
        assert found in text
        assert f">{missing}" not in text
    assert "No client matches." in (await agency.page(f"{CLIENTS}?q=nobody-{word}")).text
    assert org != other


async def test_the_list_is_paged(rt: Runtime, agency: Visitor) -> None:
    word = uuid4().hex[:8]
    async with platform(rt.database, "test") as scope:
        await scope.sql.executemany(
            "INSERT INTO organizations (name) VALUES ($1)", [(f"{word} {n:03}",) for n in range(60)]
        )
    first = (await agency.page(f"{CLIENTS}?q={word}")).text
    second = (await agency.page(f"{CLIENTS}?q={word}&page=2")).text
    shown = [set(re.findall(rf"{word} (\d{{3}})</", text)) for text in (first, second)]
    assert [len(each) for each in shown] == [50, 10]
    assert not shown[0] & shown[1]
    assert 'rel="next"' in first
    assert 'rel="next"' not in second
    for wrong in ("page=0", "page=x", "sort=name", f"q={'x' * 101}"):
        assert (await agency.page(f"{CLIENTS}?{wrong}")).status == 400, wrong


async def test_the_agency_opens_a_client_and_it_is_on_the_record(rt: Runtime, agency: Visitor) -> None:
    org = await named(rt, f"Opened {uuid4().hex[:8]}")
    answer = await agency.submit("/account/organization", {"organization": str(org), "next": "/stores"})
    assert (answer.status, answer.location) == (303, "/stores")
    assert (await agency.page("/dashboard")).status == 200
    async with platform(rt.database, "test") as scope:
        actions = await scope.sql.fetch("SELECT action FROM audit_entries WHERE org_id = $1", org)
    assert "organization.entered" in {row["action"] for row in actions}


async def test_a_half_made_client_is_not_listed(rt: Runtime, agency: Visitor) -> None:
    name = f"Half {uuid4().hex[:8]}"
    org = await named(rt, name)
    async with platform(rt.database, "test") as scope:
        await scope.sql.execute("UPDATE organizations SET disabled_at = now() WHERE id = $1", org)
    assert name not in (await agency.page(f"{CLIENTS}?q=Half")).text.replace('value="Half"', "")


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard",
        "/orders",
        "/inventory",
        "/stores",
        "/stores/7",
        "/uploads",
        "/currencies",
        "/audit",
        "/restatements",
    ],
)
async def test_a_page_of_a_client_sends_a_superadmin_at_none_to_the_list_with_a_word_why(
    agency: Visitor, path: str
) -> None:
    answer = await agency.page(path)
    assert (answer.status, answer.location) == (303, CLIENTS)
    assert "Choose a client first" in (await agency.page(CLIENTS)).text
    assert "Choose a client first" not in (await agency.page(CLIENTS)).text
    told = await agency.get(path)
    assert (told.status, told.json()["details"]["code"]) == (400, "CHOOSE_ORGANIZATION"), (
        "a program is told as documented"
    )
