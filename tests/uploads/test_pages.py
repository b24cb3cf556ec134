"""The pages: who may, what is refused, what is remembered, what an outsider finds."""

from __future__ import annotations

import asyncio
import csv
import errno
import io
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform
from portal.uploads import worker
from tests.conftest import SignIn
from tests.uploads.conftest import ORDERS, Desk, kept_files, send
from tests.visitors import HTML


async def test_the_columns_are_guessed_shown_and_previewed(desk: Desk) -> None:
    upload_id = await desk.receive("Bestellnr;Datum;Betrag;Kunde\n1;02.11.2026;1.234,50 €;Müller\n".encode("cp1252"))
    page = (await desk.visitor.page(f"/uploads/{upload_id}")).text
    assert '<option value="Bestellnr" selected>' in page
    assert "1,234.50 EUR" in page
    assert "2 Nov 2026" in page
    assert "Müller" in page
    assert '<option value="cp1252" selected>' in page
    assert '<option value="," selected>comma: 1.234,56' in page
    assert '<option value=";" selected>' in page


async def test_a_day_that_could_be_a_month_is_pointed_out(desk: Desk) -> None:
    open_to_both = await desk.receive("id,date,total\n1,03/04/2026,1.00\n")
    assert "Day or month first?" in (await desk.visitor.page(f"/uploads/{open_to_both}")).text
    clear = await desk.receive("id,date,total\n1,03/14/2026,1.00\n")
    page = (await desk.visitor.page(f"/uploads/{clear}")).text
    assert "Day or month first?" not in page
    assert '<option value="mdy" selected>' in page


async def test_a_mapping_is_remembered_for_the_next_file_with_this_header(
    desk: Desk, other_org: UUID, sign_in: SignIn
) -> None:
    odd = "A,B,C,D\nx1,2026-11-02,5.00,7.00\n"
    first = await desk.receive(odd)
    assert (await desk.load(first)).mapping == {}
    await desk.choose(first, **{"col-id": "A", "col-created_at": "B", "col-total": "D"})
    second = await desk.receive("C,D,B,A\n1.00,2.00,2026-11-04,x2\n")
    assert (await desk.load(second)).mapping == {"id": "A", "created_at": "B", "total": "D"}
    assert (await desk.load(await desk.receive(odd, "products"))).mapping == {}
    other = Desk(desk.rt, other_org, await sign_in("owner", other_org))
    assert (await other.load(await other.receive(odd))).mapping == {}


async def test_a_column_that_must_be_chosen_is_asked_for_beside_its_field(desk: Desk) -> None:
    upload_id = await desk.receive("A,B\nx,y\n")
    answer = await desk.choose(upload_id)
    assert answer.status == 422
    assert 'id="f-col-id-error"' in answer.text
    assert 'id="f-col-created_at-error"' in answer.text
    twice = await desk.choose(upload_id, **{"col-id": "A", "col-created_at": "A", "col-total": "B"})
    assert "is also chosen for" in twice.text
    assert (await desk.load(upload_id)).status == "draft"


async def test_another_delimiter_reads_the_file_anew(desk: Desk) -> None:
    upload_id = await desk.receive("id|date|total\n1|2026-11-02|1.00\n")
    assert (await desk.load(upload_id)).layout.delimiter == "|"
    await desk.choose(upload_id, delimiter=";")
    assert (await desk.load(upload_id)).names == ("id|date|total",)
    await desk.choose(upload_id, delimiter="|")
    upload = await desk.load(upload_id)
    assert (upload.status, upload.mapping["total"]) == ("draft", "total")
    assert (await desk.choose(upload_id, delimiter="x")).status == 422


async def test_a_change_shows_the_rows_anew_as_a_fragment_and_keeps_the_page(desk: Desk) -> None:
    upload_id = await desk.receive("id,date,total\n1,03/04/2026,1.00\n")
    assert "4 Mar 2026" not in (await desk.visitor.page(f"/uploads/{upload_id}")).text
    path, hx = f"/uploads/{upload_id}/columns", {**HTML, "HX-Request": "true", "X-CSRF-Token": desk.visitor.csrf}
    values = {"col-id": "id", "col-created_at": "date", "col-total": "total", "dates": "mdy", "decimal": "."}
    fragment = await desk.visitor.request("POST", path, data=values, headers=hx)
    assert (fragment.status, "<html" in fragment.text) == (200, False)
    assert "4 Mar 2026" in fragment.text
    assert 'id="columns"' in fragment.text
    wrong = await desk.visitor.request("POST", path, data={**values, "currency": "euro"}, headers=hx)
    assert (wrong.status, "<html" in wrong.text, 'id="f-currency-error"' in wrong.text) == (422, False, True)
    again = await desk.visitor.request("POST", path, data={**values, "delimiter": ";"}, headers=hx)
    assert "read in another way now" in again.text


async def test_the_report_names_line_column_problem_and_remedy_and_runs_nothing(desk: Desk) -> None:
    upload = await desk.checked(
        "Order number,Date,Total,E-mail\n"
        "1,2026-13-45,1.00,a@example.com\n"
        "2,2026-11-02,ten,nobody\n"
        "3,1899-12-31,=1+1,\n"
        "4,2099-01-01,1.00,\n"
    )
    assert upload.problems == 6
    page = (await desk.visitor.page(f"/uploads/{upload.id}")).text
    assert "is not a date here" in page
    answer = await desk.visitor.page(f"/uploads/{upload.id}/problems.csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["line"], row["field"]) for row in rows] == [
        ("2", "Date"),
        ("3", "Total"),
        ("3", "E-mail"),
        ("4", "Date"),
        ("4", "Total"),
        ("5", "Date"),
    ]
    assert all(row["what_would_be_right"] for row in rows)
    named = await desk.checked(
        "=cmd|' /C calc'!A0,Order number,Total\nsoon,1,1.00\n", **{"col-created_at": "=cmd|' /C calc'!A0"}
    )
    assert named.status == "invalid"
    report = await desk.visitor.page(f"/uploads/{named.id}/problems.csv")
    cells = [cell for row in csv.reader(io.StringIO(report.text)) for cell in row]
    assert any("cmd|" in cell for cell in cells)
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


REFUSED: list[tuple[str, bytes, str]] = [
    ("a gzip file", b"\x1f\x8b\x08\x00rest", "compressed (gzip)"),
    ("a zip file or Excel workbook", b"PK\x03\x04rest", "zip archive or an Excel workbook"),
    ("an empty file", b"", "is empty"),
    ("blank lines", b"\n\n\r\n", "nothing but blank lines"),
    ("binary data", b"id,total\n1,\x00\x00\n", "binary data"),
    (
        "an XML bomb",
        b'<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><orders><o><id>&b;</id></o></orders>',
        "document type",
    ),
    (
        "XML that reads files",
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><o><i>&f;</i></o>',
        "document type",
    ),
    ("deep nesting", b'[{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", "nested"),
    ("too many columns", ",".join(f"c{number}" for number in range(3_000)).encode(), "3,000 columns"),
    ("ten million columns", b"c," * 10_000_000, "more than 1,048,576 characters"),
    ("a header named twice", b"id,Total,total\n1,2,3\n", "both called"),
    ("a file without a header", b"1,2026-11-02,5.00\n", "holds values, not names"),
    ("JSON that was cut off", b'[{"id": 1}, {"id": 2', "cut off"),
    ("XML that was cut off", b"<orders><order><id>1</id>", "cut off"),
    ("a field named twice in JSON", b'[{"id": 1, "id": 2}]', "names “id” twice"),
    ("a quotation mark never closed", b'"id,total\n1,2\n', "never closed"),
    ("a character that was cut off", "id,total\n1,ü".encode()[:-1], "cut off"),
]


@pytest.mark.parametrize(("content", "reason"), [(c, r) for _, c, r in REFUSED], ids=[name for name, *_ in REFUSED])
async def test_a_file_that_cannot_be_read_is_refused_with_a_reason_and_not_kept(
    desk: Desk, content: bytes, reason: str
) -> None:
    answer = await desk.send(content)
    assert answer.status == 422
    assert reason in answer.text
    assert 'id="f-file-error"' in answer.text
    assert kept_files(desk) == []
    assert await desk.rows("SELECT 1 FROM uploads") == []


LATER: list[tuple[str, str, str]] = [
    ("a row torn off at the end", "id,date,total\n1,2026-11-02,1.00\n2,2026-1", "has 2 cells, the header has 3"),
    (
        "amounts in two currencies",
        "id,date,total\n1,2026-11-02,€ 1.00\n2,2026-11-02,£ 1.00\n",
        "is in £, rows above are in €",
    ),
    (
        "two totals of one order",
        "id,date,total,sku\n1,2026-11-02,1.00,A\n1,2026-11-02,2.00,B\n",
        "differs from the order's other rows",
    ),
    ("an order twice", "id,date,total\n1,2026-11-02,1.00\n1,2026-11-02,1.00\n", "stands in the file twice"),
    ("an unknown status", "id,date,total,status\n1,2026-11-02,1.00,weird\n", "is not a known word"),
    ("an unknown currency", "id,date,total,currency\n1,2026-11-02,1.00,XQQ\n", "is not a currency"),
    ("an id that lost its digits", "id,date,total\n1.2E+15,2026-11-02,1.00\n", "has lost digits"),
    ("no id", "id,date,total\n,2026-11-02,1.00\n", "is empty"),
    ("only a header", "id,date,total\n", "no rows below the header"),
    ("a sign against the column", "id,date,total,currency\n1,2026-11-02,€5.00,USD\n", "the row's currency is USD"),
]


@pytest.mark.parametrize(("content", "problem"), [(c, p) for _, c, p in LATER], ids=[name for name, *_ in LATER])
async def test_what_only_the_rows_show_is_in_the_report(desk: Desk, content: str, problem: str) -> None:
    upload = await desk.checked(content)
    assert upload.status == "invalid"
    assert problem in str(await desk.problems(upload.id))


NASTY: list[tuple[str, bytes, str, str]] = [
    ("half a character", b'[{"id": "\\ud800", "date": "2026-11-02", "total": 1, "\\udfff": "x"}]', "a.json", "ready"),
    ("a name of the prototype", b'[{"id": "__proto__", "date": "2026-11-02", "total": 1}]', "a.json", "ready"),
    (
        "a number of ten thousand digits",
        b'[{"id": 1, "date": "2026-11-02", "total": ' + b"9" * 10_000 + b"}]",
        "a.json",
        "invalid",
    ),
    ("UTF-16", "id,date,total\nÜ,2026-11-02,1.00\n".encode("utf-16"), "a.csv", "ready"),
    ("a line break in a cell", b'id,date,total,name\r\n1,2026-11-02,1.00,"a\r\nb"\r\n', "a.csv", "ready"),
    ("lines that end in CR alone", b"id,date,total\r1,2026-11-02,1.00\r", "a.csv", "ready"),
    ("a day that is none", b"id,date,total\n1,31.02.2026,1.00\n", "a.csv", "invalid"),
    ("numbers that overflow", b"id,date,total\n1,2026-11-02,1e400\n2,2026-11-02,NaN\n", "a.csv", "invalid"),
    ("mixed decimal marks", b'id,date,total\n1,2026-11-02,"1.234,50"\n2,2026-11-02,"1,234.50"\n', "a.csv", "invalid"),
    (
        "an id of five thousand characters",
        b"id,date,total\n" + b"K" * 5_000 + b",2026-11-02,1.00\n",
        "a.csv",
        "invalid",
    ),
    ("markup in a cell", b"id,date,total,name\n1,2026-11-02,1.00,<script>alert(1)</script>\n", "a.csv", "ready"),
]


@pytest.mark.parametrize(("content", "name", "status"), [each[1:] for each in NASTY], ids=[name for name, *_ in NASTY])
async def test_odd_files_end_in_a_plain_answer(desk: Desk, content: bytes, name: str, status: str) -> None:
    upload = await desk.checked(content, name=name)
    assert upload.status == status, await desk.problems(upload.id)
    page = await desk.visitor.page(f"/uploads/{upload.id}")
    assert (page.status, "<script>alert" in page.text) == (200, False)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/passwd", "passwd"),
        ("C:\\files\\in.csv", "in.csv"),
        ("inv\u202egpj.csv", "invgpj.csv"),
        ("em\U0001f600.csv", "em\U0001f600.csv"),
        ("a" * 3_000 + ".csv", "a" * 200),
    ],
)
async def test_a_file_is_called_what_it_is_called_and_lies_where_we_say(desk: Desk, name: str, kept: str) -> None:
    upload_id = await desk.receive(ORDERS, name=name)
    assert (await desk.load(upload_id)).filename == kept
    assert [path.name for path in kept_files(desk)] == [str(upload_id)]


async def test_a_full_disk_is_said_and_nothing_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("portal.uploads.shelf.os.link", full)
        answer = await desk.send(ORDERS)
        assert (answer.status, "disk is full" in answer.text) == (503, True)
    with monkeypatch.context() as patch:  # while the body is still arriving
        patch.setattr("portal.foundation.web.bodies.tempfile.NamedTemporaryFile", full)
        answer = await desk.send(b"id,date,total\n" + b"1,2026-11-02,1.00\n" * 100_000)
        assert (answer.status, "disk is full" in answer.text) == (503, True)
    assert kept_files(desk) == []
    assert await desk.rows("SELECT 1 FROM uploads") == []


async def test_an_upload_that_breaks_off_leaves_nothing(desk: Desk) -> None:
    async def torn() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n' + desk.visitor.csrf.encode()
        yield b'\r\n--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\norders\r\n--x\r\n'
        yield b'Content-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nid,date,total\n'
        for _ in range(40):
            yield b"1,2026-11-02,1.00\n" * 4_000
        raise ConnectionResetError("the browser went away")

    headers = {**HTML, "Origin": desk.visitor.base, "Content-Type": "multipart/form-data; boundary=x"}
    with suppress(aiohttp.ClientError, ConnectionResetError):
        async with desk.visitor.session.post("/uploads", data=torn(), headers=headers):
            pass
    for _ in range(50):
        if not kept_files(desk):
            break
        await asyncio.sleep(0.1)
    assert kept_files(desk) == []
    assert await desk.rows("SELECT 1 FROM uploads") == []


async def test_an_operator_reads_and_an_agent_does_not(desk: Desk, sign_in: SignIn) -> None:
    upload = await desk.checked(ORDERS)
    operator = await sign_in("operator", desk.org)
    page = await operator.page(f"/uploads/{upload.id}")
    assert page.status == 200
    assert "What this file would change" in page.text
    assert "Take over" not in page.text
    assert 'type="file"' not in (await operator.page("/uploads")).text
    assert (await send(operator, ORDERS)).status == 403
    for path in ("columns", "take-over", "undo", "discard"):
        assert (await operator.submit(f"/uploads/{upload.id}/{path}", {})).status == 403, path
    agent = await sign_in("agent", desk.org)
    assert (await agent.page("/uploads")).status == 403
    assert (await agent.page(f"/uploads/{upload.id}")).status == 403


async def test_an_outsider_finds_nothing_and_changes_nothing(desk: Desk, other_org: UUID, sign_in: SignIn) -> None:
    upload = await desk.checked(ORDERS)
    outsider = await sign_in("owner", other_org)
    for path in ("", "/problems.csv"):
        assert (await outsider.page(f"/uploads/{upload.id}{path}")).status == 404
    for path in ("columns", "take-over", "undo", "discard"):
        assert (await outsider.submit(f"/uploads/{upload.id}/{path}", {})).status == 404, path
    assert "file.csv" not in (await outsider.page("/uploads")).text
    other = Desk(desk.rt, other_org, outsider)
    await other.taken_over(ORDERS.replace("30.50", "99.00"))
    done = await desk.act(upload.id, "take-over")
    assert done.outcome is not None
    assert done.outcome.new == 2
    assert str(await desk.revenue()) == "42.75"
    assert str(await other.revenue()) == "111.25"


async def test_a_form_from_elsewhere_is_refused(desk: Desk) -> None:
    right, desk.visitor.csrf = desk.visitor.csrf, "wrong"
    assert (await desk.send(ORDERS)).status == 403
    desk.visitor.csrf = right
    assert await desk.rows("SELECT 1 FROM uploads") == []


async def test_forms_without_a_file_or_a_kind_come_back_with_the_reason(desk: Desk) -> None:
    assert "Choose a file." in (await desk.visitor.submit("/uploads", {"kind": "orders"})).text
    answer = await desk.send(ORDERS, kind="invoices")
    assert (answer.status, "Choose one of" in answer.text) == (422, True)


async def test_the_files_connection_is_shown_but_nobody_can_sync_or_edit_it(
    desk: Desk, sign_in: SignIn, rt: Runtime
) -> None:
    from portal.sync.schedule import request_due

    await desk.taken_over(ORDERS)
    owner = await sign_in("owner", desk.org)
    stores = (await owner.page("/stores")).text
    assert "Uploaded files" in stores
    assert "By hand" in stores
    ((connection_id, polled),) = await desk.rows("SELECT id, polled FROM client_api_credentials")
    assert polled is False
    assert (await owner.page(f"/stores/{connection_id}")).location == "/uploads"
    assert (await owner.page(f"/stores/{connection_id}/credentials")).status == 409
    for path in ("sync", "pause", "resume", "test", "frequency"):
        assert (await owner.submit(f"/stores/{connection_id}/{path}", {})).status == 409, path
    await request_due(rt)
    assert await desk.rows("SELECT 1 FROM client_api_sync_results") == []
    dashboard = (await owner.page("/dashboard")).text
    assert "first sync" not in dashboard.lower()


async def test_files_are_no_platform_of_the_api_list_but_an_input_method(rt: Runtime, sign_in: SignIn) -> None:
    superadmin = await sign_in("superadmin")
    listed: dict[str, Any] = (await superadmin.get("/api/superadmin/api-platforms")).json()
    assert "files" not in {each["platform"] for each in listed["platforms"]}
    form = (await superadmin.page("/superadmin/clients/new")).text
    assert "Manual upload" in form
    assert (await superadmin.page("/docs/connectors/files")).status == 200


async def test_progress_is_pushed_to_the_open_page_without_a_token(desk: Desk, live_server: str) -> None:
    upload_id = await desk.receive(ORDERS)
    heard: list[str] = []
    async with desk.visitor.session.ws_connect("/ws/dashboard?since=0", headers={"Origin": live_server}) as socket:
        await socket.receive(5)
        await desk.choose(upload_id)
        await desk.worked(upload_id)
        while "Show the result" not in "".join(heard):
            message = json.loads((await socket.receive(5)).data)
            if message.get("id") == f"upload-progress-{upload_id}":
                heard.append(message["html"])
    assert "csrf" not in "".join(heard)


async def test_a_small_file_is_not_kept_waiting_by_large_ones_of_others(
    desk: Desk, other_org: UUID, sign_in: SignIn
) -> None:
    large = [await desk.receive(ORDERS) for _ in range(2)]
    for upload_id in large:
        await desk.choose(upload_id)
    other = Desk(desk.rt, other_org, await sign_in("owner", other_org))
    small = await other.receive(ORDERS)
    await other.choose(small)
    async with platform(desk.rt.database, "test: large files") as scope:
        await scope.sql.execute("UPDATE uploads SET bytes = $1 WHERE org_id = $2", worker.SMALL + 1, desk.org)
    assert await worker.step(desk.rt, worker.SMALL) is True
    assert await worker.step(desk.rt, worker.SMALL) is False
    assert (await other.load(small)).status == "ready"
    assert [(await desk.load(each)).status for each in large] == ["checking", "checking"]
    assert (await desk.worked(large[0])).status == "ready"


async def test_an_organization_that_nobody_works_for_comes_first(desk: Desk, other_org: UUID, sign_in: SignIn) -> None:
    first, second = await desk.receive(ORDERS), await desk.receive(ORDERS)
    for upload_id in (first, second):
        await desk.choose(upload_id)
    other = Desk(desk.rt, other_org, await sign_in("owner", other_org))
    theirs = await other.receive(ORDERS)
    await other.choose(theirs)

    async def held(status: str) -> None:
        async with platform(desk.rt.database, "test: somebody works on it") as scope:
            await scope.sql.execute(
                "UPDATE uploads SET lease_owner = gen_random_uuid(), status = $2,"
                " lease_until = now() + interval '1 minute' WHERE id = $1",
                first,
                status,
            )

    await held("checking")
    assert await worker.step(desk.rt) is True
    assert (await other.load(theirs)).status == "ready"
    await held("writing")
    assert await worker.step(desk.rt) is False, "the organization's data are being written"
    await held("checking")
    assert await worker.step(desk.rt) is True
    assert (await desk.load(second)).status == "ready"
