"""What a row of a shop's list says besides its id: enough to see a change that moved no stamp. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from portal.connectors import values
from portal.connectors.answers import Listed

FIELDS = {
    "orders": "id,status,currency,total,date_created_gmt,date_modified_gmt,date_paid_gmt",
    "refunds": "id,amount,date_created_gmt",
}
"""The fields to ask for, of the streams that say more than their ids."""


def listed(stream: str, row: object, now: datetime, *, trashed: bool) -> Listed | None:
    """A row of the list as `Listed`; None when it says nothing of use."""
    if stream not in FIELDS or not isinstance(row, Mapping):
        return Listed(trashed=True) if trashed else None
    total = _amount(row, "amount" if stream == "refunds" else "total")
    if total is None:
        return None
    if stream == "refunds":
        given = values.instant_or_none(row.get("date_created_gmt"), "date_created_gmt", now)
        return Listed(modified_at=given, total=abs(total), business_at=given)  # its currency is its order's
    created = values.instant_or_none(row.get("date_created_gmt"), "date_created_gmt", now)
    return Listed(
        modified_at=values.instant_or_none(row.get("date_modified_gmt"), "date_modified_gmt", now) or created,
        status=values.text(row.get("status"), 60).lower().removeprefix("wc-"),
        currency=values.text(row.get("currency"), 10).upper(),
        total=total,
        business_at=values.instant_or_none(row.get("date_paid_gmt"), "date_paid_gmt", now) or created,
        trashed=trashed,
    )


def within_order(row: Mapping[object, object], refund: Mapping[object, object]) -> Listed | None:
    """A refund as its order mentions it: a negative total, and no date."""
    total = _amount(refund, "total")
    if total is None:
        return None
    return Listed(currency=values.text(row.get("currency"), 10).upper(), total=abs(total), dated=False)


def _amount(row: Mapping[object, object], field: str) -> Decimal | None:
    """None for what is no amount: the mapping refuses such a row too, and it is listed among what was not taken over."""
    try:
        return values.amount(row.get(field), field)
    except values.BadValue:
        return None
