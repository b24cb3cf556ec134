"""The trail, filled in from the request: who, in which role, from where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quart import g, has_request_context, has_websocket_context, request, websocket

from portal.accounts.principal import Principal
from portal.audit import trail
from portal.tenancy.scope import Scope


async def audited(  # noqa: PLR0917 - the contract of every room
    scope: Scope,
    principal: Principal | None,
    action: str,
    target: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    org_id: UUID | None = None,
) -> None:
    """Record a deed in the caller's transaction, in the chain of `org_id`, else of the scope, else of the platform."""
    asked = websocket if has_websocket_context() else request if has_request_context() else None
    await trail.record(
        scope,
        actor=(principal.email or principal.name) if principal else "anonymous",
        actor_id=(principal.user_id or principal.session_id) if principal else None,
        role=principal.role if principal else "none",
        action=action,
        target=target,
        org_id=org_id,
        before=before,
        after=after,
        address=(asked.remote_addr or "") if asked else "",
        request_id=str(getattr(g, "request_id", "")) if asked else "",
    )
