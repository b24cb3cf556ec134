"""What the form's fields say about a shop, checked and put in order."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec

from portal.connectors.contract import Credentials
from portal.connectors.woocommerce.manifest import AUTH_METHODS, DEFAULT_TIMEOUT, DEFAULT_VERSION
from portal.foundation.errors import Permanent

# What people paste after the shop's address.
_PASTED = re.compile(r"/(wp-json|wp-admin|wp-login\.php|index\.php|wc-api)(/.*)?$", re.IGNORECASE)
_VERSION = re.compile(r"wc/v[1-9]")


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One shop and how to speak to it. `base` has no trailing slash."""

    base: str
    key: str
    secret: str
    version: str = DEFAULT_VERSION
    auth: str = "basic"  # basic, query or oauth1: what to begin with
    fall_back: bool = False  # try the query-string form when Basic is not understood
    verify_ssl: bool = True
    ca_pem: str = ""
    timeout: float = float(DEFAULT_TIMEOUT)

    @property
    def plain(self) -> bool:
        """Whether the shop is read over plain http."""
        return self.base.startswith("http://")

    def url(self, path: str) -> str:
        """The address of `path` below the API version, "/" for the root of WordPress' own API."""
        return f"{self.base}/wp-json/" if path == "/" else f"{self.base}/wp-json/{self.version}/{path}"


def site(credentials: Credentials) -> Site:
    """The shop described by the form. Raises `Permanent` with advice for a value that cannot work."""
    base = normalised(credentials.get("site_url", ""))
    method = credentials.get("auth_method", "").strip() or "auto"
    if method not in AUTH_METHODS:
        raise Permanent(f"Unknown authentication {method[:20]!r}.", f"Choose one of {', '.join(AUTH_METHODS)}.")
    version = credentials.get("api_version", "").strip().strip("/").lower() or DEFAULT_VERSION
    if not _VERSION.fullmatch(version):
        raise Permanent(f"{version[:20]!r} is not an API version.", "Verify the API version: wc/v3 is recommended.")
    key, secret = credentials.get("consumer_key", "").strip(), credentials.get("consumer_secret", "").strip()
    if not key or not secret:
        raise Permanent("The consumer key or secret is empty.", "Check consumer key/secret: paste both.")
    auto = "oauth1" if base.startswith("http://") else "basic"
    return Site(
        base=base,
        key=key,
        secret=secret,
        version=version,
        auth=auto if method == "auto" else method,
        fall_back=method == "auto" and auto == "basic",
        verify_ssl=credentials.get("verify_ssl", "").strip().lower() not in {"false", "0", "no", "off"},
        ca_pem=credentials.get("ca_pem", "").strip(),
        timeout=_seconds(credentials.get("timeout", "")),
    )


def normalised(address: str) -> str:
    """The shop's address: https assumed, pasted /wp-admin and /wp-json paths, queries and trailing slashes cut off.

    Raises `Permanent` when it is not a web address, or carries a user name and password.
    """
    advice = "Verify the site URL: it looks like https://mystore.com."
    given = address.strip()
    if "://" not in given:
        given = f"https://{given.lstrip('/')}"
    try:
        parts = urlsplit(given)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Permanent("The site URL cannot be read.", advice) from None
    if parts.scheme.lower() not in {"http", "https"} or not host or re.search(r"[\s\\<>\"']", given):
        raise Permanent("The site URL is not a web address.", advice)
    if parts.username is not None or parts.password is not None:
        raise Permanent("The site URL contains a user name or password.", f"Remove everything before the @. {advice}")
    shown = f"[{host}]" if ":" in host else host
    path = _PASTED.sub("", parts.path.rstrip("/")).rstrip("/")
    return f"{parts.scheme.lower()}://{shown}{f':{port}' if port else ''}{path}"


def _seconds(given: str) -> float:
    if not given.strip():
        return float(DEFAULT_TIMEOUT)
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 120:
        raise Permanent("The timeout is out of range.", "Set the timeout to a number of seconds from 1 to 120.")
    return seconds
