"""Theme, forms, menus and ages in a real browser, under the strict policy; and pages without JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

pytestmark = pytest.mark.browser

PAGES = ["dashboard.html", "office.html", "door.html", "live.html"]


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_fits_a_phone_and_keeps_the_policy(
    stage: Any, window: Page, complaints: list[str], name: str
) -> None:
    await window.set_viewport_size({"width": 360, "height": 740})
    await window.goto(f"{stage.url}/gallery/{name}")
    assert await window.evaluate("document.documentElement.scrollWidth") == 360
    assert complaints == []


async def test_the_theme_is_chosen_without_a_round_trip_and_kept(stage: Any, window: Page) -> None:
    await window.goto(f"{stage.url}/gallery/office.html")
    await window.click(".foot summary")
    await window.click("[data-theme-form] button[value=dark]")
    assert await window.get_attribute("html", "data-theme") == "dark"
    await window.reload()
    assert await window.get_attribute("html", "data-theme") == "dark"
    await window.click(".foot summary")
    await window.click("[data-theme-form] button[value='']")
    await window.reload()
    assert await window.get_attribute("html", "data-theme") is None


async def test_a_form_is_sent_once_however_often_it_is_pressed(stage: Any, window: Page) -> None:
    await window.goto(f"{stage.url}/gallery/office.html")
    await window.fill("#f-site_url", "https://shop.example")
    await window.fill("#f-consumer_secret", "cs_x")
    await window.evaluate(
        "() => { const b = document.querySelector('form[data-unsaved] [type=submit]'); b.click(); b.click(); }"
    )
    await window.wait_for_selector(".btn[aria-busy=true] .busy >> visible=true")
    await window.wait_for_timeout(200)
    assert stage.posts == ["office.html"]


async def test_a_secret_can_be_shown_and_hidden(stage: Any, window: Page) -> None:
    await window.goto(f"{stage.url}/gallery/office.html")
    await window.click("[data-reveal=f-consumer_key]")
    assert await window.get_attribute("#f-consumer_key", "type") == "text"
    await window.click("[data-reveal=f-consumer_key]")
    assert await window.get_attribute("#f-consumer_key", "type") == "password"


async def test_the_error_summary_has_the_focus_and_leads_to_the_field(stage: Any, window: Page) -> None:
    await window.goto(f"{stage.url}/gallery/office.html")
    assert await window.evaluate("document.activeElement.className") == "form-errors"
    await window.click(".form-errors a")
    assert await window.evaluate("document.activeElement.id") == "f-site_url"


async def test_a_menu_closes_with_escape_and_on_a_click_elsewhere(stage: Any, window: Page) -> None:
    await window.goto(f"{stage.url}/gallery/live.html")
    for elsewhere in ("", "#figure"):
        await window.click("#tile-sales-pulse-menu summary")
        assert await window.evaluate("document.querySelector('#tile-sales-pulse-menu').open")
        await (window.click(elsewhere) if elsewhere else window.keyboard.press("Escape"))
        assert not await window.evaluate("document.querySelector('#tile-sales-pulse-menu').open")


async def test_ages_move_by_the_servers_clock(stage: Any, window: Page) -> None:
    await window.clock.install()
    await window.goto(f"{stage.url}/gallery/live.html")
    assert await window.inner_text("#tile-sales-pulse time") == "0 s ago"
    await window.clock.run_for(130_000)
    assert await window.inner_text("#tile-sales-pulse time") == "2 min ago"


async def test_without_javascript_everything_but_the_push_is_there(stage: Any, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    window = await context.new_page()
    await window.goto(f"{stage.url}/gallery/live.html")
    assert not await window.is_visible("#live-state")
    await window.click("#tile-sales-pulse-menu summary")
    assert await window.is_visible("#tile-sales-pulse-menu .menu-list")
    await context.close()


async def test_a_failed_htmx_request_goes_to_the_messages_and_a_422_to_its_form(stage: Any, window: Page) -> None:
    await window.goto(f"{stage.url}/gallery/office.html")
    await window.evaluate(
        """() => document.getElementById('main').insertAdjacentHTML('beforeend',
          `<form id="probe" hx-post="/probe" hx-swap="innerHTML">
             <input name="a" value="typed"><button id="go">go</button></form>`)"""
    )
    await window.evaluate("htmx.process(document.getElementById('probe'))")
    sent: list[dict[str, str]] = []

    async def answer(route: Any) -> None:
        sent.append(route.request.headers)
        await route.fulfill(
            status=500 if len(sent) == 1 else 422, content_type="text/html", body="<p class='flash'>it failed</p>"
        )

    await window.route("**/probe", answer)
    await window.click("#go")
    await window.wait_for_selector("#flashes >> text=it failed")
    assert await window.input_value("#probe input") == "typed"
    await window.click("#go")
    await window.wait_for_selector("#probe >> text=it failed")
    assert sent[0]["x-csrf-token"] == 'it\'s-a-"token"'


async def test_a_request_that_reaches_nobody_is_told(stage: Any, window: Page) -> None:
    await window.goto(f"{stage.url}/gallery/office.html")
    await window.route("**/probe", lambda route: route.abort())
    await window.evaluate("htmx.ajax('GET', '/probe', {target: '#main', swap: 'none'})")
    await window.wait_for_selector("#flashes >> text=could not be reached")
