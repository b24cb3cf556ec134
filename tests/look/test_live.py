"""The live client in a real browser against a scripted server: live, delayed, offline, and back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.browser


async def state_is(window: Page, state: str) -> None:
    await window.wait_for_selector(f"#live-state[data-state={state}]", timeout=15_000)


def tile(text: str, seq: int) -> dict[str, Any]:
    body = f'<p id="figure">{text}</p><input id="search" class="input" aria-label="Search">'
    menu = '<details class="menu" id="tile-sales-pulse-menu"><summary>…</summary><div class="menu-list">CSV</div></details>'
    html = (
        f'<article class="tile" id="tile-sales-pulse" data-seq="{seq}" data-state="live">'
        f'<header><h2>Sales pulse</h2>{menu}</header><div class="tile-body">{body}</div></article>'
    )
    return {"id": "tile-sales-pulse", "seq": seq, "html": html}


async def figure_is(window: Page, text: str) -> None:
    await window.wait_for_function("text => document.getElementById('figure').textContent === text", arg=text)


async def opened(stage: Any, window: Page) -> None:
    await window.goto(f"{stage.url}/gallery/live.html")
    await state_is(window, "live")


async def test_a_page_connects_from_the_number_it_was_rendered_at_and_says_live(
    stage: Any, window: Page, complaints: list[str]
) -> None:
    await opened(stage, window)
    assert stage.connects == ["5"]
    assert await window.inner_text("#live-state") == "Live"
    assert complaints == []


async def test_a_pushed_part_replaces_its_tile_and_leaves_the_user_alone(
    stage: Any, window: Page, complaints: list[str]
) -> None:
    await opened(stage, window)
    await window.click("#tile-sales-pulse-menu summary")
    await window.focus("#search")
    await window.keyboard.type("holley")
    await stage.send(type="part", **tile("second", 7))
    await figure_is(window, "second")
    assert await window.input_value("#search") == "holley"
    assert await window.evaluate("document.activeElement.id") == "search"
    assert await window.evaluate("document.activeElement.selectionStart") == 6
    assert await window.evaluate("document.getElementById('tile-sales-pulse-menu').open")
    assert complaints == []


async def test_an_older_part_is_ignored(stage: Any, window: Page) -> None:
    await opened(stage, window)
    await stage.send(type="part", **tile("newest", 9))
    await stage.send(type="part", **tile("older", 8))
    await stage.send(type="part", **tile("same age", 9))
    await figure_is(window, "same age")


async def test_a_part_for_an_element_that_is_not_on_the_page_is_harmless(
    stage: Any, window: Page, complaints: list[str]
) -> None:
    await opened(stage, window)
    await stage.send(type="part", id="tile-elsewhere", seq=6, html="<article id='tile-elsewhere'></article>")
    await stage.send(type="part", **tile("second", 7))
    await figure_is(window, "second")
    assert complaints == []


async def test_a_beat_ahead_of_the_page_makes_it_ask_once_for_what_it_missed(stage: Any, window: Page) -> None:
    await opened(stage, window)
    for _ in range(2):
        await stage.send(type="beat", seq=8)
    await stage.send(type="part", **tile("caught up", 8))
    await figure_is(window, "caught up")
    await stage.send(type="beat", seq=8)
    await asyncio.sleep(0.1)
    assert stage.received == [{"type": "resume", "since": 5}]


async def test_without_a_socket_it_polls_and_says_delayed_then_offline_then_recovers(stage: Any, window: Page) -> None:
    await opened(stage, window)
    stage.accepts_sockets = False
    stage.poll_answer = {"seq": 11, "parts": [tile("polled", 11)]}
    await stage.drop()
    await state_is(window, "delayed")
    await figure_is(window, "polled")
    assert stage.polls[0] == "5"

    stage.poll_status = 503
    await state_is(window, "offline")

    stage.poll_status, stage.accepts_sockets = 200, True
    await state_is(window, "live")
    assert stage.connects[-1] == "11"


async def test_a_socket_that_falls_silent_is_not_called_live(stage: Any, window: Page) -> None:
    stage.heartbeat = 0.2
    await opened(stage, window)
    stage.accepts_sockets = False
    await state_is(window, "delayed")


@pytest.mark.parametrize("how", ["bye", "close code", "polling"])
async def test_a_page_that_was_signed_out_says_so_and_stays_silent(stage: Any, window: Page, how: str) -> None:
    await opened(stage, window)
    if how == "bye":
        await stage.send(type="bye", reason="signed_out")
    elif how == "close code":
        await stage.drop(4401)
    else:
        stage.accepts_sockets, stage.poll_status = False, 401
        await stage.drop()
    link = window.locator("#live-state a")
    assert await link.get_attribute("href") == "/login"
    assert "Signed out" in await window.inner_text("#live-state")
    assert await window.get_attribute("#live-state", "data-state") == "offline"
    attempts = len(stage.connects)
    await asyncio.sleep(1.2)
    assert len(stage.connects) == attempts


async def test_a_changed_role_asks_for_a_reload(stage: Any, window: Page) -> None:
    await opened(stage, window)
    await stage.send(type="bye", reason="role_changed")
    link = window.locator("#live-state a")
    assert await link.inner_text() == "Reload"


async def test_two_tabs_live_and_end_on_their_own(stage: Any, window: Page) -> None:
    await opened(stage, window)
    second = await window.context.new_page()
    await opened(stage, second)
    await second.close()
    await stage.send(type="part", **tile("still here", 6))
    await figure_is(window, "still here")
