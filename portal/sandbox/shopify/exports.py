"""Bulk operations: a query walked over the whole shop, its result a file of lines in no helpful order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from portal.sandbox.shopify.graphql.execute import Context, Machine, node_selections
from portal.sandbox.shopify.graphql.language import Field, Inline, Operation, Wrong, parse, value_of
from portal.sandbox.shopify.graphql.schema import ABSTRACT, NODES, is_connection, types
from portal.sandbox.shopify.world import gid
from portal.sandbox.store import Store

AT_ONCE = 5
_MOST_CONNECTIONS, _MOST_DEPTH, _SHUFFLED = 5, 3, 50


@dataclass
class Export:
    """One bulk operation. It ends by itself when its time is over."""

    id: int
    query: str
    created: int
    scopes: frozenset[str]
    ends: float
    fails: str = ""
    expired: bool = False
    rows: list[Any] = field(default_factory=list)
    objects: int = 0

    @property
    def status(self) -> str:
        if self.expired:
            return "EXPIRED"
        if time.monotonic() < self.ends:
            return "RUNNING"
        return "FAILED" if self.fails else "COMPLETED"


class Exports:
    """The bulk operations of one store. `failing` are the error codes of the next ones."""

    def __init__(self, store: Store, machine: Machine) -> None:
        self.store, self.machine = store, machine
        self.all: dict[int, Export] = {}
        self.failing: list[str] = []

    def start(self, query: str, scopes: frozenset[str]) -> Export | list[dict[str, Any]]:
        """A new operation, or the user errors."""
        try:
            operation = parse(query)
            found = restrictions(operation)
        except Wrong as wrong:
            found = [str(wrong)]
        if found:
            return [{"code": "INVALID", "field": ["query"], "message": each} for each in found]
        running = [each for each in self.all.values() if each.status == "RUNNING"]
        if len(running) >= AT_ONCE:
            told = "A bulk query operation for this app and shop is already in progress."
            return [{"code": "OPERATION_IN_PROGRESS", "field": None, "message": told}]
        number = len(self.all) + 1
        made = Export(
            number,
            query,
            self.store.clock.now(),
            scopes,
            time.monotonic() + self.store.spec.shopify.bulk_seconds,
            fails=self.failing.pop(0) if self.failing else "",
        )
        context, top = self._context(made), _top(operation)
        args = {name: value_of(value, {}) for name, value in top.args.items()}
        made.rows = list(self.machine.resolvers["QueryRoot"][top.name](context, self.store, args).nodes)
        needed = self.machine.needs.get(("QueryRoot", top.name))
        if needed is not None and needed not in scopes:
            made.fails, made.rows = "ACCESS_DENIED", []
        else:
            self._check_access(made, operation)
        made.objects = len(made.rows) + sum(len(getattr(row, "lines", ())) for row in made.rows)
        self.all[number] = made
        return made

    def lines(self, export: Export) -> Iterator[bytes]:
        """The file, line by line. Within every fifty parents the lines are mixed, children before parents too."""
        top = _top(parse(export.query))
        context, mixing = self._context(export), Random(export.id)
        kind = types()["QueryRoot"][top.name].named.removesuffix("Connection")
        render = self.machine.renderer(kind, node_selections(top), context, (top.key,))
        sink = context.sink if context.sink is not None else []
        for start in range(0, len(export.rows), _SHUFFLED):
            sink.extend(render(row) for row in export.rows[start : start + _SHUFFLED])
            mixing.shuffle(sink)
            yield from (msgspec.json.encode(line) + b"\n" for line in sink)
            sink.clear()

    def _context(self, export: Export) -> Context:
        return Context(world=self.store, scopes=export.scopes, sink=[])

    def _check_access(self, export: Export, operation: Operation) -> None:
        context, top = self._context(export), _top(operation)
        kind = types()["QueryRoot"][top.name].named.removesuffix("Connection")
        render = self.machine.renderer(kind, node_selections(top), context, (top.key,))
        for row in export.rows[:1]:
            render(row)
        if context.errors:
            export.fails = "ACCESS_DENIED"


def _top(operation: Operation) -> Field:
    return next(each for each in operation.selections if isinstance(each, Field))


def restrictions(operation: Operation) -> list[str]:
    """Why a query cannot run in bulk; empty when it can."""
    found: list[str] = []
    counted = _walk("QueryRoot", operation.selections, 0, found, in_list=False)
    if operation.kind != "query" or counted == 0:
        found.append("Bulk queries must contain at least one connection.")
    if counted > _MOST_CONNECTIONS:
        found.append("Bulk queries cannot contain more than 5 connections.")
    if operation.variables:
        found.append("Bulk queries cannot have variables.")
    return found


def _walk(on: str, selections: list[Field | Inline], depth: int, found: list[str], *, in_list: bool) -> int:
    counted = 0
    for each in selections:
        if isinstance(each, Inline):
            counted += _walk(each.on, each.selections, depth, found, in_list=in_list)
            continue
        declared = types().get(on, {}).get(each.name)
        if declared is None:
            found.append(f"Field '{each.name}' doesn't exist on type '{on}'")
        elif on == "QueryRoot" and each.name in {"node", "nodes"}:
            found.append("Bulk queries cannot contain node or nodes at the top level.")
        elif is_connection(declared.named):
            kind = declared.named.removesuffix("Connection")
            counted += 1
            if kind not in NODES and not ABSTRACT.get(kind, NODES | {kind}) <= NODES:
                found.append(f"Connection {each.name} must be of objects that implement Node.")
            if in_list:
                found.append("Queries that contain a connection field within a list field are not supported.")
            if depth + 1 > _MOST_DEPTH:
                found.append("Bulk queries cannot nest connections deeper than two levels.")
            counted += _walk(kind, node_selections(each), depth + 1, found, in_list=False)
        elif each.selections:
            counted += _walk(declared.named, each.selections, depth, found, in_list=in_list or declared.listed)
    return counted


def operation_json(export: Export, site_url: str) -> dict[str, Any]:
    """What the API says of an operation."""
    status = export.status
    done = status == "COMPLETED" and export.rows
    return {
        "id": gid("BulkOperation", export.id),
        "status": status,
        "error": export.fails if status == "FAILED" else None,
        "created": export.created,
        "query": export.query,
        "objects": export.objects if done else 0,
        "roots": len(export.rows) if done else 0,
        "url": f"{site_url}/_exports/{export.id}.jsonl" if done else None,
    }
