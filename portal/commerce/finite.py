"""Amounts and quantities that are numbers. PostgreSQL's `numeric` also takes NaN and infinities, and one NaN in a total makes
every sum that has it NaN. The tables refuse them (`migrations/0014_honest.sql`); here is found out which field it was, after
the refusal: looking at each amount of each order beforehand would cost a tenth of its writing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import get_args, get_type_hints

import msgspec

from portal.commerce.records import Order, Record, Refund


class NotANumber(ValueError):
    """A record has an amount or a quantity that is NaN or infinite. The text says which."""


def name_the_field(records: Iterable[Record]) -> None:
    """Raises `NotANumber` at the first record that has an amount without a value; returns when something else is wrong."""
    for record in records:
        _check(record, "")
        if isinstance(record, Order | Refund):
            for place, line in enumerate(record.lines, 1):
                _check(line, f" of line {place}")


def _check(row: msgspec.Struct, where: str) -> None:
    for name in _amounts(type(row)):
        value = getattr(row, name)
        if value is not None and _is_endless(value):
            raise NotANumber(f"{name.replace('_', ' ')}{where} is {value}, which is not a number")


def _is_endless(value: object) -> bool:
    """Whether it is NaN or infinite. A connector may have let a float or a text through; PostgreSQL reads what its text says."""
    try:
        return not (value if isinstance(value, Decimal) else Decimal(str(value))).is_finite()
    except ArithmeticError:
        return False  # no number at all: PostgreSQL's own refusal stands


def _amounts(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of `kind` that are decimals."""
    hints = get_type_hints(kind)
    return tuple(name for name in kind.__struct_fields__ if Decimal in (hints[name], *get_args(hints[name])))
