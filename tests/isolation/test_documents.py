"""Every JSON route answers as its own OpenAPI document says, errors included, and refuses what it does not know."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate
from quart import Quart

from tests.isolation.planting import Planted
from tests.isolation.routes import Way, readable, ways
from tests.visitors import JSON, Visitor


@pytest.fixture
async def document(client: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/openapi.json")).json()
    return found


def schema_of(document: dict[str, Any], way: Way, status: int) -> dict[str, Any]:
    path = way.rule.replace("<int:", "<").replace("<", "{").replace(">", "}")
    answers = document["paths"][path][way.method.lower()]["responses"]
    schema: dict[str, Any] = answers[str(status)]["content"]["application/json"]["schema"]
    return {**schema, "components": document["components"]}


def documented(app: Quart) -> list[Way]:
    return [way for way in ways(app) if way.policy and way.policy.doc]


def test_json_routes_under_api_are_documented(app: Quart) -> None:
    for way in ways(app):
        if way.rule.startswith(("/api/", "/v1/")):
            assert way.policy is not None
            assert way.policy.doc is not None, f"{way.rule} is not in the document"


async def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


async def test_answers_match_their_schema(
    app: Quart, document: dict[str, Any], planted: Planted, insider: Visitor, sign_in: Any
) -> None:
    agency = await sign_in("superadmin")
    asked = 0
    for way in readable(app):
        if way.policy is None or way.policy.doc is None:
            continue
        visitor = agency if way.policy.roles == {"superadmin"} else insider
        for path, _ in way.filled(planted):
            answer = await visitor.get(path, headers=JSON)
            if answer.status == 200:
                jsonschema.validate(answer.json(), schema_of(document, way, 200))
                asked += 1
    assert asked >= 3


async def test_errors_match_their_schema(
    app: Quart, document: dict[str, Any], planted: Planted, client: Visitor, insider: Visitor, sign_in: Any
) -> None:
    agency = await sign_in("superadmin")
    for way in documented(app):
        path, _ = next(way.filled(planted))
        assert way.policy is not None
        if way.policy.roles:
            refused = await client.request(way.method, path, headers=JSON)
            assert refused.status == 401
            jsonschema.validate(refused.json(), schema_of(document, way, 401))
            outside = await (insider if way.policy.roles == {"superadmin"} else agency).request(way.method, path)
            assert outside.status in {400, 403}, path
            jsonschema.validate(outside.json(), schema_of(document, way, outside.status))
        elif way.method == "GET":
            continue
        visitor = agency if way.policy.roles == {"superadmin"} else insider
        unreadable = await visitor.request(way.method, f"{path}?surprise=1", headers=JSON, data=b"{")
        if way.method == "GET":
            assert unreadable.status == 400, path
            assert unreadable.json()["details"]["parameter"] == "surprise"
        assert unreadable.status in {400, 415}, f"{way.method} {path}"
        jsonschema.validate(unreadable.json(), schema_of(document, way, unreadable.status))


async def test_every_documented_path_answers_with_and_without_a_trailing_slash(
    app: Quart, planted: Planted, insider: Visitor
) -> None:
    for way in documented(app):
        path, _ = next(way.filled(planted))
        plain = await insider.request(way.method, path.rstrip("/"), headers=JSON)
        slashed = await insider.request(way.method, f"{path.rstrip('/')}/", headers=JSON)
        assert plain.status == slashed.status
        assert plain.status not in {301, 302, 307, 308, 404, 405}, path


async def test_examples_match_the_schemas_they_illustrate(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for content in (each for body in bodies for each in body.get("content", {}).values()):
                examples = [each["value"] for each in content.get("examples", {}).values()]
                for example in [*examples, *([content["example"]] if "example" in content else [])]:
                    jsonschema.validate(example, {**content["schema"], "components": document["components"]}), path
