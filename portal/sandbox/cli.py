"""`portal sandbox`: serves stores to try the portal against."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click

from portal.sandbox.chaos.storm import CHANGES, INTENSITY
from portal.sandbox.server import Sandbox
from portal.sandbox.spec import MAX_ORDERS, PLATFORMS, SandboxStoreSpec


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8801, show_default=True, type=click.IntRange(0, 65_535), help="0 takes a free one.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same stores.")
@click.option("--orders", default=2_000, show_default=True, type=click.IntRange(0, MAX_ORDERS), help="Per store.")
@click.option(
    "--stores",
    default="woocommerce",
    show_default=True,
    help="Names, separated by commas; a platform may stand before each (shopify:berlin), WooCommerce without one.",
)
@click.option("--generous", is_flag=True, help="Shopify and Amazon with limits that a small store need not wait for.")
@click.option("--chaos", type=click.IntRange(0), help="Mix all faults and changes at random from this seed.")
@click.option(
    "--chaos-stores", default="", help="Only in these stores, by name, separated by commas; without it in all."
)
@click.option(
    "--intensity",
    default=INTENSITY,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Faults per request in a storm.",
)
@click.option(
    "--changes",
    default=CHANGES,
    show_default=True,
    type=click.FloatRange(0, 20),
    help="Changes of a store per request.",
)
@click.option("--tls", is_flag=True, help="Serve https with a certificate of its own authority.")
@click.option("--basic-over-http", is_flag=True, help="Accept Basic keys over plain http too.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Keep the stores in `sandbox/` of this folder.")
@click.option("--state-dir", type=click.Path(file_okay=False, path_type=Path), help="Keep the stores here.")
def command(  # noqa: PLR0917 - click passes them by name
    host: str,
    port: int,
    seed: int,
    orders: int,
    stores: str,
    generous: bool,
    chaos: int | None,
    chaos_stores: str,
    intensity: float,
    changes: float,
    tls: bool,
    basic_over_http: bool,
    data_dir: Path | None,
    state_dir: Path | None,
) -> None:
    """Serve stores of several platforms with a control page at / and the truth at /_truth."""
    try:
        specs = [
            _spec(name.strip(), seed + place, orders, basic_over_http, generous)
            for place, name in enumerate(stores.split(","))
        ]
        sandbox = Sandbox(specs, state_dir=state_dir or (data_dir and data_dir / "sandbox"))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--stores") from error
    stormy = [each.strip() for each in chaos_stores.split(",") if each.strip()] or [spec.name for spec in specs]
    if unknown := sorted(set(stormy) - {spec.name for spec in specs}):
        raise click.BadParameter(f"there is no store {unknown[0]!r}", param_hint="--chaos-stores")

    def begin() -> None:
        for name in stormy if chaos is not None else ():
            sandbox.chaos(name).start(chaos or 0, intensity, changes)

    asyncio.run(_run(sandbox, host, port, tls, begin))


def _spec(given: str, seed: int, orders: int, basic_over_http: bool, generous: bool) -> SandboxStoreSpec:
    """A store by its name, `platform:name`, or the name of a platform alone. Raises ValueError."""
    platform, _, name = given.rpartition(":")
    if not platform:
        platform = name if name in PLATFORMS else PLATFORMS[0]
    known = next((each for each in PLATFORMS if each == platform), None)
    if known is None:
        raise ValueError(f"platform: {platform!r} must be one of {', '.join(PLATFORMS)}")
    made = SandboxStoreSpec(name, seed, orders, basic_over_http=basic_over_http, platform=known)
    return made.generously() if generous else made


async def _run(sandbox: Sandbox, host: str, port: int, tls: bool, begin: Callable[[], None]) -> None:
    try:
        await sandbox.start(host, port, tls=tls)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    begin()
    # The rows live as long as the process: without this the collector walks a million of them during answers.
    gc.collect()
    gc.freeze()
    click.echo(f"sandbox {sandbox.url}")
    if sandbox.ca_file is not None:
        click.echo(f"  certificate authority: {sandbox.ca_file}")
    for site in sandbox.sites:
        spec = site.store.spec
        if spec.platform == "woocommerce":
            click.echo(f"  {site.store.site_url} key {spec.consumer_key} secret {spec.consumer_secret}")
        else:
            facts = ", ".join(f"{label} {value}" for label, value in site.facts)
            click.echo(f"  {site.store.site_url} ({spec.platform}): {facts}")
    stopped = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    try:
        await stopped.wait()
    finally:
        await sandbox.stop()
