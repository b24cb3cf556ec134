"""The pages: what they say, who may change what, what is refused, what is written down."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from aiohttp import FormData

from portal.foundation.runtime import Runtime
from portal.rates.given import Given
from portal.tenancy.scope import tenant
from tests.commerce.made import order
from tests.conftest import SignIn
from tests.ledgers import now
from tests.rates.conftest import Bureau
from tests.visitors import HTML, Answer, Visitor

NOW = now()
TODAY = NOW.date()


async def _upload(visitor: Visitor, content: str, name: str = "rates.csv") -> Answer:
    form = FormData()
    form.add_field("csrf_token", visitor.csrf)
    form.add_field("file", content.encode(), filename=name)
    return await visitor.post("/currencies/files", data=form, headers={**HTML, "Origin": visitor.base})


async def _form(visitor: Visitor, **changes: str) -> Answer:
    values = {"currency": "SEK", "rate": "0.09", "day": TODAY.isoformat(), "base": "EUR"}
    return await visitor.submit("/currencies/rates", values | changes)


async def test_a_rate_given_in_the_form_adds_the_orders_that_waited_for_it(bureau: Bureau, sign_in: SignIn):
    await bureau.store.write(order("1", currency="SEK", at=NOW), order("2", currency="SEK", at=NOW))
    owner = await sign_in("owner", bureau.org)
    page = (await owner.page("/currencies")).text
    assert "2 orders in SEK are in no total: no rate yet." in page
    assert "Swedish Krona" in page
    assert (await _form(owner)).location == "/currencies"
    assert "Recalculating" in (await owner.page("/currencies")).text
    await bureau.work()
    page = (await owner.page("/currencies")).text
    assert "are in no total" not in page
    assert "0.09" in page
    assert await bureau.totals() == {"revenue": 18, "unconverted": 0}
    [entry] = await bureau.store.rows("SELECT action, target, after FROM audit_entries WHERE action LIKE 'rates.%'")
    assert (entry["action"], entry["target"]) == ("rates.give", f"SEK {TODAY}")
    assert (await owner.submit("/currencies/rates/remove", {"currency": "SEK", "day": TODAY.isoformat()})).status == 303
    await bureau.work()
    assert (await bureau.totals())["unconverted"] == 2


async def test_the_page_says_since_when_there_is_no_rate(bureau: Bureau, sign_in: SignIn):
    long_ago = TODAY - timedelta(days=12)
    await bureau.give("SEK", "0.09", long_ago)
    await bureau.store.write(order("1", currency="SEK", at=NOW))
    page = (await (await sign_in("owner", bureau.org)).page("/currencies")).text
    since = long_ago + timedelta(days=7)
    assert f"1 order in SEK is in no total: no rate since {since:%-d %b %Y}." in page
    assert "12 days old" in page


async def test_what_is_wrong_in_the_form_is_said_beside_the_field(bureau: Bureau, sign_in: SignIn):
    owner = await sign_in("owner", bureau.org)
    future = (TODAY + timedelta(days=9)).isoformat()
    for changes, field in (
        ({"rate": "0,09"}, "rate"),
        ({"rate": "-1"}, "rate"),
        ({"rate": "9" * 30}, "rate"),
        ({"currency": "Krona"}, "currency"),
        ({"currency": "EUR"}, "currency"),
        ({"day": future}, "day"),
        ({"day": "yesterday"}, "day"),
    ):
        answer = await _form(owner, **changes)
        assert (answer.status, f'id="f-{field}-error"' in answer.text) == (422, True), changes
    assert await bureau.rates() == {}


async def test_a_file_is_shown_with_what_it_would_change_before_anything_does(bureau: Bureau, sign_in: SignIn):
    await bureau.store.write(order("1", currency="SEK", total="11", at=NOW))
    owner = await sign_in("owner", bureau.org)
    sent = await _upload(owner, f"date,currency,rate\n{TODAY},SEK,11\n{TODAY},USD,1.1\n")
    assert sent.status == 303, sent.text
    page = (await owner.page(sent.location)).text
    assert "1 SEK = <b>11</b> EUR" in page
    assert "Turn it round" in page
    assert "<dt>Currencies</dt><dd>2, against EUR</dd>" in page
    assert await bureau.rates() == {}
    assert (await owner.submit(f"{sent.location}/turn", {})).status == 303
    page = (await owner.page(sent.location)).text
    assert "1 EUR = <b>11</b> SEK" in page
    assert await bureau.store.rows("SELECT FROM reratings") == []
    assert (await owner.submit(f"{sent.location}/take-over", {})).location == "/currencies"
    await bureau.work()
    assert await bureau.totals() == {"revenue": 1, "unconverted": 0}
    assert (await owner.submit(f"{sent.location}/take-over", {})).status == 404
    again = await _upload(owner, f"date,currency,rate\n{TODAY},SEK,0.1\n")
    assert (await owner.submit(f"{again.location}/discard", {})).status == 303
    assert (await owner.page(again.location)).status == 404


async def test_a_file_with_problems_lists_them_and_is_not_kept(bureau: Bureau, sign_in: SignIn):
    owner = await sign_in("owner", bureau.org)
    answer = await _upload(owner, "date;currency;rate\n2026-03-10;SEK;0,09\n")
    assert answer.status == 422
    assert "is written with a comma" in answer.text
    bomb = await _upload(owner, '<!DOCTYPE a [<!ENTITY b "c">]><Cube/>', "rates.xml")
    assert (bomb.status, "document type" in bomb.text) == (422, True)
    assert (await _upload(owner, "a,b\n1,2\n")).status == 422
    assert await bureau.store.rows("SELECT FROM rate_drafts") == []


async def test_operators_and_members_read_and_change_nothing(bureau: Bureau, sign_in: SignIn):
    await bureau.give("SEK", "0.09", TODAY)
    for role in ("operator", "member"):
        visitor = await sign_in(role, bureau.org)
        page = await visitor.page("/currencies")
        assert (page.status, "<form" in page.text.split('id="main"')[1]) == (200, False)
        assert (await visitor.page("/currencies/SEK")).status == 200
        assert (await visitor.page("/currencies/reporting")).status == 403
        for path in ("rates", "rates/remove", "settings", "reporting", "files"):
            assert (await visitor.submit(f"/currencies/{path}", {"currency": "SEK"})).status == 403, path
    agent = await sign_in("agent", bureau.org)
    assert (await agent.page("/currencies")).status == 403


async def test_another_organization_sees_nothing_of_it(bureau: Bureau, other_org: UUID, sign_in: SignIn):
    await bureau.give("SEK", "0.0912345", TODAY)
    owner, stranger = await sign_in("owner", bureau.org), await sign_in("owner", other_org)
    draft = (await _upload(owner, f"date,currency,rate\n{TODAY},SEK,11\n")).location
    assert "0.0912345" not in (await stranger.page("/currencies")).text
    assert (await stranger.page("/currencies/SEK")).status == 404
    assert "0.0912345" not in (await stranger.page("/currencies/rates.csv")).text
    for what in ("", "/take-over", "/turn"):
        answer = await (stranger.submit(f"{draft}{what}", {}) if what else stranger.page(draft))
        assert answer.status == 404
    await stranger.submit(f"{draft}/discard", {})
    assert (await owner.page(draft)).status == 200


async def test_the_rates_are_downloaded_as_they_are_used(bureau: Bureau, sign_in: SignIn):
    await bureau.store.write(order("1", currency="SEK", at=NOW))
    await bureau.give_all([Given(TODAY, "EUR", "SEK", Decimal("11.45"), True)])
    answer = await (await sign_in("operator", bureau.org)).page("/currencies/rates.csv")
    [row] = csv.DictReader(io.StringIO(answer.text))
    assert row == {
        "date": TODAY.isoformat(),
        "currency": "SEK",
        "rate": "0.0873362445414847",
        "reporting_currency": "EUR",
        "source": "file",
        "via": "",
    }


async def test_the_reporting_currency_is_previewed_and_then_changed(bureau: Bureau, sign_in: SignIn):
    await bureau.store.write(
        order("1", currency="SEK", total="11", at=NOW), order("2", currency="EUR", total="5", at=NOW)
    )
    await bureau.give_all([Given(TODAY, "EUR", "SEK", Decimal(11), True)])
    await bureau.work()
    owner = await sign_in("owner", bureau.org)
    page = (await owner.page("/currencies/reporting?currency=usd")).text
    assert "2 orders without a rate" in page
    assert "Every order has a rate" in (await owner.page("/currencies/reporting?currency=SEK")).text
    assert (await owner.page("/currencies/reporting?currency=EUR")).status == 422
    assert (await owner.submit("/currencies/reporting", {"currency": "SEK"})).status == 303
    assert "Changing all numbers to SEK" in (await owner.page("/currencies")).text
    await bureau.work()
    page = (await owner.page("/currencies")).text
    assert "Totals are in SEK" in page
    assert await bureau.totals() == {"revenue": 66, "unconverted": 0}


async def test_the_superadmin_changes_it_for_a_client(bureau: Bureau, sign_in: SignIn):
    admin = await sign_in("superadmin", bureau.org)
    assert (await admin.page("/currencies")).status == 200
    assert (await admin.submit("/currencies/settings", {"hold_days": "31"})).status == 303
    [row] = await bureau.store.rows("SELECT rates_hold_days FROM organizations")
    assert row["rates_hold_days"] == 31
    for wrong in ("0", "367", "x", "٣"):
        assert (await admin.submit("/currencies/settings", {"hold_days": wrong})).status == 422


async def test_the_rates_of_one_currency_are_paged_and_name_their_source(rt: Runtime, bureau: Bureau, sign_in: SignIn):
    await bureau.store.write(order("1", currency="SEK", at=NOW))
    await bureau.give_all([Given(TODAY - timedelta(days=n), "EUR", "SEK", Decimal(11), True) for n in range(70)])
    owner = await sign_in("owner", bureau.org)
    page = (await owner.page("/currencies/SEK")).text
    assert page.count("From a file") == 60
    older = (await owner.page(f"/currencies/SEK?before={TODAY - timedelta(days=59)}")).text
    assert older.count("From a file") == 10
    for wrong in ("/currencies/XQX", "/currencies/JPY", "/currencies/SEK?before=x"):
        assert (await owner.page(wrong)).status == 404


async def test_the_tile_names_currency_and_day_and_leads_to_the_rates(bureau: Bureau, sign_in: SignIn):
    await bureau.give("SEK", "0.09", TODAY - timedelta(days=9))
    await bureau.store.write(
        order("1", currency="SEK", at=NOW), order("2", currency="GBP", at=NOW), order("3", currency="GBP", at=NOW)
    )
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET last_success_at = now()")
    page = (await (await sign_in("owner", bureau.org)).page("/dashboard")).text
    assert (
        f"1 order in SEK is not in this total:</b> no rate to EUR since {TODAY - timedelta(days=2):%-d %b %Y}." in page
    )
    assert "2 orders in GBP are not in this total:</b> no rate to EUR yet." in page
    assert page.count('<a href="/currencies">See the rates</a>') == 2


async def test_a_store_in_another_currency_is_told_that_rates_are_missing(bureau: Bureau, sign_in: SignIn):
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await scope.sql.execute("UPDATE client_api_credentials SET store_currency = 'SEK'")
    owner, path = await sign_in("owner", bureau.org), f"/stores/{bureau.store.connection_id}"
    assert "Rates are missing: this store sells in SEK, totals are in EUR." in (await owner.page(path)).text
    page = (await owner.page("/currencies")).text
    assert "Swedish Krona" in page
    assert "No rate" in page
    await _form(owner)
    assert "Rates are missing" not in (await owner.page(path)).text
    await bureau.store.write(order("1", currency="GBP", at=NOW))
    assert "this store sells in GBP" in (await owner.page(path)).text


async def test_a_given_quote_that_leads_to_no_rate_is_listed_and_can_be_removed(bureau: Bureau, sign_in: SignIn):
    owner = await sign_in("owner", bureau.org)
    await _form(owner, currency="NOK", base="USD")
    assert "It is not used: the page of NOK says why." in (await owner.page("/currencies")).text
    page = (await owner.page("/currencies/NOK")).text
    assert "1 NOK = 0.09 USD" in page
    assert "No rate of USD to EUR was given that day" in page
    removed = await owner.submit(
        "/currencies/rates/remove", {"currency": "NOK", "base": "USD", "day": TODAY.isoformat()}
    )
    assert removed.location == "/currencies", "NOK has no page any more"
    assert f"Removed: 1 NOK = 0.09 USD, given for {TODAY:%-d %b %Y}." in (await owner.page("/currencies")).text
    assert await bureau.store.rows("SELECT FROM exchange_quotes") == []


async def test_a_quote_that_another_one_stands_before_is_removed_alone(bureau: Bureau, sign_in: SignIn):
    await bureau.give("NOK", "0.085", TODAY)
    await bureau.give("USD", "0.9", TODAY)
    await bureau.give("NOK", "0.09", TODAY, base="USD")
    owner = await sign_in("owner", bureau.org)
    assert "Another rate stands before it" in (await owner.page("/currencies/NOK")).text
    await owner.submit("/currencies/rates/remove", {"currency": "NOK", "base": "USD", "day": TODAY.isoformat()})
    page = (await owner.page("/currencies/NOK")).text
    assert "Given, but not used" not in page
    assert (await bureau.rates())["NOK", TODAY] == (Decimal("0.085"), "hand")


async def test_remove_stands_only_beside_a_given_rate_and_removing_nothing_says_so(bureau: Bureau, sign_in: SignIn):
    await bureau.store.write(order("1", currency="USD", at=NOW))
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await scope.sql.execute(
            "INSERT INTO exchange_rates (org_id, currency, day, rate, source) VALUES ($1, 'USD', $2, 0.9, 'fetched')",
            bureau.org,
            TODAY,
        )
    async with tenant(bureau.rt.database, bureau.org) as scope:
        await scope.sql.execute(
            "INSERT INTO exchange_quotes (org_id, day, base_currency, currency, rate, of_base, source)"
            " VALUES ($1, $2, 'USD', 'NOK', 10, true, 'file')",
            bureau.org,
            TODAY,
        )
    owner = await sign_in("owner", bureau.org)
    page = (await owner.page("/currencies/USD")).text
    assert "Fetched" in page
    assert "/currencies/rates/remove" not in page
    await owner.submit("/currencies/rates/remove", {"currency": "USD", "day": TODAY.isoformat()})
    page = (await owner.page("/currencies/USD")).text
    assert f"Nothing was given of USD for {TODAY:%-d %b %Y}. Nothing was removed." in page
    assert await bureau.store.rows("SELECT FROM audit_entries WHERE action = 'rates.remove'") == []
    assert len(await bureau.store.rows("SELECT FROM exchange_quotes")) == 1


async def test_the_reporting_currency_has_no_page_though_quotes_name_it(bureau: Bureau, sign_in: SignIn):
    await bureau.give_all([Given(TODAY, "USD", "EUR", Decimal("0.9"), True)], "hand")
    owner = await sign_in("owner", bureau.org)
    assert (await owner.page("/currencies/EUR")).status == 404
    assert "Given, but not used" not in (await owner.page("/currencies/USD")).text
    removed = await owner.submit(
        "/currencies/rates/remove", {"currency": "EUR", "base": "USD", "day": TODAY.isoformat()}
    )
    assert removed.location == "/currencies"
    assert await bureau.rates() == {}
