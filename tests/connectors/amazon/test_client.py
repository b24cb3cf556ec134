from __future__ import annotations

import asyncio
import logging
from datetime import date, timedelta

import pytest

from portal.connectors.amazon import rates
from portal.foundation.errors import AuthFailed, Forbidden, NotFound, Permanent, RateLimited, Temporary
from portal.foundation.outbound import Budget
from tests.connectors.amazon.conftest import Open, Seller, read

PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"


async def ask(account: Seller, **fields: str) -> dict[str, object]:
    return await account.connect(**fields).client.get(rates.PARTICIPATIONS, PARTICIPATIONS, retries=0)


async def test_one_token_serves_many_requests(account: Seller) -> None:
    client = account.connect().client
    for _ in range(3):
        await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    assert account.site.grants.given == 1


async def test_an_expired_token_is_renewed_once_and_the_request_made_again(account: Seller) -> None:
    client = account.connect().client
    await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    account.control("expire_tokens")
    assert await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    assert account.site.grants.given == 2


async def test_two_workers_that_renew_one_token_at_once_both_have_a_good_one(account: Seller) -> None:
    workers = [account.connect().client for _ in range(2)]  # a token is a connector's own, as two processes have it
    for number in range(1, 4):
        asked = (worker.get(rates.PARTICIPATIONS, PARTICIPATIONS) for worker in workers * 5)
        assert all(await asyncio.gather(*asked))
        assert account.site.grants.given == 2 * number, "one for each of the two, however many ask"
        account.control("expire_tokens")


async def test_a_token_about_to_expire_is_renewed_ahead(opened: Open) -> None:
    account = await opened(token_seconds=0.5)
    client = account.connect().client
    await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    client._tokens._good_until = 0.0
    await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    assert account.site.grants.given == 2


async def test_a_token_that_is_refused_when_it_is_new_means_authorise_again(account: Seller) -> None:
    client = account.connect().client
    account.site.grants.is_good = lambda token: False  # type: ignore[method-assign]
    with pytest.raises(AuthFailed) as wrong:
        await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    assert "Authorize" in wrong.value.advice
    assert account.site.grants.given == 2


async def test_a_revoked_authorisation_is_said_with_the_way_back(account: Seller) -> None:
    account.control("revoke_keys")
    with pytest.raises(AuthFailed) as wrong:
        await ask(account)
    assert "revoked" in wrong.value.message
    assert "Authorize" in wrong.value.advice
    assert wrong.value.code == "PLATFORM_REVOKED"


async def test_a_rotated_or_wrong_client_secret_is_said_with_where_to_find_the_new_one(account: Seller) -> None:
    form = account.form
    account.control("rotate_secret")
    with pytest.raises(AuthFailed) as wrong:
        await ask(account, lwa_client_secret=form["lwa_client_secret"])
    assert "LWA credentials" in wrong.value.advice
    assert await ask(account)


async def test_a_missing_role_is_forbidden_with_its_name(account: Seller) -> None:
    account.control("set_roles", roles="orders,reports,fba,sellers")
    with pytest.raises(Forbidden) as wrong:
        await read(account.connect(), "refunds")
    assert "Finance and Accounting" in wrong.value.advice
    assert "authorise it again" in wrong.value.advice


async def test_a_full_bucket_says_how_long_a_request_takes_to_come_back(opened: Open) -> None:
    account = await opened(pace=1.0)
    client = account.connect().client
    for _ in range(15):
        await client.get(rates.PARTICIPATIONS, PARTICIPATIONS, retries=0)
    with pytest.raises(RateLimited) as wrong:
        await client.get(rates.PARTICIPATIONS, PARTICIPATIONS, retries=0)
    assert wrong.value.retry_after == pytest.approx(1 / 0.016)


async def test_the_rate_that_an_answer_tells_is_kept_from_then_on(account: Seller) -> None:
    client = account.connect(Budget("test", 10_000, 10)).client
    before = client.rates.budget(rates.PARTICIPATIONS)
    await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    after = client.rates.budget(rates.PARTICIPATIONS)
    assert before is not None
    assert after is not None
    assert (before.rate_per_second, after.rate_per_second) == (10_000, 16.0)
    assert before.key != after.key


async def test_the_manifests_rate_is_the_ceiling_whatever_amazon_allows(account: Seller) -> None:
    client = account.connect(Budget("test", 5, 10)).client
    await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    found = client.rates.budget(rates.PARTICIPATIONS)
    assert found is not None
    assert found.rate_per_second == 5


@pytest.mark.parametrize("header", ["", "fast", "nan", "-1", "0", "inf"])
def test_a_rate_that_makes_no_sense_is_passed_over(header: str) -> None:
    known = rates.Rates(Budget("test", 5, 10))
    known.learn(rates.GET_ORDER, header)
    found = known.budget(rates.GET_ORDER)
    assert found is not None
    assert found.rate_per_second == 5


@pytest.mark.parametrize(
    ("kind", "error"),
    [("500", Temporary), ("502", Temporary), ("garbage", Temporary), ("html", Temporary), ("truncated", Temporary),
     ("cut", Temporary), ("429", RateLimited)],
)  # fmt: skip
async def test_passing_trouble_is_said_to_pass(account: Seller, kind: str, error: type[Exception]) -> None:
    client = account.connect().client
    await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    account.control("fault", kind=kind, times=2, path="/sellers")
    with pytest.raises(error):
        await client.get(rates.PARTICIPATIONS, PARTICIPATIONS, retries=0)


async def test_a_stutter_is_not_noticed(account: Seller) -> None:
    account.control("fault", kind="500", times=1, path="/sellers")
    assert await account.connect().client.get(rates.PARTICIPATIONS, PARTICIPATIONS)


async def test_login_with_amazon_being_away_is_temporary(account: Seller) -> None:
    account.control("fault", kind="502", times=10, path="/auth")
    with pytest.raises(Temporary):
        await ask(account)


async def test_what_amazon_does_not_know_is_not_found(account: Seller) -> None:
    with pytest.raises(NotFound):
        await account.connect().client.get(rates.GET_ORDER, "/orders/2026-01-01/orders/1-2-3")


async def test_a_wrong_parameter_is_permanent_with_amazons_reason(account: Seller) -> None:
    with pytest.raises(Permanent, match="Exactly one of createdAfter"):
        await account.connect().client.get(rates.SEARCH_ORDERS, "/orders/2026-01-01/orders")


async def test_no_secret_is_logged(account: Seller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = account.connect().client
    await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    account.control("revoke_keys")
    account.control("expire_tokens")
    with pytest.raises(AuthFailed) as wrong:
        await client.get(rates.PARTICIPATIONS, PARTICIPATIONS)
    said = f"{caplog.text} {wrong.value.message} {wrong.value.advice} {wrong.value.details}"
    for secret in (account.form["refresh_token"], account.form["lwa_client_secret"], "Atza|"):
        assert secret not in said


def test_a_secret_made_long_ago_is_old() -> None:
    from portal.connectors.amazon import findings
    from portal.connectors.amazon.account import account as of_form
    from tests.connectors.amazon.samples import FORM

    today = date(2026, 6, 17)
    for days, said in (
        (10, ""),
        (149, ""),
        (155, "expires in 25 days"),
        (180, "expires today"),
        (200, "stops accepting"),
    ):
        made = of_form(FORM | {"lwa_secret_created": (today - timedelta(days=days)).isoformat()}, {})
        warnings = findings.secret(made, today)
        assert (said in " ".join(warnings)) if said else not warnings
