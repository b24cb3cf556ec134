"""Files of rates as people and banks write them, and as attackers do."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from portal.connectors.files.refusal import Refused
from portal.rates.given import Given
from portal.rates.reading import Sheet, read

TODAY = date(2026, 11, 22)
XML = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <gesmes:Sender><gesmes:name>A central bank</gesmes:name></gesmes:Sender>
  <Cube>
    <Cube time="2026-11-20"><Cube currency="USD" rate="1.0512"/><Cube currency="SEK" rate="11.4505"/></Cube>
    <Cube time="2026-11-19"><Cube currency="SEK" rate="11.44"/></Cube>
  </Cube>
</gesmes:Envelope>"""


@pytest.fixture
def reading(tmp_path: Path):
    def of(content: str | bytes, name: str = "rates.csv", reporting: str = "EUR") -> Sheet:
        path = tmp_path / "file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read(path, name, reporting, TODAY)

    return of


def test_the_central_banks_xml_is_per_euro(reading):
    sheet = reading(XML, "eurofxref.xml")
    assert sheet.layout == "cubes"
    assert sheet.given == [
        Given(date(2026, 11, 20), "EUR", "USD", Decimal("1.0512"), True),
        Given(date(2026, 11, 20), "EUR", "SEK", Decimal("11.4505"), True),
        Given(date(2026, 11, 19), "EUR", "SEK", Decimal("11.44"), True),
    ]


def test_the_central_banks_csv_has_a_column_for_each_currency_and_gaps(reading):
    sheet = reading("Date,USD,SEK,BGN,\n2026-11-20,1.0512,11.4505,N/A,\n2026-11-19,1.05,,N/A,\n")
    assert sheet.layout == "table"
    assert [(each.day.day, each.currency, str(each.rate)) for each in sheet.given] == [
        (20, "USD", "1.0512"),
        (20, "SEK", "11.4505"),
        (19, "USD", "1.05"),
    ]
    daily = reading("Date, USD, SEK, \n20 November 2026, 1.0512, 11.4505, \n")
    assert [each.day for each in daily.given] == [date(2026, 11, 20)] * 2


def test_a_plain_file_says_what_one_unit_costs_and_with_a_base_what_the_base_costs(reading):
    assert reading("date,currency,rate\n2026-11-20,SEK,0.0873\n").given == [
        Given(date(2026, 11, 20), "EUR", "SEK", Decimal("0.0873"), False)
    ]
    based = reading("Date;Base;Currency;Rate\n2026-11-20;USD;SEK;10.89\n2026-11-20;;NOK;0.085\n")
    assert based.given == [
        Given(date(2026, 11, 20), "USD", "SEK", Decimal("10.89"), True),
        Given(date(2026, 11, 20), "EUR", "NOK", Decimal("0.085"), False),
    ]


def test_every_row_that_is_not_right_is_told_with_its_line_and_nothing_is_given(reading):
    sheet = reading(
        "date;currency;rate\n2026-11-20;SEK;0,0873\n20.11.2026;SEK;0.0873\n2026-11-20;SEK;0.0873\n2026-11-20;XXQ;1\n"
        "2026-11-20;NOK;-1\n2026-11-20;NOK;0\n2026-11-24;NOK;1\n1875-01-01;NOK;1\n2026-11-20;EUR;1\n2026-11-20;SEK;0.09\n"
        "2026-11-19;GBP\n2026-11-19;GBP;1e5\n2026-02-30;GBP;1\n"
    )
    assert sheet.given == []
    told = [(each.line, each.problem) for each in sheet.problems]
    assert told == [
        (2, "“0,0873” is written with a comma"),
        (3, "“20.11.2026” is not a date here"),
        (5, "“XXQ” is not a currency"),
        (6, "“-1” is not a rate"),
        (7, "The rate is zero"),
        (8, "2026-11-24 is in the future"),
        (9, "1875-01-01 is before 1990"),
        (10, "EUR is rated in itself"),
        (11, "SEK on 2026-11-20 is given twice, differently"),
        (12, "The row has too few cells"),
        (13, "“1e5” is not a rate"),
        (14, "“2026-02-30” is not a date here"),
    ]
    assert all(each.remedy for each in sheet.problems)


def test_problems_in_xml_name_their_line(reading):
    [problem] = reading(XML.replace('rate="11.44"', 'rate="11,44"')).problems
    assert (problem.line, problem.field) == (7, "SEK")


BOMB = (
    '<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    '<Cube><Cube time="2026-11-20"><Cube currency="SEK" rate="&b;"/></Cube></Cube>'
)
REFUSED = [
    (BOMB, "document type"),
    ('<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]><Cube>&a;</Cube>', "document type"),
    ("<Cube>" * 100_000, "nested too deep"),
    (XML[:-40], "cut off"),
    ("<Cube " + "x" * 6_000_000, "longer than"),
    ('<?xml version="1.0" encoding="shift_jis"?><Cube/>', "encoding"),
    ("<Cube><Cube time='2026-11-20'/></Cube>", "no rates"),
    ("name,amount\nx,1\n", "not those of exchange rates"),
    ('[{"date": "2026-11-20"}]', "JSON"),
    (b"PK\x03\x04rest", "zip archive"),
    (b"", "empty"),
    ("date,currency,rate\n", "no rates"),
    (b"date,currency,rate\n\x00", "binary"),
]


@pytest.mark.parametrize(("content", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_is_no_file_of_rates_is_refused_with_its_reason(reading, content: str | bytes, reason: str):
    with pytest.raises(Refused) as refused:
        reading(content)
    assert reason in refused.value.reason


def test_years_of_rates_are_read_at_once(reading):
    days = [date.fromordinal(date(2000, 1, 3).toordinal() + n) for n in range(1000)]
    names = ("USD", "JPY", "GBP", "SEK", "PLN", "CHF", "NOK", "DKK", "CZK", "HUF")
    text = (
        "Date," + ",".join(names) + "\n" + "".join(f"{day}," + ",".join("1.2345" for _ in names) + "\n" for day in days)
    )
    assert len(reading(text).given) == 10_000
