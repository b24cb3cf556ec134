"""The sandbox's HTTP server: several independent stores, one control desk, one truth."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from aiohttp import web

from portal.sandbox import certificate, page
from portal.sandbox.asking import Asking, BadControl
from portal.sandbox.chaos import desk
from portal.sandbox.chaos.storm import Chaos
from portal.sandbox.control import act
from portal.sandbox.keeping import Keeper
from portal.sandbox.order_file import orders_csv
from portal.sandbox.platforms import Action, Courier, Site, folder_of, open_site
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store
from portal.sandbox.truth import MAX_DAYS, truth

Json = dict[str, object]
_MAX_BODY = 32 * 1024 * 1024
_NO_CACHE = {"Cache-Control": "no-cache, must-revalidate, max-age=0, no-store, private"}


class Sandbox:
    """Serves the stores of some specs.

    Use it as `async with Sandbox([spec]) as sandbox:` in tests, or `start` and `stop` it. With `state_dir` each
    store is kept there and taken up again at the next start (with the sales of the time in between). Raises
    ValueError for two stores of one name, OSError when the port is taken.
    """

    def __init__(self, specs: Sequence[SandboxStoreSpec], *, state_dir: Path | None = None) -> None:
        if len({folder_of(spec) for spec in specs}) != len(specs) or len({spec.name for spec in specs}) != len(specs):
            raise ValueError("two stores have the same name")
        self._keeper = Keeper(state_dir)
        self._specs = specs
        self._sites: dict[str, Site] = {}
        self._chaos: dict[str, Chaos] = {}
        self._runner: web.AppRunner | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._saving: asyncio.Task[None] | None = None
        self.url = ""
        self.ca_file: Path | None = None

    async def __aenter__(self) -> Sandbox:
        if self._runner is None:
            await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, tls: bool = False) -> Sandbox:
        """Makes the stores and listens; `port=0` takes a free one. With `tls` it is https and `ca_file` is the
        authority to trust."""
        for spec in self._specs:
            site = self._sites[spec.name] = open_site(await asyncio.to_thread(self._keeper.load, spec))
            chaos = self._chaos[spec.name] = Chaos(site.store, site.actions)
            site.store.faults.source, site.store.fate = chaos.next_fault, chaos.next_delivery
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        context = None
        if tls:
            self._folder = tempfile.TemporaryDirectory(prefix="sandbox-tls-")
            self.ca_file, context = certificate.make(Path(self._folder.name))
        try:
            await web.TCPSite(self._runner, host, port, ssl_context=context).start()
        except OSError:
            await self.stop()
            raise
        bound = self._runner.addresses[0][1]
        self.url = f"{'https' if tls else 'http'}://{host}:{bound}"
        for site in self._sites.values():
            site.store.site_url = f"{self.url}/{site.folder}"
        self._saving = asyncio.create_task(self._keeper.run([site.store for site in self._sites.values()]))
        return self

    async def stop(self) -> None:
        """Stops listening and delivering, and keeps the stores where `state_dir` says."""
        if self._saving is not None:
            self._saving.cancel()
            with suppress(asyncio.CancelledError):
                await self._saving
            self._saving = None
        for site in self._sites.values():
            await site.courier.close()
            self._keeper.save(site.store)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    @property
    def stores(self) -> list[Store]:
        """All stores, in the order of their specs."""
        return [site.store for site in self._sites.values()]

    @property
    def sites(self) -> list[Site]:
        """All stores as their platforms show them."""
        return list(self._sites.values())

    def store(self, name: str) -> Store:
        """A store by name (`.site_url`, `.spec.consumer_key`). Raises KeyError."""
        return self._sites[name].store

    def courier(self, name: str) -> Courier:
        """What delivers a store's webhooks (`await .settled()`). Raises KeyError."""
        return self._sites[name].courier

    def chaos(self, name: str) -> Chaos:
        """The chaos of a store. Raises KeyError."""
        return self._chaos[name]

    def control(self, name: str, action: str, **given: object) -> Json:
        """The control desk from within the process. Raises BadControl, KeyError."""
        return act(self._sites[name].store, {"action": action, **given}, self._actions(name))

    def _actions(self, name: str) -> dict[str, Action]:
        return {**self._sites[name].actions, **desk.actions(self._chaos[name])}

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        head, _, below = request.path.lstrip("/").partition("/")
        if head in ("", "_control", "_truth", "_chaos", "_sandbox.css"):
            return await self._desk(request, head, self.sites)
        site = next((each for each in self.sites if head in (each.folder, each.store.spec.name)), None)
        if site is None:
            return web.Response(status=404, text=page.not_found("Sandbox"), content_type="text/html")
        if below in ("_control", "_truth", "_chaos"):
            return await self._desk(request, below, [site])
        if below == "_orders.csv":
            return web.Response(text=orders_csv(site.store), content_type="text/csv")
        if not below:
            return web.Response(text=page.storefront(site.store), content_type="text/html")
        answer = await site.serve(request, below)
        if answer is not None:
            return answer
        return web.Response(status=404, text=page.not_found(site.store.spec.title), content_type="text/html")

    async def _desk(self, request: web.Request, what: str, sites: list[Site]) -> web.Response:
        if what == "_sandbox.css":
            return web.Response(text=page.CSS, content_type="text/css")
        if what == "_truth":
            return self._truth(request, [site.store for site in sites])
        if what == "_chaos":
            return await self._steer(request, [site.store.spec.name for site in sites])
        if request.method != "POST":
            return web.Response(text=self._page(sites), content_type="text/html", headers=_NO_CACHE)
        form = not request.content_type.endswith("json")
        try:
            site, given = await self._wanted(request, sites, form=form)
            done = act(site.store, given, self._actions(site.store.spec.name))
        except BadControl as error:
            if form:
                text = self._page(sites, error=str(error))
                return web.Response(status=400, text=text, content_type="text/html")
            return _json(error.body, 400)
        if form:
            return web.Response(text=self._page(sites, done=done), content_type="text/html")
        return _json(done)

    def _page(self, sites: list[Site], **outcome: Any) -> str:
        return page.control_page(sites, {name: each.told() for name, each in self._chaos.items()}, **outcome)

    async def _steer(self, request: web.Request, names: list[str]) -> web.Response:
        """`GET /_chaos` tells what was dealt, `POST` (JSON) carries out an action of `chaos.desk` in all of these stores."""
        if request.method == "POST":
            try:
                given = await _object(request)
                asked = [Asking(given).word("store", "", names)] if given.get("store") else names
                for name in asked:
                    act(self._sites[name].store, {**given, "store": name}, desk.actions(self._chaos[name]))
            except BadControl as error:
                return _json(error.body, 400)
        return _json({"stores": {name: self._chaos[name].told() for name in names}})

    async def _wanted(
        self, request: web.Request, sites: list[Site], *, form: bool
    ) -> tuple[Site, Mapping[str, object]]:
        given: Mapping[str, object]
        if form:
            given = {name: str(value) for name, value in (await request.post()).items()}
        else:
            given = await _object(request)
        names = [site.store.spec.name for site in sites]
        name = Asking(given).word("store", names[0], names)
        return self._sites[name], given

    def _truth(self, request: web.Request, stores: list[Store]) -> web.Response:
        ask = Asking(dict(request.query))
        try:
            ask.only(("timezone", "days", "ids"))
            days = ask.integer("days", 60, 0, MAX_DAYS)
            zone = ask.text("timezone")
            if zone:
                ZoneInfo(zone)
            ids = ask.word("ids", "0", ("0", "1")) == "1"
        except BadControl as error:
            return _json(error.body, 400)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return _json(BadControl("timezone", "is not a known time zone", ("Europe/Berlin", "UTC")).body, 400)
        rows = [truth(store, timezone=zone, days=days, with_ids=ids) for store in stores]
        if request.path.lstrip("/").startswith("_truth"):
            return _json({"stores": {str(row["store"]): row for row in rows}})
        return _json(rows[0])


async def _object(request: web.Request) -> dict[str, object]:
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadControl("body", "must be a JSON object") from error


def _json(content: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")


async def serve(
    host: str,
    port: int,
    specs: Sequence[SandboxStoreSpec],
    *,
    tls: bool = False,
    state_dir: Path | None = None,
    ready: asyncio.Event | None = None,
) -> None:
    """Serves until cancelled; `ready` is set when the stores can be asked."""
    sandbox = Sandbox(specs, state_dir=state_dir)
    await sandbox.start(host, port, tls=tls)
    try:
        if ready is not None:
            ready.set()
        await asyncio.Event().wait()
    finally:
        await sandbox.stop()
