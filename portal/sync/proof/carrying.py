"""From one comparison of some days to the next of others: what an earlier night left undone is still undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from portal.sync.proof import outcomes
from portal.sync.proof.comparing import held
from portal.sync.proof.differences import Found
from portal.tenancy.scope import Scope


async def carry(
    scope: Scope, connection_id: int, stream: str, found: Mapping[str, Found], compared: Callable[[str], bool]
) -> None:
    """Add to `found` the open differences of the stream's last comparison whose ids were not `compared` now, unless the row has
    come (or gone) meanwhile."""
    before = (await outcomes.latest(scope, connection_id)).get(stream)
    if before is None:
        return
    for kind in outcomes.KINDS:
        left = [each for each in before.lists[kind] if not each.healed and not compared(each.id)]
        mine = await held(scope, connection_id, stream, [each.id for each in left])
        known = {each["id"] for each in found[kind].sample}
        for each in left:
            alive = each.id in mine and mine[each.id].deleted_at is None
            if each.id not in known and alive == (kind != "missing"):
                found[kind].add(each.id, healed=False, ours=each.ours, theirs=each.theirs, why=each.why)
