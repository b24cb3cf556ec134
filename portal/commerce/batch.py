"""A batch of records sorted by kind, each thing once: of several copies the newest, of equally new ones the last. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

from portal.commerce.records import AnyRecord, Deleted, Order, Record, Refund
from portal.commerce.tables import BY_STREAM

_R = TypeVar("_R", bound=Record)
_T = TypeVar("_T")
_RECORDS, _LINES = (
    1_000,
    20_000,
)  # the most that one statement carries: memory stays bounded, whatever a caller hands over


@dataclass(slots=True)
class Batch:
    """`plain` are products, customers, coupons, taxes and fees by stream; `deleted` is stream -> id -> when it was heard of."""

    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    plain: dict[str, dict[str, Record]] = field(default_factory=dict)
    deleted: dict[str, dict[str, datetime]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[AnyRecord]) -> Batch:
        """Sort records. Raises ValueError for a deletion of an unknown stream."""
        made = cls()
        for record in records:
            if isinstance(record, Order):
                _keep(made.orders, record)
            elif isinstance(record, Refund):
                _keep(made.refunds, record)
            elif isinstance(record, Deleted):
                if record.of not in BY_STREAM:
                    raise ValueError(f"a deletion names the unknown stream {record.of!r}")
                gone = made.deleted.setdefault(record.of, {})
                gone[record.external_id] = max(record.modified_at, gone.get(record.external_id, record.modified_at))
            else:
                _keep(made.plain.setdefault(record.stream, {}), record)
        return made

    def rows(self) -> Iterator[Record]:
        """Every record that is kept."""
        yield from self.orders.values()
        yield from self.refunds.values()
        for plain in self.plain.values():
            yield from plain.values()

    def parts(self) -> Iterator[Batch]:
        """The batch in pieces of bounded size; deletions come last."""
        orders: dict[str, Order] = {}
        lines = 0
        for key, order in self.orders.items():
            orders[key] = order
            lines += len(order.lines)
            if len(orders) >= _RECORDS or lines >= _LINES:
                yield Batch(orders=orders)
                orders, lines = {}, 0
        if orders:
            yield Batch(orders=orders)
        for refunds in _pieces(self.refunds):
            yield Batch(refunds=refunds)
        for stream, plain in self.plain.items():
            for piece in _pieces(plain):
                yield Batch(plain={stream: piece})
        for stream, gone in self.deleted.items():
            for found in _pieces(gone):
                yield Batch(deleted={stream: found})


def _keep(kept: dict[str, _R], record: _R) -> None:
    """A copy replaces one that is not newer than itself."""
    known = kept.get(record.external_id)
    if known is None or record.modified_at >= known.modified_at:
        kept[record.external_id] = record


def _pieces(things: dict[str, _T]) -> Iterator[dict[str, _T]]:
    left = iter(things.items())
    while piece := dict(islice(left, _RECORDS)):
        yield piece
