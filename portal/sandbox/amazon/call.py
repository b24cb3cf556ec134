"""One API call, without any HTTP machinery: handlers are plain functions of it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from portal.sandbox.amazon.errors import bad_input

_MARGIN = 120
Json = dict[str, object]


@dataclass(frozen=True)
class Call:
    """A request: what its path named, its query, its body. `now` is the store's present."""

    named: str
    query: Mapping[str, str]
    now: int
    body: Json = field(default_factory=dict)

    def moment(self, name: str) -> int | None:
        """A date of the query in epoch seconds, None when it is not there. It must lie two minutes back."""
        return None if name not in self.query else moment(self.query[name], name, self.now - _MARGIN)

    def several(self, name: str) -> list[str]:
        """A list, separated by commas."""
        return [each for each in self.query.get(name, "").split(",") if each]

    def token(self, name: str) -> Json | None:
        """What an earlier answer put into a page token; None when there is none. A token that is none of ours is a 400."""
        if not self.query.get(name):
            return None
        try:
            found: Json = msgspec.json.decode(base64.urlsafe_b64decode(self.query[name]), type=dict)
        except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, ValueError):
            raise bad_input(f"{name} is not valid.") from None
        return found


def sealed(state: Json) -> str:
    """A page token."""
    return base64.urlsafe_b64encode(msgspec.json.encode(state)).decode()


def moment(value: object, name: str, latest: int) -> int:
    """Epoch seconds of an ISO 8601 date with a zone, not after `latest`. Raises Refused."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise bad_input(f"{name} is not an ISO 8601 date.") from None
    if found.tzinfo is None:
        raise bad_input(f"{name} has no time zone.")
    seconds = int(found.timestamp())
    if seconds > latest:
        raise bad_input(f"{name} must be at least two minutes before the request.")
    return seconds


def iso(seconds: int) -> str:
    """As the API writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
