"""The portal's test of its own webhook address: a delivery signed as the platform would, sent the way a store's come.

It goes to exactly the configured public origin and the connection's own path, and only that origin may be a private address
for it (behind NAT the public name often leads to one). The route recognises the test by a proof made with the connection's
secret and answers what it got, so that what happened on the way can be told apart. Nobody without the secret gets that answer.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec
from quart import Response

from portal.connectors.contract import Webhooks
from portal.foundation.errors import ConnectorError
from portal.foundation.outbound import OutboundClient, Reply
from portal.foundation.runtime import Runtime
from portal.stores.connection import StoreConnection
from portal.sync.webhooks.doors import Door
from portal.tenancy.scope import tenant

HEADER = "x-portal-self-test"
TOPIC = "portal.self-test"
LONGEST = 10.0
_VALID = 120
_SIZE = 64_000
# A space, an escaped slash and letters beyond ASCII: whoever parses and writes JSON again changes one of them.
_TELLTALE = '{"id": 0,  "self_test": "%s", "note": "Gr\\u00fc\\u00dfe \\/ caf\u00e9", "filling": "%s"}'


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the test. `state` is ok, or a word for what is wrong; `milliseconds` of the whole exchange."""

    state: str
    detail: str
    advice: str = ""
    milliseconds: int | None = None

    @property
    def ok(self) -> bool:
        return self.state == "ok"


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """What the route says it got. `proof` is made with the connection's secret: another server cannot answer this."""

    proof: str
    verified: bool
    stored: bool
    sha256: str
    headers: list[str]


def asked(headers: Mapping[str, str], door: Door) -> bool:
    """Whether this request is a test of ours, made in the last two minutes."""
    moment, _, proof = headers.get(HEADER, "").partition(".")
    if not moment.isascii() or not moment.isdigit() or len(moment) > 12 or abs(time.time() - int(moment)) > _VALID:
        return False
    given = proof.encode("utf-8", "replace")
    return any(hmac.compare_digest(_mac(each, "ask", moment, door.token).encode(), given) for each in door.secrets)


def answer(headers: Mapping[str, str], body: bytes, door: Door, *, verified: bool, stored: bool) -> Response:
    """What the route got, for who proved to be us."""
    echo = Echo(
        proof=_mac(door.secrets[0], "answer", headers[HEADER], door.token),
        verified=verified,
        stored=stored,
        sha256=hashlib.sha256(body).hexdigest(),
        headers=sorted(name for name in headers if name.startswith("x-")),
    )
    kind = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(msgspec.json.encode(echo), 200 if verified else 401, kind)


async def try_address(rt: Runtime, connection: StoreConnection, module: Webhooks, url: str, secret: str) -> Reach:
    """Deliver a test to the portal's own public address. Never raises for what is wrong there."""
    began = time.monotonic()
    body = (_TELLTALE % (secrets.token_hex(8), "x" * _SIZE)).encode()
    trial = module.trial(TOPIC, body, secret, connection.settings)
    moment = str(int(time.time()))
    asking = f"{moment}.{_mac(secret, 'ask', moment, connection.public_token)}"
    origin = urlsplit(url)
    port = origin.port or (443 if origin.scheme == "https" else 80)
    own = OutboundClient((f"{origin.hostname}:{port}",), rt.settings.outbound_ca_file)
    try:
        reply = await own.request(
            "POST",
            url,
            headers={**trial, HEADER: asking},
            body=body,
            timeout=LONGEST,
            max_bytes=200_000,
            retries=0,
            platform="self-test",
        )
    except ConnectorError as error:
        return _unreached(str(error.details.get("reason", "")), origin.hostname or "", error.message)
    finally:
        await own.close()
    found = _judged(reply, trial, body, _mac(secret, "answer", asking, connection.public_token))
    if found.ok and not await _is_kept(rt, connection, module, trial, body):
        return Reach(
            state="not_kept",
            detail="The portal answered, and the delivery is not in this database.",
            advice="The address leads to another installation that knows this store. Check PORTAL_PUBLIC_URL.",
        )
    return msgspec.structs.replace(found, milliseconds=round((time.monotonic() - began) * 1000))


async def _is_kept(
    rt: Runtime, connection: StoreConnection, module: Webhooks, trial: Mapping[str, str], body: bytes
) -> bool:
    key = module.dedupe_key({name.lower(): value for name, value in trial.items()}, body)
    async with tenant(rt.database, connection.org_id, read_only=True) as scope:
        found: bool = await scope.sql.fetchval(
            "SELECT EXISTS (SELECT FROM webhook_deliveries WHERE connection_id = $1 AND dedupe_key = $2)",
            connection.id,
            key[:300],
        )
    return found


def _judged(reply: Reply, trial: Mapping[str, str], body: bytes, proof: str) -> Reach:
    try:
        echo = msgspec.json.decode(reply.body, type=Echo)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _strange(reply)
    if not hmac.compare_digest(echo.proof.encode("utf-8", "replace"), proof.encode()):
        return _strange(reply)
    lost = [name for name in trial if name.lower().startswith("x-") and name.lower() not in echo.headers]
    if lost:
        return Reach(
            state="header_lost",
            detail=f"The header {lost[0]} does not arrive.",
            advice="A proxy or firewall in front of the portal removes it. Let it pass all headers of /webhooks/ on.",
        )
    if echo.sha256 != hashlib.sha256(body).hexdigest():
        return Reach(
            state="body_changed",
            detail="The body arrives changed, so no signature can fit it.",
            advice="A proxy or firewall in front of the portal rewrites bodies. Switch that off for /webhooks/.",
        )
    if not echo.verified:
        return Reach(
            state="wrong_signature",
            detail="The signature header arrives changed.",
            advice="A proxy in front of the portal rewrites headers. Let it pass those of /webhooks/ on as they are.",
        )
    if not echo.stored:
        return Reach(state="not_kept", detail="The delivery was answered and not stored.", advice="Look at the log.")
    return Reach(state="ok", detail="A signed delivery to the public address arrived whole, fitted and was stored.")


_ELSEWHERE = "Check PORTAL_PUBLIC_URL, and that the proxy passes /webhooks/ to the portal."


def _strange(reply: Reply) -> Reach:
    """An answer that is not the portal's own answer to its test."""
    status, code = reply.status, _code(reply)
    if status == 401 and code == "WRONG_SIGNATURE":
        return Reach(
            state="header_lost",
            detail="The portal is reached, and headers are lost on the way: the test was not recognised.",
            advice="A proxy or firewall in front of the portal removes X- headers. Let it pass those of /webhooks/ on.",
        )
    if status == 404 and code == "NOT_FOUND":
        return Reach(
            state="other_portal",
            detail="Another portal answers there: it does not know this store.",
            advice="PORTAL_PUBLIC_URL or the proxy leads to another installation.",
        )
    if 300 <= status < 400:
        return Reach(
            state="redirect",
            detail=f"The address answers with a redirect ({status}); stores do not follow one.",
            advice="Set PORTAL_PUBLIC_URL to where it leads, usually with https:// or with or without www.",
        )
    if status in {401, 403, 407}:
        return Reach(
            state="locked",
            detail=f"Something in front of the portal asks for a login or refuses the request ({status}).",
            advice="Let /webhooks/ pass without a password, and except it from the firewall's rules.",
        )
    if status == 413:
        return Reach(
            state="too_large",
            detail="A proxy refuses a body of 64 kB (413).",
            advice="Allow bodies of 2 MB for /webhooks/ (client_max_body_size in nginx).",
        )
    if status >= 500:
        return Reach(
            state="proxy_error",
            detail=f"The address answers with the error {status}.",
            advice="The proxy does not reach the portal, or the portal is in trouble. Look at its log.",
        )
    return Reach(
        state="wrong_host", detail=f"Something else than the portal answers there ({status}).", advice=_ELSEWHERE
    )


def _unreached(reason: str, host: str, message: str) -> Reach:
    known = {
        "dns": (f"The name {host} is not known (DNS).", "Check PORTAL_PUBLIC_URL and the domain's DNS entry."),
        "certificate": (
            f"The certificate of {host} is not trusted.",
            "Stores refuse to deliver there. Have the certificate renewed, with its intermediate certificates.",
        ),
        "tls": (
            f"No secure connection (TLS) to {host} could be made.",
            "Check the proxy's TLS, and http against https.",
        ),
        "refused": (f"{host} refuses the connection.", "Check the port of PORTAL_PUBLIC_URL and the firewall."),
        "timeout": (f"{host} did not answer within {LONGEST:g} seconds.", "Check the firewall and the proxy."),
        "unreachable": (
            f"{host} cannot be reached from here.",
            "Check the network, the firewall and PORTAL_PUBLIC_URL.",
        ),
    }
    detail, advice = known.get(reason, (message, _ELSEWHERE))
    return Reach(state=reason if reason in known else "unreachable", detail=detail, advice=advice)


def _code(reply: Reply) -> str:
    """The portal's own error code, empty for anyone else's answer."""
    try:
        told = json.loads(reply.body)
        return str(told["details"]["code"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _mac(secret: str, *about: str) -> str:
    return hmac.new(secret.encode(), ":".join(("portal-self-test", *about)).encode(), hashlib.sha256).hexdigest()
