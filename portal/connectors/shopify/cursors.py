"""What is stored between pages: where the history stands, and from when on changes are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from portal.connectors.answers import Cursor
from portal.connectors.shopify.values import Row

LOOK_BACK = timedelta(seconds=60)
"""Changes are read from this long before the newest one seen: rows of the same second may still be coming, and the search
index follows the shop with a delay."""
AROUND_BULK = timedelta(minutes=5)
_DISTRUST = timedelta(minutes=10)
_STAMP = "%Y-%m-%dT%H:%M:%SZ"


class History(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A bulk operation under way: its id, the number of the last row written, the rows to come, failed tries.

    `since`: only what changed from then on is asked for.
    """

    operation: str = ""
    after: int = 0
    total: int | None = None
    failures: int = 0
    since: str | None = None


class State(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The cursor of a stream. `since` begins the next reading of changes; None: everything that there is.

    `after` and `top` belong to the reading under way: the position in the list and the newest stamp seen.
    """

    shop: str = ""
    history: History | None = None
    since: str | None = None
    after: str | None = None
    top: str | None = None

    @classmethod
    def of(cls, cursor: Cursor | None, shop: str) -> State:
        """The stored state; the beginning for none, one of another shop, or one that cannot be read."""
        try:
            found = msgspec.convert(cursor, cls) if cursor else None
        except msgspec.ValidationError:
            found = None
        return found if found is not None and found.shop == shop else cls(shop=shop, history=History())

    def cursor(self) -> Cursor:
        made: Cursor = msgspec.to_builtins(self)
        return made

    @classmethod
    def from_moment(cls, moment: datetime, shop: str) -> State:
        """The beginning of a reading of what changed at `moment` (aware) or later: by bulk operation, as the history."""
        return cls(shop=shop, history=History(since=moment.astimezone(UTC).strftime(_STAMP)))

    def since_moment(self) -> datetime | None:
        return moment_of(self.since)

    def from_bulk(self, created_at: datetime) -> None:
        """The history is read; changes begin shortly before its operation did, by Shopify's clock."""
        self.history, self.after, self.top = None, None, None
        self.since = (created_at - AROUND_BULK).strftime(_STAMP)

    def saw(self, rows: list[Row]) -> None:
        """Remember the newest stamp of a page."""
        stamps = [stamp for row in rows if (stamp := _second(row.get("updatedAt")))]
        self.top = max(filter(None, (self.top, *stamps)), default=None)

    def finish(self, clock: datetime) -> None:
        """The reading has reached the end: fix where the next one begins.

        From the rows' own stamps, so that neither our clock nor a proxy's matters; a stamp of the future must not end the
        reading for ever, and the beginning never moves back.
        """
        latest = clock + timedelta(minutes=1)
        if self.top is None:
            mark = None if self.since else clock - _DISTRUST
        else:
            top = datetime.strptime(self.top, _STAMP).replace(tzinfo=UTC)
            mark = (top if top <= latest else clock - _DISTRUST) - LOOK_BACK
        if mark is not None:
            self.since = max(filter(None, (self.since, mark.strftime(_STAMP))))
        self.after, self.top = None, None


def moment_of(stamp: str | None) -> datetime | None:
    """A stamp of a cursor as an aware moment."""
    return None if stamp is None else datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)


def _second(value: object) -> str | None:
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC).strftime(_STAMP)
    except (ValueError, OverflowError):
        return None
