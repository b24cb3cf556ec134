"""Size and sudden death: memory follows the bounds, not the file; a killed worker has changed nothing."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import textwrap
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData

from portal.foundation.runtime import Runtime
from portal.tenancy.scope import tenant
from portal.uploads import entries, worker, writing
from portal.uploads.left import Left
from portal.uploads.upload import load
from tests.uploads.conftest import ORDERS, Desk, kept_files
from tests.visitors import HTML

READ = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from portal.connectors.files import guessing, reading
from portal.connectors.files.fields import TABLES
from portal.connectors.files.rows import Reader
from portal.connectors.files.survey import survey
path = Path(sys.argv[1])
layout = reading.recognised(path, survey(path).encoding)
names = reading.columns(path, layout)
reader = Reader(TABLES["orders"], names, guessing.guess(TABLES["orders"], names), layout, datetime.now(UTC))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before, rows, wrong = peak(), 0, 0
for line, cells in reading.rows(path, layout, names):
    rows += 1
    wrong += len(reader.read(line, cells)[2])
print(rows, wrong, peak() - before)
"""


def big(path: Path, rows: int, form: str) -> None:
    with path.open("w") as file:
        if form == "csv":
            file.write("Order number,Date,Total,E-mail,SKU,Quantity,Unit price\n")
            file.writelines(
                f"{n},2026-11-{n % 20 + 1:02},{n % 97}.50,p{n}@example.com,SKU-{n % 500},2,{n % 9}.25\n"
                for n in range(rows)
            )
        elif form == "json":
            file.write(
                "[" + ",".join(f'{{"id": {n}, "date": "2026-11-02", "total": {n}.5}}' for n in range(rows)) + "]"
            )
        else:
            file.write("<orders>")
            file.writelines(f"<o><id>{n}</id><date>2026-11-02</date><total>1.5</total></o>" for n in range(rows))
            file.write("</orders>")


@pytest.mark.parametrize(("form", "rows"), [("csv", 200_000), ("json", 50_000), ("xml", 50_000)])
def test_a_large_file_is_read_in_bounded_memory(tmp_path: Path, form: str, rows: int) -> None:
    path = tmp_path / f"big.{form}"
    big(path, rows, form)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(READ), str(path)], capture_output=True, text=True, check=True
    )
    read, wrong, grown = map(int, done.stdout.split())
    assert (read, wrong) == (rows, 0)
    assert grown < 24, f"{grown} MB more for a file of {path.stat().st_size >> 20} MB"


async def test_a_large_body_lies_on_the_disk_and_not_in_memory(desk: Desk) -> None:
    def peak() -> int:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    async def body() -> Any:
        yield b"id,date,total\n"
        for _ in range(1_500):
            yield b"1,2026-11-02,1.00\n" * 5_000

    form = FormData()
    form.add_field("csrf_token", desk.visitor.csrf)
    form.add_field("kind", "orders")
    form.add_field("file", body(), filename="big.csv")
    before = peak()
    async with desk.visitor.session.post(
        "/uploads", data=form, headers={**HTML, "Origin": desk.visitor.base}, allow_redirects=False
    ) as response:
        assert response.status == 303, await response.text()
        where = response.headers["Location"]
    (kept,) = kept_files(desk)
    assert kept.stat().st_size > 130_000_000
    assert peak() - before < 48, f"{peak() - before} MB more for a body of {kept.stat().st_size >> 20} MB"
    assert (await desk.visitor.submit(f"{where}/discard", {})).status == 303
    assert kept_files(desk) == []


async def test_thousands_of_rows_are_staged_and_written_in_pieces(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "PAGE", 300)
    rows = "".join(f"{n},2026-11-{n % 20 + 1:02},{n % 97}.25,TEA\n" for n in range(2_000))
    upload = await desk.taken_over("Order number,Date,Total,SKU\n" + rows)
    assert upload.outcome is not None
    assert upload.outcome.new == 2_000
    assert await desk.revenue() == sum((Decimal(n % 97) + Decimal("0.25") for n in range(2_000)), Decimal(0))
    told: list[int] = []

    async def progress(_: worker.Hold, rows: int) -> None:
        told.append(rows)

    monkeypatch.setattr(worker.Hold, "progress", progress)
    undone = await desk.act(upload.id, "undo")
    assert told == [300, 600, 900, 1_200, 1_500, 1_800, 2_000]
    assert undone.undone is not None
    assert undone.undone.removed == 2_000
    assert await desk.revenue() == 0


async def asked(desk: Desk, step: str, content: str = ORDERS) -> int:
    """An upload that waits for the worker in this state."""
    if step == "checking":
        upload_id = await desk.receive(content)
        await desk.choose(upload_id)
        return upload_id
    upload = await (desk.checked(content) if step == "writing" else desk.taken_over(content))
    await desk.visitor.submit(f"/uploads/{upload.id}/{'take-over' if step == 'writing' else 'undo'}", {})
    return upload.id


@pytest.mark.parametrize(
    ("step", "end", "revenue"), [("checking", "ready", "0"), ("writing", "done", "42.75"), ("undoing", "undone", "0")]
)
async def test_a_worker_killed_in_the_middle_has_changed_nothing_and_the_next_one_ends_it(
    desk: Desk, step: str, end: str, revenue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = await asked(desk, step)
    before = await desk.totals()
    root = Path(__file__).parents[2]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).parent / "worker_child.py"),
        json.dumps(desk.rt.settings.model_dump(mode="json")),
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        assert b"nothing is committed" in await asyncio.wait_for(child.stdout.readline(), 20)
        assert await desk.totals() == before
    finally:
        child.kill()
        await child.wait()
    assert await worker.step(desk.rt) is False, "the lease still holds"
    async with tenant(desk.rt.database, desk.org) as scope:
        await scope.sql.execute("UPDATE uploads SET lease_until = now() - interval '1 second' WHERE id = $1", upload_id)
    told: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(worker.Hold, "progress", _listened(desk, upload_id, told))
        upload = await desk.worked(upload_id)
    assert worker.BEGAN_ANEW in told[0]
    assert upload.status == end, await desk.problems(upload_id)
    assert upload.advice is None
    assert await desk.revenue() == Decimal(revenue)


def _listened(desk: Desk, upload_id: int, told: list[str]) -> Any:
    async def progress(_: worker.Hold, rows: int) -> None:
        told.append((await desk.visitor.page(f"/uploads/{upload_id}")).text)

    return progress


async def test_a_step_that_the_database_never_answers_in_time_ends_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = await asked(desk, "writing")

    async def slow(*_: Any) -> None:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(writing, "note_success", slow)
        for _ in range(worker.MOST_TIMEOUTS):
            assert (await desk.load(upload_id)).status == "writing"
            await worker.step(desk.rt)
    assert (await desk.load(upload_id)).status == "failed"
    assert "took too long; nothing was changed" in (await desk.visitor.page(f"/uploads/{upload_id}")).text
    assert await desk.revenue() == 0


def test_how_long_it_still_takes_is_told_from_the_pace_so_far() -> None:
    now = [100.0]
    left = Left(1_000, lambda: now[0])
    assert left.seconds() is None, "nothing is done yet"
    now[0], _ = 110.0, left.done(250)
    assert left.seconds() == 30
    left.done(1_000)
    assert left.seconds() == 0
    unknown = Left(None, lambda: now[0])
    unknown.done(250)
    assert unknown.seconds() is None


async def test_two_workers_write_an_upload_once(desk: Desk, rt: Runtime) -> None:
    upload_id = await asked(desk, "writing")
    async with tenant(rt.database, desk.org, read_only=True) as scope:
        upload = await load(scope, upload_id)

    async def nothing(_: int) -> None: ...

    ends = await asyncio.gather(
        writing.take_over(rt, upload, nothing), writing.take_over(rt, upload, nothing), return_exceptions=True
    )
    assert sorted(type(end).__name__ for end in ends) == ["Gone", "Outcome"]
    assert await desk.revenue() == Decimal("42.75")


async def test_an_error_of_ours_is_told_and_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    upload_id = await asked(desk, "writing")

    async def broken(*_: Any) -> None:
        raise RuntimeError("no")

    with monkeypatch.context() as patch:
        patch.setattr(writing, "note_success", broken)
        upload = await desk.worked(upload_id)
    assert upload.status == "failed"
    assert "nothing was changed" in (await desk.visitor.page(f"/uploads/{upload_id}")).text
    assert await desk.revenue() == 0


async def test_an_upload_that_cannot_even_be_begun_leaves_the_worker_at_work(
    desk: Desk, rt: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id, begun = await asked(desk, "checking"), worker.load

    async def broken(*_: Any) -> None:
        monkeypatch.setattr(worker, "load", begun)
        raise RuntimeError("no")

    monkeypatch.setattr(worker, "PLACES", (None,))
    monkeypatch.setattr(worker, "LEASE", timedelta(seconds=1))
    monkeypatch.setattr(worker, "load", broken)
    stop = asyncio.Event()
    working = asyncio.create_task(worker.work(rt, stop=stop))
    try:
        async with asyncio.timeout(20):
            while (await desk.load(upload_id)).status != "ready":
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await working


async def test_drafts_nobody_went_on_with_are_forgotten_with_their_files(desk: Desk) -> None:
    upload_id = await desk.receive(ORDERS)
    kept = await desk.taken_over(ORDERS)
    async with tenant(desk.rt.database, desk.org) as scope:
        await scope.sql.execute("UPDATE uploads SET asked_at = now() - interval '8 days'")
    await worker.tidy(desk.rt)
    assert kept_files(desk) == []
    assert await desk.rows("SELECT id FROM uploads") == [(kept.id,)]
    assert (await desk.visitor.page(f"/uploads/{upload_id}")).status == 404
