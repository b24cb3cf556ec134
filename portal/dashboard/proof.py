"""The corner of a tile: how many rows are here and at the stores, and when that was compared: in full, and at a glance since."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

# What moved since the full comparison is told by the glance at the end of each run: both counts go on from there.
_SQL = """
SELECT c.id, c.connection_name AS name, s.stream, o.timezone, r.state, r.reason, r.at, g.at AS glanced_at,
       r.ours + coalesce(g.held - g.base, 0) AS ours,
       r.theirs + coalesce(g.counted - g.apart - g.base, g.held - g.base, 0) AS theirs,
       r.state = 'different' OR coalesce(g.state = 'different', false) AS wrong
FROM client_api_credentials c JOIN organizations o ON o.id = c.org_id
CROSS JOIN unnest($1::text[]) AS s(stream)
LEFT JOIN LATERAL (
  SELECT state, reason, at, ours, theirs FROM reconciliations x
  WHERE x.org_id = c.org_id AND x.connection_id = c.id AND x.stream = s.stream ORDER BY x.id DESC LIMIT 1
) r ON true
LEFT JOIN glances g ON g.org_id = c.org_id AND g.connection_id = c.id AND g.stream = s.stream AND g.at > r.at
  AND g.state <> 'unknown'
WHERE c.polled AND c.status <> 'disabled' AND c.id IN (SELECT p.connection_id FROM v_picture p WHERE p.ends > portal_now())
ORDER BY r.state = 'different' DESC, c.id
"""

_SAME = timedelta(minutes=1)


async def compared(connection: Any, streams: Collection[str]) -> Sequence[Mapping[str, Any]]:
    """How each of `streams` was compared last at each store that counts now (or the one looked at): what `proof` reads."""
    found: Sequence[Mapping[str, Any]] = await connection.fetch(_SQL, sorted(streams)) if streams else []
    return found


def proof(found: Sequence[Mapping[str, Any]], streams: Sequence[str]) -> dict[str, Any] | None:
    """What the badge says of `streams`, summed over the stores in what was `compared`.

    None when there is nothing to compare with. The counts are those of the first stream, None when any of it is not known; the
    others only have to be even. `said` is the sentence about it, `time` when it was looked at last, of the oldest store.
    """
    # A store that does not have a further stream is not waited for; the first one every store has.
    mine = [
        row for row in found if row["stream"] in streams and (row["stream"] == streams[0] or row["state"] is not None)
    ]
    rows = sorted(mine, key=lambda row: streams.index(row["stream"]))
    if not rows:
        return None
    wrong = next((row for row in rows if row["wrong"]), None)
    unknown = next((row for row in rows if row["state"] in {None, "unknown"}), None)
    href = f"/stores/{(wrong or unknown or rows[0])['id']}/proof"
    if unknown is not None:
        never = unknown["state"] is None
        said = "is compared after its next sync" if never else f"could not be compared: {unknown['reason']}"
        return {
            "shown": None,
            "source": None,
            "even": False,
            "href": href,
            "time": "",
            "said": f"{unknown['name']} {said}",
        }
    counted = [row for row in rows if row["stream"] == streams[0]]
    zone = ZoneInfo(rows[0]["timezone"])
    full, last = min(row["at"] for row in rows), min(row["glanced_at"] or row["at"] for row in rows)
    shown, source = sum(row["ours"] for row in counted), sum(row["theirs"] for row in counted)
    then = f"; counted again with the latest changes {_when(last, zone)}" if last - full > _SAME else ""
    return {
        "shown": shown,
        "source": source,
        "even": wrong is None and shown == source,
        "href": href,
        "time": last.astimezone(zone).strftime("%H:%M"),
        "said": f"{shown:,} of {source:,} {streams[0]}: compared one by one {_when(full, zone)}{then}",
    }


def _when(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%-d %b %H:%M")
