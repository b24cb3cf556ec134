"""Refunds and fees: transactions by the day they were posted, in windows of at most 180 days (a longer one comes back empty).

Amazon shows a transaction up to 48 hours late, so every run begins four days before the last one's end; the ledger removes
the doubles. `marketplaceId` is not sent: with it, orders that a US seller ships himself would be missing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from portal.connectors.amazon import mapping
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.failures import StaleToken
from portal.connectors.amazon.history import BACK
from portal.connectors.amazon.manifest import MANIFEST
from portal.connectors.amazon.orders import mark
from portal.connectors.amazon.paging import made, next_token, rows_of
from portal.connectors.amazon.rates import TRANSACTIONS
from portal.connectors.amazon.reports import stamp
from portal.connectors.answers import Cursor, Page
from portal.connectors.values import text

PATH = "/finances/2024-06-19/transactions"
WINDOW = timedelta(days=90)
LOOK_BACK = next(each.look_back for each in MANIFEST.streams if each.name == "refunds")


async def page(client: Client, cursor: Cursor | None) -> Page:
    """The next page of transactions: refunds and every fee of them. A page may be empty and still not be the last."""
    given = cursor or {}
    latest = client.latest()
    since = mark(given) or latest - BACK
    token = text(given.get("token"), 8000)
    until = mark({"since": given.get("until")}) if token else None
    until = until or min(since + WINDOW, latest)
    if until <= since:
        return made([], 0, {"since": since.isoformat()}, True)
    try:
        rows, following = await transactions(client, since, until, token)
    except StaleToken:
        return await page(client, {"since": since.isoformat()})
    seen_at = datetime.now(UTC)
    mapped = [record for row in rows for record in mapping.transaction(row, client.account, seen_at)]
    if following:
        state = {"since": since.isoformat(), "until": until.isoformat(), "token": following}
        return made(mapped, len(rows), state, False)
    # The window was fixed by the clock when it was opened: until then everything is read, but for what comes late.
    done = latest - until < timedelta(minutes=30)
    return made(mapped, len(rows), {"since": (until - LOOK_BACK if done else until).isoformat()}, done)


async def transactions(client: Client, since: datetime, until: datetime, token: str) -> tuple[list[object], str]:
    """A page of what was posted in a range of at most 180 days, and the token of the next."""
    filters = {"postedAfter": stamp(since), "postedBefore": stamp(until)}
    answer = await client.get(TRANSACTIONS, PATH, filters | ({"nextToken": token} if token else {}), paging=bool(token))
    payload = answer.get("payload") or answer
    found = payload if isinstance(payload, dict) else {}
    return rows_of(found.get("transactions")), next_token(found, token)
