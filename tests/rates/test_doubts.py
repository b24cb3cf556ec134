"""A rate that is far from its neighbours: asked about in the form, warned of before a file is taken over."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from portal.rates.doubts import doubts
from portal.rates.given import Given
from portal.rates.giving import give
from portal.tenancy.scope import tenant
from tests.commerce.made import order
from tests.conftest import SignIn
from tests.rates.conftest import Bureau
from tests.rates.test_pages import NOW, TODAY, _form, _upload
from tests.visitors import Answer

WEEK_AGO = TODAY - timedelta(days=7)
QUESTION = "0.09 is a tenth of the last rate, 0.917: take it all the same?"


def _asked(answer: Answer) -> str:
    return answer.text.split('name="confirmed" value="')[1].split('"')[0]


async def test_a_tenth_of_the_last_rate_is_asked_about_once_and_then_taken(bureau: Bureau, sign_in: SignIn):
    await bureau.give("USD", "0.917", WEEK_AGO)
    owner = await sign_in("owner", bureau.org)
    answer = await _form(owner, currency="USD")
    assert (answer.status, QUESTION in answer.text, "Take it all the same" in answer.text) == (422, True, True)
    assert len(await bureau.rates()) == 1, "nothing is taken before it is confirmed"
    assert await bureau.store.rows("SELECT FROM audit_entries WHERE action = 'rates.give'") == []
    confirmed = _asked(answer)
    other = await _form(owner, currency="USD", rate="0.05", confirmed=confirmed)
    assert (other.status, "0.05 is 1/18 of the last rate" in other.text) == (422, True), (
        "another rate is another question"
    )
    assert (await _form(owner, currency="USD", confirmed=confirmed)).status == 303
    assert (await bureau.rates())["USD", TODAY] == (Decimal("0.09"), "hand")
    assert (await _form(owner, currency="USD", rate="0.917")).status == 303, "back to the rate before it: no question"


async def test_a_rate_within_a_factor_of_two_is_taken_without_a_question(bureau: Bureau, sign_in: SignIn):
    await bureau.give("USD", "0.9", WEEK_AGO)
    owner = await sign_in("owner", bureau.org)
    assert (await _form(owner, currency="USD", rate="0.45")).status == 303
    assert (await _form(owner, currency="SEK", rate="900")).status == 303, "the first rate has no neighbour"


@pytest.mark.parametrize(("there", "which"), [(0, "previous"), (1, "next")])
async def test_where_no_rate_is_before_it_the_one_it_replaces_or_the_next_is_its_neighbour(
    bureau: Bureau, sign_in: SignIn, there: int, which: str
):
    await bureau.give("USD", "0.5", WEEK_AGO + timedelta(days=there))
    answer = await _form(await sign_in("owner", bureau.org), currency="USD", rate="5", day=WEEK_AGO.isoformat())
    assert (answer.status, f"5 is 10 times the {which} rate, 0.5" in answer.text) == (422, True)


async def test_a_file_with_a_slipped_point_is_warned_of_and_taken_when_it_is_wanted(bureau: Bureau, sign_in: SignIn):
    await bureau.store.write(order("1", currency="USD", at=NOW))
    await bureau.give("USD", "0.917", WEEK_AGO)
    owner = await sign_in("owner", bureau.org)
    day = TODAY - timedelta(days=1)
    sent = await _upload(owner, f"date,currency,rate\n{day},USD,0.92\n{TODAY},USD,0.09\n")
    page = (await owner.page(sent.location)).text
    assert "One rate is far from the rate before or after." in page
    assert f"USD on {TODAY:%-d %b %Y}: 0.09 is a tenth of the last rate, 0.92 ({day:%-d %b %Y})." in page
    assert (await owner.submit(f"{sent.location}/take-over", {})).status == 303
    assert (await bureau.rates())["USD", TODAY][0] == Decimal("0.09")
    calm = await _upload(owner, f"date,currency,rate\n{WEEK_AGO},USD,0.918\n")
    assert "far from the rate" not in (await owner.page(calm.location)).text


async def test_a_file_the_other_way_round_is_told_though_its_own_rates_agree(bureau: Bureau):
    await bureau.give("SEK", "0.09", WEEK_AGO)
    days = [WEEK_AGO + timedelta(days=n) for n in range(3)]
    async with tenant(bureau.rt.database, bureau.org) as scope:
        shifts = await give(scope, [Given(day, "EUR", "SEK", Decimal("11"), False) for day in days], "file", "tests")
        [doubt] = await doubts(scope, shifts)
    assert doubt.sentence == "11 is 122 times the previous rate, 0.09"
