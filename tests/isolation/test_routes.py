"""Walks every route with somebody of another organization, who finds nothing of ours. New routes are covered by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from quart import Quart

from portal.foundation.web.envelopes import family_of
from portal.foundation.web.policy import LIMITS, Policy
from tests.isolation.conftest import OUTSIDERS
from tests.isolation.planting import Planted, digest
from tests.isolation.routes import Way, readable, ways, writable
from tests.visitors import HTML, JSON, Answer, Visitor

Outsider = Callable[..., Any]


def told(answer: Answer) -> str:
    """Everything an answer says: body and headers."""
    return answer.body.decode(errors="replace") + "\n" + "\n".join(f"{n}: {v}" for n, v in answer.headers.items())


def test_every_route_declares_a_policy_and_a_limited_family(app: Quart) -> None:
    for way in ways(app):
        assert isinstance(way.policy, Policy), f"{way.rule} declares no policy"
        assert way.policy.family in LIMITS, f"{way.rule} has no rate limit"
        assert LIMITS[way.policy.family] or not way.policy.roles, f"{way.rule} is signed-in and unlimited"


def test_every_changing_route_is_guarded_against_forged_requests(app: Quart) -> None:
    for way in writable(app):
        assert way.policy is not None
        assert way.policy.csrf or not way.policy.roles, f"{way.method} {way.rule} takes a session without a form token"


@pytest.mark.parametrize(
    ("role", "via"), [*((role, "session") for role in OUTSIDERS), ("owner", "token"), ("member", "api_key")]
)
async def test_no_route_shows_another_organizations_rows(
    app: Quart, planted: Planted, outsider: Outsider, role: str, via: str
) -> None:
    visitor: Visitor = await outsider(role, via)
    for way in readable(app):
        assert way.policy is not None
        for path, theirs in way.filled(planted):
            for accept in (JSON, HTML):
                answer = await visitor.get(path, headers=accept)
                where = f"{role} by {via}: GET {path} -> {answer.status}"
                assert not planted.found_in(told(answer), sent=path), where
                assert answer.status < 500, where
                if theirs and way.policy.roles:
                    assert answer.status in {403, 404}, where
            named = await visitor.get(path, headers={"x-org-id": str(planted.org)})
            assert not planted.found_in(told(named), sent=f"{path} {planted.org}"), f"{path} with x-org-id"
            if way.policy.roles:
                assert named.status == 403, f"GET {path} with another's x-org-id -> {named.status}"


async def test_the_organizations_own_people_do_see_the_marks(app: Quart, planted: Planted, insider: Visitor) -> None:
    seen = set()
    for way in readable(app):
        for path, _ in way.filled(planted):
            answer = await insider.get(path, headers=HTML)
            assert answer.status < 500, f"GET {path} -> {answer.status}"
            if planted.mark in told(answer).replace(path, ""):
                seen.add(way.rule)
    expected = {"/dashboard", "/orders", "/inventory", "/stores", "/orders/<int:connection_id>/<path:external_id>"}
    assert expected <= seen, "the walk would not have noticed a leak"


async def test_no_search_finds_another_organizations_rows(
    planted: Planted, outsider: Outsider, insider: Visitor
) -> None:
    visitor = await outsider("owner")
    for path in ("/orders?q={}", "/inventory?show=all&q={}"):
        asked = path.format(planted.mark)
        assert planted.order_id in (text := told(await insider.page(asked))) or planted.sku in text
        assert not planted.found_in(told(await visitor.page(asked)), sent=planted.mark)


async def test_nothing_an_outsider_sends_changes_another_organizations_rows(
    app: Quart, admin: Any, planted: Planted, outsider: Outsider
) -> None:
    before = await digest(admin, planted.org)
    name = await admin.fetchrow("SELECT * FROM organizations WHERE id = $1", planted.org)
    values = {
        "organization": str(planted.org),
        "org_id": str(planted.org),
        "connection_id": str(planted.connection_id),
        "connection_name": "taken over",
        "sync_frequency": "weekly",
        "platform_type": "woocommerce",
        "password": "",
    }
    for role in OUTSIDERS:
        visitor: Visitor = await outsider(role)
        for way in writable(app):
            for path, theirs in way.filled(planted):
                if (await visitor.get("/account")).status == 401:  # the last one was a way to sign out
                    visitor = await outsider(role)
                for sent in ({"data": values}, {"json": values}):
                    answer = await visitor.request(way.method, path, headers=JSON, **sent)
                    where = f"{role}: {way.method} {path} -> {answer.status}"
                    assert not planted.found_in(told(answer), sent=f"{path} {' '.join(values.values())}"), where
                    assert answer.status < 500, where
                    if theirs and way.policy and way.policy.roles:
                        assert answer.status in {400, 401, 403, 404}, where
    assert await digest(admin, planted.org) == before
    assert await admin.fetchrow("SELECT * FROM organizations WHERE id = $1", planted.org) == name


async def test_nobody_gets_in_anonymously(app: Quart, planted: Planted, client: Visitor) -> None:
    for way in ways(app):
        if way.method == "WEBSOCKET" or way.policy is None:
            continue
        for path, _ in way.filled(planted):
            answer = await client.request(way.method, path, headers=JSON)
            assert not planted.found_in(told(answer), sent=path), f"{way.method} {path}"
            if way.policy.roles:
                assert answer.status == 401, f"{way.method} {path} -> {answer.status}"
                assert "WWW-Authenticate" in answer.headers, path
                browser = await client.request(way.method, path, headers=HTML)
                assert (browser.status, browser.location[:6]) == _door(way, path), f"{path} -> {browser.status}"


def _door(way: Way, path: str) -> tuple[int, str]:
    return (303, "/login") if family_of(path) == "page" else (401, "")


async def test_a_bad_token_is_refused_everywhere_even_beside_a_good_cookie(
    app: Quart, planted: Planted, outsider: Outsider
) -> None:
    visitor = await outsider("owner")
    for way in readable(app):
        if way.policy is None or not way.policy.roles:
            continue
        path, _ = next(way.filled(planted))
        answer = await visitor.get(path, headers={"Authorization": "Bearer nonsense"})
        assert answer.status == 401, f"GET {path} -> {answer.status}"
