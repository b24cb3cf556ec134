"""Uploads over the wire."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec

from portal.connectors.files.rows import Trouble
from portal.uploads.upload import Outcome, Upload

Kind = Literal["orders", "products", "customers", "inventory"]
State = Literal["draft", "checking", "invalid", "ready", "writing", "done", "undoing", "undone", "failed"]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Query of the list: the newest `limit` uploads."""

    limit: int = 50


class NoQuery(msgspec.Struct, frozen=True):
    """Nothing can be asked for."""


class NewUpload(msgspec.Struct, frozen=True, kw_only=True):
    """A form (`multipart/form-data`): what the file holds, and the file itself."""

    kind: Kind
    file: Annotated[str, msgspec.Meta(extra_json_schema={"format": "binary"})]


class ColumnsBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the file is read: field -> column, and how values are written. What is left out stays as it is."""

    mapping: dict[str, str] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    decimal: str | None = None
    dates: str | None = None
    currency: str | None = None


class StepBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do with an upload. A worker does it: ask for the upload again until it is no longer at work."""

    step: Literal["check", "commit", "undo"]


class SumBody(msgspec.Struct, frozen=True, kw_only=True):
    """A figure of the uploaded data before and after the file."""

    label: str
    unit: str
    count_before: int
    count_after: int
    before: Decimal
    after: Decimal


class OutcomeBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the file changes, changed, or what undoing it changed."""

    new: int
    changed: int
    removed: int
    same: int
    sums: list[SumBody]


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report. `line` null: of the file as a whole."""

    line: int | None
    field: str
    problem: str
    remedy: str


class UploadBody(msgspec.Struct, frozen=True, kw_only=True):
    """One upload. `same_as`: an upload of the very same bytes that is taken over, or still on its way."""

    id: int
    kind: Kind
    filename: str
    bytes: int
    sha256: str
    status: State
    rows_done: int
    rows_total: int | None
    problems: int
    columns: list[str]
    mapping: dict[str, str]
    format: str
    encoding: str
    delimiter: str
    quote: str
    decimal: str
    dates: str
    currency: str
    outcome: OutcomeBody | None
    error: str | None
    advice: str | None
    created_by: str
    created_at: datetime
    committed_at: datetime | None
    same_as: int | None = None


class UploadReport(UploadBody, frozen=True, kw_only=True):
    """One upload with its report: the first hundred problems; all of them are in the page's CSV."""

    report: list[ProblemBody]


class UploadList(msgspec.Struct, frozen=True, kw_only=True):
    uploads: list[UploadBody]


def body_of(upload: Upload, same_as: int | None = None) -> UploadBody:
    """An upload for the wire."""
    return UploadBody(**_values(upload, same_as))


def report_of(upload: Upload, troubles: list[Trouble], same_as: int | None) -> UploadReport:
    """An upload with the problems that were found."""
    found = [
        ProblemBody(line=each.line, field=each.field, problem=each.problem, remedy=each.remedy) for each in troubles
    ]
    return UploadReport(**_values(upload, same_as), report=found)


def _values(upload: Upload, same_as: int | None) -> dict[str, Any]:
    layout = upload.layout
    return {
        "id": upload.id,
        "kind": upload.kind,
        "filename": upload.filename,
        "bytes": upload.bytes,
        "sha256": upload.sha256,
        "status": upload.status,
        "rows_done": upload.rows_done,
        "rows_total": upload.rows_total,
        "problems": upload.problems,
        "columns": list(upload.names),
        "mapping": upload.mapping,
        "format": layout.format,
        "encoding": layout.encoding,
        "delimiter": layout.delimiter,
        "quote": layout.quote,
        "decimal": layout.decimal,
        "dates": layout.dates,
        "currency": layout.currency,
        "outcome": _outcome(upload.undone if upload.status == "undone" else upload.outcome),
        "error": upload.error,
        "advice": upload.advice,
        "created_by": upload.created_by_name,
        "created_at": upload.created_at,
        "committed_at": upload.committed_at,
        "same_as": same_as,
    }


def _outcome(found: Outcome | None) -> OutcomeBody | None:
    if found is None:
        return None
    sums = [SumBody(**msgspec.structs.asdict(each)) for each in found.sums]
    return OutcomeBody(new=found.new, changed=found.changed, removed=found.removed, same=found.same, sums=sums)
