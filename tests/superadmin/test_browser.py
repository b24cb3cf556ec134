"""The client form with a real browser: what htmx makes of each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from portal.foundation.web.policy import LIMITS
from portal.sandbox import Sandbox
from tests.conftest import SignIn
from tests.shops import credentials

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.visitors import Visitor

pytestmark = pytest.mark.browser


async def sign_in_at(page: Page, who: Visitor) -> None:
    await page.goto("/login")
    await page.get_by_label("E-mail address").fill(who.email)
    await page.get_by_label("Password").fill(who.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/superadmin/clients")


async def test_a_client_is_created_once_when_the_button_is_pressed_twice(
    page: Page, sign_in: SignIn, store: Sandbox
) -> None:
    await sign_in_at(page, await sign_in("superadmin"))
    await page.goto("/superadmin/clients/new?platform_type=woocommerce")
    given = {"company_name": "Twice", "email": f"twice-{uuid4().hex[:8]}@lamps.example", **credentials(store)}
    for name in ("company_name", "email", "site_url", "consumer_key", "consumer_secret"):
        await page.locator(f"[name={name}]").fill(given[name])
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    await page.get_by_role("button", name="Create Client").dblclick()
    await page.get_by_role("heading", name="Twice is on board").wait_for()
    assert len(sent) == 1


async def test_a_taken_address_and_the_limit_are_told_in_the_one_form(
    page: Page, sign_in: SignIn, store: Sandbox
) -> None:
    agency = await sign_in("superadmin")
    await sign_in_at(page, agency)
    await page.goto("/superadmin/clients/new?platform_type=woocommerce")
    given = {"company_name": "Taken", "email": agency.email, **credentials(store)}
    for name in ("company_name", "email", "site_url", "consumer_key", "consumer_secret"):
        await page.locator(f"[name={name}]").fill(given[name])
    create = page.get_by_role("button", name="Create Client")
    await create.click()
    await page.locator("#f-email-error").wait_for()
    assert await page.locator("form#client-form").count() == 1
    assert await page.locator("#flashes > *").count() == 0
    await page.get_by_label("Email").fill("nobody")
    for _ in range(LIMITS["test"]):
        await agency.submit("/superadmin/clients/new", {})
    await create.click()
    await page.locator("#client-form").get_by_text("Try again in").wait_for()
    assert await page.get_by_label("Company Name").input_value() == "Taken"
    assert await page.locator("#flashes > *").count() == 0
