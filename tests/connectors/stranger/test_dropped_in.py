"""A stranger's platform: one folder, and the registry, the forms, the sync, the webhooks and the help pages know it."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from portal import connectors
from portal.connectors import contract, registry
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.sync import engine
from portal.sync.engine import Outcome
from portal.sync.jobs import request_sync
from portal.sync.webhooks.deliveries import process
from portal.sync.webhooks.registration import register_webhooks
from portal.tenancy.scope import tenant
from tests.conftest import SignIn
from tests.connectors.stranger.stall_server import TOKEN, Stall, open_stall
from tests.shops import reachable
from tests.visitors import HTML, Visitor

FOLDER = Path(__file__).parent / "dropped"


@pytest.fixture(autouse=True)
def dropped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder lies beside the other connectors, as if it had been copied there."""
    monkeypatch.setattr(connectors, "__path__", [*connectors.__path__, str(FOLDER)])
    registry._platforms.cache_clear()
    yield
    monkeypatch.undo()
    registry._platforms.cache_clear()
    for name in [each for each in sys.modules if each.startswith("portal.connectors.stall")]:
        del sys.modules[name]


@pytest.fixture
async def stall(rt: Runtime) -> AsyncIterator[Stall]:
    async with open_stall() as opened, reachable(rt, opened.url.removeprefix("http://")):
        yield opened


async def connect(rt: Runtime, org: UUID, stall: Stall) -> int:
    given = stores.validate_credentials("stall", {"site_url": stall.url, "token": TOKEN})
    async with tenant(rt.database, org) as scope:
        found = await stores.create_connection(
            rt,
            scope,
            org_id=org,
            platform="stall",
            name="The stall",
            credentials=given,
            frequency="hourly",
            created_by=None,
        )
        await scope.sql.execute(
            "UPDATE organizations SET timezone = 'Europe/Berlin', reporting_currency = 'EUR' WHERE id = $1", org
        )
    return found


async def sync(rt: Runtime, org: UUID, connection_id: int) -> Outcome:
    async with tenant(rt.database, org) as scope:
        row, _ = await request_sync(scope, org_id=org, connection_id=connection_id, trigger="manual")
        run_id = await scope.sql.fetchval("SELECT run_id FROM client_api_sync_results WHERE id = $1", row)
    return await engine.run(rt, org, connection_id, run_id)


async def sold(rt: Runtime, org: UUID) -> Decimal:
    async with tenant(rt.database, org, read_only=True) as scope:
        found: Decimal = await scope.sql.fetchval("SELECT coalesce(sum(gross - refunds), 0) FROM daily_sales")
    return found


def test_the_registry_finds_the_folder_and_its_class_keeps_the_contract() -> None:
    assert [each.platform for each in registry.manifests()][-1] == "stall"  # it says no place: after those that do
    made = registry.connector_class("stall")
    promised = {name for name, each in vars(contract.Connector).items() if callable(each) and not name.startswith("_")}
    assert {name for name in promised if not callable(getattr(made, name, None))} == set()
    pushed: Any = registry.webhooks("stall")
    assert {name for name in vars(contract.Webhooks) if not name.startswith("_")} <= set(vars(pushed))
    assert registry.estimates("stall") is None


def test_the_folder_needs_only_the_contract_the_records_and_outbound() -> None:
    of_connectors = ("contract", "manifest", "answers", "findings", "stall")
    allowed = (*(f"portal.connectors.{each}" for each in of_connectors), "portal.commerce.records",
               "portal.foundation.errors", "portal.foundation.outbound")  # fmt: skip
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("portal"):
                assert str(node.module).startswith(allowed), f"{path.name} imports {node.module}"


async def test_the_form_the_test_the_help_and_the_limits_are_there(rt: Runtime, sign_in: SignIn, stall: Stall) -> None:
    agency = await sign_in("superadmin")
    form = await agency.get("/superadmin/clients/new?platform_type=stall", headers=HTML)
    assert form.status == 200
    for part in ("Market Stall", "Stall token", "From the lid of the cash box"):
        assert part in form.text, part
    asked = {"platform_type": "stall", "credentials": {"site_url": stall.url, "token": TOKEN}}
    tested = await agency.post("/api/superadmin/test-api-connection", json=asked)
    assert tested.status == 200, tested.text
    assert tested.json()["success"], tested.text
    wrong = asked | {"credentials": {"site_url": stall.url, "token": "st_wrong"}}
    refused = (await agency.post("/api/superadmin/test-api-connection", json=wrong)).json()
    assert not refused["success"]
    assert "cash box" in json.dumps(refused)
    help_page = await agency.get("/docs/connectors/stall", headers=HTML)
    assert help_page.status == 200
    assert "Read the token from its lid." in help_page.text
    assert "Market Stall" in (await agency.get("/superadmin/platforms", headers=HTML)).text


async def test_everything_is_synced_what_changed_is_brought_and_what_was_deleted_goes(
    rt: Runtime, org: UUID, sign_in: SignIn, stall: Stall
) -> None:
    connection_id = await connect(rt, org, stall)
    assert await sync(rt, org, connection_id) is Outcome.SUCCESS
    assert await sold(rt, org) == stall.revenue()
    stall.sell(51, "99.99", changed=datetime.now(UTC).isoformat())
    stall.sales[7] |= {"status": "off", "changed": datetime.now(UTC).isoformat()}
    del stall.sales[30]
    stall.goods["PLUM-1"] = 44
    assert await sync(rt, org, connection_id) is Outcome.SUCCESS
    assert await sold(rt, org) == stall.revenue()
    owner = await sign_in("owner", org)
    page = await owner.get(f"/stores/{connection_id}", headers=HTML)
    assert page.status == 200
    assert "Market Stall" in page.text
    assert (await owner.get("/dashboard", headers=HTML)).status == 200
    async with tenant(rt.database, org, read_only=True) as scope:
        stock = await scope.sql.fetch("SELECT sku, quantity FROM products ORDER BY sku")
    assert [(row["sku"], row["quantity"]) for row in stock] == [("PLUM-0", 9), ("PLUM-1", 44), ("PLUM-2", 30)]


async def test_webhooks_are_registered_and_a_delivery_is_verified_and_written(
    rt: Runtime, org: UUID, live_server: str, stall: Stall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rt, "settings", rt.settings.model_copy(update={"public_url": live_server}))
    connection_id = await connect(rt, org, stall)
    await sync(rt, org, connection_id)
    found = await register_webhooks(rt, org, connection_id)
    assert (found.state, stall.calls["topics"]) == ("registered", ["order.sold"]), found
    pushed: Any = registry.webhooks("stall")
    body = json.dumps(stall.sell(60, "12.50")).encode()
    address = stall.calls["url"].removeprefix(live_server)
    async with Visitor(live_server) as anybody:
        for secret, status in (("wrong", 401), (stall.calls["secret"], 200)):
            headers = pushed.trial("order.sold", body, secret, {}) | {"Content-Type": "application/json"}
            async with anybody.session.post(address, data=body, headers=headers) as got:
                assert got.status == status, await got.text()
    await process(rt, org, connection_id, 0)
    assert await sold(rt, org) == stall.revenue()
