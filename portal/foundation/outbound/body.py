"""Reading an answer's body within bounds: on the wire, and again after decompression."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator

import aiohttp

_PIECE = 65_536
_GZIP_MAGIC = b"\x1f\x8b"


class TooLong(Exception):
    """The body is longer than the caller takes."""


class Unreadable(Exception):
    """The body is compressed in a way that was not offered, or it is not what its header says."""


class CutShort(Exception):
    """The body ended before its end."""


async def pieces(response: aiohttp.ClientResponse, max_bytes: int) -> AsyncIterator[bytes]:
    """The decoded body in pieces of at most 64 KiB.

    Raises TooLong as soon as the wire or the decoded size passes `max_bytes` (nothing larger is ever held, so a
    compression bomb costs one piece), CutShort, Unreadable, or aiohttp's own errors.
    """
    if (response.content_length or 0) > max_bytes:
        raise TooLong
    decoder = _decoder(response.headers.get("Content-Encoding", ""))
    wire = decoded = 0
    async for chunk in response.content.iter_chunked(_PIECE):
        wire += len(chunk)
        if wire > max_bytes:
            raise TooLong
        for piece in (chunk,) if decoder is None else decoder.feed(chunk):
            decoded += len(piece)
            if decoded > max_bytes:
                raise TooLong
            yield piece
    if decoder is not None and wire:
        decoder.finish()


def _decoder(encoding: str) -> _Inflate | None:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return _Inflate()
    raise Unreadable


class _Inflate:
    """gzip (several members too), zlib, or the bare deflate that some servers send as "deflate"."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None
        self._ended = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What the chunk decodes to, in bounded pieces."""
        while chunk:
            if self._stream is None:
                if self._ended and not chunk.startswith(_GZIP_MAGIC):
                    return  # padding after the last member
                self._stream = zlib.decompressobj(_window(chunk))
            try:
                piece = self._stream.decompress(chunk, _PIECE)
            except zlib.error:
                raise Unreadable from None
            if piece:
                yield piece
            chunk = self._stream.unconsumed_tail
            if self._stream.eof:
                chunk, self._stream, self._ended = self._stream.unused_data, None, True
            elif not chunk:
                # zlib may still hold output that did not fit into the last piece.
                yield from self._held()

    def finish(self) -> None:
        """Raises CutShort when the stream has not come to its end."""
        if self._stream is not None or not self._ended:
            raise CutShort

    def _held(self) -> Iterator[bytes]:
        stream = self._stream
        while stream is not None and (piece := stream.decompress(b"", _PIECE)):
            yield piece
        if stream is not None and stream.eof:
            self._stream, self._ended = None, True


def _window(start: bytes) -> int:
    if start.startswith(_GZIP_MAGIC[: len(start)]):
        return 31
    is_zlib = start[0] & 0x0F == 8 and (len(start) < 2 or int.from_bytes(start[:2], "big") % 31 == 0)
    return 15 if is_zlib else -15
