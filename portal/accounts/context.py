"""What every template may lean on: navigation, who is signed in, the form token, flashes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from quart import Quart, get_flashed_messages, has_request_context, request

from portal.accounts import csrf
from portal.accounts.gate import current_standing
from portal.accounts.principal import Standing
from portal.foundation.runtime import runtime
from portal.foundation.web.assets import asset

THEMES = frozenset({"light", "dark"})


@dataclass(frozen=True, slots=True)
class NavItem:
    """One place in the side bar, for these roles; `tenant` places need an active organization, `by_store` ones go on
    looking at the store that is looked at."""

    href: str
    label: str
    icon: str
    roles: frozenset[str]
    tenant: bool = True
    by_store: bool = False


class _Flashes:
    """Taken from the session only when a template really shows them: a partial must not swallow them."""

    def __iter__(self) -> Iterator[dict[str, str]]:
        found = cast(list[tuple[str, str]], get_flashed_messages(with_categories=True))
        return iter([{"kind": kind, "text": text} for kind, text in found])


def install(app: Quart, nav: Sequence[NavItem]) -> None:
    """Give all templates their frame. Works without a request too (live pushes)."""
    app.context_processor(_frame(nav))


def _frame(nav: Sequence[NavItem]) -> Callable[[], dict[str, Any]]:
    def frame() -> dict[str, Any]:
        rt = runtime()
        bare: dict[str, Any] = {
            "asset": asset,
            "now": rt.clock(),
            "theme": "",
            "csrf_token": "",
            "nav": [],
            "user": None,
            "organization": None,
            "organizations": [],
            "flashes": [],
        }
        if not has_request_context():
            return bare
        standing = current_standing()
        theme = request.cookies.get("theme", "")
        return {
            **bare,
            "theme": theme if theme in THEMES else "",
            "csrf_token": csrf.current_token(rt, standing),
            "flashes": _Flashes(),
            **(_known(nav, standing) if standing else {}),
        }

    return frame


def _known(nav: Sequence[NavItem], standing: Standing) -> dict[str, Any]:
    who = standing.principal
    here = {"id": str(who.org_id), "name": standing.organization} if who.org_id else None
    if who.is_superadmin:
        organizations = [{"id": "", "name": "All clients"}, here] if here else []
    else:
        organizations = [{"id": str(place.org_id), "name": place.name} for place in standing.places]
    return {
        "nav": [
            {
                "href": item.href,
                "label": item.label,
                "icon": item.icon,
                "current": _current(item.href),
                "by_store": item.by_store,
            }
            for item in nav
            if who.role in item.roles and (here or not item.tenant)
        ],
        "user": {"name": who.name, "email": who.email, "role": who.role, "initials": _initials(who.name)},
        "organization": here,
        "organizations": organizations,
    }


def _current(href: str) -> bool:
    return request.path == href or request.path.startswith(href.rstrip("/") + "/")


def _initials(name: str) -> str:
    words = [word for word in name.partition("@")[0].replace(".", " ").split() if word]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"
