"""`portal doctor`."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from portal.cli.options import data_dir_option, run, settings_for


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@data_dir_option
def doctor(as_json: bool, data_dir: Path | None) -> None:
    """Look at every part and say what to do about what is wrong; exit code 1 when something is."""
    from portal.ops.doctor import examine

    report = run(examine(settings_for(data_dir)))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())
    else:
        for check in report.checks:
            click.echo(f"{'ok  ' if check.ok else 'BAD '} {check.name:<11} {check.detail}")
            if check.advice:
                click.echo(f"     {'':<11} -> {check.advice}")
    raise click.exceptions.Exit(0 if report.ok else 1)
