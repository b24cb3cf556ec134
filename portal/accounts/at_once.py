"""The gate's yes, said without a request context: for answers that are ready before the app is even asked.

It decides as `gate` does and only from what this process knows already: a bearer that was resolved a moment ago, its
rights, and the limit, which counts as ever. Whatever is not plain (no bearer or two, another organization named, a body, a
forced password change, a refusal of any kind) is None: the request goes the whole way and is answered there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from portal.accounts.gate import Gate, request_id_for
from portal.accounts.principal import Principal
from portal.accounts.protection import protection_headers
from portal.accounts.resolver import bearer_of
from portal.accounts.rights import allow
from portal.foundation.errors import PortalError
from portal.foundation.runtime import Runtime
from portal.foundation.web.policy import LIMITS, Policy

Headers = list[tuple[bytes, bytes]]
_WHOLE_WAY = frozenset({b"x-org-id", b"content-length", b"transfer-encoding", b"if-none-match", b"range"})


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who asks, under which id, and the policy that allows it."""

    principal: Principal
    request_id: str
    policy: Policy


class AtOnce:
    """Of one app."""

    def __init__(self, gate: Gate, rt: Runtime) -> None:
        self._resolver, self._limiter = gate.resolver, rt.limiter
        self._headers = [(n.lower().encode(), v.encode()) for n, v in protection_headers(rt.settings)]

    def admit(self, policy: Policy, scope: Any) -> Admitted | None:
        """Who asks by this GET, if that is known and allowed; nothing is counted yet."""
        authorization = given = ""
        for name, value in scope["headers"]:
            if name == b"authorization":
                if authorization:
                    return None
                authorization = value.decode("latin1")
            elif name == b"x-request-id":
                given = value.decode("latin1")
            elif name in _WHOLE_WAY:
                return None
        if not authorization:
            return None
        try:
            standing = self._resolver.peek(bearer_of(authorization))
            if standing is None or standing.must_change_password:
                return None
            allow(policy, standing.principal, scope["path"], "GET")
        except PortalError:
            return None
        return Admitted(standing.principal, request_id_for(given), policy)

    async def count(self, admitted: Admitted) -> Headers | None:
        """Count the request; the gate's headers for its answer, None when the limit is reached."""
        family = admitted.policy.family
        limit = LIMITS[family]
        headers = [*self._headers, (b"x-request-id", admitted.request_id.encode())]
        if limit:
            state = await self._limiter.hit(admitted.principal.limit_key, family, limit)
            if not state.allowed:
                return None
            headers += [
                (b"ratelimit-limit", b"%d" % limit),
                (b"ratelimit-remaining", b"%d" % state.remaining),
                (b"ratelimit-reset", b"%d" % math.ceil(state.reset_seconds)),
            ]
        return headers
