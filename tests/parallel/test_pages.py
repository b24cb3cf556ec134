"""The comparison's page over HTTP: who may look, who may decide, what is pushed to open dashboards, what is downloaded."""

from __future__ import annotations

import csv
import io
import re
from uuid import UUID

import pytest

from portal.commerce.records import Deleted
from portal.foundation.runtime import Runtime
from tests import ledgers
from tests.conftest import SignIn
from tests.dashboard.test_live import listening
from tests.ledgers import line, order, refund
from tests.parallel.conftest import Both, day, make_both, noon, sale
from tests.visitors import Visitor


def hidden(text: str, form: str, name: str) -> str:
    found = re.search(rf'action="{form}".*?name="{name}" value="([^"]*)"', text, re.S)
    assert found, text
    return found[1]


@pytest.fixture
async def owner(both: Both, sign_in: SignIn) -> Visitor:
    visitor: Visitor = await sign_in("owner", both.org)
    return visitor


async def test_the_page_shows_what_is_even_and_offers_the_day(both: Both, owner: Visitor) -> None:
    text = (await owner.page(f"/stores/{both.new}/parity")).text
    assert "Even on every day" in text
    assert f'value="{day(9)}"' in text
    await both.write(both.new, [sale(3, "50", "extra")])
    for show, words in (("days", "→ $153.00"), ("skus", "→ 10"), ("orders", "On one side")):
        page = await owner.page(f"/stores/{both.new}/parity?show={show}&span=all")
        assert page.status == 200
        assert "Different on 1 of 9 days" in page.text
        assert words in page.text


async def test_an_order_that_differs_by_its_refund_says_so_on_the_page_and_in_the_csv(
    both: Both, owner: Visitor
) -> None:
    back = sale(4, "20", "back")
    await both.write(both.old, [back, refund(back, "5", at=noon(3))])
    await both.write(both.new, [back])
    text = (await owner.page(f"/stores/{both.new}/parity?show=orders")).text
    assert "$5.00 refunded" in text
    assert "compared by day only" not in text
    rows = list(csv.DictReader(io.StringIO((await owner.get(f"/stores/{both.new}/parity.csv?show=orders")).text)))
    assert [(row["shown"], row["refunded_old"], row["refunded_new"], row["refund_day_new"]) for row in rows] == [
        ("back", "5", "0", "")
    ]


async def test_amounts_without_a_rate_are_said_to_be_left_out_where_they_are(both: Both, owner: Visitor) -> None:
    yen = order("900", line("YEN", "900"), at=noon(20), id="yen", number="yen", currency="JPY")
    await both.write(both.old, [yen])
    text = (await owner.page(f"/stores/{both.new}/parity?show=skus&span=all")).text
    assert "1 days with 1 orders and $0.00 (1 of them have no rate and are in no sum)" in text
    assert "no rate to USD" not in text, "not of the days that are compared"
    for which in (both.old, both.new):
        later = order("900", line("YEN", "900"), at=noon(3), id="later", number="later", currency="JPY")
        await both.write(which, [later])
    text = (await owner.page(f"/stores/{both.new}/parity?show=skus&span=all")).text
    assert "2 orders have no rate to USD." in text
    assert "Amounts in USD." in text
    assert "no rate to USD" not in (await owner.page(f"/stores/{both.new}/parity?show=days&span=all")).text


async def test_a_switch_by_the_form_and_back_is_pushed_to_an_open_dashboard(
    rt: Runtime, both: Both, owner: Visitor
) -> None:
    await both.write(both.new, [sale(0, "1000", "today")])
    base = f"/stores/{both.new}"
    seen = hidden((await owner.page(f"{base}/parity")).text, f"{base}/switch", "seen")
    form = {"against": str(both.old), "day": day(4).isoformat(), "seen": seen}
    async with listening(owner, "/ws/dashboard?since=99") as live:
        assert (await live.next())["type"] == "hello"
        done = await owner.submit(f"{base}/switch", form)
        assert (done.status, done.location) == (303, f"{base}/parity")
        assert "$1,100.00" in (await live.parts("strip"))["strip"]["html"]
        text = (await owner.page(f"{base}/parity")).text
        assert "Switch back" in text
        assert (await owner.submit(f"{base}/switch", form)).status == 409, "the same form from another tab"
        number = hidden(text, f"{base}/switch-back", "switch")
        assert (await owner.submit(f"{base}/switch-back", {"switch": number})).status == 303
        while "$1,100.00" in (await live.parts("strip"))["strip"]["html"]:
            pass  # the first switch is told again with the stores' standing
    trail = (await owner.page("/audit")).text
    assert "store.switch" in trail
    assert "store.switch_back" in trail


async def test_a_day_that_cannot_be_comes_back_with_the_reason(both: Both, owner: Visitor) -> None:
    base = f"/stores/{both.new}"
    seen = hidden((await owner.page(f"{base}/parity")).text, f"{base}/switch", "seen")
    for wrong in (day(20).isoformat(), "", "yesterday", "2026-02-30"):
        answer = await owner.submit(f"{base}/switch", {"against": str(both.old), "day": wrong, "seen": seen})
        assert answer.status == 422, wrong
    assert (
        "counted by nobody"
        in (
            await owner.submit(f"{base}/switch", {"against": str(both.old), "day": day(20).isoformat(), "seen": seen})
        ).text
    )


async def test_the_old_sources_page_says_what_it_holds(both: Both, owner: Visitor) -> None:
    await both.switch(day(4))
    text = (await owner.page(f"/stores/{both.old}/parity")).text
    assert "Keep Uploaded files connected." in text
    assert "5 orders" in text


async def test_only_owners_decide_and_everyone_of_the_house_may_look(both: Both, sign_in: SignIn) -> None:
    for role in ("member", "operator"):
        visitor = await sign_in(role, both.org)
        page = await visitor.page(f"/stores/{both.new}/parity")
        assert page.status == 200
        assert f'action="/stores/{both.new}/switch"' not in page.text
        for deed in ("switch", "switch-back", "shadow"):
            assert (await visitor.submit(f"/stores/{both.new}/{deed}", {})).status == 403
    assert (await (await sign_in("agent", both.org)).page(f"/stores/{both.new}/parity")).status == 403


async def test_an_outsider_finds_nothing(both: Both, other_org: UUID, sign_in: SignIn) -> None:
    outsider = await sign_in("owner", other_org)
    assert (await outsider.page(f"/stores/{both.new}/parity")).status == 404
    assert (await outsider.page(f"/stores/{both.new}/parity.csv")).status == 404
    for deed in ("switch", "switch-back", "shadow"):
        assert (
            await outsider.submit(f"/stores/{both.new}/{deed}", {"against": str(both.old), "how": "entirely"})
        ).status == 404
    theirs = await ledgers.connect(both.rt, other_org)
    insider = await sign_in("owner", both.org)
    assert (await insider.page(f"/stores/{both.new}/parity?against={theirs}")).status == 404


async def test_the_download_has_every_row(both: Both, owner: Visitor) -> None:
    await both.write(both.new, (sale(3, "1", f"=n{n:04}") for n in range(700)))
    answer = await owner.get(f"/stores/{both.new}/parity.csv?show=orders")
    lines = answer.text.strip().split("\r\n")
    assert lines[0].startswith("kind,shown,id_old,id_new")
    assert len(lines) == 701
    assert all(",'=n" in each for each in lines[1:]), "no cell that a spreadsheet would run"
    days = (await owner.get(f"/stores/{both.new}/parity.csv?show=days")).text.strip().split("\r\n")
    assert len(days) == 10


async def test_without_a_second_source_there_is_nothing_to_compare(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    only = await ledgers.connect(rt, org)
    assert "nothing to compare" in (await (await sign_in("owner", org)).page(f"/stores/{only}/parity")).text


async def test_sources_without_a_common_day_say_so(rt: Runtime, org: UUID, sign_in: SignIn) -> None:
    made = await make_both(rt, org)
    await made.write(made.old, [sale(3, "1", "a")])
    text = (await (await sign_in("owner", org)).page(f"/stores/{made.new}/parity")).text
    assert "There is no day that both have completely." in text


async def test_a_new_store_may_begin_in_shadow_only_beside_another(
    both: Both, owner: Visitor, sign_in: SignIn, other_org: UUID
) -> None:
    assert 'name="shadow"' in (await owner.page("/stores/new")).text
    assert 'name="shadow"' not in (await (await sign_in("owner", other_org)).page("/stores/new")).text
    assert "In shadow" in (await owner.page("/stores")).text


async def test_a_day_that_another_source_counts_for_is_not_said_of_the_totals(both: Both, owner: Visitor) -> None:
    await both.write(both.old, [sale(3, "50", "extra")])
    told = f"Uploaded files: {day(3):%A %-d %b} was"
    assert told in (await owner.page("/dashboard")).text
    listed = (await owner.page("/restatements")).text
    assert "not in the totals" not in listed
    assert f"/orders?day={day(3)}&amp;store={both.old}" in listed
    await both.write(both.new, [sale(3, "50", "extra")])
    await both.switch(day(5))
    assert told not in (await owner.page("/dashboard")).text
    assert "Uploaded files, not in the totals" in (await owner.page("/restatements")).text


async def test_what_a_switch_restates_is_said_of_the_totals_wherever_it_is_written_down(
    both: Both, owner: Visitor
) -> None:
    await both.write(both.old, [sale(8, "50", "extra")])
    await both.switch(None)
    assert "source switched" in (await owner.page("/dashboard")).text
    await both.back()
    assert "source switched" in (await owner.page("/dashboard")).text


async def test_by_default_it_is_compared_with_a_source_that_has_orders(both: Both, owner: Visitor) -> None:
    other = await ledgers.connect(both.rt, both.org, "Zweiter Laden")
    await ledgers.finish_streams(both.rt, both.org, other)
    await both.write(other, (sale(ago, f"{100 + ago}", f"{1000 + ago}", f"y{ago}") for ago in range(10)))
    path = f"/stores/{both.new}/parity"
    assert "Shop API against Uploaded files" in (await owner.page(path)).text
    gone = [Deleted(of="orders", external_id=f"x{ago}", modified_at=ledgers.now()) for ago in range(10)]
    await ledgers.write(both.rt, both.org, both.old, *gone)  # its only upload is undone
    text = (await owner.page(path)).text
    assert "Shop API against Zweiter Laden" in text
    assert "Even on every day" in text
    asked = (await owner.page(f"{path}?against={both.old}")).text
    assert "Uploaded files has no orders." in asked
    assert f'<option value="{other}"' in asked, "another one can be chosen"
