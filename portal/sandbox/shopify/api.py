"""One request to the Admin API: checked, priced, throttled, executed; refusals of a query are said with status 200."""

from __future__ import annotations

from typing import Any

import msgspec

from portal.sandbox.shopify.exports import Exports
from portal.sandbox.shopify.gate import Gate
from portal.sandbox.shopify.graphql import cost
from portal.sandbox.shopify.graphql.check import missing_variables, problems
from portal.sandbox.shopify.graphql.execute import Context, Machine
from portal.sandbox.shopify.graphql.language import Wrong, parse
from portal.sandbox.shopify.mutations import resolvers
from portal.sandbox.shopify.resolve_shop import NEEDS, RESOLVERS
from portal.sandbox.store import Store

Json = dict[str, Any]
VERSION = "2026-10"


class _Asked(msgspec.Struct):
    query: str
    variables: dict[str, Any] | None = None


class Api:
    """The API of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.gate = Gate(store)
        tables: dict[str, dict[str, Any]] = {kind: dict(fields) for kind, fields in RESOLVERS.items()}
        self.exports = Exports(store, Machine(tables, NEEDS))
        for kind, fields in resolvers(self.exports).items():
            tables.setdefault(kind, {}).update(fields)
        self.machine = self.exports.machine

    def answer(self, body: bytes) -> tuple[int, Json]:
        """Status and body of the answer to a request whose token is known."""
        try:
            asked = msgspec.json.decode(body, type=_Asked)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return 400, {"errors": {"query": "Required parameter missing or invalid"}}
        try:
            operation = parse(asked.query)
            given = {name: default for name, (_, default) in operation.variables.items()} | (asked.variables or {})
            wrong = problems(operation) + missing_variables(operation, given)
        except Wrong as error:
            wrong = [str(error)]
        if wrong:
            return 200, {"errors": [{"message": each, "locations": []} for each in wrong]}
        price = cost.requested(operation, given)
        if price > cost.MOST:
            told = f"Query cost is {price}, which exceeds the single query max cost limit ({cost.MOST})."
            return 200, _refused(told, "MAX_COST_EXCEEDED", cost=price, maxCost=cost.MOST)
        if price > self.gate.available:
            made = _refused("Throttled", "THROTTLED")
            return 200, {**made, "extensions": {"cost": self.gate.cost(price, None)}}
        context = Context(world=self.store, scopes=self.gate.scopes, variables=given)
        try:
            data: Json | None = self.machine.run(operation, context)
        except Wrong as error:
            data = None
            context.errors.append({"message": str(error)})
        actual = price if operation.kind == "mutation" else min(price, max(1, context.counted))
        self.gate.take(actual)
        answer: Json = {"data": data, "extensions": {"cost": self.gate.cost(price, actual)}}
        if context.errors:
            answer["errors"] = context.errors
        if any("warnings" in each for each in context.searches):
            answer["extensions"]["search"] = context.searches
        return 200, answer


def _refused(message: str, code: str, **more: object) -> Json:
    return {"errors": [{"message": message, "extensions": {"code": code, **more}}]}
