"""What the form's fields say about a shop, checked and put in order; and where a shop is: the one place of its address."""

from __future__ import annotations

import re

import msgspec

from portal.connectors.contract import Credentials
from portal.connectors.shopify.manifest import API_VERSION, CREDENTIAL_KINDS
from portal.foundation.errors import Permanent

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62})?(?:\.[a-z0-9](?:[a-z0-9-]{0,62})?)+")
_ADMIN = re.compile(r"^admin\.shopify\.com/store/([a-z0-9-]+)")  # what people copy from the address bar
_HELP = "It looks like mystore.myshopify.com; see Settings → Domains in the Shopify admin."


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """One shop and how to sign in. `base` has no trailing slash."""

    domain: str
    base: str
    token: str = ""
    client_id: str = ""
    client_secret: str = ""
    kind: str = "access_token"  # access_token or client_credentials: what to begin with
    fall_back: bool = False  # try the other kind once when the token is refused

    @property
    def graphql_url(self) -> str:
        return f"{self.base}/admin/api/{API_VERSION}/graphql.json"

    @property
    def token_url(self) -> str:
        return f"{self.base}/admin/oauth/access_token"


def shop(credentials: Credentials, base_url: str = "") -> Shop:
    """The shop described by the form. Raises `Permanent` with advice for a value that cannot work.

    `base_url` (PORTAL_SHOPIFY_BASE_URL) replaces Shopify's own addresses; the shop's domain follows it as the path.
    """
    domain = normalised(credentials.get("shop_domain", ""))
    kind = credentials.get("credential_kind", "").strip() or "auto"
    token = credentials.get("access_token", "").strip()
    client_id, secret = credentials.get("client_id", "").strip(), credentials.get("client_secret", "").strip()
    if kind not in CREDENTIAL_KINDS:
        raise Permanent(f"Unknown way to sign in {kind[:20]!r}.", f"Choose one of {', '.join(CREDENTIAL_KINDS)}.")
    able = {"access_token": bool(token), "client_credentials": bool(client_id and secret)}
    chosen = ("access_token" if token else "client_credentials") if kind == "auto" else kind
    if not able[chosen]:
        raise Permanent(
            "The access token is empty."
            if chosen == "access_token" and kind != "auto"
            else "There are no credentials.",
            "Enter the Access Token of the app, or its Client ID and Client Secret.",
        )
    if re.search(r"[^\x21-\x7e]", token + client_id + secret):
        raise Permanent("The credentials contain blanks or unusual characters.", "Copy them again from the app.")
    return Shop(
        domain=domain,
        base=f"{base_url}/{domain}" if base_url else f"https://{domain}",
        token=token,
        client_id=client_id,
        client_secret=secret,
        kind=chosen,
        fall_back=kind == "auto" and all(able.values()),
    )


def normalised(given: str) -> str:
    """The shop's domain: scheme, path and blanks cut off, `mystore` completed to `mystore.myshopify.com`.

    Raises `Permanent` when it is no domain. Shopify's answers name the domain that the shop really has.
    """
    plain = re.sub(r"^https?://", "", given.strip().lower()).rstrip("/")
    if copied := _ADMIN.match(plain):
        plain = copied.group(1)
    plain = plain.split("/")[0].split("?")[0].rstrip(".")
    if _NAME.fullmatch(plain):
        plain = f"{plain}.myshopify.com"
    if not _DOMAIN.fullmatch(plain) or re.fullmatch(r"[0-9.]+", plain):
        raise Permanent("The shop domain is not a domain.", _HELP)
    return plain
