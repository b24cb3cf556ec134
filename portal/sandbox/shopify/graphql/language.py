"""The query language: text into fields with arguments, aliases, fragments and variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""[\s,\ufeff]+|\#[^\n]*
    |(?P<block>\"\"\"(?:[^"\\]|\\.|"(?!""))*\"\"\")|(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)|(?P<mark>\.\.\.|[!$():=@\[\]{}|&])""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Wrong(Exception):
    """A document that cannot be read or does not fit; the text is the answer's error message."""


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


class Word(str):
    """An enum value."""

    __slots__ = ()


@dataclass(slots=True)
class Field:
    """One field: `key` is its name in the answer."""

    name: str
    key: str
    args: dict[str, object] = field(default_factory=dict)
    selections: list[Field | Inline] = field(default_factory=list)
    conditions: list[tuple[bool, object]] = field(default_factory=list)  # (include, if)


@dataclass(slots=True)
class Inline:
    """`... on Type { … }`, and what a named fragment becomes."""

    on: str
    selections: list[Field | Inline]
    spread: str = ""


@dataclass(slots=True)
class Operation:
    """What is executed. `variables` are (type, default) by name."""

    kind: str
    name: str
    selections: list[Field | Inline]
    variables: dict[str, tuple[str, object]] = field(default_factory=dict)


def parse(text: str) -> Operation:
    """The first operation of a document. Raises `Wrong` with the place."""
    reading = _Reading(text)
    operations: list[Operation] = []
    fragments: dict[str, Inline] = {}
    while reading.at < len(reading.tokens):
        if reading.peek() == "fragment":
            reading.take()
            name = reading.take()
            reading.expect("on")
            fragments[name] = Inline(reading.take(), reading.selections())
        else:
            operations.append(reading.operation())
    if not operations:
        raise Wrong("No operation was given")
    _insert(operations[0].selections, fragments, 0)
    return operations[0]


def value_of(value: object, variables: Mapping[str, object]) -> object:
    """A value with the variables put in."""
    if isinstance(value, Variable):
        return variables.get(value.name)
    if isinstance(value, list):
        return [value_of(each, variables) for each in value]
    if isinstance(value, dict):
        return {name: value_of(each, variables) for name, each in value.items()}
    return value


def _insert(selections: list[Field | Inline], fragments: Mapping[str, Inline], depth: int) -> None:
    if depth > 30:
        raise Wrong("Query is nested too deeply")
    for each in selections:
        if isinstance(each, Inline) and each.spread:
            found = fragments.get(each.spread)
            if found is None:
                raise Wrong(f"Fragment {each.spread} was used, but not defined")
            each.on, each.selections, each.spread = found.on, found.selections, ""
        _insert(each.selections, fragments, depth + 1)


class _Reading:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        self.at = place = 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise Wrong(f'Parse error on "{text[place]}" at [{text.count(chr(10), 0, place) + 1}]')
            if found.lastgroup:
                self.tokens.append((found.lastgroup, found.group()))
            place = found.end()

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        if self.at >= len(self.tokens):
            raise Wrong("Unexpected end of document")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def expect(self, word: str) -> None:
        found = self.take()
        if found != word:
            raise Wrong(f'Parse error on "{found}", expected "{word}"')

    def operation(self) -> Operation:
        if self.peek() == "{":
            return Operation("query", "", self.selections())
        kind = self.take()
        if kind not in {"query", "mutation"}:
            raise Wrong(f'Parse error on "{kind}", expected query or mutation')
        name = self.take() if self.peek() not in {"(", "{", "@"} else ""
        variables: dict[str, tuple[str, object]] = {}
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                self.expect("$")
                variable = self.take()
                self.expect(":")
                declared, default = self._type(), None
                if self.peek() == "=":
                    self.take()
                    default = self._value()
                variables[variable] = (declared, default)
            self.take()
        return Operation(kind, name, self.selections(), variables)

    def selections(self) -> list[Field | Inline]:
        self.expect("{")
        found: list[Field | Inline] = []
        while self.peek() != "}":
            found.append(self._inline() if self.peek() == "..." else self._field())
        self.take()
        if not found:
            raise Wrong("A selection must not be empty")
        return found

    def _inline(self) -> Inline:
        self.expect("...")
        if self.peek() == "on":
            self.take()
            return Inline(self.take(), self.selections())
        return Inline("", [], spread=self.take())

    def _field(self) -> Field:
        name = key = self.take()
        if self.peek() == ":":
            self.take()
            name = self.take()
        made = Field(name, key)
        if self.peek() == "(":
            made.args = self._arguments()
        while self.peek() == "@":
            self.take()
            directive = self.take()
            if directive not in {"include", "skip"}:
                raise Wrong(f"Directive @{directive} is not defined")
            made.conditions.append((directive == "include", self._arguments().get("if")))
        if self.peek() == "{":
            made.selections = self.selections()
        return made

    def _arguments(self) -> dict[str, object]:
        self.expect("(")
        found: dict[str, object] = {}
        while self.peek() != ")":
            name = self.take()
            self.expect(":")
            found[name] = self._value()
        self.take()
        return found

    def _type(self) -> str:
        if self.peek() == "[":
            self.take()
            made = f"[{self._type()}]"
            self.expect("]")
        else:
            made = self.take()
        if self.peek() == "!":
            self.take()
            made += "!"
        return made

    def _value(self) -> object:
        kind = self.tokens[self.at][0] if self.at < len(self.tokens) else ""
        mark = self.take()
        if mark == "$":
            return Variable(self.take())
        if mark == "[":
            found = []
            while self.peek() != "]":
                found.append(self._value())
            self.take()
            return found
        if mark == "{":
            made: dict[str, object] = {}
            while self.peek() != "}":
                name = self.take()
                self.expect(":")
                made[name] = self._value()
            self.take()
            return made
        if kind == "number":
            return float(mark) if re.search(r"[.eE]", mark) else int(mark)
        if kind in {"string", "block"}:
            return _plain(mark[3:-3] if kind == "block" else mark[1:-1])
        known: dict[str, object] = {"true": True, "false": False, "null": None}
        return known[mark] if mark in known else Word(mark)


def _plain(raw: str) -> str:
    def one(found: re.Match[str]) -> str:
        code = found.group(1)
        return chr(int(code[1:], 16)) if code[0] == "u" else _ESCAPES.get(code, code)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", one, raw)
