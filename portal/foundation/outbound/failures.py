"""What went wrong on the way to a store, as an error with advice. Never repeats an address' query or a header."""

from __future__ import annotations

import asyncio
import socket
import ssl

import aiohttp

from portal.foundation.errors import ConnectorError, Permanent, Temporary
from portal.foundation.outbound.body import CutShort, TooLong, Unreadable
from portal.foundation.outbound.guard import RefusedAddress

EXPECTED = (aiohttp.ClientError, OSError, asyncio.TimeoutError, ValueError, TooLong, Unreadable, CutShort)
"""What an exchange over HTTP can raise. (ValueError: a header or address that HTTP cannot carry.)"""


def explain(error: BaseException, host: str, *, timeout: float, max_bytes: int) -> ConnectorError:
    """The error to raise, without the original in tow: that one carries the whole URL. `details["reason"]` is a word
    for programs and metrics; Temporary ones are worth another try."""
    cause = getattr(error, "os_error", None) or error
    if isinstance(cause, RefusedAddress) or isinstance(error, aiohttp.InvalidURL):
        return _error(
            Permanent,
            "private_address",
            f"{host} leads to a private network address, which is not reached from here.",
            "Enter the store's public address. An operator can allow a private one by its host and port.",
        )
    if isinstance(cause, socket.gaierror):
        return _name_unknown(cause, host)
    if isinstance(error, ssl.SSLError | ssl.CertificateError | aiohttp.ClientSSLError):
        return _tls(error, cause, host)
    return _exchange(error, cause, host, timeout, max_bytes)


def _exchange(error: BaseException, cause: BaseException, host: str, timeout: float, max_bytes: int) -> ConnectorError:
    if isinstance(error, TimeoutError):
        return _error(
            Temporary,
            "timeout",
            f"{host} did not answer within {timeout:g} seconds.",
            "Try again, raise the timeout, or ask the host why the store is slow.",
        )
    if isinstance(error, TooLong):
        return _error(
            Permanent,
            "too_large",
            f"The answer of {host} is larger than {max_bytes / (1 << 20):.3g} MB.",
            "Check that the address is the store's API; a plug-in may add large fields to it.",
        )
    if isinstance(error, CutShort | aiohttp.ClientPayloadError | asyncio.IncompleteReadError):
        return _error(
            Temporary,
            "truncated",
            f"The answer of {host} broke off before its end.",
            "Try again; if it stays so, ask the host about limits on answer size or run time.",
        )
    if isinstance(error, Unreadable | aiohttp.ClientResponseError):
        return _error(
            Permanent,
            "unreadable",
            f"The answer of {host} is not HTTP that can be read.",
            "Check the address and port; a proxy before the store may spoil its answers.",
        )
    if isinstance(cause, ConnectionRefusedError):
        return _error(
            Temporary,
            "refused",
            f"{host} refused the connection.",
            "Check the address and port, that the store runs, and that no firewall blocks this server.",
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return _error(
            Temporary,
            "unreachable",
            f"{host} cannot be reached.",
            "Check the address, and that no firewall blocks this server.",
        )
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        return _error(
            Temporary,
            "cut",
            f"{host} closed the connection without an answer.",
            "Try again; if it stays so, ask the host whether a firewall cuts requests.",
        )
    return _error(
        Permanent,
        "bad_request",
        f"The request to {host} has a character that HTTP cannot carry.",
        "Enter the credentials again, without line breaks or invisible characters.",
    )


def _name_unknown(cause: socket.gaierror, host: str) -> ConnectorError:
    passing = cause.errno == socket.EAI_AGAIN
    return _error(
        Temporary if passing else Permanent,
        "dns",
        f"The name {host} {'could not be looked up just now' if passing else 'does not exist (DNS)'}.",
        "Check the spelling of the store's address, and that its domain has not expired.",
    )


def _tls(error: BaseException, cause: BaseException, host: str) -> ConnectorError:
    why = getattr(cause, "verify_message", "") or getattr(error, "verify_message", "")
    certificate = getattr(error, "certificate_error", None) or cause
    why = why or getattr(certificate, "verify_message", "")
    if isinstance(certificate, ssl.CertificateError) or isinstance(error, ssl.CertificateError):
        return _error(
            Permanent,
            "certificate",
            f"The certificate of {host} is not trusted{f' ({why})' if why else ''}.",
            "Have the store's certificate renewed, or give its authority's certificate (CA) in the store's settings. "
            "As a last resort turn off certificate verification (verify_ssl): then anyone on the way can read along.",
        )
    passing = isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError)
    return _error(
        Temporary if passing else Permanent,
        "tls",
        f"No secure connection to {host} could be made (TLS).",
        "Check that the address begins with https:// only if the store serves it, and that its TLS is up to date.",
    )


def _error(kind: type[ConnectorError], reason: str, message: str, advice: str) -> ConnectorError:
    return kind(message, advice, details={"reason": reason})
