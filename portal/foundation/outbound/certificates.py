"""Whose certificates are believed: the system's, the installation's, and one store's own."""

from __future__ import annotations

import ssl
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from portal.foundation.errors import Permanent, StartupError

_KEPT = 64


class Certificates:
    """TLS contexts, made once each. `ca_file` is a PEM file of authorities trusted for every store."""

    def __init__(self, ca_file: Path | None = None) -> None:
        self._ca_file = ca_file
        self._by_pem: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        try:
            self._default = self._context(None)
        except (OSError, ValueError):
            raise StartupError(f"{ca_file} is not a readable PEM file of certificates.") from None

    def context(self, *, verify: bool, ca_pem: str | None) -> ssl.SSLContext | bool:
        """What aiohttp takes as `ssl`: False means no verification at all. Raises Permanent on a wrong PEM."""
        if not verify:
            return False
        if not ca_pem:
            return self._default
        if ca_pem not in self._by_pem:
            self._by_pem[ca_pem] = self._for_store(ca_pem)
            if len(self._by_pem) > _KEPT:
                self._by_pem.popitem(last=False)
        self._by_pem.move_to_end(ca_pem)
        return self._by_pem[ca_pem]

    def _for_store(self, ca_pem: str) -> ssl.SSLContext:
        with suppress(OSError, ValueError):
            return self._context(ca_pem)
        raise Permanent(
            "The certificate of the store's authority is not PEM text.",
            "Paste the whole certificate, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
            details={"reason": "certificate"},
        )

    def _context(self, ca_pem: str | None) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            context.load_verify_locations(cafile=self._ca_file)
        if ca_pem is not None:
            context.load_verify_locations(cadata=ca_pem)
        return context
