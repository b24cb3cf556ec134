"""A cached tile's JSON with credentials and limit, against Quart answering static bytes on the same server."""

from __future__ import annotations

from typing import Any

from portal.bench.child import Child, ChildFailed
from portal.bench.finding import beside
from portal.bench.plan import Plan
from portal.bench.roles.portal_server import FLOOR
from portal.bench.rounds import in_turn
from portal.bench.rows import fill
from portal.bench.tenants import Client, make_client
from portal.foundation.database import Database, connect_once

NAME = "cached-tile"
PATH = "/api/v1/dashboard/sales-pulse"
BAR = 1.4
CONNECTIONS = 8


async def measure(plan: Plan) -> None:
    """Time per answer in microseconds, `CONNECTIONS` connections that always ask, the server on one process."""
    client = await prepare(plan, orders=2_000)
    server = await plan.child("portal_server", settings=plan.settings.model_dump(mode="json"), unlimited=True)
    port = server.ready["port"]
    body = await first_answer(port, client.headers)
    await server.ask(do="static", body=body)
    bare = await plan.child("static_server", body=body)
    asking = await plan.child(
        "requests",
        host="127.0.0.1",
        connections=CONNECTIONS,
        sides={
            "portal": {"port": port, "path": PATH, "headers": client.headers},
            "floor": {"port": port, "path": FLOOR, "headers": client.headers},
            "bare": {"port": bare.ready["port"], "path": FLOOR, "headers": client.headers},
        },
    )
    seconds, rounds, answers = (0.4, 3, 0) if plan.quick else (2.0, 9, 0)
    latencies: dict[str, list[float]] = {"portal": [], "floor": [], "bare": []}

    async def side(name: str) -> float:
        nonlocal answers
        found = await asking.ask(do="ask", side=name, seconds=seconds)
        if found["wrong"] or found["length"] != len(body.encode()):
            raise ChildFailed(f"{name}: {found['wrong']} wrong answers, {found['length']} bytes")
        answers += found["answers"]
        latencies[name].append(found["p99_us"])
        return 1e6 / float(found["per_second"])

    ours, floor, without_log = await in_turn(
        rounds, lambda: side("portal"), lambda: side("floor"), lambda: side("bare")
    )
    sample = f"{rounds} rounds of {seconds:g} s each in turn, {CONNECTIONS} connections, {answers:,} answers, {len(body)} bytes"
    plan.found(beside(NAME, "cached tile JSON", "us/answer", ours, floor, bar=BAR, sample=sample, note=_p99(latencies)))
    plan.found(
        beside(
            NAME,
            "… against Hypercorn without any log",
            "us/answer",
            ours,
            without_log,
            note="the floor without the access log and metrics that the portal's server keeps",
        )
    )
    if plan.profile:
        await _profile(plan, server, asking)


async def prepare(plan: Plan, *, orders: int) -> Client:
    """A client with a store of `orders` orders."""
    database = Database(plan.settings.database_url)
    await database.open()
    try:
        client = await make_client(database, plan.settings)
    finally:
        await database.close()
    admin = await connect_once(plan.admin_url)
    try:
        await fill(admin, [client.org_id], [orders])
    finally:
        await admin.close()
    return client


async def first_answer(port: int, headers: dict[str, str]) -> str:
    """The tile's body, now cached. Raises `ChildFailed` when the portal refuses."""
    from aiohttp import ClientSession

    async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}{PATH}", headers=headers) as answer:
        body = await answer.text()
        if answer.status != 200:
            raise ChildFailed(f"the portal answers {answer.status}: {body[:200]}")
        return body


async def _profile(plan: Plan, server: Child, asking: Child) -> None:
    for name in ("portal", "floor"):
        await server.ask(do="profile")
        await asking.ask(do="ask", side=name, seconds=2.0)
        plan.keep_profile(f"{NAME} {name}", (await server.ask(do="profiled"))["lines"])


def _p99(latencies: dict[str, list[float]]) -> str:
    worst: dict[str, Any] = {name: sorted(values)[len(values) // 2] / 1000 for name, values in latencies.items()}
    return f"p99 {worst['portal']:.1f} ms, floor {worst['floor']:.1f} ms"
