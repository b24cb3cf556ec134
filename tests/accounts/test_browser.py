"""Signing in with a real browser, under the real Content-Security-Policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from tests.conftest import SignIn

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.browser


async def test_a_person_signs_in_looks_at_the_sessions_and_signs_out(
    page: Page, sign_in: SignIn, org: UUID, client: Any
) -> None:
    known = await sign_in("owner", org, name="Ada Park")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    await page.goto("/account")
    assert page.url.endswith("/login?next=/account")
    await page.get_by_label("E-mail address").fill(known.email)
    await page.get_by_label("Password").fill("wrong password here")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("is not right").wait_for()
    assert await page.get_by_label("E-mail address").input_value() == known.email
    await page.get_by_label("Password").fill(known.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/account")
    await page.get_by_role("heading", name="Account and sessions").wait_for()
    assert await page.get_by_text("this one").count() == 1
    await page.get_by_role("button", name="Sign out everywhere").click()
    await page.wait_for_url("**/login")
    await page.get_by_text("signed out everywhere").wait_for()
    assert [text for text in complaints if "422" not in text] == []
