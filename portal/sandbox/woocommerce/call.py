"""One API call and its answer, without any HTTP machinery: handlers are plain functions of rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.sandbox.store import Store
from portal.sandbox.woocommerce.errors import Json
from portal.sandbox.woocommerce.params import Params


@dataclass(slots=True)
class Call:
    """What a handler gets: the store, numbers from the path, the query and the JSON body."""

    store: Store
    method: str
    path: str
    numbers: tuple[int, ...]
    params: Params
    body: Json = field(default_factory=dict)
    dp: int = 2

    @property
    def rest(self) -> str:
        """The address of the API's root, for links."""
        return f"{self.store.site_url}/wp-json/wc/v3"


@dataclass(slots=True)
class Reply:
    """What a handler gives: the body to encode, the status and extra headers."""

    body: object
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def links(rest: str, path: str, allow: str = "GET,POST,PUT,PATCH,DELETE", up: str = "") -> Json:
    """The `_links` of a row at `path`, its collection, and the row it belongs to."""
    made: Json = {
        "self": [{"href": f"{rest}/{path}", "targetHints": {"allow": allow.split(",")}}],
        "collection": [{"href": f"{rest}/{path.rpartition('/')[0]}"}],
    }
    if up:
        made["up"] = [{"href": f"{rest}/{up}"}]
    return made
