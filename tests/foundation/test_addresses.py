"""Addresses that no page of ours makes: numbers beyond any id, NUL characters, doubled slashes."""

from __future__ import annotations

from uuid import UUID

import pytest
from yarl import URL

from portal.commerce.paging import token
from tests.conftest import SignIn
from tests.visitors import HTML, JSON, Visitor

HUGE = 2**63


@pytest.mark.parametrize("path", [f"/stores/{HUGE}", f"/orders/{HUGE}/1", f"/stores/{'9' * 4400}"])
async def test_a_number_no_id_can_be_is_not_there(path: str, org: UUID, sign_in: SignIn) -> None:
    owner = await sign_in("owner", org)
    assert (await owner.request("GET", path, headers=HTML)).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/orders?q=%00",
        "/orders/1/%00",
        "/inventory?q=a%00b",
        f"/orders?after={token(('2026-01-01T00:00:00Z', HUGE, 'x'))}",
        f"/orders?after={token(('2026-01-01T00:00:00Z', 1, chr(0)))}",
    ],
)
async def test_a_value_the_database_cannot_hold_is_a_bad_request(path: str, org: UUID, sign_in: SignIn) -> None:
    owner = await sign_in("owner", org)
    answer = await owner.request("GET", URL(path, encoded=True), headers=JSON)  # type: ignore[arg-type]
    assert (answer.status, answer.json()["details"]["code"]) == (400, "BAD_REQUEST")


async def test_doubled_slashes_are_not_there_and_never_a_redirect_to_another_host(client: Visitor) -> None:
    answer = await client.request("GET", URL("/static//x", encoded=True), headers={"Host": "evil.example"})  # type: ignore[arg-type]
    assert (answer.status, answer.location) == (404, "")
