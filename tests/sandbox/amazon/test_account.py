from __future__ import annotations

from datetime import timedelta

import pytest

from tests.connectors.amazon.shapes import problems
from tests.sandbox.amazon.conftest import (
    DOCUMENTS,
    EVERYTHING,
    NOW,
    ORDERS,
    PARTICIPATIONS,
    REPORTS,
    SUMMARIES,
    TRANSACTIONS,
    Account,
    Open,
    iso,
)

SINCE = iso(NOW - timedelta(days=400))
RECENT = iso(NOW - timedelta(days=100))


async def test_every_answer_has_the_shape_of_amazons_models(account: Account) -> None:
    home = account.site.options.marketplaces[0]
    orders = await account.get(ORDERS, createdAfter=SINCE, includedData=f"{EVERYTHING},BUYER,RECIPIENT")
    assert len(orders["orders"]) > 50
    summaries = await account.get(
        SUMMARIES, granularityType="Marketplace", granularityId=home, marketplaceIds=home, details="true"
    )
    first = await account.get(TRANSACTIONS, postedAfter=RECENT)
    transactions = await account.get(TRANSACTIONS, postedAfter=RECENT, nextToken=first["payload"]["nextToken"])
    assert transactions["payload"]["transactions"]
    await account.report(NOW - timedelta(days=20), NOW)
    reports = await account.get(REPORTS, reportTypes="GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL")
    document = await account.get(f"{DOCUMENTS}/{reports['reports'][0]['reportDocumentId']}")
    for answer, shape in (
        (orders, "SearchOrdersResponse"),
        (await account.get(f"{ORDERS}/{orders['orders'][0]['orderId']}"), "GetOrderResponse"),
        (summaries, "GetInventorySummariesResponse"),
        (transactions, "ListTransactionsResponse"),
        (reports, "GetReportsResponse"),
        (document, "ReportDocument"),
        (await account.get(PARTICIPATIONS), "GetMarketplaceParticipationsResponse"),
    ):
        assert problems(answer, shape) == []


async def test_a_token_lives_an_hour_by_the_accounts_clock(account: Account) -> None:
    given = (await account.sign_in()).body
    assert (given["token_type"], given["expires_in"]) == ("bearer", 3600)
    await account.get(PARTICIPATIONS)
    account.control("set_now", now=(NOW + timedelta(hours=2)).isoformat())
    refused = await account.ask(PARTICIPATIONS)
    assert (refused.status, refused.error["code"]) == (403, "Unauthorized")
    assert "expired" in refused.error["details"]


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "wrong"}, 401, "invalid_client"),
        ({"refresh_token": "wrong"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_login_with_amazon_refuses_as_documented(
    account: Account, changes: dict[str, str], status: int, error: str
) -> None:
    answer = await account.sign_in(**changes)
    assert (answer.status, answer.body["error"]) == (status, error)


async def test_a_revoked_authorisation_and_a_rotated_secret_are_refused(account: Account) -> None:
    old = account.site.grants.client_secret
    account.control("rotate_secret")
    assert (await account.sign_in(client_secret=old)).body["error"] == "invalid_client"
    assert (await account.sign_in()).status == 200
    account.control("revoke_keys")
    assert (await account.sign_in()).body["error"] == "invalid_grant"
    account.control("restore_keys")
    assert (await account.sign_in()).status == 200


async def test_a_missing_role_looks_like_a_bad_token_but_says_nothing_of_one(account: Account) -> None:
    account.control("set_roles", roles="orders")
    refused = await account.ask(TRANSACTIONS, postedAfter=RECENT)
    assert (refused.status, refused.error["code"], refused.error["details"]) == (403, "Unauthorized", "")


async def test_a_success_tells_its_rate_and_a_429_does_not(opened: Open) -> None:
    account = await opened(pace=1.0)
    answers = [await account.ask(PARTICIPATIONS) for _ in range(16)]
    assert {each.headers["x-amzn-RateLimit-Limit"] for each in answers[:15]} == {"0.016"}
    assert (answers[15].status, answers[15].error["code"]) == (429, "QuotaExceeded")
    assert "x-amzn-RateLimit-Limit" not in answers[15].headers


async def test_the_date_header_is_the_accounts_own_clock(account: Account) -> None:
    answer = await account.ask(PARTICIPATIONS)
    assert "17 Jun 2026 13:4" in answer.headers["Date"]


async def test_a_path_that_is_none_is_not_found(account: Account) -> None:
    assert (await account.ask("/orders/v0/orders")).status == 404


async def test_faults_strike_this_account_too(account: Account) -> None:
    await account.sign_in()
    account.control("fault", kind="500", path="/sellers")
    async with account.session.get(f"{account.store.site_url}{PARTICIPATIONS}") as answer:
        assert answer.status == 500


async def test_the_control_page_shows_what_a_connection_needs_and_only_its_own_actions(account: Account) -> None:
    async with account.session.get(f"{account.sandbox.url}/") as answer:
        text = await answer.text()
    assert account.site.options.refresh_token in text
    assert 'value="fulfil_order"' in text or "Ship order" in text
    assert "Trash order" not in text
