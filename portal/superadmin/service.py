"""Creating a client: organization, owner, store connection and first sync, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from email_validator import EmailNotValidError, validate_email

from portal.accounts import service as accounts
from portal.accounts.audited import audited
from portal.accounts.invitations import invite
from portal.accounts.passwords import check_policy
from portal.accounts.principal import Principal
from portal.connectors import registry
from portal.connectors.findings import ConnectionTest
from portal.foundation.errors import Conflict, Invalid, Permanent
from portal.foundation.runtime import Runtime
from portal.foundation.vault import mask
from portal.stores import service as stores
from portal.stores.sealed import split
from portal.sync import jobs
from portal.tenancy import scope
from portal.tenancy import service as tenancy


@dataclass(frozen=True, kw_only=True)
class NewClient:
    """What the nine steps of the form collect. `password` or `invite`; no `platform` creates the client without a store."""

    company_name: str
    email: str
    password: str = field(default="", repr=False)
    invite: bool = False
    platform: str = ""
    connection_name: str = "Main store"
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    frequency: str = "hourly"


@dataclass(frozen=True, kw_only=True)
class Created:
    """A client that exists. Without a store, `connection_id`, `test` and `run` are None."""

    org_id: UUID
    user_id: UUID
    invitation_url: str | None
    connection_id: int | None = None
    test: ConnectionTest | None = None
    run: tuple[int, str] | None = None


async def check(rt: Runtime, new: NewClient) -> tuple[str, dict[str, str]]:
    """The normalised e-mail and the validated credentials. Raises `Invalid` with every wrong field at once."""
    wrong: dict[str, str] = {}
    if not new.company_name.strip():
        wrong["company_name"] = "Enter the company's name."
    elif len(new.company_name) > 200:
        wrong["company_name"] = "At most 200 characters."
    email = new.email.strip().lower()
    try:
        email = validate_email(email, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        wrong["email"] = f"Enter an e-mail address like name@company.com. {error}"
    if new.invite and new.password:
        wrong["password"] = "Give a password or send an invitation, not both."  # noqa: S105 (a message)
    elif not new.invite:
        try:
            check_policy(new.password, email=email)
        except Invalid as error:
            wrong["password"] = f"The password {error.fields['password']}."
    credentials: dict[str, str] = {}
    if new.platform:
        wrong |= _check_connection(new)
    if new.platform and "platform_type" not in wrong:
        try:
            credentials = stores.validate_credentials(new.platform, new.credentials)
        except Invalid as error:
            wrong |= error.fields
    if not wrong and await accounts.email_exists(rt, email):
        raise Conflict(
            f"{email} already has an account.",
            details={"fields": {"email": "This address already has an account. Use another one, or sign in as it."}},
        )
    if wrong:
        raise Invalid("Please correct the marked fields.", wrong)
    return email, credentials


def check_platform(platform: str) -> dict[str, str]:
    """What is wrong with the choice of the platform: nothing, or one field."""
    names = [manifest.platform for manifest in registry.manifests()]
    return {} if platform in names else {"platform_type": f"Choose one of: {', '.join(names)}."}


def _check_connection(new: NewClient) -> dict[str, str]:
    wrong: dict[str, str] = {}
    wrong |= check_platform(new.platform)
    if not 1 <= len(new.connection_name.strip()) <= 100:
        wrong["connection_name"] = "Enter a name of 1 to 100 characters, such as Main store."
    if new.frequency not in stores.FREQUENCIES:
        wrong["sync_frequency"] = f"Choose one of: {', '.join(stores.FREQUENCIES)}."
    return wrong


def masked(platform: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """Credentials as they may be shown or audited."""
    shown, secret = split(platform, credentials) if platform else ({}, {})
    return {**shown, **{name: mask(value) for name, value in secret.items()}}


async def create_client(rt: Runtime, who: Principal, new: NewClient) -> Created:
    """Test the connection, then create everything. A failed test raises with the platform's advice and creates nothing.

    The organization is made first and disabled (its data key must exist to seal the credentials); everything else,
    and enabling it, is one transaction.
    """
    email, credentials = await check(rt, new)
    test: ConnectionTest | None = None
    if new.platform:
        test = await stores.test_credentials(rt, new.platform, credentials)
        if not test.success:
            raise Permanent(
                "The store could not be connected, so nothing was created.",
                advice=" ".join(test.advice),
                code="CONNECTION_TEST_FAILED",
                details={"connection_test": test},
            )
    facts = test.store if test else None
    async with scope.platform(rt.database, "make a client's organization") as tx:
        org_id = await tenancy.create_organization(
            tx,
            name=new.company_name.strip(),
            reporting_currency=(facts.currency if facts else None) or "USD",
            timezone=(facts.timezone if facts else None) or "UTC",
        )
        await tx.sql.execute("UPDATE organizations SET disabled_at = now() WHERE id = $1", org_id)
    try:
        return await _furnish(rt, who, new, org_id=org_id, email=email, credentials=credentials, test=test)
    except BaseException:
        async with scope.platform(rt.database, "undo a client that could not be created") as tx:
            await tx.sql.execute("DELETE FROM organizations WHERE id = $1 AND disabled_at IS NOT NULL", org_id)
        raise


async def _furnish(
    rt: Runtime,
    who: Principal,
    new: NewClient,
    *,
    org_id: UUID,
    email: str,
    credentials: dict[str, str],
    test: ConnectionTest | None,
) -> Created:
    invitation: str | None = None
    async with scope.platform(rt.database, "create a client") as tx:
        user_id = await accounts.create_user(
            tx, email=email, password=None if new.invite else new.password, must_change_password=not new.invite
        )
        await accounts.set_membership(tx, org_id, user_id, "owner")
        if new.invite:
            token = await invite(tx, org_id=org_id, user_id=user_id, role="owner", invited_by=who.user_id)
            invitation = f"{rt.settings.base_url}/invitation/{token}"
        await tx.sql.execute("UPDATE organizations SET disabled_at = NULL WHERE id = $1", org_id)
        connection_id: int | None = None
        run: tuple[int, str] | None = None
        if new.platform:
            connection_id = await stores.create_connection(
                rt,
                tx,
                org_id=org_id,
                platform=new.platform,
                name=new.connection_name.strip(),
                credentials=credentials,
                frequency=new.frequency,
                created_by=who.user_id,
            )
            if test is not None:
                await stores.record_test(tx, connection_id, test, rt.clock())
            run = await jobs.request_sync(tx, org_id=org_id, connection_id=connection_id, trigger="first")
        await audited(
            tx,
            who,
            "client.create",
            target=new.company_name.strip(),
            org_id=org_id,
            after={
                "email": email,
                "platform": new.platform or None,
                "connection": new.connection_name if new.platform else None,
                "invited": new.invite,
                "credentials": masked(new.platform, credentials),
            },
        )
    return Created(
        org_id=org_id,
        user_id=user_id,
        invitation_url=invitation,
        connection_id=connection_id,
        test=test,
        run=run,
    )
