"""What two lists of one stream have in common and where they part: the store's and ours. Pure, but for reading ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

from portal.commerce.records import AnyRecord, Fee, Order, Refund
from portal.connectors.answers import Listed
from portal.tenancy.scope import Scope

TABLES = {"orders": "orders", "refunds": "refunds", "fees": "fees", "products": "products", "customers": "customers"}
"""The streams that are compared, and where ours are."""
DATED = {"orders": "created_at", "refunds": "refunded_at", "fees": "charged_at"}
"""What a window of a list is about."""
DAYS = 60
"""How many local days are shown day by day."""
_YOUNG = timedelta(minutes=30)
_SAYS = {
    "orders": """source_status, status = 'trashed', currency, total, business_day,
      (SELECT coalesce(sum(r.amount), 0) FROM refunds r WHERE r.org_id = t.org_id AND r.connection_id = t.connection_id
        AND r.order_id = t.external_id AND r.deleted_at IS NULL AND NOT r.unlisted)""",
    "refunds": "NULL, false, currency, amount, business_day, NULL",
    "fees": """NULL, false, currency, amount, (charged_at AT TIME ZONE
      (SELECT timezone FROM organizations))::date, NULL""",
}
PRICED = frozenset(_SAYS)
"""The streams whose lists may say amounts."""


class Held(NamedTuple):
    """A row of ours. What a stream does not have is None."""

    modified_at: datetime
    arrived_at: datetime
    deleted_at: datetime | None
    status: str | None
    trashed: bool | None
    currency: str | None
    total: Decimal | None
    day: date | None
    refunded: Decimal | None


async def held(scope: Scope, connection_id: int, stream: str, ids: Iterable[str]) -> dict[str, Held]:
    """Our rows of these ids, deleted ones too."""
    rows = await scope.sql.fetch(
        f"""SELECT external_id, modified_at, arrived_at, deleted_at, {_SAYS.get(stream, "NULL, NULL, NULL, NULL, NULL, NULL")}
            FROM {TABLES[stream]} t WHERE org_id = portal_org() AND connection_id = $1 AND external_id = ANY($2)""",  # noqa: S608
        connection_id,
        list(ids),
    )
    return {row[0]: Held(*tuple(row)[1:]) for row in rows}


async def reasons(scope: Scope, connection_id: int, stream: str, ids: Iterable[str]) -> dict[str, str]:
    """Why some of these rows could not be taken over: as they were read, or as they were written."""
    rows = await scope.sql.fetch(
        """SELECT external_id, reason FROM sync_rejects
           WHERE org_id = portal_org() AND connection_id = $1 AND stream = $2 AND external_id = ANY($3)""",
        connection_id,
        stream,
        list(ids),
    )
    return {row["external_id"]: row["reason"] for row in rows}


def agrees(said: Listed | None, ours: Held) -> bool:
    """Whether our live row is what the store's list says of it, as far as it says anything."""
    if said is None or said.total is None:
        return True
    if said.modified_at is not None and said.modified_at > ours.modified_at:
        return False
    if said.status and said.status != ours.status:
        return False
    if said.refunded is not None and said.refunded != ours.refunded:
        return False
    return (said.currency or ours.currency, said.total) == (ours.currency, ours.total)


def gone_for_both(said: Listed | None, ours: Held) -> bool:
    """In the store's trash, and deleted here by a delivery that named only the id."""
    return ours.deleted_at is not None and said is not None and said.trashed


def as_listed(records: Iterable[AnyRecord], stream: str = "orders") -> dict[str, Listed]:
    """What the rows of `stream` themselves say, in place of a list that was read a moment earlier."""
    return {
        each.external_id: said
        for each in records
        if each.stream == stream and (said := _listed(each, records)) is not None
    }


def _listed(each: AnyRecord, beside: Iterable[AnyRecord]) -> Listed | None:
    if isinstance(each, Order):
        back = [other.amount for other in beside if isinstance(other, Refund) and other.order_id == each.external_id]
        return Listed(
            modified_at=each.modified_at,
            status=each.source_status,
            currency=each.currency,
            total=each.total,
            business_at=each.paid_at or each.created_at,
            trashed=each.status == "trashed",
            refunded=sum(back, Decimal(0)) if back else None,
        )
    if isinstance(each, Refund):
        return Listed(currency=each.currency or "", total=each.amount, business_at=each.refunded_at)
    if isinstance(each, Fee):
        return Listed(currency=each.currency, total=each.amount, business_at=each.charged_at)
    return None


def told(said: Listed) -> dict[str, str]:
    """For the page: the store's side of a difference."""
    return _told(said.status, said.total, said.currency, said.refunded)


def told_ours(ours: Held) -> dict[str, str]:
    """For the page: our side of a difference."""
    return _told(ours.status or "", ours.total, ours.currency or "", ours.refunded)


def _told(status: str, total: Decimal | None, currency: str, refunded: Decimal | None) -> dict[str, str]:
    if total is None:
        return {}
    return {"status": status, "total": f"{total} {currency}".strip()} | (
        {"refunded": str(refunded)} if refunded else {}
    )


@dataclass(slots=True)
class Side:
    """One side of a day or a currency: how many and how much."""

    rows: int = 0
    money: Decimal = Decimal(0)

    def add(self, total: Decimal) -> None:
        self.rows += 1
        self.money += total


@dataclass(slots=True)
class Tally:
    """Both sides' counts and money. `priced` turns False as soon as the store's list leaves out an amount."""

    zone: tzinfo
    today: date
    priced: bool
    at: datetime
    theirs: int = 0
    ours: int = 0
    windows: list[tuple[datetime, datetime]] = field(default_factory=list)  # what was compared of an incomplete list
    money: dict[str, tuple[Side, Side]] = field(default_factory=lambda: defaultdict(lambda: (Side(), Side())))
    days: dict[tuple[date, str], tuple[Side, Side]] = field(
        default_factory=lambda: defaultdict(lambda: (Side(), Side()))
    )

    def count(self, said: Listed | None, ours: Held | None, *, listed: bool = True) -> None:
        """One row: what the store says of it (`listed`: that it has it), and what we have."""
        alive = ours is not None and ours.deleted_at is None
        self.theirs += listed
        self.ours += alive
        if not self.priced:
            return
        if listed and alive and (said is None or said.total is None):
            self.priced = False  # the list says no amounts (of a single row that could not be taken over it need not)
            return
        if listed and said is not None and said.total is not None and not said.trashed:
            day = said.business_at.astimezone(self.zone).date() if said.business_at else None
            if alive and ours is not None and not said.dated:
                day = ours.day
            currency = said.currency or (ours.currency if ours else None)
            if currency:  # a refund's is its order's; nobody knows it when the order could not be taken over
                self._add(1, currency, said.total, day)
        if alive and ours is not None and ours.total is not None and ours.currency and not ours.trashed:
            self._add(0, ours.currency, ours.total, ours.day)

    def _add(self, side: int, currency: str, total: Decimal, day: date | None) -> None:
        self.money[currency][side].add(total)
        if day is not None and self.today - timedelta(days=DAYS) < day <= self.today:
            self.days[day, currency][side].add(total)

    def money_of(self, side: int) -> dict[str, str] | None:
        """Currency -> sum, 0 ours and 1 theirs; None where the platform does not say."""
        return {name: str(both[side].money) for name, both in sorted(self.money.items())} if self.priced else None

    def by_day(self) -> list[dict[str, Any]] | None:
        """The last days, newest first, each with when it was compared; of windows only the days that lie within one whole."""
        if not self.priced:
            return None
        days = {key: both for key, both in self.days.items() if self.covers(key[0])}
        return [
            {
                "day": day.isoformat(),
                "currency": currency,
                "ours": ours.rows,
                "theirs": theirs.rows,
                "money_ours": str(ours.money),
                "money_theirs": str(theirs.money),
                "at": self.at.isoformat(),
            }
            for (day, currency), (ours, theirs) in sorted(days.items(), key=lambda each: each[0], reverse=True)
        ]

    def covers(self, day: date) -> bool:
        """Whether every row of the local day was compared; of the newest day those there were."""
        if not self.windows:
            return True
        begins = datetime.combine(day, time(), self.zone)
        ends = min(begins + timedelta(days=1), self.at - _YOUNG)
        return any(since <= begins and ends <= until for since, until in self.windows)
