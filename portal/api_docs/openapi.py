"""The OpenAPI 3.1 document, generated from the routes' own declarations: it cannot lag behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from quart import Quart

from portal.foundation.web.envelopes import family_of
from portal.foundation.web.policy import LIMITS, Policy

_ERRORS = {
    400: "Malformed: an unknown parameter or value, or an unreadable body",
    401: "No credentials, or bad, expired or revoked ones",
    403: "Not allowed for this role",
    404: "Not there for you",
    429: "Rate limit used up; see Retry-After",
    503: "A dependency of the portal is away; try again shortly",
}
_BODY_ERRORS = {
    409: "The state of things forbids it",
    413: "Too large",
    415: "Another content type",
    422: "Invalid, field by field",
}
_ENVELOPES: dict[str, Any] = {
    "plain": {
        "type": "object",
        "required": ["error", "details"],
        "properties": {"error": {"type": "string"}, "details": {"type": "object"}},
    },
    "wrapped": {
        "type": "object",
        "required": ["success", "error"],
        "properties": {
            "success": {"const": False},
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "detail": {
        "type": "object",
        "properties": {
            "detail": {"type": "string"},
            "error": {"type": "string"},
            "message": {"type": "string"},
            "status": {"type": "integer"},
        },
    },
}


def documented(app: Quart) -> Iterator[tuple[str, str, Policy]]:
    """(path, endpoint, policy) of every route that has a `Doc`."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions.get(rule.endpoint)
        policy = getattr(view, "__policy__", None)
        if policy is not None and policy.doc is not None and not rule.websocket:
            yield re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", str(rule.rule)), rule.endpoint, policy


def document(app: Quart, base_url: str) -> dict[str, Any]:
    """The whole document as JSON-able values."""
    routes = sorted(documented(app), key=lambda item: (item[2].doc.tag if item[2].doc else "", item[0]))
    kinds = [kind for _, _, policy in routes for kind in _kinds(policy)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    by_kind = {id(kind): _numbers(schema) for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for path, endpoint, policy in routes:
        for method in policy.methods:
            paths.setdefault(path, {})[method.lower()] = _operation(path, endpoint, policy, by_kind)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Commerce Portal",
            "version": "1",
            "description": "Every documented route of the portal. Paths answer with and without a trailing slash. "
            "Correlation is the X-Request-Id header. Money is in the organization's reporting currency; null is unknown.",
        },
        "servers": [{"url": base_url}],
        "security": [{"bearer": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": {
                **{name: _numbers(schema) for name, schema in components.items()},
                **{f"Error_{family}": schema for family, schema in _ENVELOPES.items()},
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token of POST /api/auth/token, or an API key (pk_live_…).",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "portal_session"},
            },
        },
    }


def _kinds(policy: Policy) -> Iterator[Any]:
    doc = policy.doc
    if doc is not None:
        yield from (kind for kind in (doc.query, doc.body, doc.response) if kind is not None)


def _operation(path: str, endpoint: str, policy: Policy, schemas: dict[int, Any]) -> dict[str, Any]:
    doc = policy.doc
    assert doc is not None  # noqa: S101 (documented() gives only those)
    family = family_of(path)
    limit = LIMITS[policy.family]
    operation: dict[str, Any] = {
        "operationId": endpoint.replace(".", "_"),
        "summary": doc.summary,
        "description": " ".join(
            part
            for part in (
                doc.description,
                f"Roles: {', '.join(sorted(policy.roles))}." if policy.roles else "Public.",
                f"Limit: {limit} per minute." if limit else "",
            )
            if part
        ),
        "tags": [doc.tag or "Other"],
        "parameters": [_path_parameter(name) for name in re.findall(r"{([^}]+)}", path)]
        + (_query_parameters(doc.query) if doc.query else []),
        "responses": {str(doc.status): _success(doc.response, doc.example, family, schemas)},
    }
    if not policy.roles:
        operation["security"] = []
    if doc.body is not None:
        content: dict[str, Any] = {"schema": schemas[id(doc.body)]}
        if isinstance(doc.body_example, dict) and "examples" in doc.body_example:
            content["examples"] = doc.body_example["examples"]
        elif doc.body_example is not None:
            content["example"] = doc.body_example
        operation["requestBody"] = {"required": True, "content": {doc.body_type: content}}
    for status, text in (_ERRORS | (_BODY_ERRORS if doc.body is not None else {})).items():
        if status in {401, 403} and not policy.roles and status == 403:
            continue
        operation["responses"][str(status)] = {
            "description": text,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/Error_{family}"}}},
        }
    return operation


def _success(kind: Any, example: Any, family: str, schemas: dict[int, Any]) -> dict[str, Any]:
    if kind is None:
        return {"description": "Done"}
    schema = schemas[id(kind)]
    if family == "wrapped":
        schema = {
            "type": "object",
            "required": ["success", "data"],
            "properties": {"success": {"const": True}, "data": schema},
        }
    content: dict[str, Any] = {"schema": schema}
    if example is not None:
        content["example"] = {"success": True, "data": example} if family == "wrapped" else example
    return {"description": "Success", "content": {"application/json": content}}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    found = []
    for field in msgspec.structs.fields(kind):
        schema = _numbers(msgspec.json.schema(field.type))
        if not field.required and field.default not in (None, msgspec.NODEFAULT):
            schema["default"] = field.default
        found.append({"name": field.encode_name, "in": "query", "required": field.required, "schema": schema})
    return found


def _numbers(schema: Any) -> Any:
    """The portal writes a Decimal as a JSON number; msgspec's schema says text."""
    if isinstance(schema, dict):
        if schema.get("type") == "string" and schema.get("format") == "decimal":
            return {"type": "number"}
        return {key: _numbers(value) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_numbers(item) for item in schema]
    return schema
