"""Amounts and quantities that are numbers. PostgreSQL's `numeric` also takes NaN and infinities, and one NaN in a total makes
every sum that has it NaN: a connector that gives one is told so before anything is written (`migrations/0014_honest.sql`
refuses the same in the tables)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, get_args, get_type_hints

import msgspec

from portal.commerce.records import AnyRecord, Order, Refund


class NotANumber(ValueError):
    """A record has an amount or a quantity that is NaN or infinite. The text says which."""


def finite(records: Iterable[AnyRecord]) -> Iterator[AnyRecord]:
    """The same records. Raises `NotANumber` at the first that has an amount without a value."""
    for record in records:
        if _unsure(_amounts(type(record))[1](record)):
            _check(record, "")
        if isinstance(record, Order | Refund):
            for place, line in enumerate(record.lines, 1):
                if _unsure(_amounts(type(line))[1](line)):
                    _check(line, f" of line {place}")
        yield record


def _unsure(values: tuple[Any, ...]) -> bool:
    """Whether one of `values` has to be looked at: of thirty in an order of five lines, nearly always none."""
    for value in values:  # noqa: SIM110 - a generator costs more than what it looks at
        if value is not None and (type(value) is not Decimal or not value.is_finite()):
            return True
    return False


def _check(row: msgspec.Struct, where: str) -> None:
    names, values = _amounts(type(row))
    for name, value in zip(names, values(row), strict=True):
        # A float that a connector let through has no `is_finite`; what its text says, PostgreSQL will read.
        if value is not None and not (value if isinstance(value, Decimal) else Decimal(str(value))).is_finite():
            raise NotANumber(f"{name.replace('_', ' ')}{where} is {value}, which is not a number")


@cache
def _amounts(kind: type[msgspec.Struct]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The fields of `kind` that are decimals, and what reads them of one."""
    hints = get_type_hints(kind)
    names = tuple(name for name in kind.__struct_fields__ if Decimal in (hints[name], *get_args(hints[name])))
    if not names:
        return names, lambda row: ()
    read = attrgetter(*names)
    return names, (lambda row: (read(row),)) if len(names) == 1 else read
