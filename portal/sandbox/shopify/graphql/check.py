"""Whether a document fits the schema: fields, arguments, variables, what needs a selection and what must not have one."""

from __future__ import annotations

from collections.abc import Mapping

from portal.sandbox.shopify.graphql.language import Field, Inline, Operation, Variable, Word
from portal.sandbox.shopify.graphql.schema import ABSTRACT, ENUMS, INPUTS, types

ROOTS = {"query": "QueryRoot", "mutation": "Mutation"}


def problems(operation: Operation) -> list[str]:
    """What is wrong with it, in the platform's words; empty when it fits."""
    found: list[str] = []
    used: set[str] = set()
    _selections(ROOTS[operation.kind], operation.selections, operation, found, used)
    found += [
        f"Variable ${name} is declared by {operation.name or 'anonymous query'} but not used"
        for name in operation.variables
        if name not in used
    ]
    return found


def missing_variables(operation: Operation, given: Mapping[str, object]) -> list[str]:
    """Variables without a value that must have one."""
    return [
        f"Variable ${name} of type {declared} was provided invalid value"
        for name, (declared, default) in operation.variables.items()
        if declared.endswith("!") and default is None and given.get(name) is None
    ]


def _selections(
    on: str, selections: list[Field | Inline], operation: Operation, found: list[str], used: set[str]
) -> None:
    for each in selections:
        if isinstance(each, Inline):
            if each.on not in types():
                found.append(f"No such type {each.on}, so it can't be a fragment condition")
            elif each.on != on and each.on not in ABSTRACT.get(on, ()) and on not in ABSTRACT.get(each.on, ()):
                found.append(f"Fragment on {each.on} can't be spread inside {on}")
            else:
                _selections(each.on, each.selections, operation, found, used)
        elif each.name != "__typename":
            _field(on, each, operation, found, used)


def _field(on: str, each: Field, operation: Operation, found: list[str], used: set[str]) -> None:
    declared = types().get(on, {}).get(each.name)
    if declared is None:
        found.append(f"Field '{each.name}' doesn't exist on type '{on}'")
        return
    for name, value in each.args.items():
        if name not in declared.args:
            found.append(f"Field '{each.name}' doesn't accept argument '{name}'")
        else:
            _value(value, declared.args[name], f"{each.name}.{name}", operation, found, used)
    for name, wanted in declared.args.items():
        if wanted.endswith("!") and name not in each.args:
            found.append(f"Field '{each.name}' is missing required arguments: {name}")
    for _, condition in each.conditions:
        _value(condition, "Boolean!", f"{each.name} directive", operation, found, used)
    composite = declared.named in types() or declared.named in ABSTRACT
    if composite and not each.selections:
        found.append(f"Field must have selections (field '{each.name}' returns {declared.named} but has no selections)")
    elif not composite and each.selections:
        found.append(f"Selections can't be made on scalars (field '{each.name}' returns {declared.named})")
    elif composite:
        _selections(declared.named, each.selections, operation, found, used)


def _value(  # noqa: PLR0917 - one judgement with everything it needs
    value: object, wanted: str, where: str, operation: Operation, found: list[str], used: set[str]
) -> None:
    if isinstance(value, Variable):
        used.add(value.name)
        declared = operation.variables.get(value.name)
        if declared is None:
            found.append(f"Variable ${value.name} is used by {operation.name or 'anonymous query'} but not declared")
        elif declared[0] != wanted and declared[0].removesuffix("!") != wanted:
            found.append(f"Type mismatch on variable ${value.name} and argument {where} ({declared[0]} / {wanted})")
        return
    if value is None:
        if wanted.endswith("!"):
            found.append(f"Argument '{where}' must not be null")
        return
    named = wanted.rstrip("!")
    if named.startswith("["):
        for each in value if isinstance(value, list) else [value]:
            _value(each, named[1:-1], where, operation, found, used)
    elif named in INPUTS and isinstance(value, dict) and set(value) <= set(INPUTS[named]):
        for name, each in value.items():
            _value(each, INPUTS[named][name], f"{where}.{name}", operation, found, used)
    elif not _fits(value, named):
        found.append(f"Argument '{where}' has an invalid value. Expected type '{named}'")


def _fits(value: object, named: str) -> bool:
    if named in ENUMS:
        return isinstance(value, Word) and value in ENUMS[named].split()
    if isinstance(value, Word) or named in INPUTS:
        return False
    kinds: dict[str, type | tuple[type, ...]] = {"Int": int, "Boolean": bool, "String": str, "ID": (str, int)}
    return isinstance(value, kinds.get(named, object)) and (named != "Int" or not isinstance(value, bool))
