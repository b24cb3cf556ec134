"""A burst of webhooks: a thousand a second, each answered once it is stored, and then worked off in order."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psutil

from portal.bench.child import Child, ChildFailed
from portal.bench.finding import Finding
from portal.bench.plan import Plan
from portal.bench.roles.deliveries import ORDERS
from portal.bench.roles.worker import connect
from portal.bench.tenants import make_organizations
from portal.compose import close_runtime, open_runtime
from portal.foundation.database import connect_once
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import tenant

NAME = "webhooks"
STORES, PER_SECOND, CONNECTIONS = 10, 1_000, 128
BAR_P99 = 1_000.0  # milliseconds; the platforms give up after five seconds
_SECRET = "bench-secret-" + "0" * 32
_STORE = {
    "platform": "woocommerce",
    "credentials": {"site_url": "https://shop.example", "consumer_key": f"ck_{'0' * 40}", "consumer_secret": f"cs_{'0' * 40}"},
}  # fmt: skip
# Of the deliveries about one order the last one stands, and none was worked on before an earlier one of its store.
_LOST = "SELECT count(*) FROM webhook_deliveries WHERE state <> 'done'"
_DISORDER = """
SELECT count(*) FROM (
  SELECT processed_at < lag(processed_at) OVER (PARTITION BY connection_id ORDER BY id) AS early FROM webhook_deliveries
) d WHERE early
"""
_LAST = "SELECT count(*), min(note::int) FROM orders"


async def measure(plan: Plan) -> None:
    """Milliseconds from when a delivery was due to its 200; deliveries a second that one worker works off afterwards."""
    count = int(PER_SECOND * plan.size(10, 1))
    rt, admin = await open_runtime(plan.settings), await connect_once(plan.admin_url)
    try:
        await admin.execute("TRUNCATE orders, order_lines, daily_sales, daily_sku_sales, webhook_deliveries")
        doors = [await _door(rt) for _ in range(STORES)]
        server = await plan.child("portal_server", settings=plan.settings.model_dump(mode="json"), unlimited=True)
        shops = await plan.child("deliveries", port=server.ready["port"], connections=CONNECTIONS, doors=doors)
        worker = await plan.child("worker", settings=plan.settings.model_dump(mode="json"))
        before = _worked(server)
        found = await shops.ask(do="deliver", per_second=PER_SECOND, seconds=count / PER_SECOND)
        stored = await admin.fetchval("SELECT count(*) FROM webhook_deliveries")
        if found["statuses"] != {"200": count} or stored != count:
            raise ChildFailed(f"{count} deliveries: answered {found['statuses']}, stored {stored}")
        pace, own = count / found["seconds"], 1e6 * (_worked(server) - before) / count
        plan.found(
            Finding(
                bench=NAME,
                case=f"p99 of the 200s, {PER_SECOND:,} a second",
                unit="ms",
                ours=found["p99_ms"],
                bar=BAR_P99,
                sample=f"{count:,} deliveries of {found['bytes']:,} bytes to {STORES} stores, none lost",
                note=f"median {found['p50_ms']:.0f} ms; {pace:,.0f} a second from the first to the last 200; "
                f"the web process' own work: {own:.0f} us of each",
            )
        )
        if plan.profile:
            await server.ask(do="profile")
            await shops.ask(do="deliver", per_second=PER_SECOND, seconds=1)
            plan.keep_profile(NAME, (await server.ask(do="profiled"))["lines"])
            return
        drained = await worker.ask(do="drain", connections=[(door["org"], door["connection"]) for door in doors])
        await _check(admin, count)
        speed = drained["count"] / drained["seconds"]
        note = "oldest first in each store, the last word on every order stands"
        plan.found(Finding(bench=NAME, case="… worked off in order", unit="deliveries/s", ours=speed, note=note))
    finally:
        await admin.close()
        await close_runtime(rt)


def _worked(child: Child) -> float:
    """Seconds of processor time that process has used."""
    times = psutil.Process(child.pid).cpu_times()
    return float(times.user + times.system)


async def _door(rt: Runtime) -> dict[str, Any]:
    """A store whose deliveries are expected."""
    (org_id,) = await make_organizations(rt.database, 1)
    connection_id = await connect(rt, org_id, _STORE)
    async with tenant(rt.database, org_id) as scope:
        token = await scope.sql.fetchval("SELECT public_token FROM client_api_credentials WHERE id = $1", connection_id)
        sealed = await _sealed(rt, org_id, token)
        await scope.sql.execute(
            "UPDATE client_api_credentials SET webhook_secret = $2 WHERE id = $1", connection_id, sealed
        )
    path = f"/webhooks/woocommerce/{token}"
    return {"org": str(org_id), "connection": connection_id, "path": path, "secret": _SECRET}


async def _sealed(rt: Runtime, org_id: UUID, token: str) -> bytes:
    return await rt.vault.seal(org_id, f"client_api_credentials.webhook_secret:{token}", _SECRET)


async def _check(admin: Any, count: int) -> None:
    """Raises `ChildFailed` when a delivery was left, overtaken, or its order is not as it was told of last."""
    lost, disorder = await admin.fetchval(_LOST), await admin.fetchval(_DISORDER)
    orders, oldest = await admin.fetchrow(_LAST)
    if lost or disorder or orders != STORES * ORDERS or oldest < count - STORES * ORDERS:
        raise ChildFailed(f"{lost} left, {disorder} overtaken, {orders} orders, the oldest word is {oldest} of {count}")
