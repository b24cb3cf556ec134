"""A rate that is far from its neighbours is asked about before it is taken: a digit too few, or the rate the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from portal.commerce.exchange import Shift
from portal.foundation.web.filters import rate_number
from portal.tenancy.scope import Scope

FACTOR = 2
"""No currency that is traded doubles from one rate to the next; a slipped decimal point is a factor of ten."""
_PARTS = {2: "about half", 3: "a third", 4: "a quarter", 5: "a fifth", 6: "a sixth", 7: "a seventh", 8: "an eighth"}
_PARTS |= {9: "a ninth", 10: "a tenth", 100: "a hundredth", 1_000: "a thousandth"}
_JUMPS = """
SELECT * FROM (
  SELECT currency, day, lag(day) OVER w AS last_day, lag(rate) OVER w AS last, lead(day) OVER w AS next_day, rate,
         lead(rate) OVER w AS next
  FROM exchange_rates WHERE currency = ANY($1::text[]) WINDOW w AS (PARTITION BY currency ORDER BY day)
) x
WHERE last IS NULL OR greatest(rate, last) > $2 * least(rate, last) OR greatest(rate, next) > $2 * least(rate, next)
ORDER BY day DESC, currency
"""


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """`rate` of a day is more than `FACTOR` away from `other`, which is the `which` (last, next, previous) one, of `other_day`."""

    currency: str
    day: date
    rate: Decimal
    other: Decimal
    other_day: date
    which: str

    @property
    def sentence(self) -> str:
        """ "0.09 is a tenth of the last rate, 0.917"."""
        return f"{rate_number(self.rate, 6)} is {_share(self.rate, self.other)} the {self.which} rate, {rate_number(self.other, 6)}"


class Doubted(Exception):
    """What would be taken is to be asked about: `doubt`. Undoes the transaction it is raised in."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(doubt.sentence)
        self.doubt = doubt


async def doubts(scope: Scope, shifts: Sequence[Shift]) -> list[Doubt]:
    """Of rates that changed in this transaction those to ask about, newest first.

    Each is compared with the rate of the day before it that has one (without any: with what its own day had), and with the next
    one where that stood already.
    """
    made = {(shift.currency, shift.day): shift for shift in shifts if shift.after is not None}
    if not made:
        return []
    rows = await scope.sql.fetch(_JUMPS, sorted({each[0] for each in made}), FACTOR, timeout=60)
    found = []
    for row in rows:
        if (shift := made.get((row["currency"], row["day"]))) is None:
            continue
        beside = [("last", row["last_day"], row["last"])] if row["last"] else [("previous", shift.day, shift.before)]
        if (shift.currency, row["next_day"]) not in made:
            beside.append(("next", row["next_day"], row["next"]))
        for which, day, other in beside:
            if other is not None and max(row["rate"], other) > FACTOR * min(row["rate"], other):
                found.append(
                    Doubt(
                        currency=shift.currency,
                        day=shift.day,
                        rate=row["rate"],
                        other=other,
                        other_day=day,
                        which=which,
                    )
                )
                break
    return found


def _share(rate: Decimal, other: Decimal) -> str:
    if rate > other:
        return f"{round(rate / other):,} times"
    times = round(other / rate)
    return f"{_PARTS.get(times, f'1/{times:,}')} of"
