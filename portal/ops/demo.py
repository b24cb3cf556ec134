"""The demo: sandbox stores, three organizations with their logins, and a first sync by the real worker over HTTP."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import UUID

import aiohttp
import msgspec
import structlog

from portal.accounts import service as accounts
from portal.audit import trail
from portal.compose import close_runtime, open_runtime
from portal.foundation.errors import StartupError
from portal.foundation.runtime import Runtime
from portal.foundation.settings import Settings
from portal.ops.crew import Crew, Member
from portal.ops.demo_cast import ORDERS, ORGANIZATIONS, PEOPLE, SHOPS, Person, Shop, load_secrets, specs, write_private
from portal.ops.demo_files import take_over, upload_export
from portal.ops.demo_keys import credentials_of, where_platforms_are
from portal.ops.demo_moves import follow_sandbox
from portal.ops.demo_rates import give_rates
from portal.ops.environment import environment_of
from portal.stores import service as stores
from portal.sync import jobs
from portal.tenancy import service as tenancy
from portal.tenancy.scope import platform

_log = structlog.get_logger("portal.demo")
_FILLED_SECONDS = 120.0


class Demo:
    """`prepare` before the worker starts, `filled` once it runs, `finish` when the portal is ready."""

    def __init__(self, settings: Settings, crew: Crew) -> None:
        self._crew = crew
        self._secrets, self._fresh = load_secrets(settings.data_dir)
        self._sandbox = f"http://127.0.0.1:{self._secrets.sandbox_port}"
        allow = f"127.0.0.1:{self._secrets.sandbox_port}"
        self._settings = settings.model_copy(
            update={
                "outbound_allow": tuple(dict.fromkeys((*settings.outbound_allow, allow))),
                "demo": True,
                **where_platforms_are(self._sandbox),
            }
        )

    async def prepare(self) -> Settings:
        """Start the sandbox and make what is missing. Gives the settings for web and worker."""
        await self._start_sandbox()
        runtime = await open_runtime(self._settings)
        try:
            organizations = {name: await _organization(runtime, name) for name in ORGANIZATIONS}
            owners = {}
            for person in PEOPLE:
                user_id = await self._person(runtime, person, organizations)
                if person.role == "owner":
                    owners[person.organization] = user_id
            for shop in SHOPS:
                await self._connect(runtime, shop, organizations[shop.organization], owners[shop.organization])
            for org_id in organizations.values():
                await give_rates(runtime, org_id)
            for shop in SHOPS:
                if shop.shadow:
                    owner = owners[shop.organization]
                    url = f"{self._sandbox}/{shop.store}"
                    await upload_export(runtime, url, organizations[shop.organization], owner)
            await follow_sandbox(runtime, self._sandbox)
        finally:
            await close_runtime(runtime)
        return self._settings

    async def filled(self, stop: asyncio.Event) -> None:
        """Until every demo store has been synced once. After two minutes the portal is given as it is, with a warning."""
        runtime = await open_runtime(self._settings)
        until = time.monotonic() + _FILLED_SECONDS
        try:
            while not stop.is_set():
                async with platform(runtime.database, "demo waits for its first syncs", read_only=True) as scope:
                    waiting = await scope.sql.fetchval(
                        "SELECT count(*) FROM client_api_credentials c JOIN organizations o ON o.id = c.org_id"
                        " WHERE o.is_demo AND c.polled AND c.status = 'active' AND c.last_success_at IS NULL"
                    )
                if not await take_over(runtime) and not waiting:
                    return
                if time.monotonic() > until:
                    _log.warning("demo_not_filled_yet", advice="look at /stores and at the lines above")
                    return
                await asyncio.sleep(0.2)
        finally:
            await close_runtime(runtime)

    def finish(self) -> list[str]:
        """Write `<data-dir>/demo.json`; gives the lines that tell the logins."""
        made = specs()
        told = {
            "url": self._settings.base_url,
            "logins": {
                person.part: {"email": person.email, "password": self._secrets.passwords[person.part]}
                for person in PEOPLE
            },
            "sandbox": {
                "url": self._sandbox,
                # One of each platform, as the forms ask for it.
                "stores": {shop.platform: credentials_of(made[shop.store], self._sandbox) for shop in reversed(SHOPS)},
            },
        }
        write_private(self._settings.data_dir / "demo.json", msgspec.json.format(msgspec.json.encode(told)) + b"\n")
        lines = [f"  {p.part:<12} {p.email:<30} {self._secrets.passwords[p.part]}" for p in PEOPLE]
        return [*lines, f"  sandbox      {self._sandbox}/_control places orders, refunds, failures"]

    async def _start_sandbox(self) -> None:
        arguments = ["sandbox", "--port", str(self._secrets.sandbox_port), "--orders", str(ORDERS), "--seed", "1"]
        arguments += ["--generous", "--stores", ",".join(f"{shop.platform}:{shop.store}" for shop in SHOPS)]
        arguments += ["--data-dir", str(self._settings.data_dir)]
        environ = environment_of(self._settings)
        await self._crew.start(Member(name="sandbox", arguments=arguments, environ=environ, stops=2, quiet=True))
        until = time.monotonic() + 30
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while time.monotonic() < until:
                try:
                    async with session.get(f"{self._sandbox}/{SHOPS[0].store}/") as answer:
                        if answer.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError, OSError):
                    pass
                await asyncio.sleep(0.05)
        raise StartupError("The demo's sandbox did not answer within 30 s; see the lines above.")

    async def _person(self, runtime: Runtime, person: Person, organizations: dict[str, UUID]) -> UUID:
        password = self._secrets.passwords[person.part]
        async with platform(runtime.database, "make the demo's users") as scope:
            user_id: UUID | None = await scope.sql.fetchval("SELECT id FROM users WHERE email = $1", person.email)
            if user_id is None:
                user_id = await accounts.create_user(
                    scope,
                    email=person.email,
                    name=person.name,
                    password=password,
                    is_superadmin=person.organization is None,
                )
                if person.organization is not None:
                    await accounts.set_membership(scope, organizations[person.organization], user_id, person.role)
            elif self._fresh:  # the kept passwords were lost: the demo's users get the new ones
                await accounts.set_password(scope, user_id, password)
            return user_id

    async def _connect(self, runtime: Runtime, shop: Shop, org_id: UUID, owner: UUID) -> None:
        spec = specs()[shop.store]
        async with platform(runtime.database, "look for the demo's stores", read_only=True) as scope:
            known = await scope.sql.fetch(
                "SELECT connection_name FROM client_api_credentials WHERE org_id = $1", org_id
            )
        if shop.connection in {row["connection_name"] for row in known}:
            return
        credentials = stores.validate_credentials(shop.platform, credentials_of(spec, self._sandbox))
        test = await stores.test_credentials(runtime, shop.platform, credentials)
        if not test.success:
            raise StartupError(f"The sandbox store {shop.store} could not be connected: {' '.join(test.advice)}")
        async with platform(runtime.database, "connect the demo's stores") as scope:
            if not known:
                await tenancy.set_store_facts(scope, org_id, spec.currency, spec.timezone)
            connection_id = await stores.create_connection(
                runtime,
                scope,
                org_id=org_id,
                platform=shop.platform,
                name=shop.connection,
                credentials=credentials,
                frequency="hourly",
                created_by=owner,
                shadow=shop.shadow,
            )
            await stores.record_test(scope, connection_id, test, runtime.clock())
            await jobs.request_sync(scope, org_id=org_id, connection_id=connection_id, trigger="first")
            await _tell(scope, "store.connect", shop.connection, org_id)


async def _organization(runtime: Runtime, name: str) -> UUID:
    async with platform(runtime.database, "make the demo's organizations") as scope:
        found: UUID | None = await scope.sql.fetchval("SELECT id FROM organizations WHERE is_demo AND name = $1", name)
        if found is None:
            found = await tenancy.create_organization(scope, name=name, is_demo=True)
            await _tell(scope, "organization.create", name, found)
        return found


async def _tell(scope: Any, action: str, target: str, org_id: UUID) -> None:
    await trail.record(
        scope, actor="portal up --demo", actor_id=None, role="system", action=action, target=target, org_id=org_id
    )
