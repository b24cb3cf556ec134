"""How long a first sync takes by the platforms' own limits; unknown is never a number."""

from __future__ import annotations

import pytest

from portal.connectors.amazon import estimate as amazon
from portal.connectors.findings import Step
from portal.connectors.registry import estimates, manifest, manifests
from portal.connectors.shopify import estimate as shopify
from portal.connectors.shopify.streams import SIZES
from portal.connectors.woocommerce import estimate as woocommerce
from portal.stores.estimates import Estimate, duration

NOTHING_KNOWN = {"orders": None, "products": None, "customers": None}


def by_stream(steps: object) -> dict[str, Step]:
    return {each.stream: each for each in steps}  # type: ignore[attr-defined]


def test_a_woocommerce_shop_is_pages_at_the_rate_in_force() -> None:
    sample = {"orders": 412_000, "products": 0, "customers": 99}
    found = by_stream(woocommerce.first_sync(sample, 2.0, 2))
    orders = found["orders"]
    assert orders.seconds == pytest.approx(412_000 / 99 / 2, rel=0.01)
    assert orders.slow == pytest.approx(412_000 / 99 * 2, rel=0.01)
    assert "412,000 orders at 100 a page" in orders.why
    assert "2 requests a second" in orders.why
    assert found["customers"].seconds == 0
    assert found["refunds"].seconds is None
    faster = by_stream(woocommerce.first_sync(sample, 10.0, 10))["orders"]
    assert faster.seconds is not None
    assert faster.seconds < orders.seconds / 4
    assert (
        Estimate(platform="woocommerce", steps=tuple(found.values())).headline
        == "at least 35 min, up to 2 h 20 min with a slow store"
    )


def test_shopify_exports_by_itself_and_no_number_is_made_up() -> None:
    found = by_stream(shopify.first_sync({"orders": 412_000, "products": 10, "customers": 0}, 40.0, 40))
    assert found["orders"].seconds is None
    assert "412,000 orders in one export" in found["orders"].why
    assert found["customers"].seconds == 0
    why = "unknown. Shopify exports in its own time and does not say how long"
    assert Estimate(platform="shopify", steps=tuple(shopify.first_sync(NOTHING_KNOWN, 40.0, 40))).headline == why
    headline = Estimate(platform="shopify", steps=tuple(found.values())).headline
    known = "412,000 orders, 10 products. Page by page, were that refused: at least 34 min"
    assert headline == f"{why}. To read: {known}", "no customers take no time, and that is not what the whole takes"


def test_what_shopify_takes_page_by_page_is_reckoned_by_the_pages_it_really_asks_for() -> None:
    orders = by_stream(shopify.first_sync({"orders": 412_000}, 40.0, 0))["orders"]
    assert orders.otherwise == pytest.approx(412_000 / SIZES["orders"]["first"] / 40)


def test_amazon_is_reports_and_windows_at_its_usage_plans() -> None:
    found = by_stream(amazon.first_sync(NOTHING_KNOWN, 5.0, 10))
    orders = found["orders"]
    assert orders.seconds == pytest.approx(10 / 0.0167, rel=0.01), "25 reports, 15 at once"
    assert "25 reports of 30 days" in orders.why
    assert found["refunds"].seconds == 0
    assert found["products"].seconds is None
    slower = by_stream(amazon.first_sync(NOTHING_KNOWN, 0.01, 10))["orders"]
    assert slower.seconds == pytest.approx(1000), "the agency's ceiling is lower"
    assert Estimate(platform="amazon", steps=tuple(found.values())).headline == "at least 10 min"


@pytest.mark.parametrize("platform", [each.platform for each in manifests()])
def test_every_platform_says_something_and_invents_nothing(platform: str) -> None:
    declared = estimates(platform)
    assert declared is not None
    streams = {each.name for each in manifest(platform).streams}
    for sample in (NOTHING_KNOWN, {}, {"orders": 0, "products": 0, "customers": 0}):
        for step in declared.first_sync(sample, 1.0, 1):
            assert step.why
            assert step.stream in streams
            assert step.seconds is None or step.seconds >= 0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59.9, "less than a minute"),
        (60, "1 min"),
        (2100, "35 min"),
        (8400, "2 h 20 min"),
        (7200, "2 h"),
        (260_000, "3 days"),
    ],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
