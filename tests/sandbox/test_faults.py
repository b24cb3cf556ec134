"""Planned faults hit the next requests and then stop."""

from __future__ import annotations

import json
import time

import aiohttp
import pytest

from tests.sandbox.conftest import Shop


async def test_an_error_status_for_a_while_and_then_the_truth(shop: Shop) -> None:
    shop.control("fault", kind="500", times=2)
    assert [(await shop.ask("GET", "orders")).status for _ in range(3)] == [500, 500, 200]


async def test_a_429_says_when_to_come_back(shop: Shop) -> None:
    shop.control("fault", kind="429", retry_after=7)
    answer = await shop.ask("GET", "orders")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    shop.control("fault", kind="429")
    assert "Retry-After" not in (await shop.ask("GET", "orders")).headers


async def test_a_fault_can_be_for_one_path(shop: Shop) -> None:
    shop.control("fault", kind="502", path="orders")
    assert (await shop.ask("GET", "products")).status == 200
    assert (await shop.ask("GET", "orders")).status == 502


async def test_slow_answers_come_late_and_whole(shop: Shop) -> None:
    shop.control("fault", kind="slow", seconds=0.2)
    began = time.monotonic()
    assert (await shop.ask("GET", "orders")).status == 200
    assert time.monotonic() - began >= 0.2


async def test_a_cut_connection_ends_inside_the_body(shop: Shop) -> None:
    shop.control("fault", kind="cut")
    with pytest.raises(aiohttp.ClientError):
        await shop.ask("GET", "orders")
    assert (await shop.ask("GET", "orders")).status == 200


async def test_silence_ends_without_an_answer(shop: Shop) -> None:
    shop.control("fault", kind="silence", seconds=0.1, times=3)  # the client asks again by itself
    with pytest.raises(aiohttp.ClientError):
        await shop.ask("GET", "orders")


@pytest.mark.parametrize("kind", ["truncated", "garbage"])
async def test_json_that_is_none(shop: Shop, kind: str) -> None:
    shop.control("fault", kind=kind)
    with pytest.raises((json.JSONDecodeError, UnicodeDecodeError)):
        await shop.ask("GET", "orders")


async def test_a_maintenance_page_with_status_200(shop: Shop) -> None:
    shop.control("fault", kind="html")
    answer = await shop.ask("GET", "orders")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_huge_body_is_twenty_megabytes(shop: Shop) -> None:
    shop.control("fault", kind="huge")
    answer = await shop.ask("GET", "orders")
    assert int(answer.headers["Content-Length"]) > 20_000_000


async def test_faults_can_be_cleared(shop: Shop) -> None:
    shop.control("fault", kind="500", times=100)
    assert shop.control("clear_faults")["cleared"] == 1
    assert (await shop.ask("GET", "orders")).status == 200
