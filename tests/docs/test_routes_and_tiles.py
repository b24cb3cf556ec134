from __future__ import annotations

import re

from quart import Quart

from portal.api_docs.openapi import documented
from portal.dashboard.registry import tiles
from portal.foundation import errors
from portal.foundation.web.policy import LIMITS, SIGNED_IN, Policy
from tests.docs.reading import rows, section, text

API = text("docs/api.md")


def declared(app: Quart) -> dict[str, Policy]:
    """`GET /path` -> policy, of every route with a `Doc`."""
    return {f"{method} {path}": policy for path, _, policy in documented(app) for method in policy.methods}


def told() -> dict[str, list[str]]:
    return {row[0].strip("`"): row for row in rows(section(API, "Routes")) if row[0].startswith("`")}


async def test_the_routes_of_the_document_are_the_documented_routes_of_the_application(app: Quart) -> None:
    assert set(told()) == set(declared(app))


async def test_each_route_has_the_roles_and_the_limit_it_declares(app: Quart) -> None:
    rows_told = told()
    for name, policy in declared(app).items():
        _, roles, family, *_ = rows_told[name]
        assert set(roles.split(", ")) == (set(policy.roles) or {"public"}), name
        assert family == policy.family, name


async def test_every_other_path_named_is_served(app: Quart) -> None:
    served = [re.sub(r"<[^>]+>", "<>", str(rule.rule)) for rule in app.url_map.iter_rules()]
    later = section(API, "Routes").split("**To come,**")[0]
    named = set(re.findall(r"`(?:GET |POST )?(/[^`\s?*]*)", later + section(API, "CSV") + section(API, "Live")))
    for path in named:
        assert re.sub(r"<[^>]+>|{[^}]+}", "<>", path.rstrip("/")) in served, path


def test_the_limits_are_those_that_are_kept() -> None:
    found: dict[str, int] = {}
    for row in rows(section(API, "Limits")):
        for family in re.findall(r"`([a-z]+)`", row[0]):
            found[family] = 0 if row[1] == "unlimited" else int(row[1])
    assert found == LIMITS


def test_every_role_is_explained() -> None:
    assert {row[0].strip("`") for row in rows(section(API, "Roles"))} - {"role"} == SIGNED_IN


def test_every_status_that_an_error_can_have_is_explained() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.PortalError)]
    explained = {int(code) for row in rows(section(API, "Envelopes")) for code in re.findall(r"\b[45]\d\d\b", row[0])}
    assert {kind.status for kind in kinds} <= explained


def test_every_tile_is_named_with_its_route_and_its_query() -> None:
    found = told()
    for tile in tiles():
        row = " ".join(found[f"GET {tile.path}"])
        assert f"tile `{tile.slug}`" in row
        for parameter in tile.query.__struct_fields__:
            assert f"`{parameter}`" in row, f"{tile.slug}: {parameter}"
