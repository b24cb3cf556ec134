"""The corner of a tile: how many rows here and at the stores, at the last comparison of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_SQL = """
SELECT c.id, s.stream, r.state, r.ours, r.theirs
FROM client_api_credentials c CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS s(stream, place)
LEFT JOIN LATERAL (
  SELECT state, ours, theirs FROM reconciliations x
  WHERE x.org_id = c.org_id AND x.connection_id = c.id AND x.stream = s.stream ORDER BY x.id DESC LIMIT 1
) r ON true
WHERE c.polled AND c.status <> 'disabled' AND c.id IN (SELECT p.connection_id FROM v_picture p WHERE p.ends > portal_now())
  AND (s.place = 1 OR r.state IS NOT NULL)
ORDER BY s.place, r.state = 'different' DESC, c.id
"""


async def proof(connection: Any, streams: Sequence[str]) -> dict[str, Any] | None:
    """What the tile's badge says of its `streams`, summed over the stores that count now (or the one looked at).

    None when any of it is not known. The counts are those of the first stream; the others only have to be even.
    """
    if not streams:
        return None
    rows = await connection.fetch(_SQL, list(streams))
    if not rows or any(row["state"] is None or row["state"] == "unknown" for row in rows):
        return None
    counted = [row for row in rows if row["stream"] == streams[0]]
    wrong = next((row for row in rows if row["state"] == "different"), None)
    return {
        "shown": sum(row["ours"] for row in counted),
        "source": sum(row["theirs"] for row in counted),
        "even": wrong is None,
        "href": f"/stores/{(wrong or rows[0])['id']}/proof",
    }
