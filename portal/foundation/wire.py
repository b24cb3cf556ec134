"""A short way to an open WebSocket, for messages that are framed once and go to many.

ASGI has no broadcast: each message would be encoded, framed and awaited through five layers once per socket. Under our
Hypercorn over HTTP/1.1 the scope of an accepted WebSocket carries a `Wire` that writes a finished frame at once, or says
that it cannot. Under any other server there is none, and the app sends as ASGI does.
"""

from __future__ import annotations

from typing import Any

from hypercorn.protocol import h11
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream

WIRE = "portal.wire"
MOST_WAITING = 256 << 10
"""Bytes that may wait in one socket's buffer before a message has to wait its turn with the app."""


class Wire:
    """Of one accepted WebSocket."""

    __slots__ = ("_stream", "_transport")

    def __init__(self, stream: WSStream, transport: Any) -> None:
        self._stream, self._transport = stream, transport

    def write(self, frame: bytes) -> bool:
        """Hand over one whole frame; False when the socket lags or is closing, then nothing was written.

        Whole frames may be mixed with the server's own (pings, closing): those are written whole as well.
        """
        transport = self._transport
        if transport.is_closing() or self._stream.state is not ASGIWebsocketState.CONNECTED:
            return False
        if transport.get_write_buffer_size() > MOST_WAITING:
            return False
        transport.write(frame)
        return True

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._transport.abort()


class WiredStream(WSStream):
    """Hypercorn's WebSocket that leaves its wire in the scope when it is accepted."""

    async def _accept(self, message: Any) -> None:
        await super()._accept(message)
        protocol: Any = getattr(self.send, "__self__", None)
        server: Any = getattr(getattr(protocol, "send", None), "__self__", None)
        if isinstance(protocol, h11.H11Protocol) and hasattr(server, "writer"):
            extensions: Any = self.scope["extensions"]
            extensions[WIRE] = Wire(self, server.writer.transport)


def wire_of(scope: Any) -> Wire | None:
    """The wire of an accepted WebSocket's ASGI scope, None where the server has none."""
    found: Wire | None = (scope.get("extensions") or {}).get(WIRE)
    return found


def text_frame(payload: bytes) -> bytes:
    """`payload` (UTF-8) as one unmasked text frame from a server (RFC 6455, 5.2)."""
    length = len(payload)
    if length < 126:
        head = bytes((0x81, length))
    elif length < 1 << 16:
        head = b"\x81\x7e" + length.to_bytes(2, "big")
    else:
        head = b"\x81\x7f" + length.to_bytes(8, "big")
    return head + payload


def with_wires() -> None:
    """Make Hypercorn use `WiredStream` for WebSockets over HTTP/1.1 in this process."""
    setattr(h11, "WSStream", WiredStream)  # noqa: B010 - the name is Hypercorn's import, not its export
