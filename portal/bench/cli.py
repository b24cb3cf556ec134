"""The `portal bench` command."""

from __future__ import annotations

import asyncio
import platform
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
import structlog
import uvloop

from portal.bench.finding import Report

NAMES = ("cached-tile", "uncached-tile", "ingest", "backfill", "replay", "webhooks", "fan-out")


@click.command("bench")
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="Only this one; may be given several times.")
@click.option("--quick", is_flag=True, help="Small sizes: shows that it works, the numbers mean little.")
@click.option("--full", is_flag=True, help="The long sizes too: a backfill of 50,000 orders.")
@click.option("--profile", is_flag=True, help="Afterwards, show where the measured process spends its time.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the findings here too."
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Make the scratch folder here: the disk to measure.")
def command(only: tuple[str, ...], json_file: Path | None, data_dir: Path | None, **how: bool) -> None:
    """Measure the portal against its floors, each in one run on scratch servers of its own.

    The exit code says nothing of speed: machines differ, a build must not fail by the clock.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(_run(only or NAMES, data_dir, **how))
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


async def _run(names: tuple[str, ...], data_dir: Path | None, *, quick: bool, full: bool, profile: bool) -> Report:
    from portal.bench.backfill import measure as backfill
    from portal.bench.cached_tile import measure as cached_tile
    from portal.bench.fan_out import measure as fan_out
    from portal.bench.ground import ground
    from portal.bench.ingest import measure as ingest
    from portal.bench.plan import Plan
    from portal.bench.replay import measure as replay
    from portal.bench.uncached_tile import measure as uncached_tile
    from portal.bench.webhooks import measure as webhooks

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    measures = (cached_tile, uncached_tile, ingest, backfill, replay, webhooks, fan_out)
    benches = dict(zip(NAMES, measures, strict=True))
    failed: dict[str, str] = {}
    async with ground(data_dir) as scratch:
        plan = Plan(
            quick=quick,
            full=full,
            profile=profile,
            settings=scratch.settings,
            admin_url=scratch.admin_url,
            folder=scratch.folder,
            say=click.echo,
        )
        for name in names:
            click.echo(name)
            try:
                await benches[name](plan)
            except Exception as error:  # the others are still worth measuring
                failed[name] = f"{type(error).__name__}: {error}"
                click.echo(f"  could not be measured: {failed[name]}", err=True)
            finally:
                await plan.dismiss()
        return Report(
            at=datetime.now(UTC),
            quick=quick,
            python=platform.python_version(),
            findings=plan.findings,
            failed=failed,
            profiles=plan.profiles,
        )
