"""The recipes are followed to the letter: what they show is what the contracts ask for."""

from __future__ import annotations

import ast
import base64
import dataclasses
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest

from portal.connectors import contract, registry
from portal.connectors.answers import Delivery
from portal.connectors.findings import Step
from portal.connectors.manifest import Manifest
from portal.dashboard.tile import Tile
from tests.docs.reading import blocks, section, spans, text

CONNECTOR = text("docs/adding-a-connector.md")
TILE = text("docs/adding-a-tile.md")


def run(markdown: str) -> dict[str, Any]:
    """The names that the one Python block of a section defines."""
    (block,) = blocks(markdown, "python")
    names: dict[str, Any] = {}
    exec(compile(block, "recipe", "exec"), names)
    return names


def test_the_manifest_of_the_recipe_is_one() -> None:
    made = run(section(CONNECTOR, "1. The manifest"))["MANIFEST"]
    assert isinstance(made, Manifest)
    assert made.docs_url == f"/docs/connectors/{made.platform}"


def test_the_estimate_of_the_recipe_reckons_and_invents_nothing() -> None:
    first_sync = run(section(CONNECTOR, "How long will it take?"))["first_sync"]
    (known,) = first_sync({"orders": 412_000}, 2.0, 10)
    assert isinstance(known, Step)
    assert known.seconds == 2055
    (unknown,) = first_sync({}, 2.0, 10)
    assert unknown.seconds is None


def test_the_webhooks_of_the_recipe_hold_their_promises() -> None:
    made = run(section(CONNECTOR, "6. Webhooks"))
    body = b'{"id": 1}'
    signature = base64.b64encode(hmac.new(b"secret", body, hashlib.sha256).digest()).decode()
    headers = {"x-example-signature": signature, "x-example-topic": "order.created", "x-example-delivery": "d1"}
    assert {name for name in vars(contract.Webhooks) if not name.startswith("_")} <= set(made)
    assert made["verify"](headers, body, "secret")
    assert not made["verify"](headers, body + b" ", "secret")
    assert not made["verify"](headers, body, "")
    assert made["is_ping"]({}, b"ping")
    assert not made["is_ping"](headers, b"ping")
    assert made["dedupe_key"](headers, body) != made["dedupe_key"](headers, body + b" ")
    assert made["parse"](headers, body, datetime.now(UTC)) == Delivery(topic="order.created")


@pytest.mark.parametrize("each", registry.manifests(), ids=lambda each: each.platform)
def test_every_platform_tells_a_newcomer_what_it_really_does(each: Manifest) -> None:
    told = section(CONNECTOR, f"{each.label} (`{each.platform}`)")
    assert len(told) > 500
    assert each.docs_url == f"/docs/connectors/{each.platform}"


def test_the_errors_of_the_recipe_are_all_that_a_connector_raises() -> None:
    from portal.foundation import errors

    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.ConnectorError) and kind is not errors.ConnectorError
    }
    assert kinds <= set(spans(section(CONNECTOR, "3. The client: errors with advice, budget, bounds")))


def test_the_tile_of_the_recipe_declares_what_a_tile_needs_and_nothing_else() -> None:
    (block,) = blocks(TILE, "python")
    calls = [
        node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Tile"
    ]
    (call,) = calls
    given = {keyword.arg for keyword in call.keywords}
    fields = {field.name: field for field in dataclasses.fields(Tile)}
    nothing = dataclasses.MISSING
    needed = {name for name, field in fields.items() if field.default is nothing and field.default_factory is nothing}
    assert needed <= given <= set(fields)
