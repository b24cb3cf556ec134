"""`portal user`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from portal.cli.opened import opened_runtime
from portal.cli.options import data_dir_option, run, settings_for
from portal.foundation.settings import Settings

ROLES = ("owner", "member", "operator", "agent")


@click.group("user")
def user() -> None:
    """Users of the portal."""


@user.command("create")
@click.option("--email", required=True)
@click.option("--name", default="", help="How the portal addresses this person.")
@click.option("--superadmin", is_flag=True, help="Runs the portal: sees every client.")
@click.option("--org", help="An organization's id or exact name.")
@click.option("--role", type=click.Choice(ROLES), help="The role in that organization.")
@click.option("--password-stdin", is_flag=True, help="Read the password from the first line of standard input.")
@data_dir_option
def create(**given: Any) -> None:
    """Create a user who can sign in. Asks for the password; nothing secret is ever an argument."""
    if bool(given["org"]) != bool(given["role"]):
        raise click.UsageError("--org and --role belong together.")
    if not given["superadmin"] and not given["org"]:
        raise click.UsageError("Say what the user is: --superadmin, or --org and --role.")
    data_dir: Path | None = given.pop("data_dir")
    if given.pop("password_stdin"):
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    user_id = run(_create(settings_for(data_dir), password, **given))
    click.echo(f"created {given['email']} ({user_id})")


async def _create(
    settings: Settings, password: str, *, email: str, name: str, superadmin: bool, org: str | None, role: str | None
) -> UUID:
    from portal.accounts import service
    from portal.audit import trail
    from portal.tenancy.scope import platform

    async with opened_runtime(settings) as runtime, platform(runtime.database, "portal user create") as scope:
        org_id = await find_organization(scope, org) if org else None
        user_id = await service.create_user(scope, email=email, name=name, password=password, is_superadmin=superadmin)
        if org_id is not None and role is not None:
            await service.set_membership(scope, org_id, user_id, role)
        await trail.record(
            scope,
            actor="portal user create",
            actor_id=None,
            role="system",
            action="user.create",
            target=email,
            org_id=org_id,
            after={"superadmin": superadmin, "role": role},
        )
        return user_id


async def find_organization(scope: Any, text: str) -> UUID:
    """An organization by id or exact name. Raises `Missing` with what there is."""
    from portal.foundation.errors import Missing

    rows = await scope.sql.fetch("SELECT id, name FROM organizations WHERE id::text = $1 OR name = $1", text)
    if len(rows) == 1:
        found: UUID = rows[0]["id"]
        return found
    if rows:
        raise Missing(f"{len(rows)} organizations are called {text!r}: give the id, {rows[0]['id']} for instance.")
    names = await scope.sql.fetch("SELECT name FROM organizations ORDER BY name LIMIT 10")
    raise Missing(f"There is no organization {text!r}; there are: {', '.join(r['name'] for r in names) or 'none yet'}.")
