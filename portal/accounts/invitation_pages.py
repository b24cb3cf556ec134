"""`/invitation/<token>`: join an organization, choosing name and password or proving the one there is."""

from __future__ import annotations

from quart import Blueprint, Response, flash

from portal.accounts import invitations, sessions, throttle
from portal.accounts.audited import audited
from portal.accounts.gate import client_address
from portal.accounts.pages import open_door, to
from portal.accounts.principal import Principal
from portal.accounts.standing import person
from portal.foundation.errors import Invalid, Missing
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import PUBLIC, route
from portal.foundation.web.requests import form_values
from portal.tenancy.scope import platform

blueprint = Blueprint("invitations", __name__)


@route(blueprint, "/invitation/<token>", roles=PUBLIC, family="page")
async def invitation_page(token: str) -> Response:
    """The form of a link that is still good."""
    async with platform(runtime().database, "show invitation", read_only=True) as scope:
        found = await invitations.find(scope, token)
    return await page("accounts/invitation.html", invitation=found, name=found.name, errors={})


@route(blueprint, "/invitation/<token>", roles=PUBLIC, family="login", methods=("POST",), max_body=20_000)
async def accept_invitation(token: str) -> Response:
    """Use the link up, join and sign in."""
    rt, values = runtime(), await form_values()
    name, password = values.get("name", ""), values.get("password", "")
    async with platform(rt.database, "show invitation", read_only=True) as scope:
        found = await invitations.find(scope, token)
    await throttle.check(rt.link, found.email, client_address())
    try:
        async with platform(rt.database, "accept invitation") as scope:
            await invitations.accept(scope, token, name=name, password=password)
            joined = Principal(found.user_id, found.email, name, found.role, found.org_id, "session", None)
            await audited(
                scope, joined, "invitation.accepted", found.email, after={"role": found.role}, org_id=found.org_id
            )
            who = await person(scope, found.user_id)
    except Invalid as error:
        if found.known:
            await throttle.failed(rt.link, found.email, client_address())
        return await page("accounts/invitation.html", status=422, invitation=found, name=name, errors=error.fields)
    if who is None:
        raise Missing("This invitation is no longer valid.")
    await sessions.tell(rt, found.user_id, "role_changed")
    await open_door(who, found.org_id)
    await flash(f"Welcome to {found.organization}.", "success")
    return to("/")
