"""What can be done with an upload: receive, choose columns, check, take over, undo, discard."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from portal.accounts.audited import audited
from portal.accounts.principal import Principal
from portal.connectors.files import guessing
from portal.connectors.files.dates import ORDERS
from portal.connectors.files.delimited import header
from portal.connectors.files.fields import TABLES
from portal.connectors.files.layout import DECIMALS, DELIMITERS, ENCODING_WORDS, QUOTES, Layout
from portal.connectors.files.reading import recognised
from portal.connectors.files.refusal import Refused
from portal.connectors.files.survey import Survey, survey
from portal.foundation.bus import Event
from portal.foundation.errors import Conflict, Invalid
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import Scope, tenant
from portal.uploads import shelf
from portal.uploads.looking import Look, look, rewritten
from portal.uploads.upload import Upload, load

_READ_ANEW = ("encoding", "delimiter", "quote")
_NEXT = {
    "checking": ("draft", "invalid", "ready", "failed"),
    "writing": ("ready",),
    "undoing": ("done",),
}
"""Step asked for -> the states it begins in."""


async def receive(rt: Runtime, who: Principal, kind: str, filename: str, path: Path) -> int:
    """Look at a received file and keep it; returns the upload's id. Nothing else changes.

    Raises `Invalid` for an unknown kind, `Refused` for a file that cannot be read at all: then nothing is kept.
    """
    if kind not in TABLES:
        raise Invalid("Choose what the file holds.", {"kind": f"Choose one of: {', '.join(TABLES)}."})
    async with tenant(rt.database, who.org, read_only=True) as scope:
        zone, currency = await scope.sql.fetchrow("SELECT timezone, reporting_currency::text FROM organizations")
    found = await asyncio.to_thread(survey, path)
    layout = await asyncio.to_thread(recognised, path, found.encoding, filename)
    layout = msgspec.structs.replace(layout, timezone=zone, currency=currency)
    remembered = await _remembered(rt, who, kind, path, layout)
    seen = await asyncio.to_thread(look, path, TABLES[kind], layout, remembered)
    async with tenant(rt.database, who.org) as scope:
        upload_id = await _insert(scope, who, kind, filename, found=found, seen=seen)
        await audited(scope, who, "upload.receive", filename[:200], after={"kind": kind, "bytes": found.bytes})
        shelf.keep(rt.settings, who.org, upload_id, path)
    return upload_id


async def choose(rt: Runtime, who: Principal, upload_id: int, form: Mapping[str, str]) -> Upload:
    """Save how the file is read and mapped, and remember it for the next file with this header.

    Another encoding, delimiter or quotation mark reads the file anew, and columns that were not chosen before tell how their
    amounts and dates are written, unless the form says it. Raises `Invalid` by field (`col-<field>`), `Refused`.
    """
    async with tenant(rt.database, who.org, read_only=True) as scope:
        upload = _open(await load(scope, upload_id))
    layout = _layout(upload.layout, form)
    mapping = {field.name: form.get(f"col-{field.name}", "") for field in upload.table.fields}
    mapping = {field: column for field, column in mapping.items() if column in upload.names}
    columns = upload.columns
    if any(getattr(layout, name) != getattr(upload.layout, name) for name in _READ_ANEW):
        path = shelf.place(rt.settings, who.org, upload_id)
        seen = await asyncio.to_thread(look, path, upload.table, layout)
        layout, columns, mapping = seen.layout, seen.columns, seen.mapping
    elif mapping != upload.mapping and (layout.decimal, layout.dates) == (upload.layout.decimal, upload.layout.dates):
        path = shelf.place(rt.settings, who.org, upload_id)
        layout = await asyncio.to_thread(rewritten, path, upload.table, layout, upload.mapping, mapping)
    async with tenant(rt.database, who.org) as scope:
        _open(await load(scope, upload_id, lock=True))
        await scope.sql.execute(
            "UPDATE uploads SET layout = $2, columns = $3, mapping = $4, status = 'draft', asked_at = now() WHERE id = $1",
            upload_id,
            *map(_json, (layout, columns, mapping)),
        )
        await _remember(scope, upload.kind, [column.name for column in columns], mapping, layout)
        return await load(scope, upload_id)


async def ask(rt: Runtime, who: Principal, upload_id: int, step: str) -> str:
    """Ask for a step (`checking`, `writing`, `undoing`); the worker does it. Returns the step asked for.

    Taking over a check that another upload has overtaken is checked anew first. Raises `Conflict`, `Invalid`, `Missing`.
    """
    async with tenant(rt.database, who.org) as scope:
        upload = await load(scope, upload_id, lock=True)
        if upload.status not in _NEXT[step]:
            raise Conflict(f"That cannot be done now: the upload is “{upload.word.lower()}”.")
        if step == "checking" and (wrong := guessing.missing(upload.table, upload.mapping)):
            raise Invalid("Some columns are not chosen yet.", {f"col-{name}": text for name, text in wrong.items()})
        if step == "writing" and await _overtaken(scope, upload):
            step = "checking"
        await scope.sql.execute(
            "UPDATE uploads SET status = $2, rows_done = 0, error = NULL, advice = NULL, asked_at = now(), problems = 0,"
            " lease_owner = NULL, lease_until = NULL WHERE id = $1",
            upload_id,
            step,
        )
        if step != "checking":
            action = {"writing": "upload.take_over", "undoing": "upload.undo"}[step]
            await audited(scope, who, action, upload.filename, after={"upload": upload_id, "kind": upload.kind})
    await rt.bus.publish(Event(who.org, "progress", 0, {"upload_id": upload_id}))
    return step


async def discard(rt: Runtime, who: Principal, upload_id: int) -> None:
    """Forget an upload that changed nothing. Raises `Conflict` for one that is taken over or at work, `Missing`."""
    async with tenant(rt.database, who.org) as scope:
        upload = _open(await load(scope, upload_id, lock=True))
        await scope.sql.execute("DELETE FROM uploads WHERE id = $1", upload_id, timeout=600)
        await audited(scope, who, "upload.discard", upload.filename, before={"upload": upload_id, "kind": upload.kind})
    shelf.drop(rt.settings, who.org, upload_id)


def _open(upload: Upload) -> Upload:
    if upload.status not in _NEXT["checking"]:
        raise Conflict(f"That cannot be done now: the upload is “{upload.word.lower()}”.")
    return upload


async def _overtaken(scope: Scope, upload: Upload) -> bool:
    """Whether another upload was taken over or undone since this one was checked."""
    found: bool = await scope.sql.fetchval(
        """SELECT EXISTS (SELECT FROM uploads WHERE id <> $1 AND family = $2 AND status IN ('done', 'undone', 'undoing', 'writing')
             AND asked_at > $3)""",
        upload.id,
        upload.family,
        upload.asked_at,
    )
    return found


async def _insert(scope: Scope, who: Principal, kind: str, filename: str, *, found: Survey, seen: Look) -> int:
    made: int = await scope.sql.fetchval(
        """INSERT INTO uploads (org_id, kind, filename, bytes, sha256, layout, columns, mapping, created_by, created_by_name)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id""",
        who.org,
        kind,
        _named(filename),
        found.bytes,
        found.sha256,
        *map(_json, (seen.layout, seen.columns, seen.mapping)),
        who.user_id,
        (who.name or who.email)[:200],
    )
    return made


async def _remembered(rt: Runtime, who: Principal, kind: str, path: Path, layout: Layout) -> dict[str, str]:
    """The mapping of the last file with this header; of CSV files alone (others name their own fields)."""
    if layout.format != "csv":
        return {}
    names = await asyncio.to_thread(header, path, layout)
    async with tenant(rt.database, who.org, read_only=True) as scope:
        saved = await scope.sql.fetchval(
            "SELECT mapping FROM upload_mappings WHERE kind = $1 AND signature = $2", kind, guessing.signature(names)
        )
    return msgspec.json.decode(saved, type=dict[str, str]) if saved else {}


async def _remember(scope: Scope, kind: str, names: list[str], mapping: Mapping[str, str], layout: Layout) -> None:
    await scope.sql.execute(
        """INSERT INTO upload_mappings (org_id, kind, signature, mapping, layout) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (org_id, kind, signature)
           DO UPDATE SET mapping = excluded.mapping, layout = excluded.layout, used_at = now()""",
        scope.org_id,
        kind,
        guessing.signature(names),
        _json(mapping),
        _json(layout),
    )


def _layout(layout: Layout, form: Mapping[str, str]) -> Layout:
    """`layout` with what the form says. Raises `Invalid` for what it does not offer."""
    offered: dict[str, Mapping[str, str]] = {
        "encoding": ENCODING_WORDS,
        "delimiter": {**DELIMITERS, layout.delimiter: ""},
        "quote": QUOTES,
        "decimal": DECIMALS,
        "dates": ORDERS,
    }
    chosen = {name: form[name] for name in offered if name in form}
    wrong = {name: "Choose one of those offered." for name, value in chosen.items() if value not in offered[name]}
    if currency := form.get("currency", "").strip().upper():
        chosen["currency"] = currency
        if not re.fullmatch(r"[A-Z]{3}", currency):
            wrong["currency"] = "An ISO code such as EUR or USD."
    if wrong:
        raise Invalid("Please check what is marked.", wrong)
    return msgspec.structs.replace(layout, **chosen)


def _named(filename: str) -> str:
    """The file's own name, without a path and without characters that do not show."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(each for each in name if each.isprintable())[:200] or "file"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


__all__ = ["Refused", "ask", "choose", "discard", "receive"]
