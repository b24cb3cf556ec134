"""Where uploaded files lie between upload and taking over: one folder per organization, readable by us alone.

The folder must be the same for web and worker processes; on several machines that is a shared volume.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from portal.foundation.settings import Settings

FORGOTTEN = 24 * 3600
"""Seconds after which the body of a request that died with its process is removed."""


def place(settings: Settings, org_id: UUID, upload_id: int) -> Path:
    """The file of an upload."""
    return settings.data_dir / "uploads" / str(org_id) / str(upload_id)


def keep(settings: Settings, org_id: UUID, upload_id: int, spooled: Path) -> None:
    """Keep a request's file. A second name costs nothing; the first goes with the request."""
    path = place(settings, org_id, upload_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    os.link(spooled, path)


def drop(settings: Settings, org_id: UUID, upload_id: int) -> None:
    """Remove the file of an upload; it may be gone already."""
    path = place(settings, org_id, upload_id)
    with suppress(FileNotFoundError, NotADirectoryError):
        path.unlink()
    with suppress(OSError):
        path.parent.rmdir()  # only when it is empty


def sweep(settings: Settings, now: float | None = None) -> int:
    """Remove what killed processes left in the folder of incoming bodies; how many."""
    removed, moment = 0, time.time() if now is None else now
    for path in (settings.data_dir / "uploads" / "incoming").glob("body-*"):
        with suppress(OSError):
            if moment - path.stat().st_mtime > FORGOTTEN:
                path.unlink()
                removed += 1
    return removed
