"""What a route's policy asks of a principal: an organization, a role, for API keys a scope."""

from __future__ import annotations

from portal.accounts.csrf import SAFE
from portal.accounts.principal import Principal
from portal.foundation.errors import NotAllowed
from portal.foundation.web.policy import Policy


def allow(policy: Policy, who: Principal, path: str, method: str) -> None:
    """Raises `NotAllowed` (or `BadRequest`: no organization chosen) unless `who` may do this under `policy`."""
    if not policy.roles:
        return
    if who.org_id is None and (path.startswith("/v1/") or (policy.tenant and not who.is_superadmin)):
        raise NotAllowed("The token lacks the required org_id claim.", code="ORG_REQUIRED")
    if who.role not in policy.roles:
        raise NotAllowed("Your role does not allow this.", details={"role": who.role, "allowed": sorted(policy.roles)})
    if who.scopes is not None:
        needed = "read" if method in SAFE else "write"
        if needed not in who.scopes:
            raise NotAllowed(f"The API key lacks the scope {needed!r}.", code="SCOPE_REQUIRED")
    if policy.tenant and who.org_id is None:
        _ = who.org  # raises, saying how to choose one
