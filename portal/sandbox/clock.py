"""A store's clock: epoch seconds inside, the site's local and GMT strings outside."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = 86_400
_QUARTER = 900
_EPOCH = date(1970, 1, 1)


class LocalTime:
    """Converts epoch seconds to a zone's wall clock, fast: offsets are remembered per quarter of an hour."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self._offsets: dict[int, int] = {}
        self._days: dict[int, str] = {}

    def offset(self, moment: int) -> int:
        """The zone's offset from UTC in seconds at a moment."""
        key = moment // _QUARTER
        found = self._offsets.get(key)
        if found is None:
            delta = datetime.fromtimestamp(key * _QUARTER, self.zone).utcoffset() or timedelta()
            found = self._offsets[key] = int(delta.total_seconds())
        return found

    def iso(self, moment: int) -> str:
        """Local wall clock, "2026-01-31T09:30:00", as `date_created` prints it."""
        return self.gmt(moment + self.offset(moment))

    def gmt(self, moment: int) -> str:
        """UTC wall clock without a zone, as `date_created_gmt` prints it."""
        day, second = divmod(moment, DAY)
        return f"{self._day(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"

    def day(self, moment: int) -> str:
        """The local calendar day, "2026-01-31"."""
        return self._day((moment + self.offset(moment)) // DAY)

    def day_number(self, moment: int) -> int:
        """Local days since 1970-01-01."""
        return (moment + self.offset(moment)) // DAY

    def from_local(self, naive: datetime) -> int:
        """Epoch seconds of a local wall-clock time."""
        return int(naive.replace(tzinfo=self.zone).timestamp())

    def midnight(self, moment: int) -> int:
        """The beginning of the local day that a moment lies in."""
        local = datetime.fromtimestamp(moment, self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return int(local.timestamp())

    def _day(self, number: int) -> str:
        found = self._days.get(number)
        if found is None:
            found = self._days[number] = (_EPOCH + timedelta(days=number)).isoformat()
        return found


class StoreClock(LocalTime):
    """A local clock that stands at a given moment at the start and runs on with real time."""

    def __init__(self, zone: str, now: datetime | None = None) -> None:
        super().__init__(zone)
        self._ahead = 0.0
        if now is not None:
            self.set(now)

    def now(self) -> int:
        """The store's present in epoch seconds."""
        return int(time.time() + self._ahead)

    @property
    def ahead_seconds(self) -> float:
        """How far the store's present is from the real one."""
        return self._ahead

    def set(self, moment: datetime) -> None:
        """Moves the store's present to an aware datetime."""
        self._ahead = moment.astimezone(UTC).timestamp() - time.time()
