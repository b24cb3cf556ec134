"""Sign in and out, the password, sessions, the active organization."""

from __future__ import annotations

from uuid import UUID

from quart import Blueprint, Response, flash, redirect, request
from quart_auth import Action, AuthUser

from portal.accounts import doors, sessions
from portal.accounts.audited import audited
from portal.accounts.gate import client_address, current_standing, gate, principal
from portal.accounts.principal import Person, Place, Principal
from portal.accounts.returning import safe_next
from portal.accounts.sign_in import change_password as replace_password
from portal.accounts.sign_in import check_password
from portal.foundation.errors import BadRequest, Invalid, Missing, NotAllowed, PortalError, Unauthenticated
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import PUBLIC, SIGNED_IN, route
from portal.foundation.web.requests import form_values, wants_html
from portal.tenancy.scope import platform

blueprint = Blueprint("accounts", __name__)


@route(blueprint, "/login", roles=PUBLIC, family="page")
async def login_page() -> Response:
    """The form; whoever is signed in goes on to where they wanted."""
    target = safe_next(request.args.get("next", ""))
    if current_standing() is not None:
        return to(target)
    return await page("accounts/login.html", next=target, email="", error="", demo=await doors.demo_logins(runtime()))


@route(blueprint, "/login", roles=PUBLIC, family="login", methods=("POST",), max_body=20_000)
async def sign_in() -> Response:
    """Open a session for the right password. Every failure reads the same."""
    rt, values = runtime(), await form_values()
    target, email = safe_next(values.get("next", "")), values.get("email", "")
    try:
        who = await check_password(rt, email, values.get("password", ""), address=client_address())
    except PortalError as error:
        if not wants_html() or error.status == 503:
            raise
        status = 422 if isinstance(error, Unauthenticated) else error.status
        demo = await doors.demo_logins(rt)
        answer = await page(
            "accounts/login.html", status=status, next=target, email=email, error=error.message, demo=demo
        )
        answer.headers.extend(error.headers)
        return answer
    await open_door(who)
    return to("/account/password" if who.must_change_password else target)


@route(blueprint, "/logout", roles=SIGNED_IN, family="page", methods=("POST",), tenant=False)
async def sign_out() -> Response:
    """End this session everywhere it is known, live pages included."""
    who = person_at_browser()
    async with platform(runtime().database, "sign out") as scope:
        await sessions.close_session(scope, who[0], who[1])
        await audited(scope, principal(), "session.closed", org_id=principal().org_id)
    await sessions.tell(runtime(), who[0], "signed_out", session_id=who[1])
    gate().cookies.logout_user()
    return to("/login")


@route(blueprint, "/account", roles=SIGNED_IN, family="page", tenant=False)
@route(blueprint, "/account/sessions", roles=SIGNED_IN, family="page", tenant=False, endpoint="sessions_page")
async def account_page() -> Response:
    """Who one is, and where one is signed in."""
    user_id, session_id = person_at_browser()
    async with platform(runtime().database, "list own sessions", read_only=True) as scope:
        found = await sessions.list_sessions(scope, user_id, session_id)
    return await page("accounts/account.html", sessions=found, places=standing_places())


@route(
    blueprint,
    "/account/sessions/<uuid:session_id>/revoke",
    roles=SIGNED_IN,
    family="page",
    methods=("POST",),
    tenant=False,
)
async def revoke_session(session_id: UUID) -> Response:
    """End one of one's own sessions."""
    user_id, current = person_at_browser()
    async with platform(runtime().database, "revoke session") as scope:
        if not await sessions.close_session(scope, user_id, session_id):
            raise Missing("There is no such session.")
        await audited(scope, principal(), "session.revoked", str(session_id), org_id=principal().org_id)
    await sessions.tell(runtime(), user_id, "signed_out", session_id=session_id)
    if session_id == current:
        gate().cookies.logout_user()
        return to("/login")
    await flash("That session was signed out.", "success")
    return to("/account/sessions")


@route(blueprint, "/account/sessions/revoke-all", roles=SIGNED_IN, family="page", methods=("POST",), tenant=False)
async def sign_out_everywhere() -> Response:
    """End every session and token of one's own, this one included."""
    user_id, _ = person_at_browser()
    async with platform(runtime().database, "sign out everywhere") as scope:
        closed = await sessions.close_all(scope, user_id)
        await audited(scope, principal(), "session.all_closed", after={"sessions": closed}, org_id=principal().org_id)
    await sessions.tell(runtime(), user_id, "signed_out")
    gate().cookies.logout_user()
    await flash("You are signed out everywhere.", "success")
    return to("/login")


@route(blueprint, "/account/password", roles=SIGNED_IN, family="page", tenant=False)
async def password_page() -> Response:
    """The form; forced when an administrator has set the password."""
    person_at_browser()
    return await password_form({})


@route(
    blueprint, "/account/password", roles=SIGNED_IN, family="login", methods=("POST",), tenant=False, max_body=20_000
)
async def change_password() -> Response:
    """Replace one's password; every other session and token ends."""
    rt, values = runtime(), await form_values()
    user_id, session_id = person_at_browser()
    try:
        if values.get("new", "") != values.get("again", ""):
            raise Invalid("The two differ.", {"again": "is not the same as the new password"})
        async with platform(rt.database, "change password") as scope:
            await replace_password(scope, user_id, current=values.get("current", ""), new=values.get("new", ""))
            await sessions.close_all(scope, user_id, except_session=session_id)
            await audited(scope, principal(), "password.changed", org_id=principal().org_id)
    except Invalid as error:
        return await password_form(error.fields, status=422)
    await sessions.tell(rt, user_id, "signed_out")
    await flash("Your password was changed. Other sessions were signed out.", "success")
    return to("/")


@route(blueprint, "/account/organization", roles=SIGNED_IN, family="page", methods=("POST",), tenant=False)
@route(
    blueprint,
    "/organizations/switch",
    roles=SIGNED_IN,
    family="page",
    methods=("POST",),
    tenant=False,
    endpoint="switch_from_menu",
)
async def switch_organization() -> Response:
    """Make another organization the active one. A superadmin may enter any, on the record, and leave by none."""
    rt, values = runtime(), await form_values()
    user_id, session_id = person_at_browser()
    org_id = _uuid(values.get("organization", ""))
    async with platform(rt.database, "switch organization") as scope:
        await doors.enter(scope, principal(), session_id, org_id)
    await sessions.tell(rt, user_id, "role_changed", session_id=session_id)
    return to(safe_next(values.get("next", "")))


@route(blueprint, "/theme", roles=PUBLIC, family="page", methods=("POST",))
async def set_theme() -> Response:
    """Remember the appearance in a cookie; nothing of it is anybody's business."""
    values = await form_values()
    answer = to(safe_next(_path_of(request.referrer or "")))
    theme = values.get("theme", "")
    if theme in {"light", "dark"}:
        secure = runtime().settings.secure_cookies
        answer.set_cookie("theme", theme, max_age=31_536_000, samesite="Lax", secure=secure, httponly=False)
    else:
        answer.delete_cookie("theme")
    return answer


async def open_door(who: Person, active_org: UUID | None = None) -> None:
    """A new session in this browser, in place of whatever it had."""
    rt, earlier = runtime(), current_standing()
    active = active_org or (None if who.is_superadmin else who.places[0].org_id)
    async with platform(rt.database, "open session") as scope:
        if (
            earlier
            and earlier.principal.via == "session"
            and earlier.principal.user_id
            and earlier.principal.session_id
        ):
            await sessions.close_session(scope, earlier.principal.user_id, earlier.principal.session_id)
        session_id, secret = await sessions.open_session(
            scope,
            user_id=who.user_id,
            active_org=active,
            days=rt.settings.session_days,
            user_agent=request.headers.get("User-Agent", ""),
            address=client_address(),
        )
        role = who.role_in(active) or "none"
        opener = Principal(who.user_id, who.email, who.email, role, active, "session", session_id)
        await audited(scope, opener, "session.opened", org_id=active)
    if earlier and earlier.principal.session_id:
        await sessions.tell(rt, earlier.principal.user_id, "signed_out", session_id=earlier.principal.session_id)
    gate().cookies.login_user(AuthUser(secret, Action.WRITE_PERMANENT))


async def password_form(errors: dict[str, str], status: int = 200) -> Response:
    """The password form with its field errors."""
    standing = current_standing()
    forced = standing is not None and standing.must_change_password
    return await page("accounts/password.html", status=status, errors=errors, forced=forced)


def person_at_browser() -> tuple[UUID, UUID]:
    """The user and session of a signed-in browser. Raises `NotAllowed` for tokens and keys."""
    who = principal()
    if who.via != "session" or who.user_id is None or who.session_id is None:
        raise NotAllowed("This is for people at a browser; tokens are ended at /api/auth/revoke.")
    return who.user_id, who.session_id


def standing_places() -> tuple[Place, ...]:
    """The organizations of whoever asks."""
    standing = current_standing()
    return standing.places if standing else ()


def to(path: str) -> Response:
    """See other; for HTMX a whole new page."""
    if "HX-Request" in request.headers:
        return Response("", 200, {"HX-Redirect": path})
    return redirect(path, 303)  # type: ignore[return-value]


def _uuid(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest("That is not an organization's id.", details={"field": "organization"}) from None


def _path_of(url: str) -> str:
    _, _, rest = url.partition("://")
    return "/" + rest.partition("/")[2] if rest else ""
