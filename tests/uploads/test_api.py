"""Uploads for programs: the road of the page, with a token."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from aiohttp import FormData

from tests.conftest import SignIn
from tests.uploads.conftest import ORDERS, Desk, kept_files
from tests.visitors import JSON, Answer, Visitor

API = "/api/uploads"


async def post(visitor: Visitor, content: str | bytes, kind: str = "orders", name: str = "file.csv") -> Answer:
    form = FormData()
    form.add_field("kind", kind)
    form.add_field("file", content.encode() if isinstance(content, str) else content, filename=name)
    return await visitor.request("POST", API, data=form, headers=JSON)


async def ask(desk: Desk, upload_id: int, step: str) -> Any:
    answer = await desk.visitor.request("POST", f"{API}/{upload_id}/step", json={"step": step}, headers=JSON)
    if answer.status == 202:
        await desk.worked(upload_id)
        return (await desk.visitor.get(f"{API}/{upload_id}", headers=JSON)).json()
    return answer


async def test_a_file_goes_all_the_way_and_back_by_program(desk: Desk) -> None:
    made = await post(desk.visitor, ORDERS)
    assert (made.status, made.headers["Location"]) == (201, f"{API}/{made.json()['id']}")
    body = made.json()
    assert (body["status"], body["mapping"]["id"], body["same_as"]) == ("draft", "Order number", None)
    assert len(body["sha256"]) == 64
    checked = await ask(desk, body["id"], "check")
    assert (checked["status"], checked["outcome"]["new"], checked["report"]) == ("ready", 2, [])
    assert await desk.revenue() == 0
    done = await ask(desk, body["id"], "commit")
    assert (done["status"], done["rows_total"]) == ("done", 3)
    assert str(await desk.revenue()) == "42.75"
    listed = (await desk.visitor.get(f"{API}?limit=1", headers=JSON)).json()["uploads"]
    assert [each["status"] for each in listed] == ["done"]
    undone = await ask(desk, body["id"], "undo")
    assert (undone["status"], undone["outcome"]["removed"]) == ("undone", 2)
    assert await desk.revenue() == 0


async def test_the_same_bytes_once_more_are_told_and_change_nothing(desk: Desk) -> None:
    first = (await post(desk.visitor, ORDERS)).json()["id"]
    assert (await post(desk.visitor, ORDERS)).json()["same_as"] == first
    await ask(desk, first, "check")
    await ask(desk, first, "commit")
    again = (await post(desk.visitor, ORDERS, name="other name.csv")).json()
    assert again["same_as"] == first
    page = (await desk.visitor.page(f"/uploads/{again['id']}")).text
    assert "This very file was uploaded before" in page
    assert f'href="/uploads/{first}"' in page
    outcome = (await ask(desk, again["id"], "check"))["outcome"]
    assert (outcome["new"], outcome["changed"], outcome["same"]) == (0, 0, 2)
    await ask(desk, first, "undo")
    assert (await desk.visitor.get(f"{API}/{again['id']}", headers=JSON)).json()["same_as"] not in {first}


async def test_columns_are_chosen_by_program(desk: Desk) -> None:
    upload_id = (await post(desk.visitor, "A;B;C\n1;02.11.2026;5,00\n")).json()["id"]
    path = f"{API}/{upload_id}"
    wrong = await desk.visitor.request("PATCH", path, json={"mapping": {"id": "Z", "odd": "A"}}, headers=JSON)
    assert wrong.status == 422
    assert set(wrong.json()["details"]["fields"]) == {"mapping.id", "mapping.odd"}
    assert (await desk.visitor.request("PATCH", path, json={"decimal": "x"}, headers=JSON)).status == 422
    assert (await desk.visitor.request("PATCH", path, json={"colour": "x"}, headers=JSON)).status == 422
    early = await ask(desk, upload_id, "check")
    assert (early.status, "col-id" in early.json()["details"]["fields"]) == (422, True)
    mapping = {"id": "A", "created_at": "B", "total": "C"}
    found = await desk.visitor.request("PATCH", path, json={"mapping": mapping, "currency": "sek"}, headers=JSON)
    assert (found.status, found.json()["mapping"], found.json()["currency"]) == (200, mapping, "SEK")
    assert (found.json()["decimal"], found.json()["dates"]) == (",", "dmy"), (
        "the columns chosen tell how they are written"
    )
    assert (await ask(desk, upload_id, "check"))["status"] == "ready"


async def test_a_report_comes_with_the_upload(desk: Desk) -> None:
    upload_id = (await post(desk.visitor, "id,date,total\n1,2026-13-45,ten\n")).json()["id"]
    found = await ask(desk, upload_id, "check")
    assert (found["status"], found["problems"]) == ("invalid", 2)
    assert {(each["line"], each["field"]) for each in found["report"]} == {(2, "date"), (2, "total")}
    assert all(each["remedy"] for each in found["report"])
    assert (await ask(desk, upload_id, "commit")).status == 409


async def test_what_cannot_be_read_is_422_and_not_kept(desk: Desk) -> None:
    for content, kind, field in ((b"PK\x03\x04", "orders", "file"), (b"", "orders", "file"), (b"a,b\n", "odd", "kind")):
        answer = await post(desk.visitor, content, kind)
        assert (answer.status, list(answer.json()["details"]["fields"])) == (422, [field])
    assert (await desk.visitor.request("POST", API, json={"kind": "orders"}, headers=JSON)).status == 415
    assert kept_files(desk) == []


async def test_an_operator_reads_by_program_and_an_outsider_finds_nothing(
    desk: Desk, other_org: UUID, sign_in: SignIn
) -> None:
    upload_id = (await post(desk.visitor, ORDERS)).json()["id"]
    operator = await sign_in("operator", desk.org)
    assert (await operator.get(f"{API}/{upload_id}", headers=JSON)).status == 200
    assert (await post(operator, ORDERS)).status == 403
    step = {"step": "check"}
    assert (await operator.request("POST", f"{API}/{upload_id}/step", json=step, headers=JSON)).status == 403
    outsider = await sign_in("owner", other_org)
    assert (await outsider.get(f"{API}/{upload_id}", headers=JSON)).status == 404
    assert (await outsider.get(API, headers=JSON)).json() == {"uploads": []}
    assert (await outsider.request("POST", f"{API}/{upload_id}/step", json=step, headers=JSON)).status == 404
    assert (await outsider.request("PATCH", f"{API}/{upload_id}", json={}, headers=JSON)).status == 404
