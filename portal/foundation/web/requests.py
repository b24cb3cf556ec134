"""Reading what a caller sent into typed structs, with an answer per field when it is wrong."""

from __future__ import annotations

import re
import types
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from quart import request

from portal.foundation.errors import BadRequest, Invalid, TooLarge, WrongType

S = TypeVar("S", bound=msgspec.Struct)


def parse_query(kind: type[S]) -> S:
    """The query string as `kind`. An unknown parameter or value is 400 and names the allowed ones."""
    known = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    values = dict(request.args.items())
    unknown = [name for name in values if name not in known]
    if unknown:
        raise BadRequest(
            f"Unknown query parameter {unknown[0]!r}.", details={"parameter": unknown[0], "allowed": sorted(known)}
        )
    values = {name: value for name, value in values.items() if value != ""}
    for name, value in values.items():
        allowed = _choices(known[name].type)
        if allowed and value not in allowed:
            raise BadRequest(
                f"{name} must be one of: {', '.join(allowed)}.", details={"parameter": name, "allowed": allowed}
            )
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        name, reason = _field_of(error)
        raise BadRequest(f"{name} {_worded(reason)}.", details={"parameter": name}) from None


async def parse_json(kind: type[S]) -> S:
    """The JSON body as `kind`. 415 for another content type, 400 for unparsable JSON, 422 by field for wrong values."""
    if request.mimetype not in {"application/json", "text/json"}:
        raise WrongType("Send the body as application/json.", details={"expected": "application/json"})
    try:
        return msgspec.json.decode(await request.get_data(), type=kind)
    except msgspec.ValidationError as error:
        name, reason = _field_of(error)
        known = {f.encode_name: f.type for f in msgspec.structs.fields(kind)}
        if reason.startswith("Invalid enum value") and (allowed := _choices(known.get(name))):
            reason = f"must be one of: {', '.join(allowed)}"
        raise Invalid(f"{name}: {reason}", {name: reason}) from None
    except msgspec.DecodeError as error:
        raise BadRequest("The body is not valid JSON.", details={"reason": str(error)}) from None
    except UnicodeDecodeError:
        raise BadRequest("The body is not valid UTF-8.") from None


async def form_values(max_length: int = 20_000) -> dict[str, str]:
    """A submitted form as text by name (the last value wins). 413 when one value is over-long."""
    form = await request.form
    for name, value in form.items():
        if len(value) > max_length:
            raise TooLarge(f"{name} is longer than {max_length} characters.", details={"field": name})
    return {name: value.replace("\x00", "") for name, value in form.items()}


def wants_html() -> bool:
    """A browser (or HTMX) asks; programs get JSON."""
    if "HX-Request" in request.headers:
        return True
    best = request.accept_mimetypes.best_match(["application/json", "text/html"], default="application/json")
    return best == "text/html"


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    if get_origin(annotation) in {Union, types.UnionType}:
        return [choice for member in get_args(annotation) for choice in _choices(member)]
    return []


def _worded(reason: str) -> str:
    """What msgspec says of a value, for somebody who changed an address by hand."""
    if found := re.search(r"`int[^`]*` (>=|<=) (-?\d+)", reason):
        return f"must be at {'least' if found[1] == '>=' else 'most'} {found[2]}"
    if reason.startswith("Expected `int"):
        return "must be a whole number"
    if found := re.search(r"length <= (\d+)", reason):
        return f"must have at most {found[1]} characters"
    return "is not written as it should be" if "matching regex" in reason else f"is not right: {reason}"


def _field_of(error: msgspec.ValidationError) -> tuple[str, str]:
    """msgspec words it as 'Expected `int`, got `str` - at `$.limit`': split into field and reason."""
    text, _, path = str(error).partition(" - at `")
    name = path.rstrip("`").removeprefix("$").lstrip(".")
    if not name and "required field" in text:
        name = text.split("`")[-2]
        text = "is required"
    elif not name and "unknown field" in text:
        name = text.split("`")[-2]
        text = "is not a known field"
    return name or "body", text
