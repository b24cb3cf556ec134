"""Every document that the portal sends fits the schema; what runs in bulk keeps to the rules of bulk operations."""

from __future__ import annotations

import re

import pytest

from portal.connectors.shopify import queries
from portal.connectors.shopify.streams import NAMED, SIZES
from portal.sandbox.shopify.exports import restrictions
from portal.sandbox.shopify.graphql.check import problems
from portal.sandbox.shopify.graphql.cost import MOST, requested
from portal.sandbox.shopify.graphql.language import Field, Inline, parse
from portal.sandbox.shopify.graphql.schema import types

SCOPES = {
    "none": frozenset[str](),
    "all": frozenset({"read_customers", "read_inventory", "read_locations", "read_returns", queries.ADDRESSES}),
    "no addresses": frozenset({"read_customers", "read_inventory", "read_locations", "read_returns"}),
    "no locations": frozenset({"read_inventory"}),
}
STREAMS = ("orders", "products", "customers")


def documents() -> dict[str, str]:
    found = {
        name: text for name, text in vars(queries).items() if isinstance(text, str) and text.rstrip().endswith("}")
    }
    found = {name: text for name, text in found.items() if not name.startswith("_")}
    found |= {f"count {stream}": text for stream, text in queries.COUNTS.items()}
    for name, scopes in SCOPES.items():
        for stream in STREAMS:
            found[f"{stream}, {name}"] = queries.listing(stream, scopes)
            found[f"named {stream}, {name}"] = queries.named(stream, scopes)
            found[f"bulk {stream}, {name}"] = queries.bulk(stream, scopes)
        found[f"variants, {name}"] = queries.variants(scopes)
        found[f"levels, {name}"] = queries.levels(scopes)
    return found | {f"ids of {what}": queries.ids(what) for what in (*STREAMS, "productVariants")}


DOCUMENTS = documents()


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_every_document_fits_the_schema(name: str) -> None:
    assert problems(parse(DOCUMENTS[name])) == []


_FIELD = re.compile(r"(?<=[\s{])([a-z]\w+)(?=[\s({])(?! \w+\()")
_WORDS = {"query", "mutation", "on"}


@pytest.mark.parametrize(
    "name", ["orders, all", "bulk orders, all", "bulk products, all", "BULK_RUN", "OWNERS", "LATELY", "ORDER_RETURNS"]
)
def test_a_misspelt_field_anywhere_in_a_document_is_noticed(name: str) -> None:
    text = DOCUMENTS[name]
    places = [found for found in _FIELD.finditer(text) if found[1] not in _WORDS]
    assert places
    for found in places:
        wrong = f"{text[: found.end(1)]}X{text[found.end(1) :]}"
        assert problems(parse(wrong)), found[1]


@pytest.mark.parametrize("name", [name for name in sorted(DOCUMENTS) if name.startswith("bulk")])
def test_bulk_documents_keep_to_the_rules_of_bulk_operations(name: str) -> None:
    assert restrictions(parse(DOCUMENTS[name])) == []


@pytest.mark.parametrize("stream", STREAMS)
def test_what_an_app_may_not_read_is_not_asked_for(stream: str) -> None:
    asked = queries.listing(stream, ()) + queries.bulk(stream, ()) + queries.variants(())
    assert "email" not in asked.replace("emailAddress", "").replace("defaultEmailAddress", "")
    assert "inventoryLevels" not in asked
    assert "billingAddress" not in asked
    assert "returns" not in asked
    assert "location" not in queries.variants({"read_inventory"}) + queries.levels({"read_inventory"})


def test_the_first_pages_cost_less_than_is_allowed_for_one_query() -> None:
    everything = SCOPES["all"]
    for stream in STREAMS:
        sizes = {"after": None, "query": None, **SIZES[stream]}
        assert requested(parse(queries.listing(stream, everything)), sizes) <= MOST, stream
        named = {"ids": ["gid://shopify/Order/1"] * NAMED[stream], "lines": 10}
        assert requested(parse(queries.named(stream, everything)), named) <= MOST, stream
    assert requested(parse(queries.variants(everything)), {"first": 50, "query": None}) <= MOST
    assert requested(parse(queries.levels(everything)), {"id": "x", "first": 50}) <= MOST


def test_what_completes_a_row_costs_less_than_is_allowed_for_one_query() -> None:
    ids = [f"gid://shopify/Order/{number}" for number in range(12)]
    assert requested(parse(queries.ORDER_RETURNS), {"ids": ids, "returns": 3, "lines": 5}) <= MOST
    assert requested(parse(queries.MORE_RETURNS), {"id": "x", "first": 5, "lines": 20}) <= MOST
    assert requested(parse(queries.MORE_RETURN_LINES), {"id": "x", "first": 50}) <= MOST


def test_a_page_of_proof_costs_less_than_is_allowed_for_one_query() -> None:
    variables = {"first": 100, "after": None, "query": None}
    assert requested(parse(queries.ids("orders")), variables) <= MOST
    assert requested(parse(queries.LATELY), variables) <= MOST
    assert requested(parse(queries.ids("productVariants")), variables | {"first": 250}) <= MOST


def test_the_schema_holds_nothing_that_nobody_uses() -> None:
    used: set[tuple[str, str]] = set()
    for text in DOCUMENTS.values():
        operation = parse(text)
        _collect({"query": "QueryRoot", "mutation": "Mutation"}[operation.kind], operation.selections, used)
    declared = {(kind, field) for kind, fields in types().items() for field in fields}
    # What may stand where an interface is declared has its fields, which are asked of the interface.
    may_stand = {"AutomaticDiscountApplication", "DiscountCodeApplication", "ReturnLineItem"}
    assert {kind for kind, _ in declared - used} <= may_stand


def _collect(on: str, selections: list[Field | Inline], used: set[tuple[str, str]]) -> None:
    for each in selections:
        if isinstance(each, Inline):
            _collect(each.on, each.selections, used)
            continue
        used.add((on, each.name))
        if each.selections:
            _collect(types()[on][each.name].named, each.selections, used)
