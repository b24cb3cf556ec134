"""What came back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp

from portal.foundation.outbound.body import pieces
from portal.foundation.outbound.failures import EXPECTED, explain


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A whole answer of any status, redirects included (they are never followed). `elapsed` in seconds is that of the
    last attempt; header names compare without case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    elapsed: float


class StreamReply:
    """An answer whose body is read piece by piece, for downloads too large to hold."""

    def __init__(self, response: aiohttp.ClientResponse, *, host: str, idle: float, max_bytes: int) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response, self._host = response, host
        self._idle, self._max_bytes = idle, max_bytes

    async def chunks(self) -> AsyncIterator[bytes]:
        """The decoded body in pieces of at most 64 KiB. Raises ConnectorError when it breaks off or is too long."""
        failure = None
        try:
            async for piece in pieces(self._response, self._max_bytes):
                yield piece
        except EXPECTED as error:
            failure = explain(error, self._host, timeout=self._idle, max_bytes=self._max_bytes)
        if failure is not None:  # raised here, so that the original does not hang on it
            raise failure
