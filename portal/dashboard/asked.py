"""`store`, the query parameter that every tile, page and socket of the dashboard takes: one store instead of all that count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, cast
from urllib.parse import urlencode

import msgspec
from msgspec import Meta
from quart import request

StoreId = Annotated[
    int, Meta(ge=1, le=2**63 - 1, description="One store alone, by its number; without it all that count.")
]


@cache
def with_store(query: type[msgspec.Struct]) -> type[Any]:
    """A tile's query parameters and `store`. (A reader of the answers' cache sees both in one value.)"""
    made = msgspec.defstruct(
        query.__name__,
        [("store", StoreId | None, None)],
        bases=(query,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        module=query.__module__,
    )
    made.__doc__ = query.__doc__
    return cast("type[Any]", made)


def kept(links: Any, store: int | None) -> Any:
    """An address, or links with an `href` each, that go on looking at the same store. Jinja's `|kept`."""
    if store is None:
        return links
    if isinstance(links, Sequence) and not isinstance(links, str):
        return [{**each, "href": kept(each["href"], store)} for each in cast("Sequence[Mapping[str, Any]]", links)]
    address, mark, fragment = str(links).partition("#")
    return f"{address}{'&' if '?' in address else '?'}store={store}{mark}{fragment}"


def here() -> str:
    """The address of this page for another store: the same filters, from their first page."""
    asked = [(name, value) for name, value in request.args.items(multi=True) if name not in {"store", "after"}]
    return f"{request.path}?{urlencode(asked)}" if asked else request.path
