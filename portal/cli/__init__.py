"""The `portal` command. Each command is a small module, imported only when it runs, so that `--help` is quick."""

from __future__ import annotations

import importlib
import os
import sys
from typing import NoReturn

import click

from portal import __version__ as portal_version

COMMANDS = {
    "up": ("portal.cli.up", "Everything: servers, migrations, web and worker; --demo adds demo stores."),
    "web": ("portal.cli.serve", "The web server alone."),
    "worker": ("portal.cli.serve", "A worker alone: syncs, schedules, webhooks."),
    "migrate": ("portal.cli.migrate", "Bring the database up to date (--check only looks)."),
    "doctor": ("portal.cli.doctor", "Check this installation and say what to do."),
    "user": ("portal.cli.user", "Users: `user create`."),
    "token": ("portal.cli.token", "Print an access token for scripts."),
    "keys": ("portal.cli.keys", "Master keys: `keys generate`, `keys rotate`."),
    "audit": ("portal.cli.audit", "The audit trail: `audit verify`."),
    "dbshell": ("portal.cli.dbshell", "Open psql on the database."),
    "sandbox": ("portal.sandbox.cli", "Serve stores to try the portal against."),
    "bench": ("portal.bench.cli", "Measure the portal against its floors."),
}
"""Command -> module and one line of help. The module offers it under its own name or as `command`."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        found: click.Command = getattr(module, cmd_name, None) or module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(portal_version, prog_name="portal")
def portal() -> None:
    """The commerce portal. Settings come from PORTAL_* variables; see docs/operations.md."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command. What goes wrong is one line on stderr and exit code 2; PORTAL_LOG_LEVEL=debug shows where."""
    from portal.ops.crew import follow_parent

    follow_parent()
    try:
        sys.exit(portal.main(arguments, prog_name="portal", standalone_mode=False) or 0)
    except click.exceptions.Exit as wanted:
        sys.exit(wanted.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(2)
    except Exception as error:
        _explain(error)
        sys.exit(2)


def _explain(error: Exception) -> None:
    from portal.foundation.errors import PortalError
    from portal.foundation.redaction import redact

    if os.environ.get("PORTAL_LOG_LEVEL", "").lower() == "debug":
        import traceback

        click.echo(redact("".join(traceback.format_exception(error))), err=True)
    if isinstance(error, PortalError):
        fields = "; ".join(f"{name}: {reason}" for name, reason in getattr(error, "fields", {}).items())
        click.echo(f"portal: {error.message}{f' {fields}' if fields else ''}", err=True)
    else:
        kind = type(error).__name__
        click.echo(redact(f"portal: {kind}: {error} (PORTAL_LOG_LEVEL=debug shows where)"), err=True)
