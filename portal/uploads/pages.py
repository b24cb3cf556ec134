"""The pages of uploads: the list with its form, one upload from its columns to its undoing, the report as a file."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from quart import Blueprint, Response, flash, redirect, request

from portal.accounts.gate import principal
from portal.connectors.files import guessing
from portal.connectors.files.bounds import MAX_BYTES
from portal.connectors.files.fields import TABLES
from portal.connectors.files.refusal import Refused
from portal.foundation.errors import BadRequest, Invalid
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.bodies import incoming, on_disk
from portal.foundation.web.csv import csv_answer
from portal.foundation.web.policy import DASHBOARD, MERCHANT, OWNER, route
from portal.foundation.web.requests import form_values
from portal.tenancy.scope import tenant
from portal.uploads import service, shelf
from portal.uploads.checking import AHEAD
from portal.uploads.entries import problems
from portal.uploads.looking import Seen, ambiguous, preview
from portal.uploads.shown import choices, row_of
from portal.uploads.upload import Upload, load, newest, same_file

blueprint = Blueprint("uploads", __name__)
_FORM = 1_000_000
_LISTED = 50
_COLUMNS = "uploads/_columns.html"


@route(blueprint, "/uploads", roles=DASHBOARD, family="page")
async def uploads_list() -> Response:
    """The uploads so far, and the form for the next one."""
    return await _list({"kind": request.args.get("kind", "orders")})


@route(
    blueprint,
    "/uploads",
    roles=MERCHANT,
    family="page",
    methods=("POST",),
    max_body=MAX_BYTES + _FORM,
    endpoint="receive",
)
async def receive() -> Response:
    """Take a file in (streamed to the disk before this runs) and go on to its columns."""
    form, files = await form_values(), await request.files
    given = files.get("file")
    if given is None or not given.filename:
        return await _list(form, {"file": "Choose a file."}, status=422)
    rt = runtime()
    try:
        with on_disk(incoming(rt.settings.data_dir), given.stream) as path:
            upload_id = await service.receive(rt, principal(), form.get("kind", ""), given.filename, path)
    except Refused as refused:
        return await _list(form, {"file": f"{refused.reason} {refused.advice}"}, status=422)
    except Invalid as error:
        return await _list(form, error.fields, status=422)
    return redirect(f"/uploads/{upload_id}", 303)  # type: ignore[return-value]


@route(blueprint, "/uploads/<int:upload_id>", roles=DASHBOARD, family="page")
async def upload_page(upload_id: int) -> Response:
    """One upload, in whatever state it is."""
    return await _show(upload_id)


@route(blueprint, "/uploads/<int:upload_id>/columns", roles=MERCHANT, family="page", methods=("POST",))
async def choose_columns(upload_id: int) -> Response:
    """Save the columns; `check` goes on, anything else shows the preview anew: to HTMX the form alone, which is put in place
    without moving the focus."""
    form = await form_values()
    try:
        before = (await _load(upload_id)).names
        upload = await service.choose(runtime(), principal(), upload_id, form)
        reread = upload.names != before
        if _wants_form():
            return await _show(upload_id, partial=_COLUMNS, reread=reread)
        if reread:
            await flash("The file is read in another way now. Look at the columns once more.", "info")
        elif form.get("then") == "check":
            await service.ask(runtime(), principal(), upload_id, "checking")
    except Refused as refused:
        return await _show(upload_id, {"delimiter": f"{refused.reason} {refused.advice}"}, status=422, partial=_COLUMNS)
    except Invalid as error:
        return await _show(upload_id, error.fields, status=422, partial=_COLUMNS)
    return _back(upload_id)


@route(blueprint, "/uploads/<int:upload_id>/take-over", roles=MERCHANT, family="page", methods=("POST",))
async def take_over(upload_id: int) -> Response:
    """Write what was checked."""
    if await service.ask(runtime(), principal(), upload_id, "writing") == "checking":
        await flash("Another file was taken over meanwhile, so this one is checked once more first.", "info")
    return _back(upload_id)


@route(blueprint, "/uploads/<int:upload_id>/undo", roles=MERCHANT, family="page", methods=("POST",))
async def undo(upload_id: int) -> Response:
    """Put everything back that this upload changed."""
    await service.ask(runtime(), principal(), upload_id, "undoing")
    return _back(upload_id)


@route(blueprint, "/uploads/<int:upload_id>/discard", roles=MERCHANT, family="page", methods=("POST",))
async def discard(upload_id: int) -> Response:
    """Forget an upload that changed nothing."""
    await service.discard(runtime(), principal(), upload_id)
    await flash("The file is gone. Nothing was changed.", "success")
    return redirect("/uploads", 303)  # type: ignore[return-value]


@route(blueprint, "/uploads/<int:upload_id>/problems.csv", roles=DASHBOARD, family="export")
async def report(upload_id: int) -> Response:
    """The validation report as a file."""
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        upload = await load(scope, upload_id)
        found = await problems(scope, upload_id)
    rows = [(each.line, each.field, each.problem, each.remedy) for each in found]
    header = ("line", "field", "problem", "what_would_be_right")
    return csv_answer(f"problems-of-upload-{upload.id}", header, rows, bom=request.args.get("bom") == "1")


async def _list(form: dict[str, str], errors: dict[str, str] | None = None, *, status: int = 200) -> Response:
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        found = await newest(scope)
        files = await scope.sql.fetchval("SELECT id FROM client_api_credentials WHERE NOT polled ORDER BY id LIMIT 1")
        seq = await scope.sql.fetchval("SELECT version FROM tenant_versions") or 0
    return await page(
        "uploads/list.html",
        status=status,
        uploads=found,
        tables=TABLES.values(),
        values=form,
        errors=errors or {},
        can_upload=_can_upload(),
        remove_href=f"/stores/{files}/remove" if files and principal().role in OWNER else "",
        live_seq=seq,
    )


async def _show(
    upload_id: int,
    errors: dict[str, str] | None = None,
    *,
    status: int = 200,
    partial: str | None = None,
    reread: bool = False,
) -> Response:
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        upload = await load(scope, upload_id)
        listed = await problems(scope, upload_id, _LISTED) if upload.status == "invalid" else []
        twin = await same_file(scope, upload)
        seq = await scope.sql.fetchval("SELECT version FROM tenant_versions") or 0
    context: dict[str, Any] = {}
    if upload.status in ("draft", "invalid", "ready", "failed"):
        context = await _columns(upload)
    return await page(
        "uploads/upload.html",
        status=status,
        partial=partial,
        upload=upload,
        twin=twin,
        reread=reread,
        table=upload.table,
        problems=listed,
        errors=errors or {},
        can_upload=_can_upload(),
        live_seq=seq,
        **context,
    )


async def _columns(upload: Upload) -> dict[str, Any]:
    """What the form of the columns needs: the choices, and the first rows as they would be understood."""
    rt = runtime()
    path = shelf.place(rt.settings, upload.org_id, upload.id)
    seen, trouble = await asyncio.to_thread(_previewed, path, upload, rt.clock() + AHEAD)
    return {
        "choices": choices(upload.layout),
        "rows": [row_of(each, upload) for each in seen],
        "trouble": trouble,
        "ambiguous": ambiguous(upload.columns, upload.mapping, upload.table, upload.layout),
        "missing": guessing.missing(upload.table, upload.mapping),
    }


def _previewed(path: Path, upload: Upload, latest: datetime) -> tuple[list[Seen], str]:
    try:
        return preview(path, upload.table, upload.layout, upload.mapping, latest), ""
    except Refused as refused:
        return [], f"{refused.reason} {refused.advice}"
    except FileNotFoundError:
        return [], "The file is no longer here. Upload it again."


async def _load(upload_id: int) -> Upload:
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        return await load(scope, upload_id)


def _can_upload() -> bool:
    return principal().role in MERCHANT


def _wants_form() -> bool:
    """Whether HTMX asked, which puts a fragment in place."""
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def _back(upload_id: int) -> Response:
    if _wants_form():
        raise BadRequest("This form is sent as a whole page.")
    return redirect(f"/uploads/{upload_id}", 303)  # type: ignore[return-value]
