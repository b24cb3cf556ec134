"""Deliveries from stores: verified over the raw body, kept durably, answered; the work is done by a worker.

A genuine delivery is never refused for the number of requests. What is counted, by address, are tries of unknown tokens and, by
token and address, wrong signatures: they get 429 instead of 404 and 401, and are logged once a minute.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import cast

import structlog
from quart import Blueprint, Response, current_app, request
from quart.blueprints import BlueprintSetupState

from portal.accounts.gate import client_address
from portal.connectors.contract import Webhooks
from portal.connectors.registry import manifest as manifest_of
from portal.connectors.registry import manifests
from portal.connectors.registry import webhooks as webhooks_of
from portal.foundation.errors import BadRequest, Missing, NotAllowed, PortalError, TooMany, Unauthenticated
from portal.foundation.metrics import WEBHOOKS
from portal.foundation.runtime import runtime
from portal.foundation.web.policy import PUBLIC, route
from portal.sync.webhooks import self_test
from portal.sync.webhooks.doors import Door, Doors
from portal.sync.webhooks.intake import Arrival, Intake

blueprint = Blueprint("webhooks_in", __name__)
LARGEST_BODY = 2_000_000
UNKNOWN_A_MINUTE, WRONG_A_MINUTE = 600, 60
"""Tries of unknown tokens by address, wrong signatures by token and address."""
_log = structlog.get_logger("portal.webhooks")


@blueprint.record_once
def _open(state: BlueprintSetupState) -> None:
    app = state.app
    app.extensions["webhooks"] = (Doors(app.extensions["portal"]), Intake(app.extensions["portal"]))


@route(
    blueprint,
    "/webhooks/<platform_type>/<public_token>",
    roles=PUBLIC,
    family="webhook",
    methods=("POST",),
    csrf=False,
    max_body=LARGEST_BODY,
)
async def receive(platform_type: str, public_token: str) -> Response:
    """One delivery: 200 once it is stored (or was before); else nothing is, and the status says why (docs/webhooks.md)."""
    rt = runtime()
    doors, intake = cast(tuple[Doors, Intake], current_app.extensions["webhooks"])
    door, module = await _door(doors, platform_type, public_token[:100])
    body = cast(bytes, await request.get_data(as_text=False))
    given = {name.lower(): value[:1000] for name, value in request.headers.items()}
    if module.is_ping(given, body):
        count(door.platform, "ping")
        return Response("", 200)
    trial = self_test.asked(given, door)
    right = fits(module, given, body, door)
    if not right and not trial:  # perhaps the secret was changed a moment ago
        door = await doors.find(door.token, anew=True) or door
        right = fits(module, given, body, door)
    if not right:
        if trial:
            return self_test.answer(given, body, door, verified=False, stored=False)
        await _wrong_signature(door)
    if not module.meant_for(given, door.settings):
        count(door.platform, "wrong_store")
        raise NotAllowed("The delivery is of another store.", code="WRONG_STORE")
    if not module.topic(given):
        count(door.platform, "no_topic")
        raise BadRequest("The delivery does not say what it is about.", code="NO_TOPIC")
    if not door.open:
        return Response("", 200)
    new = await intake.keep(arrival_of(door, module, given, body, rt.clock()))
    count(door.platform, "stored" if new else "duplicate")
    return self_test.answer(given, body, door, verified=True, stored=new) if trial else Response("", 200)


def arrival_of(door: Door, module: Webhooks, headers: Mapping[str, str], body: bytes, now: datetime) -> Arrival:
    """A verified delivery as it is stored. A topic that nobody asked for is kept to be seen, and not worked on."""
    topic = module.topic(headers)[:100]
    return Arrival(
        org_id=door.org_id,
        connection_id=door.connection_id,
        dedupe_key=module.dedupe_key(headers, body)[:300],
        topic=topic,
        headers={name: headers[name] for name in sorted(module.KEPT_HEADERS & headers.keys())},
        body=body,
        received_at=now,
        wanted=topic in manifest_of(door.platform).webhook_topics,
    )


async def _door(doors: Doors, platform_type: str, token: str) -> tuple[Door, Webhooks]:
    """Raises `Missing` for an address that is none, `TooMany` for who tries too many of them."""
    module = webhooks_of(platform_type) if platform_type in {each.platform for each in manifests()} else None
    door = await doors.find(token) if module is not None else None
    if module is None or door is None or door.platform != platform_type:
        count("unknown", "unknown")
        await _slow_down(f"w:{client_address()}", UNKNOWN_A_MINUTE)
        raise Missing("There is no such webhook address.")
    return door, module


def fits(module: Webhooks, headers: Mapping[str, str], body: bytes, door: Door) -> bool:
    """Whether the signature is of one of the door's secrets."""
    return any(module.verify(headers, body, secret) for secret in door.secrets)


async def _wrong_signature(door: Door) -> None:
    """Raises `Unauthenticated`, or `TooMany`. Said in the log once a minute, with the store's number and nothing secret."""
    count(door.platform, "wrong_signature")
    once = await runtime().limiter.hit(f"c:{door.connection_id}", "wrong_signature_log", 1)
    if once.allowed:
        _log.warning("webhook_wrong_signature", connection_id=door.connection_id, platform=door.platform)
    await _slow_down(f"c:{door.connection_id}:{client_address()}", WRONG_A_MINUTE)
    raise Unauthenticated("The signature does not fit the delivery.", code="WRONG_SIGNATURE")


async def _slow_down(who: str, limit: int) -> None:
    state = await runtime().limiter.hit(who, "webhook_failures", limit)
    if not state.allowed:
        refused: PortalError = TooMany("Too many of these from your address.", max(1, math.ceil(state.reset_seconds)))
        raise refused


def count(platform_type: str, result: str) -> None:
    """One more delivery with this result, for the metrics."""
    WEBHOOKS.labels(platform_type, result).inc()
