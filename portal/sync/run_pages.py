"""One run in detail: what each stream did, what it cost the store, what the comparisons found, which rows were left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quart import Blueprint, Response

from portal.accounts.gate import principal
from portal.connectors.manifest import Manifest
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.errors import Missing
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import DASHBOARD, route
from portal.stores.connection import load
from portal.sync.housekeeping import PROOFS, RUNS
from portal.sync.proof import outcomes
from portal.sync.proof.pages import WORDS
from portal.sync.run_log import Cost, Entry, read
from portal.sync.status import run_in_detail
from portal.tenancy.scope import Scope, tenant

blueprint = Blueprint("runs", __name__)
_REJECTS = """
SELECT stream, external_id, reason, first_seen_at >= r.started_at AS fresh FROM client_api_sync_results r JOIN sync_rejects x
  ON x.org_id = r.org_id AND x.connection_id = r.connection_id
WHERE r.id = $1 AND x.last_seen_at BETWEEN r.started_at AND coalesce(r.finished_at, now())
ORDER BY stream, external_id LIMIT 100
"""


@route(blueprint, "/stores/<int:connection_id>/runs/<int:run>", roles=DASHBOARD, family="page")
async def run_page(connection_id: int, run: int) -> Response:
    """The run's streams, attempts, comparisons and the rows it could not take over (that no later run could)."""
    async with tenant(runtime().database, principal().org, read_only=True) as scope:
        connection = await load(scope, connection_id)
        found = await run_in_detail(scope, connection, run)
        if found is None:
            raise Missing(f"There is no such sync. Syncs are kept for {RUNS.days} days.")
        rejects = await scope.sql.fetch(_REJECTS, run)
        compared = await _compared(scope, run)
    shown, log = found
    manifest = manifest_of(connection.platform)
    entries = read(log)
    return await page(
        "sync/run.html",
        store=connection,
        run=shown,
        entries=entries,
        costs=_labelled(entries[-1].costs if entries else {}, {each.name: each.label for each in manifest.streams}),
        labels={each.name: each.label for each in manifest.streams},
        compared=compared,
        unkept=_unkept(entries, compared, manifest),
        too_old=shown.finished_at is not None and runtime().clock() - shown.finished_at > PROOFS,
        kept_days=PROOFS.days,
        rejects=rejects,
        words=WORDS,
    )


def _unkept(entries: Sequence[Entry], compared: Sequence[Any], manifest: Manifest) -> list[str]:
    """Streams that the last attempt compared, and of which no outcome is kept (any more)."""
    kept = {each["stream"] for each in compared}
    asked = {name.removeprefix("ids:") for name in (entries[-1].costs if entries else {}) if name.startswith("ids:")}
    return [each.name for each in manifest.streams if each.name in asked - kept]


async def _compared(scope: Scope, run: int) -> list[Any]:
    return await scope.sql.fetch(  # type: ignore[no-any-return]
        f"""SELECT x.stream, x.state, x.reason, x.ours, x.theirs, x.missing, x.extra, x.different,
              {" + ".join(f"x.healed_{kind}" for kind in outcomes.KINDS)} AS healed
            FROM client_api_sync_results r JOIN reconciliations x ON x.run_id = r.run_id WHERE r.id = $1 ORDER BY x.id""",  # noqa: S608
        run,
    )


def _labelled(costs: dict[str, Cost], labels: dict[str, str]) -> list[tuple[str, Cost]]:
    """In the manifest's order; jsonb keeps none."""
    said, place = {"glance": "at a glance", "ids": "compared with the store"}, list(labels)
    found = []
    for name, cost in sorted(costs.items(), key=lambda each: (_place(each[0], place), len(each[0]))):
        kind, _, stream = name.rpartition(":")
        label = labels.get(stream, stream.capitalize())
        found.append((f"{label}: {said[kind]}" if kind in said else label, cost))
    return found


def _place(name: str, streams: list[str]) -> int:
    stream = name.rpartition(":")[2]
    return streams.index(stream) if stream in streams else len(streams)
