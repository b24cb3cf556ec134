"""Validation of credential forms, generated from a connector's manifest: the page and the JSON routes share it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from portal.connectors.manifest import Field, Manifest
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.errors import Invalid
from portal.foundation.vault import is_masked

_TRUE, _FALSE = {"1", "true", "on", "yes"}, {"", "0", "false", "off", "no"}


def from_form(platform: str, form: Mapping[str, str]) -> dict[str, str]:
    """The credential fields of a submitted HTML form; a browser leaves an unticked box out, so that becomes "false"."""
    values: dict[str, str] = {}
    for field in manifest_of(platform).fields:
        if field.name in form:
            values[field.name] = form[field.name]
        elif field.type == "checkbox":
            values[field.name] = "false"
    return values


def validate_credentials(
    platform: str, values: Mapping[str, str], *, existing: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Every field of `platform` by name, cleaned and complete.

    With `existing` (the saved ones) a masked or empty secret, or a field that is left out, is unchanged; but a saved secret is
    never sent to another host than the one it was entered for: whoever changes that enters it again.
    Raises `Invalid` with a message per field, `Missing` for an unknown platform.
    """
    declared = manifest_of(platform)
    cleaned: dict[str, str] = {}
    problems: dict[str, str] = {}
    for field in declared.fields:
        value, problem = _field(field, values.get(field.name), (existing or {}).get(field.name), declared)
        cleaned[field.name] = value
        if problem := problem or _another(field, value, declared):
            problems[field.name] = problem
    if existing and _moved(declared, existing, cleaned):
        problems |= _kept_back(declared, values, existing, cleaned)
    if problems:
        raise Invalid("Please check the connection's fields.", problems)
    return cleaned


def _field(field: Field, given: str | None, saved: str | None, declared: Manifest) -> tuple[str, str]:
    """(clean value, what is wrong with it or "")."""
    if given is None:
        given = saved if saved is not None else field.default
    if not isinstance(given, str):
        return "", f"{field.label} must be text."
    value = _clean(given)
    if field.secret and _means_unchanged(value):
        if saved:
            return saved, ""
        if is_masked(value):
            return "", f"{field.label} is only a mask; enter the key itself."
    if not value:
        if field.required and field.type != "checkbox":
            return "", f"{field.label} is required."
        value = field.default if field.type != "checkbox" else "false"
    if len(value) > field.max_length:
        return value[: field.max_length], f"{field.label} may have at most {field.max_length} characters."
    if field.type != "textarea" and any(ord(character) < 32 for character in value):
        return value, f"{field.label} must be one line."
    return _typed(field, value, declared)


def _clean(given: str) -> str:
    return given.replace("\x00", "").strip()


def _means_unchanged(value: str) -> bool:
    """Whether a secret that came so, cleaned, is the saved one."""
    return not value or is_masked(value)


def _moved(declared: Manifest, saved: Mapping[str, str], cleaned: Mapping[str, str]) -> bool:
    """Whether requests would go to another host (or to the same one without TLS)."""
    leading = [field for field in declared.fields if field.type == "url" or field.is_host]
    return any(_host(field, cleaned[field.name]) != _host(field, saved.get(field.name, "")) for field in leading)


def _host(field: Field, value: str) -> tuple[str, str]:
    """Of an address its folder may change. A field that only names a host is compared whole: its connector may take it from
    anywhere in the text (admin.shopify.com/store/mystore)."""
    if field.is_host:
        return "", value.casefold()
    try:
        parts = urlsplit(value)
    except ValueError:
        return "", value
    return parts.scheme, parts.netloc.lower()


def _kept_back(
    declared: Manifest, given: Mapping[str, str], saved: Mapping[str, str], cleaned: dict[str, str]
) -> dict[str, str]:
    """Takes saved secrets out of `cleaned`; what is to be said of those that have to be entered."""
    secrets = [field for field in declared.fields if field.secret]
    old = [each for each in secrets if saved.get(each.name) and _means_unchanged(_clean(given.get(each.name, "")))]
    cleaned |= dict.fromkeys((each.name for each in old), "")
    some = any(cleaned[each.name] for each in secrets)
    return {
        each.name: f"Enter the {each.label} again: the saved one is not sent to another address."
        for each in old
        if each.required or not some
    }


def _another(field: Field, value: str, declared: Manifest) -> str:
    """Two keys pasted into each other's field, told by how each begins (its placeholder, as "ck_…")."""
    own, _, _ = field.placeholder.partition("…")
    if not own or value.startswith(own):
        return ""
    for other in declared.fields:
        begins, dots, _ = other.placeholder.partition("…")
        if other is not field and dots and begins and value.startswith(begins):
            return f"This begins with {begins}, so it is the {other.label}."
    return ""


def _typed(field: Field, value: str, declared: Manifest) -> tuple[str, str]:
    if field.type == "url":
        return _url(field, value)
    if field.type == "select" and value not in field.options:
        return value, f"{field.label} must be one of: {', '.join(field.options)}."
    if field.type == "checkbox":
        word = value.lower()
        if word not in _TRUE | _FALSE:
            return value, f"{field.label} must be true or false."
        return ("true" if word in _TRUE else "false"), ""
    if field.type == "number" and value:
        top = int(declared.max_timeout) if field.name == "timeout" else 1_000_000
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= top):
            return value, f"{field.label} must be a whole number from 1 to {top}."
    return value, ""


def _url(field: Field, value: str) -> tuple[str, str]:
    wrong = f"{field.label} must be an address such as {field.placeholder or 'https://mystore.com'}."
    if not value:
        return value, ""
    if any(character.isspace() or character in "<>\"'`\\{}|^" for character in value):
        return value, wrong
    address = value if "://" in value else f"https://{value}"
    try:
        parts = urlsplit(address)
        port_ok = parts.port is None or parts.port > 0
        host = parts.hostname or ""
    except ValueError:
        return value, wrong
    if parts.scheme not in {"http", "https"}:
        return value, f"{field.label} must begin with https:// or http://."
    if parts.username or parts.password:
        return value, f"{field.label} must not contain a user name or password."
    if not host or not port_ok or host.startswith(".") or ".." in host or len(host) > 253:
        return value, wrong
    return address, ""
