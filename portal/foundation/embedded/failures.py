"""What the operating system or a server's log says, turned into one sentence of what to do."""

from __future__ import annotations

import errno
from pathlib import Path

from portal.foundation.errors import StartupError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)


def folder_failure(error: OSError, folder: Path, account: str) -> StartupError:
    """The sentence for an operating system error met while preparing `folder`."""
    if error.errno in _FULL:
        return disk_full(folder)
    if error.errno in _CLOSED:
        return StartupError(
            f"The data folder {folder} cannot be written by the account {account}: "
            "give it to that account or choose another --data-dir."
        )
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return StartupError(f"The data folder {folder} is, or lies below, a file: choose another --data-dir.")
    return StartupError(f"The data folder {folder} cannot be used ({error.strerror}): choose another --data-dir.")


def disk_full(folder: Path, free: int | None = None, needed: int | None = None) -> StartupError:
    """The sentence for a full disk; `free` and `needed` in bytes when known."""
    if free is None or needed is None:
        return StartupError(f"The disk of {folder} is full: free some space or choose another --data-dir.")
    return StartupError(
        f"Only {free >> 20} MB are free on the disk of {folder} and the servers need {needed >> 20} MB: "
        "free some space or choose another --data-dir."
    )


def server_failure(server: str, log: Path, output: str) -> StartupError:
    """The sentence for a server that ended while starting, from the tail of what it said."""
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return disk_full(log.parent)
    if "could not map anonymous shared memory" in output or "Cannot allocate memory" in output:
        return StartupError(f"{server} got no memory: free about 400 MB of memory, or set DATABASE_URL.")
    if "Permission denied" in output:
        return StartupError(
            f"{server} may not read its own data folder: make {log.parent} belong to one account again; see {log}."
        )
    if "is not compatible with this server" in output or "incompatible with server" in output:
        return StartupError(
            f"The data folder was written by another version of {server}: dump it with that version, "
            "move the folder aside and load the dump."
        )
    last = next((line for line in reversed(output.splitlines()) if line.strip()), "it said nothing")
    return StartupError(f"{server} did not start ({last.strip()[:200]}): the whole story is in {log}.")
