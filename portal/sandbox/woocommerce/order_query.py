"""Which orders a list request means, in which order; the answer is kept until the store changes."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from portal.sandbox.rows import Order
from portal.sandbox.store import Store
from portal.sandbox.woocommerce.params import Params

STATUSES = (
    "any", "trash", "auto-draft", "pending", "processing", "on-hold", "completed", "cancelled", "refunded",
    "failed", "checkout-draft",
)  # fmt: skip
ORDERBY = ("date", "id", "include", "title", "slug", "modified")
# status=any is not any: these two are left out.
NOT_IN_ANY = frozenset({"trash", "checkout-draft", "auto-draft"})
_KEPT = 16


class Wanted(NamedTuple):
    """A checked order query."""

    statuses: tuple[str, ...]
    after: int | None
    before: int | None
    modified_after: int | None
    modified_before: int | None
    include: tuple[int, ...] | None
    exclude: tuple[int, ...]
    customer: int | None
    product: int | None
    parent: tuple[int, ...] | None
    search: str
    orderby: str
    descending: bool


def read(params: Params, store: Store) -> Wanted:
    """Reads the query of `/orders`. Raises ApiError (400) for values the platform refuses."""
    gmt = params.boolean("dates_are_gmt")
    values = params.values
    include = params.ids("include")
    parent = params.ids("parent")
    wanted = Wanted(
        statuses=tuple(params.choices("status", STATUSES)) or ("any",),
        after=params.moment("after", store.clock, gmt),
        before=params.moment("before", store.clock, gmt),
        modified_after=params.moment("modified_after", store.clock, gmt),
        modified_before=params.moment("modified_before", store.clock, gmt),
        include=tuple(include) if include is not None else None,
        exclude=tuple(params.ids("exclude") or ()),
        customer=params.integer("customer", 0) if "customer" in values else None,
        product=params.integer("product", 0) if "product" in values else None,
        parent=tuple(parent) if parent is not None else None,
        search=values.get("search", "").strip().lower(),
        orderby=params.choice("orderby", "date", ORDERBY),
        descending=params.choice("order", "desc", ("asc", "desc")) == "desc",
    )
    params.check()
    return wanted


def _matches(order: Order, wanted: Wanted) -> bool:
    """Dates are compared strictly, at one-second precision."""
    if wanted.modified_after is not None and order.modified <= wanted.modified_after:
        return False
    if wanted.modified_before is not None and order.modified >= wanted.modified_before:
        return False
    if wanted.after is not None and order.created <= wanted.after:
        return False
    if wanted.before is not None and order.created >= wanted.before:
        return False
    if wanted.customer is not None and order.customer_id != wanted.customer:
        return False
    if wanted.exclude and order.id in wanted.exclude:
        return False
    if wanted.parent is not None and 0 not in wanted.parent:
        return False
    if wanted.product is not None and not any(
        wanted.product in (line.product.id, line.product.parent.id if line.product.parent else 0)
        for line in order.lines
    ):
        return False
    if wanted.search:
        person = order.person
        found = f"{order.id} {person.first_name} {person.last_name} {person.email}".lower()
        return wanted.search in found
    return True


class OrderIndex:
    """Answers order queries; each distinct query is computed once per state of the store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._version = -1
        self._kept: OrderedDict[Wanted, list[Order]] = OrderedDict()

    def find(self, wanted: Wanted) -> list[Order]:
        """The matching orders, sorted; ties by id in the same direction."""
        if self._version != self.store.version:
            self._kept.clear()
            self._version = self.store.version
        found = self._kept.get(wanted)
        if found is None:
            found = self._kept[wanted] = self._select(wanted)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _select(self, wanted: Wanted) -> list[Order]:
        orders = self.store.orders
        chosen = frozenset(wanted.statuses)
        everything = "any" in chosen
        rows = (
            [orders[number] for number in dict.fromkeys(wanted.include) if number in orders]
            if wanted.include is not None
            else list(orders.values())
        )
        rows = [
            row
            for row in rows
            if (row.status in chosen or (everything and row.status not in NOT_IN_ANY)) and _matches(row, wanted)
        ]
        if wanted.orderby == "include" and wanted.include is not None:
            return rows
        if wanted.orderby == "modified":
            rows.sort(key=lambda row: (row.modified, row.id), reverse=wanted.descending)
        elif wanted.orderby == "id":
            rows.sort(key=lambda row: row.id, reverse=wanted.descending)
        else:
            rows.sort(key=lambda row: (row.created, row.id), reverse=wanted.descending)
        return rows
