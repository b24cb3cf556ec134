"""`pip install .`: the wheel carries templates, static files, migrations and configuration, and works elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.command import ROOT, clean_environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, as pip does, with what is installed: no network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "var", "tests", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, source, ignore=ignored)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh environment with the wheel; its dependencies come from ours by one line in a .pth file."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "env", with_pip=False)
    packages = folder / "env/lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    # --target with our pip: the fresh environment has none, which makes it quick.
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(packages)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True, timeout=60)
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    yield folder
    shutil.rmtree(folder)


def run(elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    python = elsewhere / "env/bin/python"
    return subprocess.run(
        [python, "-m", "portal", *arguments],
        cwd=elsewhere,
        env=clean_environment(PYTHONPATH=""),
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )


def test_everything_that_is_not_python_travels_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "static", "migrations"):
        wanted = {
            f"portal/_resources/{path.relative_to(ROOT).as_posix()}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert wanted <= names, sorted(wanted - names)[:5]
    assert "portal/_resources/hypercorn.toml" in names
    assert not [name for name in names if name.startswith(("tests/", "requirements/", "migrations/"))]


def test_its_dependencies_are_pinned_and_there_is_a_console_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    metadata = archive.read(next(n for n in archive.namelist() if n.endswith("METADATA"))).decode()
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:")]
    direct = [line for line in (ROOT / "requirements/base.in").read_text().splitlines() if line.strip()]
    assert len(required) == len(direct)
    assert all("==" in line for line in required)
    points = archive.read(next(n for n in archive.namelist() if n.endswith("entry_points.txt"))).decode()
    assert "portal = portal.cli:main" in points


def test_the_installed_command_works_outside_of_the_checkout(elsewhere: Path, data_dir: Path) -> None:
    helped = run(elsewhere, "--help")
    assert helped.returncode == 0, helped.stderr
    assert "doctor" in helped.stdout
    check = run(elsewhere, "migrate", "--check", "--data-dir", str(data_dir))
    assert check.returncode == 1, check.stderr
    assert "missing 0001_ground" in check.stdout
    ran = run(elsewhere, "migrate", "--data-dir", str(data_dir))
    assert ran.returncode == 0, ran.stderr
    assert run(elsewhere, "migrate", "--check", "--data-dir", str(data_dir)).stdout == "up to date\n"
