"""Uploads for programs: the same service as the pages, so the same steps, the same validation and the same audit."""

from __future__ import annotations

from quart import Blueprint, Response, request

from portal.accounts.gate import principal
from portal.connectors.files.bounds import MAX_BYTES
from portal.connectors.files.refusal import Refused
from portal.foundation.errors import Invalid, WrongType
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import json_answer
from portal.foundation.web.bodies import incoming, on_disk
from portal.foundation.web.policy import DASHBOARD, MERCHANT, Doc, route
from portal.foundation.web.requests import form_values, parse_json, parse_query
from portal.tenancy.scope import tenant
from portal.uploads import service
from portal.uploads.entries import problems
from portal.uploads.schemas import (
    ColumnsBody,
    Listing,
    NewUpload,
    NoQuery,
    StepBody,
    UploadBody,
    UploadList,
    UploadReport,
    body_of,
    report_of,
)
from portal.uploads.upload import load, newest, same_file

blueprint = Blueprint("uploads_api", __name__)
_FORM = 1_000_000
_LISTED = 100
_STEPS = {"check": "checking", "commit": "writing", "undo": "undoing"}


@route(
    blueprint,
    "/api/uploads",
    roles=DASHBOARD,
    family="dashboard",
    doc=Doc(summary="The uploads so far, the newest first", query=Listing, response=UploadList, tag="Uploads"),
)
async def uploads() -> Response:
    """At most two hundred."""
    asked = parse_query(Listing)
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        found = await newest(scope, max(1, min(asked.limit, 200)))
    return json_answer(UploadList(uploads=[body_of(each) for each in found]))


@route(
    blueprint,
    "/api/uploads",
    roles=MERCHANT,
    family="dashboard",
    methods=("POST",),
    max_body=MAX_BYTES + _FORM,
    endpoint="create",
    doc=Doc(
        summary="Upload a file",
        description=(
            "A multipart form with `kind` before `file` (CSV, TSV, JSON, JSON Lines or XML, up to 1 GB). Columns are guessed "
            "and nothing is changed yet. The same file twice is two uploads; `same_as` names the earlier one."
        ),
        body=NewUpload,
        body_type="multipart/form-data",
        response=UploadBody,
        status=201,
        tag="Uploads",
    ),
)
async def create() -> Response:
    """Take a file in: streamed to the disk before this runs."""
    if request.mimetype != "multipart/form-data":
        raise WrongType("Send the file as multipart/form-data.", details={"expected": "multipart/form-data"})
    form, files = await form_values(), await request.files
    given = files.get("file")
    if given is None or not given.filename:
        raise Invalid("There is no file.", {"file": "Send a file with a name, in the field “file”."})
    rt, who = runtime(), principal()
    try:
        with on_disk(incoming(rt.settings.data_dir), given.stream) as path:
            upload_id = await service.receive(rt, who, form.get("kind", ""), given.filename, path)
    except Refused as refused:
        raise Invalid(refused.reason, {"file": f"{refused.reason} {refused.advice}"}) from None
    async with tenant(rt.database, who.org, read_only=True) as scope:
        upload = await load(scope, upload_id)
        answer = body_of(upload, await same_file(scope, upload))
    return json_answer(answer, 201, {"Location": f"/api/uploads/{upload_id}"})


@route(
    blueprint,
    "/api/uploads/<int:upload_id>",
    roles=DASHBOARD,
    family="dashboard",
    doc=Doc(
        summary="One upload with its report",
        description="While it is `checking`, `writing` or `undoing`, ask again.",
        query=NoQuery,
        response=UploadReport,
        tag="Uploads",
    ),
)
async def upload(upload_id: int) -> Response:
    """How it stands, what it would change or changed, and what is wrong with it."""
    parse_query(NoQuery)
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        found = await load(scope, upload_id)
        listed = await problems(scope, upload_id, _LISTED) if found.problems else []
        answer = report_of(found, listed, await same_file(scope, found))
    return json_answer(answer)


@route(
    blueprint,
    "/api/uploads/<int:upload_id>",
    roles=MERCHANT,
    family="dashboard",
    methods=("PATCH",),
    endpoint="choose",
    doc=Doc(
        summary="Choose columns, and how values are written",
        description="Another encoding, delimiter or quotation mark reads the file anew and guesses the columns again.",
        body=ColumnsBody,
        response=UploadBody,
        tag="Uploads",
        body_example={"mapping": {"id": "Order number", "created_at": "Date", "total": "Total"}, "currency": "EUR"},
    ),
)
async def choose(upload_id: int) -> Response:
    """The columns' form of the page."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        before = await load(scope, upload_id)  # first: what is not there is not there whatever is sent
    body = await parse_json(ColumnsBody)
    mapping = before.mapping if body.mapping is None else body.mapping
    known = {field.name for field in before.table.fields}
    wrong = {f"mapping.{field}": "There is no such field." for field in mapping if field not in known}
    wrong |= {
        f"mapping.{field}": f"The file has no column {column[:60]!r}."
        for field, column in mapping.items()
        if column and column not in before.names
    }
    if wrong:
        raise Invalid("Please check the columns.", wrong)
    form = {f"col-{field}": column for field, column in mapping.items()}
    names = ("encoding", "delimiter", "quote", "decimal", "dates", "currency")
    form |= {name: value for name in names if (value := getattr(body, name)) is not None}
    try:
        found = await service.choose(rt, who, upload_id, form)
    except Refused as refused:
        raise Invalid(refused.reason, {"delimiter": f"{refused.reason} {refused.advice}"}) from None
    return json_answer(body_of(found))


@route(
    blueprint,
    "/api/uploads/<int:upload_id>/step",
    roles=MERCHANT,
    family="dashboard",
    methods=("POST",),
    doc=Doc(
        summary="Check, commit or undo an upload",
        description=(
            "`check` reads every row and tries the whole out; `commit` writes all rows or none of an upload that is `ready`; "
            "`undo` takes back what a `done` one brought. A step that does not fit the state is 409. Committing a check that "
            "another upload has overtaken checks once more: look at `status`."
        ),
        body=StepBody,
        response=UploadBody,
        status=202,
        tag="Uploads",
        body_example={"step": "check"},
    ),
)
async def step(upload_id: int) -> Response:
    """Ask a worker for the next step."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        await load(scope, upload_id)
    body = await parse_json(StepBody)
    await service.ask(rt, who, upload_id, _STEPS[body.step])
    async with tenant(rt.database, who.org, read_only=True) as scope:
        return json_answer(body_of(await load(scope, upload_id)), 202)
