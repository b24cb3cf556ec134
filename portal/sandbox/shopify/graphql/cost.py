"""What a query costs: a point for an object, a connection as many times its nodes as are asked for; scalars are free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from portal.sandbox.shopify.graphql.check import ROOTS
from portal.sandbox.shopify.graphql.execute import node_selections
from portal.sandbox.shopify.graphql.language import Field, Inline, Operation, value_of
from portal.sandbox.shopify.graphql.schema import is_connection, types

MOST = 1_000
_MUTATION = 10
_UNSAID = 50


def requested(operation: Operation, variables: Mapping[str, object]) -> int:
    """The cost before it runs."""
    if operation.kind == "mutation":
        return _MUTATION * len(operation.selections)
    return max(1, _cost(ROOTS[operation.kind], operation.selections, variables))


def _cost(on: str, selections: Sequence[Field | Inline], variables: Mapping[str, object]) -> int:
    total = 0
    for each in selections:
        if isinstance(each, Inline):
            total += _cost(each.on, each.selections, variables)
        elif each.selections:
            declared = types()[on][each.name]
            if declared.named == "PageInfo":
                continue
            if is_connection(declared.named):
                kind = declared.named.removesuffix("Connection")
                first = value_of(each.args.get("first"), variables)
                many = first if isinstance(first, int) else _UNSAID
                total += many * (1 + _cost(kind, node_selections(each), variables))
                continue
            ids = value_of(each.args.get("ids"), variables)
            many = len(ids) if isinstance(ids, list) else 1
            total += many * (1 + _cost(declared.named, each.selections, variables))
    return total
