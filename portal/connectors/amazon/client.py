"""I/O with one seller account: token, rates, errors, and JSON or a file out. Knows no record and no stream."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import IO, NamedTuple

import msgspec

from portal.connectors.amazon.account import Account
from portal.connectors.amazon.failures import failure
from portal.connectors.amazon.listings import Listings
from portal.connectors.amazon.rates import RATE_HEADER, Operation, Rates
from portal.connectors.amazon.reading import Reading
from portal.connectors.amazon.tokens import Tokens
from portal.connectors.values import number
from portal.foundation.errors import NotFound, Temporary
from portal.foundation.outbound import Budget, OutboundClient, Reply, RetryPolicy

MAX_BYTES = 20 << 20
MAX_REPORT = 1 << 30
_IN_MEMORY = 4 << 20
_DECODER = msgspec.json.Decoder(float_hook=number)  # money keeps the digits that were sent
_LATEST = timedelta(minutes=3)


class _Call(NamedTuple):
    """One request, as often as it takes."""

    method: str
    operation: Operation
    path: str
    params: dict[str, str]
    payload: bytes | None
    policy: RetryPolicy
    paging: bool


class Client:
    """Requests to one account. Raises `ConnectorError`s only, each with advice."""

    def __init__(self, account: Account, outbound: OutboundClient, budget: Budget | None) -> None:
        self.account = account
        self.rates = Rates(budget)
        self.reading: Reading | None = None  # the order report that is being read
        self.listings: Listings | None = None  # the list of offers of the marketplace whose stock is being read
        self.elapsed = 0.0  # seconds of the last answer
        self._outbound = outbound
        self._tokens = Tokens(account, outbound)
        self._ahead = timedelta()

    def latest(self) -> datetime:
        """The latest moment Amazon takes as the end of a range: at least two minutes ago, by its own clock."""
        return (datetime.now(UTC) + self._ahead - _LATEST).replace(microsecond=0)

    @property
    def ahead(self) -> timedelta:
        """How far Amazon's clock is ahead of ours, as of its last answer."""
        return self._ahead

    async def get(
        self,
        operation: Operation,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        paging: bool = False,
        retries: int = 3,
    ) -> dict[str, object]:
        """A JSON object. `paging`: the parameters carry a page token, so a 400 is `StaleToken`."""
        policy = RetryPolicy(attempts=retries + 1)
        return await self._call(_Call("GET", operation, path, dict(params or {}), None, policy, paging))

    async def post(self, operation: Operation, path: str, payload: object) -> dict[str, object]:
        """A writing request. Only asking for reports: made twice it costs a second report and nothing else."""
        policy = RetryPolicy(attempts=3, idempotent=True)
        return await self._call(_Call("POST", operation, path, {}, msgspec.json.encode(payload), policy, False))

    async def download(self, url: str) -> IO[bytes]:
        """A report document as a temporary file (small ones in memory), gone when it is closed. The address carries its own
        short-lived signature, so no token is sent. Raises `NotFound` when that has expired."""
        file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the reader closes it
        try:
            async with self._outbound.stream("GET", url, max_bytes=MAX_REPORT, timeout=60, platform="amazon") as reply:
                if reply.status in {400, 403, 404}:
                    raise NotFound("The report's address has expired.", "Nothing to do: it is asked for again.")
                if reply.status != 200:
                    raise Temporary(
                        f"Amazon's storage failed with error {reply.status}.", "It is tried again by itself."
                    )
                async for piece in reply.chunks():
                    file.write(piece)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    async def _call(self, call: _Call) -> dict[str, object]:
        token = await self._tokens.current()
        reply = await self._once(call, token)
        if reply.status in {401, 403}:  # expired, or a role is missing: the answer looks the same
            reply = await self._once(call, await self._tokens.current(refused=token))
        headers = {name.lower(): value for name, value in reply.headers.items()}
        self._learn(call.operation, headers, reply)
        if not 200 <= reply.status < 300:
            if reply.status == 429 and "retry-after" not in headers:
                headers["retry-after"] = str(self.rates.refill_seconds(call.operation))
            raise failure(reply.status, headers, reply.body, call.operation, paging=call.paging)
        return _object(reply.body)

    async def _once(self, call: _Call, token: str) -> Reply:
        headers = {"Accept": "application/json", "x-amz-access-token": token}
        if call.payload is not None:
            headers["Content-Type"] = "application/json"
        return await self._outbound.request(
            call.method,
            f"{self.account.api}{call.path}",
            params=call.params,
            headers=headers,
            body=call.payload,
            timeout=60,
            max_bytes=MAX_BYTES,
            budget=self.rates.budget(call.operation),
            retries=call.policy,
            platform="amazon",
        )

    def _learn(self, operation: Operation, headers: Mapping[str, str], reply: Reply) -> None:
        self.elapsed = reply.elapsed
        if rate := headers.get(RATE_HEADER):
            self.rates.learn(operation, rate)
        try:
            stamp = parsedate_to_datetime(headers.get("date", ""))
        except (TypeError, ValueError):
            return
        if stamp.tzinfo is not None:
            self._ahead = stamp - datetime.now(UTC)


def _object(body: bytes) -> dict[str, object]:
    try:
        found = _DECODER.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Temporary(
            "Amazon answered with something else than data.",
            "The sync tries again by itself. If it persists, a proxy may stand between the portal and Amazon.",
        )
    return found
