"""`/swagger/` in a real browser: it works under the strict Content-Security-Policy and signs in with a token."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from portal.foundation.runtime import Runtime
from tests import ledgers
from tests.conftest import SignIn

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.browser


async def test_swagger_signs_in_and_executes_a_route(rt: Runtime, page: Page, org: UUID, sign_in: SignIn) -> None:
    await ledgers.at_noon(rt, org)
    connection = await ledgers.connect(rt, org)
    await ledgers.write(rt, org, connection, ledgers.order("17.25"))
    known = await sign_in("owner", org)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    await page.goto("/swagger/")
    await page.locator(".opblock").first.wait_for()
    await page.get_by_label("E-mail").fill(known.email)
    await page.get_by_label("Password").fill(known.password)
    await page.get_by_role("button", name="Sign in with a token").click()
    await page.get_by_text("Signed in as owner").wait_for()
    block = page.locator(".opblock", has_text="/api/v1/dashboard/sales-pulse")
    await block.locator(".opblock-summary-control").click()
    await block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response", has_text="200").first
    await answer.wait_for()
    assert "17.25" in await answer.inner_text()
    assert complaints == []
    base = page.url.split("/swagger")[0]
    elsewhere = [url for url in requests if not url.startswith((base, "data:", "blob:"))]
    assert elsewhere == [], "nothing is loaded from another origin"
