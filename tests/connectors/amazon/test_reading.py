from __future__ import annotations

import gzip
import io

import pytest

from portal.connectors.amazon.reading import Reading
from portal.foundation.errors import Permanent, Temporary

HEAD = "amazon-order-id\tsku\tproduct-name"


def reading(text: str | bytes, *, packed: bool = True, charset: str = "") -> Reading:
    raw = text if isinstance(text, bytes) else text.encode()
    return Reading("doc", io.BytesIO(gzip.compress(raw) if packed else raw), charset)


def lines(*rows: str) -> str:
    return "\n".join([HEAD, *rows, ""])


@pytest.mark.parametrize("packed", [True, False])
def test_rows_of_one_order_come_together(packed: bool) -> None:
    part = reading(lines("1\ta\tx", "1\tb\ty", "2\tc\tz"), packed=packed).part(10)
    assert [[row["sku"] for row in rows] for rows in part.orders] == [["a", "b"], ["c"]]
    assert (part.finished, part.scattered) == (True, [])


def test_a_reading_goes_on_where_another_one_stopped() -> None:
    text = lines(*(f"{number}\ts{number}\tx" for number in range(10)))
    first = reading(text)
    begun = first.part(4)
    assert first.line == 4
    second = reading(text)
    second.skip(first.line)
    rest = second.part(100)
    assert [rows[0]["amazon-order-id"] for rows in (*begun.orders, *rest.orders)] == [str(n) for n in range(10)]


def test_an_order_whose_rows_are_scattered_is_handed_out_to_be_asked_for() -> None:
    text = lines("1\ta\tx", "2\tb\ty", "1\tc\tz")
    assert reading(text).part(10).scattered == ["1"]
    later = reading(text)
    later.skip(2)
    assert later.part(10).scattered == ["1"]


def test_quotes_are_letters_like_others_and_short_rows_are_filled() -> None:
    part = reading(lines('1\t5" pipe\t"quoted', "2")).part(10)
    assert part.orders[0][0]["sku"] == '5" pipe'
    assert part.orders[1][0].get("sku") is None


@pytest.mark.parametrize(("charset", "given"), [("utf-8", ""), ("cp1252", ""), ("cp932", "cp932")])
def test_names_arrive_whatever_the_encoding(charset: str, given: str) -> None:
    name = "急須" if charset == "cp932" else "Kännchen für Öl"
    part = reading(lines(f"1\ta\t{name}").encode(charset), charset=given).part(10)
    assert part.orders[0][0]["product-name"] == name


def test_windows_line_ends_a_byte_order_mark_and_empty_lines_do_no_harm() -> None:
    text = "\ufeff" + lines("1\ta\tx", "", "2\tb\ty").replace("\n", "\r\n")
    assert len(reading(text).part(10).orders) == 2


def test_an_empty_report_has_no_orders() -> None:
    assert reading("").part(10).finished
    assert reading(HEAD).part(10).finished


def test_a_document_that_ends_early_is_temporary() -> None:
    packed = gzip.compress(lines(*(f"{number}\ts\tx" for number in range(5000))).encode())
    cut = Reading("doc", io.BytesIO(packed[: len(packed) // 2]))
    with pytest.raises(Temporary):
        cut.part(10_000)


def test_another_file_is_refused() -> None:
    with pytest.raises(Permanent, match="no column 'amazon-order-id'"):
        reading("error\nno such report\n").part(10)


def test_a_line_without_an_end_is_refused() -> None:
    with pytest.raises(Permanent, match="megabyte"):
        reading(HEAD + "\n" + "x" * (2 << 20)).part(10)


def test_a_report_that_became_shorter_cannot_be_gone_on_with() -> None:
    with pytest.raises(Permanent, match="shorter"):
        reading(lines("1\ta\tx")).skip(5)
