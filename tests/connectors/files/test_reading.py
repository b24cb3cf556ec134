from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.connectors.files import bounds, delimited, json_records, reading
from portal.connectors.files.layout import Layout
from portal.connectors.files.refusal import Refused
from portal.connectors.files.survey import survey

# Characters that a text file can hold; not those that a spreadsheet or XML cannot.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00\ufeff", exclude_categories=("Cc", "Cs")), max_size=12
)
CELL = TEXT.flatmap(lambda text: st.sampled_from([text, f'{text}"{text}', f"{text},{text};\n{text}"]))
Write = Callable[[bytes | str], Path]


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Write:
    path = tmp_path_factory.mktemp("files") / "file"

    def put(content: bytes | str) -> Path:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


def table(path: Path, name: str = "") -> tuple[tuple[str, ...], list[list[str | None]]]:
    layout = reading.recognised(path, survey(path).encoding, name)
    names = reading.columns(path, layout)
    return names, [list(cells) for _, cells in reading.rows(path, layout, names)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.lists(st.lists(CELL, min_size=3, max_size=3).filter(any), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\r\n", "\n"]),
)
def test_what_a_spreadsheet_writes_is_read_back_cell_by_cell(
    write: Write, rows: list[list[str]], delimiter: str, encoding: str, end: str
) -> None:
    out = io.StringIO(newline="")
    made = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    made.writerows([["one", "two", "three"], *rows])
    path = write(out.getvalue().encode(encoding))
    found = survey(path)
    layout = Layout(encoding=found.encoding, delimiter=delimiter)
    assert delimited.header(path, layout) == ("one", "two", "three")
    assert [list(cells) for _, cells in delimited.rows(path, layout)] == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(write: Write, delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in (("id", "name"), ("1", '"a, b; c"'), ("2", "x"))]
    assert table(write("\n".join(lines))) == (("id", "name"), [["1", "a, b; c"], ["2", "x"]])


def test_lines_are_counted_as_an_editor_counts_them(write: Write) -> None:
    path = write('id,note\n1,"two\nlines"\n\n2,x\n')
    assert [line for line, _ in delimited.rows(path, Layout())] == [2, 5]


RECORDS = st.lists(
    st.dictionaries(
        st.sampled_from(["id", "name", "total"]), st.one_of(TEXT, st.integers(), st.booleans(), st.none()), min_size=1
    ),
    min_size=1,
    max_size=6,
)


def said(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(RECORDS, st.sampled_from(["array", "wrapped", "lines"]), st.sampled_from([None, 2]), st.integers(1, 60))
def test_json_is_read_record_by_record_wherever_the_pieces_end(
    write: Write, records: list[dict[str, Any]], form: str, indent: int | None, piece: int
) -> None:
    if form == "lines":
        text = "\n".join(json.dumps(record) for record in records)
    else:
        text = json.dumps(
            records if form == "array" else {"page": 1, "orders": records, "more": {"x": [1]}}, indent=indent
        )
    path = write(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_records, "CHUNK", piece)
        way = json_records.json_lines if form == "lines" else json_records.json_array
        assert [record for _, record in way(path, "utf-8")] == [
            {name: value if value is None else said(value) for name, value in record.items()} for record in records
        ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=300) | st.text('{}[]",:1ae \n\\<>&/!', max_size=80).map(str.encode))
def test_any_bytes_are_rows_or_a_refusal_and_never_an_error(write: Write, content: bytes) -> None:
    with suppress(Refused):
        table(write(content))


def test_numbers_of_json_keep_every_digit(write: Write) -> None:
    _, rows = table(write('[{"total": 0.1, "id": 12345678901234567890, "tax": 1.10, "rate": 5E-1}]'))
    assert rows == [["0.1", "12345678901234567890", "1.10", "0.5"]]


def test_line_items_of_nested_records_become_rows(write: Write) -> None:
    lines = "<lines><line><sku>A</sku></line><line><sku>B</sku></line></lines>"
    xml = f"<shop><o n='1'><buyer><mail>a@b.c</mail></buyer>{lines}</o></shop>"
    assert table(write(xml)) == (
        ("n", "buyer.mail", "lines.sku"),
        [["1", "a@b.c", "A"], ["1", "a@b.c", "B"]],
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(st.lists(TEXT.map(str.strip).filter(bool), min_size=1, max_size=6))
def test_xml_text_is_read_as_it_is(write: Write, texts: list[str]) -> None:
    path = write("<r>" + "".join(f"<x><name>{escape(text)}</name></x>" for text in texts) + "</r>")
    assert table(path) == (("name",), [[text] for text in texts])


def test_a_line_longer_than_the_bound_is_refused_before_it_is_in_memory(write: Write) -> None:
    with pytest.raises(Refused, match="more than"):
        table(write(b"id,note\n1," + b"x" * (bounds.MAX_LINE + 10)))
    with pytest.raises(Refused, match="more than"):
        table(write(b'[{"id": 1, "note": "' + b"x" * (2 * bounds.MAX_LINE) + b'"}]'))
    with pytest.raises(Refused, match="more than"):
        table(write(b"<r><x><note>" + b"x" * (2 * bounds.MAX_LINE) + b"</note></x></r>"))


@pytest.mark.parametrize(
    "endless",
    [
        b"<r><" + b"x" * 6_000_000,
        b"<r><!-- " + b"x" * 6_000_000,
        b"<r><x a='" + b"x" * 6_000_000,
        b"<?x " + b"x" * 6_000_000,
    ],
    ids=["a name", "a comment", "an attribute", "an instruction"],
)
def test_a_tag_without_an_end_is_refused_before_it_is_looked_at_again_and_again(write: Write, endless: bytes) -> None:
    with pytest.raises(Refused, match="longer than"):
        table(write(endless))


def test_blanks_between_records_of_xml_may_be_many(write: Write) -> None:
    blanks = b" \n" * 3_000_000
    content = blanks.join([b"<r>", b"<x><id>1</id></x>", b"<x><id>2</id></x>", b"</r>", b""])
    assert table(write(content)) == (("id",), [["1"], ["2"]])


@pytest.mark.parametrize("encoding", ["utf-7", "shift_jis", "gb2312", "no-such-encoding"])
def test_xml_in_an_encoding_that_is_not_read_is_refused(write: Write, encoding: str) -> None:
    with pytest.raises(Refused, match=r"encoding|unknown"):
        table(write(f'<?xml version="1.0" encoding="{encoding}"?><orders><order><id>1</id></order></orders>'))


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("Müller".encode(), "utf-8"),
        ("Müller".encode("utf-8-sig"), "utf-8-sig"),
        ("Müller".encode("utf-16"), "utf-16"),
        ("5 €".encode("cp1252"), "cp1252"),
        ("Müller".encode("latin-1"), "latin-1"),
        (b"plain", "utf-8"),
    ],
)
def test_the_encoding_is_found(write: Write, content: bytes, encoding: str) -> None:
    assert survey(write(content)).encoding == encoding


def test_a_character_on_the_border_of_two_pieces_is_whole(write: Write) -> None:
    assert survey(write(b"x" * ((1 << 20) - 1) + "ü".encode())).encoding == "utf-8"


def test_another_encoding_than_the_files_is_said_at_its_line(write: Write) -> None:
    path = write("id,name\n1,Müller\n".encode("cp1252"))
    with pytest.raises(Refused, match="not UTF-8"):
        list(reading.rows(path, Layout(encoding="utf-8"), ("id", "name")))
