"""The connection test: the key, each permission, sample counts and the store's own facts, with advice for each finding."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from portal.connectors.findings import ConnectionTest, PermissionResult
from portal.connectors.untested import untested
from portal.connectors.woocommerce import facts
from portal.connectors.woocommerce.client import Answer, Client
from portal.connectors.woocommerce.failures import KEYS
from portal.connectors.woocommerce.manifest import MANIFEST
from portal.foundation.errors import AuthFailed, ConnectorError, Forbidden, Permanent

Outcome = Answer | ConnectorError
_ONE = {"per_page": "1", "_fields": "id"}
_READS = {
    "read_orders": "orders",
    "read_products": "products",
    "read_customers": "customers",
    "read_coupons": "coupons",
    "read_taxes": "taxes",
    "read_settings": "settings/general",
}


async def test(connect: Callable[[], Client]) -> ConnectionTest:
    """Try everything once. The first request decides whether the credentials work; `connect` may raise for the form."""
    started = asyncio.get_running_loop().time()
    try:
        client = connect()
        first = await client.get("orders", _ONE, retries=1)
    except Forbidden as refused:
        return untested(refused, started, _permissions({"read_orders": refused}))
    except ConnectorError as wrong:
        return untested(wrong, started, ())
    outcomes: dict[str, Outcome] = {"read_orders": first}
    names = [name for name in _READS if name != "read_orders"]
    found = await asyncio.gather(
        *(_try(client.get(_READS[name], None if "/" in _READS[name] else _ONE, retries=1)) for name in names),
        _try(_may_write(client)),
        _try(client.get("system_status", {"_fields": "settings,environment"}, retries=1)),
        _try(client.get("/", {"_fields": "name,timezone_string,gmt_offset"}, retries=1)),
    )
    outcomes |= dict(zip([*names, "write_webhooks"], found, strict=False))
    settings, (status, root) = outcomes["read_settings"], found[-2:]
    permissions = _permissions(outcomes)
    now = datetime.now(UTC)
    warnings = facts.warnings(client, first.date, now)
    lacking = _lacking(outcomes)
    required = [each.name for each in MANIFEST.permissions if each.required]
    blocked = [each for each in permissions if each.granted is False and each.name in required]
    return ConnectionTest(
        success=not blocked,
        status="forbidden" if blocked else "warning" if warnings or lacking else "success",
        response_time=round(first.elapsed * 1000),
        permissions=permissions,
        sample={stream: _total(outcomes[f"read_{stream}"]) for stream in ("orders", "products", "customers")},
        store=facts.store(_value(settings), _value(status), _value(root)),
        advice=(*lacking, *warnings, *_about_writing(outcomes["write_webhooks"])),
        clock_skew_s=None if first.date is None else round((first.date - now).total_seconds()),
    )


async def _try(request: Awaitable[Answer]) -> Outcome:
    try:
        return await request
    except ConnectorError as wrong:
        return wrong


async def _may_write(client: Client) -> Answer:
    """Ask for a webhook with a topic that does not exist: a key that may write is told so (400), another is refused (401).

    Nothing is created; should a shop create it all the same, it is removed again.
    """
    try:
        answer = await client.send(
            "POST",
            "webhooks",
            {"topic": "portal.permission-test", "delivery_url": client.site.base, "status": "disabled"},
        )
    except Permanent as told:
        if "invalid_topic" in told.message:
            return Answer(value=None)
        raise
    created = answer.value.get("id") if isinstance(answer.value, dict) else None
    if isinstance(created, int):
        await client.send("DELETE", f"webhooks/{created}", {}, {"force": "true"})
    return answer


def _permissions(outcomes: dict[str, Outcome]) -> tuple[PermissionResult, ...]:
    return tuple(
        PermissionResult(
            name=each.name,
            granted=_granted(outcomes.get(each.name)),
            needed_for=each.needed_for,
            detail=_detail(outcomes.get(each.name)),
        )
        for each in MANIFEST.permissions
    )


def _granted(outcome: Outcome | None) -> bool | None:
    if isinstance(outcome, Answer):
        return True
    return False if isinstance(outcome, Forbidden | AuthFailed) else None


def _detail(outcome: Outcome | None) -> str:
    return outcome.message if isinstance(outcome, ConnectorError) else ""


def _lacking(outcomes: dict[str, Outcome]) -> tuple[str, ...]:
    """What to do about each reading that did not work, said once."""
    wrong = [each for name, each in outcomes.items() if name in _READS and isinstance(each, ConnectorError)]
    return tuple(dict.fromkeys(f"{each.message} {each.advice}".strip() for each in wrong))


def _about_writing(outcome: Outcome) -> tuple[str, ...]:
    if isinstance(outcome, Answer):
        return (
            "This key may also change orders and products. The portal writes nothing but its webhooks; if polling is "
            f'enough for you, a key with permission "Read" is safer ({KEYS}).',
        )
    if isinstance(outcome, Forbidden):
        return (f"Changes will arrive by polling, not live: {outcome.message} {outcome.advice}",)
    return ()


def _total(outcome: Outcome) -> int | None:
    return outcome.total if isinstance(outcome, Answer) else None


def _value(outcome: Outcome) -> object:
    return outcome.value if isinstance(outcome, Answer) else None
