"""The command line: what it offers, and what it says when something is wrong."""

from __future__ import annotations

import base64
import json
from asyncio import to_thread
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from portal.cli import COMMANDS
from portal.foundation.server import listen
from portal.foundation.settings import Settings
from portal.ops import record
from portal.ops.doctor import NAMES
from portal.ops.installation import migrated, opened
from tests.ops.conftest import Portal


def test_help_names_every_command(portal: Portal) -> None:
    done = portal("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"  {name} " in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_takes_a_data_folder(name: str, portal: Portal) -> None:
    arguments = {"user": ["user", "create"], "keys": ["keys", "rotate"], "audit": ["audit", "verify"]}.get(name, [name])
    done = portal(*arguments, "--help")
    assert done.returncode == 0, done.stderr
    assert "--data-dir" in done.stdout


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"PORTAL_PORT": "99999"}, "PORTAL_PORT is not right: it should be a free port"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL is not right: it should be postgresql://"),
        ({"PORTAL_LOG_LEVEL": "loud"}, "PORTAL_LOG_LEVEL is not right"),
        ({"PORTAL_MASTER_KEYS_FILE": "/nowhere/key"}, "PORTAL_MASTER_KEYS_FILE: cannot read /nowhere/key"),
        (
            {"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x", "REDIS_URL": "redis://127.0.0.1:1/0"},
            "PORTAL_MASTER_KEYS is not set: make a key with `portal keys generate`",
        ),
    ],
)
def test_a_wrong_setting_is_one_line_that_says_what_would_be_right(
    environ: dict[str, str], names: str, portal: Portal, data_dir: Path
) -> None:
    done = portal("migrate", "--data-dir", str(data_dir), **environ)
    assert done.returncode == 2
    assert names in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_only_the_server_without_an_address_is_a_private_one(portal: Portal, data_dir: Path) -> None:
    done = portal("migrate", "--data-dir", str(data_dir), REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 0, done.stderr
    assert (data_dir / "postgres").is_dir()
    assert not (data_dir / "valkey").exists()


def test_a_server_that_does_not_answer_is_one_line(portal: Portal) -> None:
    done = portal(
        "migrate",
        DATABASE_URL="postgresql://u:hidden-word@127.0.0.1:1/x",
        REDIS_URL="redis://127.0.0.1:1/0",
        PORTAL_MASTER_KEYS=base64.b64encode(bytes(32)).decode(),
    )
    assert done.returncode == 2
    assert "PostgreSQL does not answer at DATABASE_URL" in done.stderr
    assert "hidden-word" not in done.stderr


def test_debug_shows_the_traceback(portal: Portal, data_dir: Path) -> None:
    done = portal(
        "migrate", "--data-dir", str(data_dir), DATABASE_URL="postgresql://u:p@127.0.0.1:1/x", PORTAL_LOG_LEVEL="debug"
    )
    assert done.returncode == 2
    assert "Traceback" in done.stderr


def test_a_port_in_use_is_told_before_anything_is_started(portal: Portal, data_dir: Path) -> None:
    with listen("127.0.0.1", 0) as bound:
        bound.listen()
        port = bound.getsockname()[1]
        done = portal("up", "--port", str(port), "--data-dir", str(data_dir))
    assert done.returncode == 2
    assert f"Port {port} on 127.0.0.1 is in use" in done.stderr
    assert not (data_dir / "postgres").exists()


def test_a_file_where_the_data_folder_should_be_is_told(portal: Portal, data_dir: Path) -> None:
    data_dir.write_text("")
    done = portal("migrate", "--data-dir", str(data_dir))
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_made_key_is_32_random_bytes_and_every_time_another(portal: Portal) -> None:
    first, second = portal("keys", "generate").stdout.strip(), portal("keys", "generate").stdout.strip()
    assert len(base64.b64decode(first, validate=True)) == 32
    assert first != second


def test_a_user_needs_a_place(portal: Portal) -> None:
    assert "--superadmin, or --org and --role" in portal("user", "create", "--email", "a@b.example").stderr
    assert "belong together" in portal("user", "create", "--email", "a@b.example", "--org", "X").stderr


def test_a_fresh_folder_is_migrated_and_checked_by_commands_that_start_the_servers_themselves(
    portal: Portal, data_dir: Path
) -> None:
    where = ("--data-dir", str(data_dir))
    unready = json.loads(portal("doctor", "--json", *where).stdout)
    assert not unready["ok"]
    assert any("portal migrate" in found["advice"] for found in unready["checks"])
    check = portal("migrate", "--check", *where)
    assert check.returncode == 1
    assert "missing 0001_ground" in check.stdout
    assert "ran 0001_ground" in portal("migrate", *where).stdout
    assert (data_dir / "secrets" / "master.key").stat().st_mode & 0o077 == 0
    assert not record.held(data_dir)


@pytest.fixture
async def where(data_dir: Path) -> AsyncIterator[tuple[str, str]]:
    """A migrated installation whose servers run, so that commands attach to them."""
    async with opened(Settings(data_dir=data_dir)) as installation:
        await migrated(installation.settings)
        yield "--data-dir", str(data_dir)


async def test_the_doctor_finds_a_migrated_installation_well(where: tuple[str, str], portal: Portal) -> None:
    assert (await to_thread(portal, "migrate", "--check", *where)).stdout == "up to date\n"
    doctor = await to_thread(portal, "doctor", "--json", *where)
    report = json.loads(doctor.stdout)
    assert report["ok"], doctor.stdout
    assert doctor.returncode == 0
    assert [found["name"] for found in report["checks"]] == list(NAMES)
    assert all(set(found) == {"name", "ok", "detail", "advice"} for found in report["checks"])


async def test_commands_on_a_database_that_was_never_migrated_say_what_to_do(data_dir: Path, portal: Portal) -> None:
    where = ("--data-dir", str(data_dir))
    async with opened(Settings(data_dir=data_dir)):
        for command, given in (
            (("token", "--email", "a@b.example"), ""),
            (("audit", "verify"), ""),
            (
                ("user", "create", "--superadmin", "--email", "a@b.example", "--password-stdin"),
                "correct horse battery\n",
            ),
        ):
            refused = await to_thread(portal, *command, *where, stdin=given)
            assert (refused.returncode, "Run `portal migrate` first" in refused.stderr) == (2, True), refused.stderr


@pytest.mark.timeout(300)  # eleven commands, each a process of its own
async def test_the_first_login_a_token_the_trail_and_the_shell(where: tuple[str, str], portal: Portal) -> None:
    create = ("user", "create", "--superadmin", "--password-stdin", *where, "--email")
    email, password = "root@portal.example", "correct horse battery\n"
    made = await to_thread(portal, *create, email, stdin=password)
    assert made.returncode == 0, made.stderr
    assert "already" in (await to_thread(portal, *create, email, stdin=password)).stderr
    assert "password: " in (await to_thread(portal, *create, "b@c.example", stdin="short\n")).stderr
    nowhere = await to_thread(portal, "token", "--email", email, "--org", "Nowhere", *where)
    assert "There is no organization 'Nowhere'" in nowhere.stderr
    token = await to_thread(portal, "token", "--email", email, *where)
    assert token.stdout.count(".") == 2, token.stderr
    assert (await to_thread(portal, "audit", "verify", *where)).stdout == "every chain is whole\n"
    witness = Path(where[1]).parent / "witness.json"
    noted = await to_thread(portal, "audit", "verify", "--witness", str(witness), *where)
    assert (noted.returncode, noted.stdout) == (0, "every chain is whole\n"), noted.stderr
    assert "platform" in json.loads(witness.read_text())
    witness.write_text('{"platform": [999, "00"]}')
    cut = await to_thread(portal, "audit", "verify", "--witness", str(witness), *where)
    assert (cut.returncode, "was cut off at its end" in cut.stdout) == (1, True), cut.stderr
    assert "0 data keys" in (await to_thread(portal, "keys", "rotate", *where)).stdout
    count = "SELECT current_user, count(*) FROM client_api_credentials"
    assert (await to_thread(portal, "dbshell", *where, "-Atc", count)).stdout.strip() == "portal_login|0"
    owner = await to_thread(portal, "dbshell", "--owner", *where, "-Atc", "SELECT count(*) FROM users")
    assert owner.stdout.strip() == "1"


def test_the_doctor_answers_in_its_shape_even_when_nothing_can_be_opened(portal: Portal) -> None:
    done = portal("doctor", "--json", DATABASE_URL="postgresql://u:p@127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert not report["ok"]
    assert {check["name"] for check in report["checks"]} == set(NAMES)
    assert any("portal keys generate" in check["advice"] for check in report["checks"])
