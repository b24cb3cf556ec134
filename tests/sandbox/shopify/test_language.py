from __future__ import annotations

from typing import Any

import pytest

from portal.sandbox.shopify.graphql.check import missing_variables, problems
from portal.sandbox.shopify.graphql.cost import requested
from portal.sandbox.shopify.graphql.language import Field, Wrong, parse


def test_aliases_arguments_variables_and_comments_are_read() -> None:
    found = parse("""
      # what is asked
      query Orders($first: Int! = 3, $query: String) {
        rows: orders(first: $first, query: $query, sortKey: UPDATED_AT, reverse: true) { nodes { id, name } }
      }
    """)
    assert (found.kind, found.name, found.variables["first"]) == ("query", "Orders", ("Int!", 3))
    (field,) = found.selections
    assert isinstance(field, Field)
    assert (field.name, field.key, field.args["reverse"]) == ("orders", "rows", True)


def test_strings_have_escapes_and_blocks() -> None:
    (field,) = parse('{ orders(query: "a\\"b\\u00e9\\n") { nodes { id } } }').selections
    assert isinstance(field, Field)
    assert field.args["query"] == 'a"bé\n'
    (field,) = parse('{ orders(query: """one "two" three""") { nodes { id } } }').selections
    assert isinstance(field, Field)
    assert field.args["query"] == 'one "two" three'


@pytest.mark.parametrize(
    "text", ["", "{", "{ shop }}", "{ shop { } }", "subscription { x }", "{ shop { name } ; }", "query ("]
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Wrong):
        parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{ shop { motto } }", "Field 'motto' doesn't exist on type 'Shop'"),
        ("{ shop }", "must have selections"),
        ("{ shop { name { x } } }", "Selections can't be made on scalars"),
        ("{ orders(frist: 1) { nodes { id } } }", "doesn't accept argument 'frist'"),
        ('{ orders(first: "1") { nodes { id } } }', "Expected type 'Int'"),
        ("{ orders(sortKey: BEST) { nodes { id } } }", "Expected type 'OrderSortKeys'"),
        ("{ node { id: __typename } }", "missing required arguments: id"),
        ("query Q($x: Int) { shop { name } }", "declared by Q but not used"),
        ("query Q { orders(first: $x) { nodes { id } } }", "not declared"),
        ("query Q($x: String) { orders(first: $x) { nodes { id } } }", "Type mismatch"),
        ("{ nodes(ids: []) { ... on Elephant { id } } }", "No such type Elephant"),
        ("{ shop { ... on Order { id } } }", "can't be spread inside Shop"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_in_words(text: str, said: str) -> None:
    assert any(said in each for each in problems(parse(text)))


def test_fragments_fit_where_their_type_may_be() -> None:
    named = 'query { nodes(ids: ["x"]) { ...Parts } } fragment Parts on Order { id name }'
    assert problems(parse(named)) == []


def test_a_variable_that_must_have_a_value_needs_one() -> None:
    operation = parse("query Q($x: Int!) { orders(first: $x) { nodes { id } } }")
    assert missing_variables(operation, {})
    assert not missing_variables(operation, {"x": 1})


@pytest.mark.parametrize(
    ("text", "variables", "points"),
    [
        ("{ shop { name } }", {}, 1),
        ("{ orders(first: 10) { nodes { id } } }", {}, 10),
        (
            "query Q($n: Int) { orders(first: $n) { nodes { id totalPriceSet { shopMoney { amount } } } } }",
            {"n": 4},
            12,
        ),
        (
            "{ orders(first: 2) { edges { node { lineItems(first: 5) { nodes { id } } } } pageInfo { endCursor } } }",
            {},
            12,
        ),
        ('mutation { webhookSubscriptionDelete(id: "x") { deletedWebhookSubscriptionId } }', {}, 10),
    ],
)
def test_a_query_costs_an_object_a_point_times_the_pages_sizes(
    text: str, variables: dict[str, Any], points: int
) -> None:
    assert requested(parse(text), variables) == points
