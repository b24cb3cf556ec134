"""The data folder: made, checked, locked for one portal, and a place for sockets whose path is short enough."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from portal.foundation.embedded.account import Account
from portal.foundation.embedded.failures import disk_full, folder_failure
from portal.foundation.errors import StartupError

# sun_path holds 108 bytes on Linux and 104 on macOS, a final NUL included.
_LONGEST_SOCKET_PATH = 103
_LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
_LOG_BYTES = 10 << 20


def prepare(data_dir: Path, min_free_bytes: int) -> None:
    """Make the data folder and its `logs`, and prove that it can be written. Raises StartupError."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / "logs").mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=data_dir) as probe:
            probe.write(b"x" * 4096)
    except OSError as error:
        raise folder_failure(error, data_dir, _whoami()) from error
    free = shutil.disk_usage(data_dir).free
    if free < min_free_bytes:
        raise disk_full(data_dir, free, min_free_bytes)


def lock(data_dir: Path) -> FileLock:
    """Take the folder for this process; the kernel releases it even after kill -9. Raises StartupError."""
    holder = data_dir / "portal.pid"
    taken = FileLock(data_dir / "portal.lock", timeout=0, thread_local=False)
    try:
        taken.acquire()
    except Timeout:
        raise StartupError(
            f"The data folder {data_dir} is in use by another portal{_describe(holder)}: "
            "stop that one first or choose another --data-dir."
        ) from None
    except OSError as error:
        raise folder_failure(error, data_dir, _whoami()) from error
    holder.write_text(json.dumps({"pid": os.getpid()}))
    return taken


def unlock(data_dir: Path, taken: FileLock) -> None:
    """Give the folder back."""
    (data_dir / "portal.pid").unlink(missing_ok=True)
    taken.release()


def socket_folder(data_dir: Path, account: Account) -> Path:
    """A private folder for sockets: in the data folder, or under the temporary one when that path is too long
    or on a file system without sockets. Its name follows from the data folder, so a later start finds it."""
    short = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    temporary = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108 - ownership is checked below
    candidates = [data_dir / "run", temporary / f"portal-{account.uid}-{short}"]
    if temporary != Path("/tmp"):  # noqa: S108
        candidates.append(Path("/tmp") / f"portal-{account.uid}-{short}")  # noqa: S108
    for folder in candidates:
        if len(os.fsencode(folder / _LONGEST_SOCKET_NAME)) <= _LONGEST_SOCKET_PATH and _usable(folder, account):
            return folder
    raise StartupError(
        f"No folder for the servers' sockets can be used (tried {', '.join(map(str, candidates))}): "
        "choose a --data-dir with a short path on a local disk."
    )


def rotate(log: Path) -> None:
    """Keep one older log, so that logs do not grow without bound over many starts."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))


def _usable(folder: Path, account: Account) -> bool:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
        # Somebody else may have made the folder under /tmp first: then it is not ours to trust.
        if not stat.S_ISDIR(state.st_mode) or state.st_uid not in (os.geteuid(), account.uid):
            return False
        folder.chmod(0o700)
        account.own(folder)
        with socket.socket(socket.AF_UNIX) as probe:
            name = folder / ".probe"
            name.unlink(missing_ok=True)
            probe.bind(str(name))
            name.unlink()
    except OSError:
        return False
    return True


def _describe(holder: Path) -> str:
    try:
        return f" (process {int(json.loads(holder.read_text())['pid'])})"
    except (OSError, ValueError, KeyError):
        return ""


def _whoami() -> str:
    return "root" if os.geteuid() == 0 else f"number {os.geteuid()}"
