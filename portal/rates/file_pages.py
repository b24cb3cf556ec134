"""Files of rates: read at once, shown with what they would change, then taken over or discarded."""

from __future__ import annotations

import asyncio

from quart import Blueprint, Response, flash, redirect, request

from portal.accounts.gate import principal
from portal.connectors.files.refusal import Refused
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.bodies import incoming, on_disk
from portal.foundation.web.policy import OWNER, route
from portal.foundation.web.requests import form_values
from portal.rates import drafts, overview
from portal.rates.reading import MAX_BYTES, read
from portal.tenancy.scope import tenant

blueprint = Blueprint("rate_files", __name__)
_FORM = 1_000_000
_SHOWN = 100


@route(blueprint, "/currencies/files", roles=OWNER, family="page")
async def rate_file_form() -> Response:
    """The form."""
    return await page("rates/file.html", draft=None, problems=[], errors={})


@route(
    blueprint,
    "/currencies/files",
    roles=OWNER,
    family="page",
    methods=("POST",),
    max_body=MAX_BYTES + _FORM,
    endpoint="read_rate_file",
)
async def read_rate_file() -> Response:
    """Read a file; nothing changes before its preview is taken over."""
    await form_values()
    uploaded = (await request.files).get("file")
    if uploaded is None or not uploaded.filename:
        return await page("rates/file.html", status=422, draft=None, problems=[], errors={"file": "Choose a file."})
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        now = await overview.settled(scope)
    try:
        with on_disk(incoming(rt.settings.data_dir), uploaded.stream) as path:
            sheet = await asyncio.to_thread(read, path, uploaded.filename, now.reporting, rt.clock().date())
    except Refused as refused:
        errors = {"file": f"{refused.reason} {refused.advice}"}
        return await page("rates/file.html", status=422, draft=None, problems=[], errors=errors)
    if sheet.problems:
        return await page(
            "rates/file.html",
            status=422,
            draft=None,
            problems=sheet.problems[:_SHOWN],
            problem_count=len(sheet.problems),
            filename=uploaded.filename,
            errors={},
        )
    draft_id = await drafts.keep(rt, who, uploaded.filename, sheet)
    return redirect(f"/currencies/files/{draft_id}", 303)  # type: ignore[return-value]


@route(blueprint, "/currencies/files/<int:draft_id>", roles=OWNER, family="page")
async def rate_file(draft_id: int) -> Response:
    """What a file says, in sentences, and what taking it over would change."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        draft = await drafts.load(scope, draft_id)
        now = await overview.settled(scope)
    trial = await drafts.trial(rt, who, draft)
    return await page(
        "rates/file.html",
        draft=draft,
        trial=trial,
        settled=now,
        sample=sorted(draft.given, key=lambda each: (each.day, each.currency), reverse=True)[:6],
        days=(min(each.day for each in draft.given), max(each.day for each in draft.given)),
        quoted=len({each.currency for each in draft.given}),
        against=sorted({each.base for each in draft.given}),
        problems=[],
        errors={},
    )


@route(blueprint, "/currencies/files/<int:draft_id>/turn", roles=OWNER, family="page", methods=("POST",))
async def turn_rate_file(draft_id: int) -> Response:
    """Read its rates the other way round."""
    await drafts.turn(runtime(), principal(), draft_id)
    return redirect(f"/currencies/files/{draft_id}", 303)  # type: ignore[return-value]


@route(blueprint, "/currencies/files/<int:draft_id>/take-over", roles=OWNER, family="page", methods=("POST",))
async def take_over_rate_file(draft_id: int) -> Response:
    """Put its rates in force."""
    changed = await drafts.take_over(runtime(), principal(), draft_id)
    told = f"{changed:,} rates are new or changed. Totals follow in a moment." if changed else "Nothing was new in it."
    await flash(told, "success")
    return redirect("/currencies", 303)  # type: ignore[return-value]


@route(blueprint, "/currencies/files/<int:draft_id>/discard", roles=OWNER, family="page", methods=("POST",))
async def discard_rate_file(draft_id: int) -> Response:
    """Forget it."""
    await drafts.discard(runtime(), principal(), draft_id)
    await flash("The file is gone. Nothing was changed.", "success")
    return redirect("/currencies", 303)  # type: ignore[return-value]
