"""Money in the sandbox: whole minor units (cents) inside, the platform's strings outside.

WooCommerce writes every currency with the store's number of decimals (2), JPY too, unless `dp` says otherwise.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache


@lru_cache(maxsize=65_536)
def text(cents: int, dp: int = 2) -> str:
    """Cents as the decimal string of the API, rounded half away from zero when `dp` is below 2."""
    sign, amount = ("-", -cents) if cents < 0 else ("", cents)
    if dp < 2:
        step = 10 ** (2 - dp)
        amount = (amount + step // 2) // step
        if amount == 0:
            sign = ""
        return f"{sign}{amount}" if dp == 0 else f"{sign}{amount // 10}.{amount % 10}"
    return f"{sign}{amount // 100}.{amount % 100:02}{'0' * (dp - 2)}"


def short(cents: int) -> str:
    """Cents without trailing zeros, as coupon lines print them ("5", "19.5")."""
    written = text(cents)
    return written.rstrip("0").rstrip(".")


def number(cents: int, quantity: int) -> int | float:
    """The unit price of a line as the API's JSON number: an integer when it is whole."""
    if quantity == 0:
        return 0
    price = round(cents / 100 / quantity, 6)
    return int(price) if price == int(price) else price


def share(cents: int, basis_points: int) -> int:
    """`basis_points` ten-thousandths of an amount, rounded half away from zero (19 % is 1,900)."""
    if cents < 0:
        return -share(-cents, basis_points)
    return (cents * basis_points + 5_000) // 10_000


def cents_of(value: object) -> int:
    """Cents of a number or decimal string. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be an amount such as 12.50")
    try:
        amount = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("must be an amount such as 12.50") from error
    if not amount.is_finite() or abs(amount) > Decimal("1e12"):
        raise ValueError("must be an amount below 1,000,000,000,000")
    return int((amount * 100).quantize(Decimal(1), rounding="ROUND_HALF_UP"))
