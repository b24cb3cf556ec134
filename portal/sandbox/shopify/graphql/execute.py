"""Answers a checked document: selections become closures once, and then run over as many rows as there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from portal.sandbox.shopify.graphql.check import ROOTS
from portal.sandbox.shopify.graphql.language import Field, Inline, Operation, value_of
from portal.sandbox.shopify.graphql.schema import ABSTRACT, is_connection, types

Json = dict[str, Any]
Resolver = Callable[["Context", Any, Mapping[str, Any]], Any]
Render = Callable[..., Json]


class Ref(NamedTuple):
    """An object of an abstract type: what it is, and the row."""

    kind: str
    row: Any


class Slice(NamedTuple):
    """A page of a connection."""

    nodes: Sequence[Any]
    has_next: bool = False
    cursor: Callable[[Any], str] = str


@dataclass
class Context:
    """One execution. `world` is the store, `sink` takes the lines of a bulk operation."""

    world: Any
    scopes: frozenset[str]
    variables: Mapping[str, object] = field(default_factory=dict)
    errors: list[Json] = field(default_factory=list)
    searches: list[Json] = field(default_factory=list)
    counted: int = 0
    sink: list[Json] | None = None


class Machine:
    """Executes by tables: a resolver per type and field, the scope that a field needs."""

    def __init__(self, resolvers: Mapping[str, Mapping[str, Resolver]], needs: Mapping[tuple[str, str], str]) -> None:
        self.resolvers, self.needs = resolvers, needs

    def run(self, operation: Operation, context: Context) -> Json:
        """The `data` of the answer; `context` collects errors and searches."""
        root = ROOTS[operation.kind]
        return self.renderer(root, operation.selections, context, ())(context.world)

    def renderer(
        self, on: str, selections: Sequence[Field | Inline], context: Context, path: tuple[str, ...]
    ) -> Render:
        """The function that makes an object of type `on` into its answer."""
        if on in ABSTRACT:
            return self._abstract(selections, context, path)
        steps = [self._step(on, each, context, path) for each in _fields(on, selections, context.variables)]
        identity = self.resolvers.get(on, {}).get("id")
        counts = int(not (is_connection(on) or on.endswith("Edge") or on in {"PageInfo", *ROOTS.values()}))

        def render(row: Any, owner: str | None = None) -> Json:
            context.counted += counts
            made: Json = {}
            for key, step in steps:
                step(row, made, key, owner)
            return made

        def render_node(row: Any, owner: str | None = None) -> Json:
            # In a bulk operation the children name the object of the connection they hang on.
            own = identity(context, row, {}) if identity is not None and owner is None else owner
            return render(row, own)

        return render_node if context.sink is not None else render

    def _abstract(self, selections: Sequence[Field | Inline], context: Context, path: tuple[str, ...]) -> Render:
        made: dict[str, Render] = {}

        def render(found: Ref, owner: str | None = None) -> Json:
            if found.kind not in made:
                made[found.kind] = self.renderer(found.kind, selections, context, path)
            return made[found.kind](found.row, owner)

        return render

    def _step(
        self, on: str, each: Field, context: Context, path: tuple[str, ...]
    ) -> tuple[str, Callable[[Any, Json, str, str | None], None]]:
        if each.name == "__typename":
            return each.key, lambda row, made, key, owner: made.__setitem__(key, on)
        declared, here = types()[on][each.name], (*path, each.key)
        scope = self.needs.get((on, each.name))
        if scope is not None and scope not in context.scopes:
            context.errors.append(denied(each.name, scope, here))
            return each.key, lambda row, made, key, owner: made.__setitem__(key, None)
        resolve = self._resolver(on, each.name)
        args = {name: value_of(value, context.variables) for name, value in each.args.items()}
        if not each.selections:
            return each.key, lambda row, made, key, owner: made.__setitem__(key, resolve(context, row, args))
        if context.sink is not None and is_connection(declared.named) and path:
            return each.key, self._lines(declared.named, each, context, here, resolve, args)
        child = self.renderer(declared.named, each.selections, context, here)
        if declared.listed:

            def many(row: Any, made: Json, key: str, owner: str | None) -> None:
                found = resolve(context, row, args)
                made[key] = None if found is None else [None if one is None else child(one, owner) for one in found]

            return each.key, many

        def single(row: Any, made: Json, key: str, owner: str | None) -> None:
            found = resolve(context, row, args)
            made[key] = None if found is None else child(found, owner)

        return each.key, single

    def _lines(  # noqa: PLR0917 - one step's parts
        self,
        connection: str,
        each: Field,
        context: Context,
        path: tuple[str, ...],
        resolve: Resolver,
        args: Mapping[str, Any],
    ) -> Callable[[Any, Json, str, str | None], None]:
        """A connection inside a bulk operation: its nodes become lines that name their parent."""
        kind = types()[connection]["edges"].named.removesuffix("Edge")
        child = self.renderer(kind, node_selections(each), context, path)
        sink = context.sink if context.sink is not None else []

        def lines(row: Any, made: Json, key: str, owner: str | None) -> None:
            for one in resolve(context, row, args).nodes:
                sink.append({**child(one), "__parentId": owner})

        return lines

    def _resolver(self, on: str, name: str) -> Resolver:
        if is_connection(on) or on.endswith("Edge") or on == "PageInfo":
            return _PAGING[name]
        return self.resolvers[on][name]


def node_selections(each: Field) -> list[Field | Inline]:
    """What is asked of the nodes of a connection, by `nodes` or by `edges { node }`."""
    found: list[Field | Inline] = []
    for inner in each.selections:
        if isinstance(inner, Field) and inner.name == "nodes":
            found += inner.selections
        elif isinstance(inner, Field) and inner.name == "edges":
            for node in inner.selections:
                if isinstance(node, Field) and node.name == "node":
                    found += node.selections
    return found


def denied(name: str, scope: str, path: Sequence[str]) -> Json:
    """The error for a field that the app may not read."""
    return {
        "message": f"Access denied for {name} field. Required access: `{scope}` access scope.",
        "path": list(path),
        "extensions": {"code": "ACCESS_DENIED", "requiredAccess": f"`{scope}` access scope."},
    }


def _fields(on: str, selections: Sequence[Field | Inline], variables: Mapping[str, object]) -> list[Field]:
    """The fields that apply to an object of type `on`, one per key."""
    found: dict[str, Field] = {}
    for each in selections:
        if isinstance(each, Inline):
            if each.on == on or on in ABSTRACT.get(each.on, ()):
                found |= {inner.key: inner for inner in _fields(on, each.selections, variables)}
        elif all(bool(value_of(condition, variables)) is include for include, condition in each.conditions):
            known = found.get(each.key)
            found[each.key] = (
                Field(each.name, each.key, each.args, [*known.selections, *each.selections]) if known else each
            )
    return list(found.values())


def _last(found: Slice) -> str | None:
    return found.cursor(found.nodes[-1]) if found.nodes else None


_PAGING: dict[str, Resolver] = {
    "nodes": lambda context, found, args: found.nodes,
    "edges": lambda context, found, args: [(one, found.cursor(one)) for one in found.nodes],
    "node": lambda context, edge, args: edge[0],
    "cursor": lambda context, edge, args: edge[1],
    "pageInfo": lambda context, found, args: found,
    "hasNextPage": lambda context, found, args: found.has_next,
    "endCursor": lambda context, found, args: _last(found),
}
