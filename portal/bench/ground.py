"""The scratch installation a run measures on: private servers in a temporary folder, migrated, gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from portal.foundation.settings import Settings, load_settings
from portal.ops.installation import migrated, opened


@dataclass(frozen=True)
class Ground:
    """`settings` serve (unprivileged), `admin_url` is the superuser's connection to the same database."""

    settings: Settings
    admin_url: str
    folder: Path


def _folder(below: Path | None) -> Path:
    if below is not None:
        below.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="portal-bench-", dir=below))
    folder.chmod(0o711)  # the servers run as an account of their own
    return folder


@asynccontextmanager
async def ground(below: Path | None = None) -> AsyncIterator[Ground]:
    """Durable servers as `portal up` runs them; tokens that outlive the run. The environment is not read.

    `below` is where the scratch folder is made, the temporary folder by default: the disk that is measured.
    """
    folder = _folder(below)
    try:
        wanted = load_settings({}, data_dir=folder / "var", access_token_minutes=1440, log_format="json")
        async with opened(wanted) as installation:
            admin_url = installation.settings.database_url
            settings, _ = await migrated(installation.settings)
            yield Ground(settings, admin_url, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
