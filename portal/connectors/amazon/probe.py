"""The connection test: the token, each role by one harmless reading, the marketplaces, and the application's own age."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from portal.connectors.amazon import findings, stock
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.finances import PATH as TRANSACTIONS_PATH
from portal.connectors.amazon.manifest import MANIFEST
from portal.connectors.amazon.orders import PATH as ORDERS_PATH
from portal.connectors.amazon.paging import next_token, rows_of
from portal.connectors.amazon.rates import GET_REPORTS, INVENTORY, PARTICIPATIONS, SEARCH_ORDERS, TRANSACTIONS
from portal.connectors.amazon.reports import BY_ORDER_DATE, stamp
from portal.connectors.findings import ConnectionTest, PermissionResult
from portal.connectors.untested import untested
from portal.foundation.errors import AuthFailed, ConnectorError, Forbidden, Temporary

_LONGEST = timedelta(days=179)  # a range of more than 180 days is answered as if there were nothing
Answer = dict[str, object]
Outcome = Answer | ConnectorError


async def test(connect: Callable[[], Client]) -> ConnectionTest:
    """Try everything once; `connect` may raise for the form. Nothing is written, and no report is asked for."""
    started = asyncio.get_running_loop().time()
    try:
        client = connect()
        first = await _try(_participations(client))
        if isinstance(first, AuthFailed | Temporary):
            raise first
    except ConnectorError as wrong:
        return untested(wrong, started)
    elapsed = client.elapsed
    found = await asyncio.gather(
        *(_try(each) for each in (_orders(client), _reports(client), _inventory(client), _transactions(client)))
    )
    names = ("read_sellers", "read_orders", "read_reports", "read_products", "read_refunds")
    outcomes: dict[str, Outcome] = dict(zip(names, [first, *found], strict=True))
    for outcome in outcomes.values():
        if isinstance(outcome, AuthFailed):
            return untested(outcome, started)
    now = datetime.now(UTC)
    permissions = tuple(_permission(each.name, each.needed_for, outcomes[each.name]) for each in MANIFEST.permissions)
    required = {each.name for each in MANIFEST.permissions if each.required}
    wrong_place = findings.marketplaces(client.account, first)
    blocked = [each for each in permissions if each.name in required and each.granted is False]
    lacking = tuple(
        dict.fromkeys(f"{each.message} {each.advice}" for each in outcomes.values() if isinstance(each, ConnectorError))
    )
    warnings = (
        *wrong_place.warnings,
        *findings.seller(client.account, outcomes["read_refunds"]),
        *findings.secret(client.account, now.date()),
        *findings.clock(client.ahead),
    )
    failed = bool(blocked or wrong_place.none)
    return ConnectionTest(
        success=not failed,
        status="forbidden" if blocked else "error" if failed else "warning" if warnings or lacking else "success",
        response_time=round(elapsed * 1000),
        permissions=permissions,
        sample={"orders": None, "products": None, "customers": None},  # Amazon tells no totals
        store=findings.store(client.account, first),
        advice=(*lacking, *warnings, *findings.hints(client.account)),
        expires_at=findings.secret_expires(client.account),
        clock_skew_s=round(client.ahead.total_seconds()),
    )


async def _participations(client: Client) -> Answer:
    return await client.get(PARTICIPATIONS, "/sellers/v1/marketplaceParticipations", retries=1)


async def _orders(client: Client) -> Answer:
    filters = {
        "lastUpdatedAfter": stamp(client.latest() - timedelta(days=1)),
        "marketplaceIds": client.account.marketplace_ids,
        "maxResultsPerPage": "1",
    }
    return await client.get(SEARCH_ORDERS, ORDERS_PATH, filters, retries=1)


async def _reports(client: Client) -> Answer:
    """Reports that were asked for earlier: reading their list needs the role that asking for them needs."""
    filters = {"reportTypes": BY_ORDER_DATE, "pageSize": "1"}
    return await client.get(GET_REPORTS, "/reports/2021-06-30/reports", filters, retries=1)


async def _inventory(client: Client) -> Answer:
    marketplace = client.account.marketplaces[0].id
    filters = {"granularityType": "Marketplace", "granularityId": marketplace, "marketplaceIds": marketplace}
    return await client.get(INVENTORY, stock.PATH, filters, retries=1)


async def _transactions(client: Client) -> Answer:
    """As far back as Amazon answers: the one answer that names the seller, so that one who sold nothing lately is known too."""
    filters = {"postedAfter": stamp(client.latest() - _LONGEST), "postedBefore": stamp(client.latest())}
    answer = await client.get(TRANSACTIONS, TRANSACTIONS_PATH, filters, retries=1)
    payload = answer.get("payload")
    token = next_token(payload, "")
    if not token or rows_of(payload.get("transactions") if isinstance(payload, dict) else None):
        return answer
    # Empty, but not the last: the next page may name the seller.
    return await client.get(TRANSACTIONS, TRANSACTIONS_PATH, filters | {"nextToken": token}, retries=1)


async def _try(request: Awaitable[Answer]) -> Outcome:
    try:
        return await request
    except ConnectorError as wrong:
        return wrong


def _permission(name: str, needed_for: str, outcome: Outcome) -> PermissionResult:
    granted: bool | None = True
    if isinstance(outcome, ConnectorError):
        granted = False if isinstance(outcome, Forbidden) else None
    detail = outcome.message if isinstance(outcome, ConnectorError) else ""
    return PermissionResult(name=name, granted=granted, needed_for=needed_for, detail=detail)
