"""News between processes: published after commit, heard by every process at most once, with gaps told."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import structlog
from prometheus_client import Counter
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from portal.foundation.redis_link import RedisLink
from portal.foundation.subscription import GapCallback, Handler, Subscription

_log = structlog.get_logger("portal.bus")
_EVENTS = Counter("portal_bus_events_total", "Events, by the way they took.", ["way"])
_GAPS = Counter("portal_bus_gaps_total", "Times that events of other processes may have been missed.")
_IDLE_SECONDS = 5.0
_REMEMBERED_ORIGINS = 1000


class Event(msgspec.Struct, frozen=True):
    """Something committed for an organization. `version` is the tenant's data version where it has one.

    UUID(int=0) as `org_id` means every organization.
    """

    org_id: UUID
    kind: str
    version: int
    payload: dict[str, Any] = {}


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    """`sequence` counts an origin's messages, so that a hole shows; without an event it only tells of a hole."""

    origin: str
    sequence: int
    event: Event | None


class Bus:
    """Events over Redis publish/subscribe, one subscription per process.

    Handlers of the publishing process get an event directly, with or without Redis, and never a second time.
    Other processes get it through Redis. When they may have missed some (a cut connection, a publisher that
    could not reach Redis) their subscribers' `on_gap` is called, and they read the state anew.
    """

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._origin = secrets.token_hex(8)
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(_Envelope)
        self._sequence, self._sending = 0, asyncio.Lock()
        self._subscriptions: list[Subscription[Event]] = []
        self._last_seen: OrderedDict[str, int] = OrderedDict()
        self._listener: asyncio.Task[None] | None = None
        self._notice: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @property
    def listening(self) -> bool:
        """Whether events of other processes arrive now."""
        return self._listening.is_set()

    async def start(self, wait_seconds: float = 1.0) -> bool:
        """Begin to listen to other processes; waits a moment for the subscription. True when it stands."""
        self._ensure_listener()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._listening.wait(), wait_seconds)
        return self.listening

    async def close(self) -> None:
        """Stop listening and drop the subscriptions."""
        tasks = [task for task in (self._listener, self._notice) if task is not None]
        self._listener = self._notice = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()

    def subscribe(self, handler: Handler[Event], on_gap: GapCallback | None = None) -> Callable[[], None]:
        """Call `handler` for every event, in order; gives the function that ends it. Needs a running loop.

        A handler's error is logged and the next event goes on. `on_gap` is called when events may be missing.
        """
        subscription = Subscription(handler, on_gap)
        self._subscriptions.append(subscription)
        self._ensure_listener()

        def unsubscribe() -> None:
            subscription.close()
            with suppress(ValueError):
                self._subscriptions.remove(subscription)

        return unsubscribe

    async def publish(self, event: Event) -> None:
        """Tell everyone. Call it after the commit. Never raises and waits at most for Redis' timeout."""
        _EVENTS.labels("local").inc()
        for subscription in self._subscriptions:
            subscription.put(event)
        if not await self._send(str(event.org_id), event):
            self._owe_notice()

    async def _send(self, channel: str, event: Event | None) -> bool:
        # One after the other: two connections of the pool could otherwise swap the order.
        async with self._sending:
            self._sequence += 1
            message = self._encoder.encode(_Envelope(self._origin, self._sequence, event))
            return await self._link.try_publish(self._link.key("events", channel), message)

    def _owe_notice(self) -> None:
        """Others heard nothing of an event: tell them of the gap as soon as Redis is back."""
        if self._notice is None or self._notice.done():
            self._notice = asyncio.create_task(self._tell_of_gap(), name="bus-gap-notice")

    async def _tell_of_gap(self) -> None:
        while True:
            await asyncio.sleep(0.5 + random.random())  # noqa: S311 - spreads load, guards nothing
            if await self._send("gap", None):
                return

    def _ensure_listener(self) -> None:
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="bus-listener")

    async def _listen(self) -> None:
        missed, pause = False, 0.1
        while True:
            client = self._link.subscriber()
            pubsub = client.pubsub()
            try:
                await pubsub.psubscribe(self._link.key("events", "*"))
                async for message in _messages(pubsub):
                    if message["type"] == "psubscribe":
                        self._listening.set()
                        pause = 0.1
                        if missed:
                            self._gap("subscription was cut")
                    elif message["type"] == "pmessage":
                        self._receive(message["data"])
            except (RedisError, OSError, TimeoutError) as error:
                if self.listening or not missed:
                    _log.warning("bus_cut", error=type(error).__name__)
            finally:
                self._listening.clear()
                with suppress(RedisError, OSError, TimeoutError):
                    await pubsub.aclose()  # type: ignore[no-untyped-call]
                    await client.aclose()
            missed = True
            await asyncio.sleep(pause * (0.5 + random.random()))  # noqa: S311 - spreads load, guards nothing
            pause = min(1.0, pause * 2)

    def _receive(self, message: bytes) -> None:
        try:
            envelope = self._decoder.decode(message)
        except msgspec.MsgspecError:
            _log.error("bus_message_unreadable")  # another release of the portal during an upgrade
            self._gap("unreadable message")
            return
        if envelope.origin == self._origin:
            return
        last = self._last_seen.pop(envelope.origin, None)
        self._last_seen[envelope.origin] = envelope.sequence
        if len(self._last_seen) > _REMEMBERED_ORIGINS:
            self._last_seen.popitem(last=False)
        if envelope.event is None or (last is not None and envelope.sequence != last + 1):
            self._gap("a publisher could not reach Redis")
        if envelope.event is not None:
            _EVENTS.labels("received").inc()
            for subscription in self._subscriptions:
                subscription.put(envelope.event)

    def _gap(self, reason: str) -> None:
        _GAPS.inc()
        _log.warning("bus_gap", reason=reason)
        self._last_seen.clear()
        for subscription in self._subscriptions:
            subscription.put_gap()


async def _messages(pubsub: Any) -> Any:
    """The subscription's messages; raises when the server no longer answers a ping (a half-open connection)."""
    pinged = False
    while True:
        message = await pubsub.get_message(timeout=_IDLE_SECONDS)
        if message is not None:
            pinged = False
            yield message
        elif pinged:
            raise RedisConnectionError("The subscription no longer answers.")
        else:
            pinged = True
            await pubsub.ping()
