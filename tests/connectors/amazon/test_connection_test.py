from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.connectors.amazon.conftest import Open, Seller
from tests.connectors.amazon.samples import GB, US

FR = "A13V1IB3VIYZZH"


async def test_a_good_account_is_connected_with_its_name_and_currency(account: Seller) -> None:
    found = await account.connect(lwa_secret_created=f"{datetime.now(UTC):%Y-%m-%d}").test()
    assert (found.success, found.status, found.advice) == (True, "success", ())
    assert (found.store.name, found.store.currency) == (account.store.spec.title, "GBP")
    assert all(each.granted for each in found.permissions)
    assert found.expires_at is not None
    assert found.expires_at > datetime.now(UTC) + timedelta(days=170)


async def test_it_asks_for_no_report_and_no_personal_data(account: Seller) -> None:
    await account.connect().test()
    assert "createReport" not in account.site.asked
    assert account.site.asked_personal == 0


async def test_optional_roles_that_are_missing_are_findings(account: Seller) -> None:
    account.control("set_roles", roles="orders,reports")
    found = await account.connect().test()
    assert (found.success, found.status) == (True, "warning")
    granted = {each.name: each.granted for each in found.permissions}
    assert granted == {
        "read_orders": True,
        "read_reports": True,
        "read_products": False,
        "read_refunds": False,
        "read_sellers": False,
    }
    assert any("Finance and Accounting" in each for each in found.advice)


async def test_without_the_role_for_orders_there_is_no_connection(account: Seller) -> None:
    account.control("set_roles", roles="fba,finances,sellers")
    found = await account.connect().test()
    assert (found.success, found.status) == (False, "forbidden")
    assert any("Inventory and Order Tracking" in each for each in found.advice)


async def test_a_revoked_authorisation_and_a_wrong_secret_fail_with_advice(account: Seller) -> None:
    found = await account.connect(lwa_client_secret="wrong").test()
    assert (found.success, found.status) == (False, "auth_failed")
    account.control("revoke_keys")
    found = await account.connect().test()
    assert (found.success, found.status) == (False, "auth_failed")
    assert any("Authorize" in each for each in found.advice)


async def test_marketplaces_of_two_regions_fail_with_the_explanation(account: Seller) -> None:
    found = await account.connect(marketplace_ids=f"{GB},{US}").test()
    assert (found.success, found.status) == (False, "error")
    assert any("one connection per region" in each for each in found.advice)


async def test_a_marketplace_without_sales_is_a_finding_and_none_at_all_a_failure(account: Seller) -> None:
    found = await account.connect(marketplace_ids=f"{GB},{FR}").test()
    assert (found.success, found.status) == (True, "warning")
    assert any("Amazon.fr" in each for each in found.advice)
    found = await account.connect(marketplace_ids=FR).test()
    assert (found.success, found.status) == (False, "error")


async def test_the_token_of_another_seller_is_noticed(opened: Open) -> None:
    account = await opened(orders=300)
    assert (await account.connect().test()).status == "success"
    found = await account.connect(seller_id="AANOTHERSELLER").test()
    assert (found.success, found.status) == (True, "warning")
    assert any(account.site.options.seller_id in each and "AANOTHERSELLER" in each for each in found.advice)


async def test_the_token_of_another_seller_is_noticed_when_nothing_was_sold_for_months(opened: Open) -> None:
    account = await opened(orders=300)
    account.control("set_now", now=(datetime.now(UTC) + timedelta(days=100)).isoformat())
    found = await account.connect(seller_id="AANOTHERSELLER").test()
    assert any(account.site.options.seller_id in each and "AANOTHERSELLER" in each for each in found.advice)


async def test_a_secret_that_is_soon_to_expire_is_warned_of(account: Seller) -> None:
    made = datetime.now(UTC) - timedelta(days=170)
    found = await account.connect(lwa_secret_created=f"{made:%Y-%m-%d}").test()
    assert (found.success, found.status) == (True, "warning")
    assert any("expires in" in each and "Rotate it" in each for each in found.advice)


async def test_a_clock_that_is_off_is_a_finding(account: Seller) -> None:
    account.control("set_now", now=(datetime.now(UTC) + timedelta(minutes=30)).isoformat())
    found = await account.connect().test()
    assert any("30 minutes behind Amazon's" in each for each in found.advice)
    assert found.clock_skew_s is not None
    assert abs(found.clock_skew_s - 1800) < 30


async def test_amazon_away_is_unreachable(account: Seller) -> None:
    account.control("fault", kind="502", times=100)
    found = await account.connect().test()
    assert (found.success, found.status) == (False, "unreachable")
