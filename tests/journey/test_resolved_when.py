"""The whole road in a real browser: a client is brought on board, its store synced, and an order moves the open dashboard."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp
import pytest

from portal.foundation.runtime import Runtime
from portal.foundation.web.filters import money
from portal.sandbox import Sandbox
from portal.sandbox.truth import truth
from portal.sync.worker import work
from portal.tenancy.scope import platform
from tests.conftest import SignIn
from tests.shops import open_shop, today

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PASSWORD = "an-uncommon-passphrase"


@asynccontextmanager
async def worker(rt: Runtime) -> AsyncIterator[None]:
    """A worker in this process, until left."""
    stop = asyncio.Event()
    task = asyncio.create_task(work(rt, stop=stop, heartbeat=timedelta(seconds=3), schedule_every=3600.0))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 15)


@pytest.fixture
async def shop(rt: Runtime, live_server: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """A store whose webhooks reach the live server. It answers orders slowly, so that the progress can be watched."""
    monkeypatch.setattr(rt, "settings", rt.settings.model_copy(update={"public_url": live_server}))
    async with open_shop(rt, orders=300, seed=21) as sandbox:
        yield sandbox
        await sandbox.courier("shop").settled()


@pytest.fixture
def complaints() -> list[str]:
    return []


async def window(browser: Browser, base: str, complaints: list[str], **options: Any) -> Page:
    """A private window that writes down what the browser complains of."""
    context = await browser.new_context(base_url=base, **options)
    context.set_default_timeout(15_000)
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


async def fill_client_form(page: Page, sandbox: Sandbox, email: str) -> None:
    store = sandbox.store("shop")
    await page.get_by_role("link", name="Add client").first.click()
    await page.get_by_label("Company Name").fill("Second Client GmbH")
    await page.get_by_label("Email").fill(email)
    await page.locator("input[name=platform_type][value=woocommerce]").check(force=True)
    await page.get_by_label("Site URL").fill(store.site_url)
    await page.locator("#f-consumer_key").fill(store.spec.consumer_key)
    await page.locator("#f-consumer_secret").fill(store.spec.consumer_secret)


async def test_from_the_agencys_form_to_a_dashboard_that_moves_by_itself(
    rt: Runtime,
    live_server: str,
    browser: Browser,
    sign_in: SignIn,
    shop: Sandbox,
    complaints: list[str],
    tmp_path: Path,
) -> None:
    # The superadmin signs in and adds a client with the store's keys.
    agency = await sign_in("superadmin")
    page = await window(browser, live_server, complaints)
    await page.goto("/superadmin/clients")
    await page.get_by_label("E-mail address").fill(agency.email)
    await page.get_by_label("Password").fill(agency.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/superadmin/clients")
    email = f"second-{uuid4().hex[:8]}@example.com"
    await fill_client_form(page, shop, email)
    await page.get_by_role("button", name="Test API Connection").click()
    findings = page.locator("#test-result")
    await findings.get_by_text("Connected to").wait_for()
    for finding in ("EUR", "Europe/Berlin", "granted"):
        assert await findings.get_by_text(finding).count(), finding
    assert await page.locator("#f-consumer_secret").input_value(), "testing in place loses nothing"
    await page.get_by_role("button", name="Create Client").click()
    await page.get_by_role("heading", name="Second Client GmbH is on board").wait_for()
    link = await page.locator(".to-copy").inner_text()

    # The first sync is watched while it runs.
    await page.get_by_role("button", name="Watch the first sync").click()
    progress = page.locator("section[id^=store-progress-]")
    await progress.get_by_text("Sync under way").wait_for()
    await page.locator("#live-state[data-state=live]").wait_for()
    await page.evaluate("window.sameDocument = true")
    shop.control("shop", "fault", kind="slow", seconds=0.4, times=4, path="orders")
    async with worker(rt):
        await progress.locator("progress").first.wait_for()
        await progress.get_by_text("Last sync").wait_for(timeout=40_000)
        assert await progress.locator("progress").count() == 0
        assert await page.evaluate("window.sameDocument") is True, "it moved without a reload"
        told: Any = truth(shop.store("shop"))
        async with platform(rt.database, "test") as scope:
            rows = await scope.sql.fetch(
                """SELECT s.currency, sum(s.orders)::int AS orders, sum(s.gross) AS gross, sum(s.refunds) AS refunds
                   FROM daily_sales s JOIN memberships m USING (org_id) JOIN users u ON u.id = m.user_id
                   WHERE u.email = $1 GROUP BY 1 ORDER BY 1""",
                email,
            )
        names = ("currency", "orders", "gross", "refunds")
        assert [tuple(str(row[name]) for name in names) for row in rows] == [
            tuple(str(row[name]) for name in names) for row in told["revenue"]
        ]

        # The client accepts the invitation; the tiles are the store's truth to the cent.
        client = await window(browser, live_server, complaints)
        await client.goto(link)
        await client.get_by_label("Your name").fill("Frieda Neu")
        await client.get_by_label("Choose a password").fill(PASSWORD)
        await client.get_by_role("button", name="Join").click()
        await client.wait_for_url("**/dashboard")
        strip = client.locator("#strip")
        orders, revenue = today(shop)
        assert money(revenue, "EUR") in await strip.inner_text()
        body = await (await client.request.get("/api/v1/dashboard/sales-pulse")).json()
        assert (body["total_orders"], Decimal(str(body["total_revenue"]))) == (orders, revenue)
        stock = await (await client.request.get("/api/v1/dashboard/inventory-alerts?limit=500")).json()
        left: dict[str, int] = defaultdict(int)  # several products may share a SKU
        for row in told["stock"]:
            if row["manage_stock"]:
                left[row["sku"]] += row["stock_quantity"]
        out = {alert["sku"] for alert in stock["alerts"] if alert["alert_type"] == "out_of_stock"}
        assert {sku for sku, quantity in left.items() if quantity <= 0} <= out

        # An order placed at the store moves the open dashboard without a reload; how fast is measured by `portal bench`.
        await client.locator("#live-state[data-state=live]").wait_for()
        await client.evaluate("window.sameDocument = true")
        async with aiohttp.ClientSession() as session:
            order = {"action": "place_order", "total": "123.45"}
            async with session.post(f"{shop.store('shop').site_url}/_control", json=order) as answer:
                assert answer.status == 200, await answer.text()
        expected = money(revenue + Decimal("123.45"), "EUR")
        await strip.get_by_text(expected).wait_for(timeout=10_000)
        assert await client.evaluate("window.sameDocument") is True
        assert today(shop) == (orders + 1, revenue + Decimal("123.45"))

        await photograph(client, tmp_path)

        # Signing out in one tab ends the push in the other.
        other = await client.context.new_page()
        await other.goto("/account")
        await other.get_by_label("Your account").click()
        await other.locator("form[action='/logout'] button").click()
        await other.wait_for_url("**/login")
        await client.locator("#live-state[data-reason=signed_out]").wait_for()
    await page.goto("/superadmin/clients")
    row = page.get_by_role("row").filter(has_text=email)
    assert "Connected" in await row.inner_text()
    assert complaints == []
    for each in (page, client):
        await each.context.close()


async def photograph(page: Page, folder: Path) -> None:
    """The dashboard on a phone and in the dark; nothing sticks out to the side."""
    for name, width, scheme in (("wide", 1280, "light"), ("dark", 1280, "dark"), ("phone", 390, "light")):
        await page.set_viewport_size({"width": width, "height": 900})
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await page.screenshot(path=folder / f"dashboard-{name}.png", full_page=True)
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        assert (folder / f"dashboard-{name}.png").stat().st_size > 10_000
    await page.set_viewport_size({"width": 1280, "height": 900})


async def test_the_form_comes_back_with_its_errors_in_place_and_loses_nothing(
    live_server: str, browser: Browser, sign_in: SignIn, shop: Sandbox, complaints: list[str]
) -> None:
    agency = await sign_in("superadmin")
    page = await window(browser, live_server, complaints)
    await page.context.add_cookies([{"name": n, "value": v, "url": live_server} for n, v in agency.cookies.items()])
    await page.goto("/superadmin/clients")
    await fill_client_form(page, shop, "nobody")
    await page.locator("#f-consumer_secret").fill("cs_" + "0" * 40)
    await page.get_by_role("button", name="Create Client").click()
    await page.locator("#f-email-error").wait_for()
    assert await page.get_by_label("Company Name").input_value() == "Second Client GmbH"
    await page.get_by_label("Email").fill(f"third-{uuid4().hex[:8]}@example.com")
    await page.get_by_role("button", name="Create Client").click()
    await page.get_by_text("so nothing was created").first.wait_for()
    await page.locator("#f-consumer_secret").fill(shop.store("shop").spec.consumer_secret)
    await page.get_by_role("button", name="Create Client").click()
    await page.get_by_role("heading", name="Second Client GmbH is on board").wait_for()
    assert [each for each in complaints if "422" not in each] == []
    await page.context.close()
