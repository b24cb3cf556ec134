"""The guard on the address that is really connected to, so that no DNS trick passes it."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from portal.foundation.errors import StartupError
from portal.foundation.outbound.addresses import is_refused


class RefusedAddress(OSError):
    """The name leads, at least in part, to an address that outside requests may not reach."""

    def __init__(self) -> None:
        super().__init__(errno.EACCES, "the address is private")


class AllowList:
    """The operator's exceptions: `host:port` as it stands in a URL, compared as text, never by resolving."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._allowed = {_split(entry) for entry in entries}

    def __contains__(self, url: URL) -> bool:
        return (_plain(url.host or ""), url.port) in self._allowed


class GuardedResolver(AbstractResolver):
    """Resolves a name and refuses it whole when any of its addresses is refused."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses. Raises RefusedAddress, or socket.gaierror when there is none."""
        found = await self._inner.resolve(host, port, family)
        if any(is_refused(result["host"]) for result in found):
            raise RefusedAddress
        return found

    async def close(self) -> None:
        """Release the inner resolver."""
        await self._inner.close()


def guarded_socket(address_info: tuple[Any, ...]) -> socket.socket:
    """Make the socket for exactly this address: the last word, after every resolver and literal."""
    family, kind, protocol, _, address = address_info
    if is_refused(str(address[0])):
        raise RefusedAddress
    return socket.socket(family=family, type=kind, proto=protocol)


def _split(entry: str) -> tuple[str, int]:
    host, colon, port = entry.strip().rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise StartupError(f"The outbound exception {entry!r} is not host:port, as in 127.0.0.1:9001.")
    return _plain(host.removeprefix("[").removesuffix("]")), int(port)


def _plain(host: str) -> str:
    return host.rstrip(".").lower()
