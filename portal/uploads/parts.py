"""What an open upload's page is pushed while a worker is at it. The same for every role: no button, no token."""

from __future__ import annotations

from collections.abc import Sequence

from quart import render_template

from portal.foundation.bus import Event
from portal.foundation.errors import Missing
from portal.foundation.runtime import Runtime
from portal.foundation.web.parts import Part
from portal.tenancy.scope import tenant
from portal.uploads.upload import load


async def render_upload(rt: Runtime, event: Event) -> Sequence[tuple[str, str]]:
    """The progress of the upload that `event` is about; when it is at its end, the way to the page that shows it."""
    upload_id = event.payload.get("upload_id")
    if not isinstance(upload_id, int):
        return []
    async with tenant(rt.database, event.org_id, read_only=True) as scope:
        try:
            upload = await load(scope, upload_id)
        except Missing:
            return []
    left = event.payload.get("seconds_left")
    html = await render_template(
        "uploads/_progress.html", upload=upload, now=rt.clock(), left=left if isinstance(left, int) else None
    )
    return [(f"upload-progress-{upload_id}", html)]


PARTS = (Part(kinds=frozenset({"progress"}), render=render_upload),)
