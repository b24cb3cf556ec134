"""The audit trail: append-only, hash-chained per organization, one more chain for the platform itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from portal.audit.chain import FIELDS, PLATFORM, START, link_hash
from portal.audit.masking import masked
from portal.foundation.database import Database
from portal.tenancy.scope import Scope, platform

_CLASS = 0x61756469  # keeps our advisory locks apart from others'


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold. `seq` is the first entry that is wrong."""

    chain: str
    seq: int
    reason: str


async def record(
    scope: Scope,
    *,
    actor: str,
    actor_id: UUID | None,
    role: str,
    action: str,
    target: str = "",
    org_id: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    address: str = "",
    request_id: str = "",
) -> None:
    """Append one entry in the caller's transaction: it is written exactly when the deed is.

    The chain is that of `org_id`, else of the scope's organization, else the platform's (which needs a platform scope).
    Secrets in `before` and `after` are masked. Writers of one chain wait for each other until commit, so record last.
    """
    org_id = org_id or scope.org_id
    chain = str(org_id) if org_id else PLATFORM
    await scope.sql.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _CLASS, chain)
    last = await scope.sql.fetchrow(
        "SELECT clock_timestamp() AS at, l.seq, l.hash FROM (SELECT 1) one LEFT JOIN LATERAL"
        " (SELECT seq, hash FROM audit_entries WHERE chain = $1 ORDER BY seq DESC LIMIT 1) l ON true",
        chain,
    )
    previous = last["hash"] or START
    entry: dict[str, Any] = {
        "chain": chain,
        "seq": (last["seq"] or 0) + 1,
        "org_id": org_id,
        "at": last["at"],
        "actor_id": actor_id,
        "actor": masked(actor),
        "role": role,
        "action": action,
        "target": masked(target),
        "address": masked(address),
        "request_id": masked(request_id),
        "before": None if before is None else masked(before),
        "after": None if after is None else masked(after),
    }
    values = [_column(entry[name]) for name in FIELDS]
    places = ", ".join(f"${number}" for number in range(1, len(values) + 3))
    await scope.sql.execute(
        f"INSERT INTO audit_entries ({', '.join(FIELDS)}, previous_hash, hash) VALUES ({places})",  # noqa: S608
        *values,
        previous,
        link_hash(entry, previous),
    )


async def verify(database: Database) -> list[Break]:
    """Walk every chain from its start: edited, missing, added and re-ordered entries, at most one per chain and kind.

    What is cut off at the very end leaves no trace in the chain itself; keep `heads` elsewhere and ask `against`.
    """
    breaks: list[Break] = []
    chain, expected, previous, reported = "", 0, START, False
    async with platform(database, "verify audit trail", read_only=True) as scope:
        async for row in scope.sql.cursor(
            f"SELECT {', '.join(FIELDS)}, previous_hash, hash FROM audit_entries ORDER BY chain, seq"  # noqa: S608
        ):
            if row["chain"] != chain:
                chain, expected, previous, reported = row["chain"], 1, START, False
            reason = _wrong(row, expected, previous)
            if reason and not reported:
                breaks.append(Break(chain, row["seq"], reason))
                reported = True  # everything after it follows from it
            expected, previous = row["seq"] + 1, row["hash"]
    return breaks


async def heads(database: Database) -> dict[str, tuple[int, str]]:
    """Each chain's last sequence number and hash (hex), to keep elsewhere as a witness."""
    async with platform(database, "read audit heads", read_only=True) as scope:
        rows = await scope.sql.fetch(
            "SELECT DISTINCT ON (chain) chain, seq, hash FROM audit_entries ORDER BY chain, seq DESC"
        )
    return {row["chain"]: (row["seq"], row["hash"].hex()) for row in rows}


async def against(database: Database, kept: Mapping[str, tuple[int, str]]) -> list[Break]:
    """What of earlier `heads` is no longer in the trail: a chain's end that was cut off, or a chain written anew."""
    async with platform(database, "compare audit heads", read_only=True) as scope:
        rows = await scope.sql.fetch(
            "SELECT chain, seq, hash FROM audit_entries JOIN unnest($1::text[], $2::bigint[]) AS k(chain, seq)"
            " USING (chain, seq)",
            list(kept),
            [seq for seq, _ in kept.values()],
        )
    there = {row["chain"]: (row["seq"], row["hash"].hex()) for row in rows}
    return [
        Break(chain, seq, "was cut off at its end, or written anew, since the witness was kept")
        for chain, (seq, digest) in sorted(kept.items())
        if there.get(chain) != (seq, digest)
    ]


def _wrong(row: Mapping[str, Any], expected: int, previous: bytes) -> str:
    if row["seq"] != expected:
        return f"entries {expected} to {row['seq'] - 1} are missing"
    if row["previous_hash"] != previous:
        return "does not follow the entry before it (inserted, removed or re-ordered)"
    entry = {name: row[name] for name in FIELDS}
    for name in ("before", "after"):
        entry[name] = None if row[name] is None else json.loads(row[name])
    if link_hash(entry, row["previous_hash"]) != row["hash"]:
        return "was edited after it was written"
    return ""


def _column(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value
