"""Which operating system account the servers run as. PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from portal.foundation.errors import StartupError

_PREFERRED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An unprivileged account to start servers as; `switches` when it is not the one we are."""

    uid: int
    gid: int
    name: str
    switches: bool

    @property
    def user(self) -> int | None:
        """What a subprocess switches to; None keeps ours. `group` and `extra_groups` likewise."""
        return self.uid if self.switches else None

    @property
    def group(self) -> int | None:
        return self.gid if self.switches else None

    @property
    def extra_groups(self) -> list[int] | None:
        return [] if self.switches else None

    def own(self, path: Path) -> None:
        """Give a file or folder that we made to this account."""
        if self.switches:
            os.chown(path, self.uid, self.gid)


def server_account(existing_data: Path) -> Account:
    """The account for the servers: ourselves, or when we are root an unprivileged one.

    As root, data that already belongs to an ordinary account keeps it, so a folder made by `portal up` of a
    normal user still opens when root starts it later. Raises StartupError when there is no such account.
    """
    if os.geteuid() != 0:
        uid = os.geteuid()
        return Account(uid, os.getegid(), _name(uid), switches=False)
    if existing_data.exists() and (owner := existing_data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, _name(owner.st_uid), switches=True)
    for name in _PREFERRED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid, name, switches=True)
    raise StartupError(
        "PostgreSQL cannot run as root and this machine has neither an account `postgres` nor `nobody`: "
        "start the portal as an ordinary user."
    )


def open_way(account: Account, target: Path) -> list[Path]:
    """Let the account pass through the folders that lead to `target`; gives the folders that were changed.

    Only the right to pass (not to list or read) is added, only by root, only where it is missing: a clone
    made by root under a private folder (mktemp -d, /root) is otherwise out of reach of the server.
    """
    if not account.switches:
        return []
    changed = []
    for folder in reversed(target.resolve().parents):
        state = folder.stat()
        if not _may(account, state, stat.S_IXOTH):
            folder.chmod(stat.S_IMODE(state.st_mode) | stat.S_IXOTH)
            changed.append(folder)
    return changed


def make_readable(account: Account, folder: Path) -> None:
    """Let the account read and run an installed program folder that a strict umask has closed."""
    if not account.switches or _may(account, folder.stat(), stat.S_IXOTH | stat.S_IROTH):
        return
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def _may(account: Account, state: os.stat_result, other_bits: int) -> bool:
    if state.st_uid == account.uid:
        wanted = other_bits << 6
    elif state.st_gid == account.gid:
        wanted = other_bits << 3
    else:
        wanted = other_bits
    return state.st_mode & wanted == wanted


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
