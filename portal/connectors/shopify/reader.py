"""Reading with what the app may read, in pages as large as Shopify's price for one query allows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from portal.connectors.shopify import queries
from portal.connectors.shopify.client import Answer, Client
from portal.connectors.shopify.failures import FieldRefused, TooCostly
from portal.connectors.shopify.values import Row, inside, rows, text
from portal.foundation.errors import Forbidden, Permanent

_T = TypeVar("_T")
_NAME = re.compile(r"query\s+(\w+)")
# What an app may be kept from although it has the scope (by the shop's plan, or for want of approval), and the fields that are
# then refused. Without it there are still orders, and stock. Where Shopify does not say which it is, the first is given up first.
_GIVEN_UP = {
    "orders": {
        "read_customers": {"email", "customer"},
        queries.ADDRESSES: {"billingAddress", "shippingAddress"},
        "read_returns": {"returns"},
    },
    "products": {"read_locations": {"location"}, "read_inventory": {"inventoryLevels"}},
}
_MOST_PAGES = 10_000


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a list. `after` is the position behind it, None at the end."""

    rows: list[Row]
    after: str | None
    answer: Answer


class Reader:
    """Reads one shop for one connector object, which remembers scopes and page sizes."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._granted: frozenset[str] | None = None
        self._hidden: set[str] = set()
        self._sizes: dict[str, dict[str, int]] = {}

    async def scopes(self) -> frozenset[str]:
        """The scopes of the app, asked once; a right to write includes the right to read."""
        if self._granted is None:
            self._granted = granted((await self.client.query(queries.SHOP)).data)
        return (self._granted | {queries.ADDRESSES}) - self._hidden

    async def permitted(self, stream: str, ask: Callable[[frozenset[str]], Awaitable[_T]]) -> _T:
        """What `ask` gives with the scopes; personal parts that are refused all the same are left out."""
        while True:
            try:
                return await ask(await self.scopes())
            except Forbidden as wrong:
                if not await self.hide(stream, wrong.path if isinstance(wrong, FieldRefused) else ()):
                    raise

    async def hide(self, stream: str, refused: Sequence[str] = ()) -> bool:
        """Give up the part of `stream` that the `refused` path names, else the next it can do without; False when there is none."""
        able = await self.scopes()
        left = {part: fields for part, fields in _GIVEN_UP.get(stream, {}).items() if part in able}
        named = (part for part, fields in left.items() if not fields.isdisjoint(refused))
        part = next(named, None) or next(iter(left), None)
        if part is not None:
            self._hidden.add(part)
        return part is not None

    async def page(self, document: str, sizes: Mapping[str, int], variables: Mapping[str, object]) -> Part:
        """A page of the list `rows` of a document (of a `node` too). `sizes` are where to begin."""
        answer = await self._sized(document, sizes, variables)
        found = answer.data.get("rows") or inside(answer.data, "node", "rows")
        if not isinstance(found, dict):
            raise Permanent("Shopify's answer has no rows.", "Try again; if it persists, report it.")
        more = inside(found, "pageInfo", "hasNextPage") is True
        after = text(inside(found, "pageInfo", "endCursor"), 2000)
        return Part(rows=list(rows(found)), after=after if more and after else None, answer=answer)

    async def pages(
        self, document: str, sizes: Mapping[str, int], variables: Mapping[str, object]
    ) -> AsyncIterator[list[Row]]:
        """All pages of a short list, from its beginning (or from `after` among the variables)."""
        after = variables.get("after")
        for _ in range(_MOST_PAGES):
            part = await self.page(document, sizes, {**variables, "after": after})
            yield part.rows
            if part.after is None:
                return
            if part.after == after:
                break
            after = part.after
        raise Permanent("Shopify repeats one page for ever.", "Try again; if it persists, report it.")

    async def nodes(self, document: str, ids: Sequence[str], sizes: Mapping[str, int], at_once: int = 50) -> list[Row]:
        """The rows with these global ids; what Shopify does not have is left out."""
        name, found, place = _name(document), list[Row](), 0
        while place < len(ids):
            many = self._sizes.setdefault(name, {**sizes, "ids": at_once})
            part = ids[place : place + many["ids"]]
            given = {key: size for key, size in many.items() if key != "ids"}
            try:
                answer = await self.client.query(document, {**given, "ids": part})
            except TooCostly as wrong:
                self._shrink(name, wrong)
                continue
            found += [row for row in rows(answer.data.get("nodes")) if row.get("id")]
            place += len(part)
        return found

    async def _sized(self, document: str, sizes: Mapping[str, int], variables: Mapping[str, object]) -> Answer:
        name = _name(document)
        self._sizes.setdefault(name, dict(sizes))
        while True:
            try:
                return await self.client.query(document, {**variables, **self._sizes[name]})
            except TooCostly as wrong:
                self._shrink(name, wrong)

    def _shrink(self, name: str, wrong: TooCostly) -> None:
        """Halve the largest size. Raises `wrong` when there is nothing left to halve."""
        sizes = self._sizes[name]
        largest = max(sizes, key=lambda each: sizes[each], default="")
        if not largest or sizes[largest] <= 1:
            raise wrong
        sizes[largest] //= 2
        self.client.throttle.forget(name)


def granted(data: Row) -> frozenset[str]:
    """The scopes in an answer to `queries.SHOP`."""
    handles = {text(each.get("handle"), 100) for each in rows(inside(data, "currentAppInstallation", "accessScopes"))}
    return frozenset(handles | {f"read_{each.removeprefix('write_')}" for each in handles if each.startswith("write_")})


def _name(document: str) -> str:
    found = _NAME.match(document)
    return found[1] if found else ""
