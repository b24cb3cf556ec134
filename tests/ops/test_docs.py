"""What the README and docs/operations.md say is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import click

from portal.cli import portal
from portal.foundation.settings import Settings
from portal.ops.doctor import NAMES

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_every_setting_is_in_the_table_and_no_other() -> None:
    known = {str(field.alias) for field in Settings.model_fields.values()}
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", OPERATIONS, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert documented == known


def test_every_variable_that_the_docs_name_exists() -> None:
    known = {str(field.alias) for field in Settings.model_fields.values()}
    named = set(re.findall(r"\b(?:PORTAL|DATABASE|REDIS)_[A-Z_]*[A-Z]\b", OPERATIONS + README))
    assert {name.removesuffix("_FILE") if name.removesuffix("_FILE") in known else name for name in named} <= known


def test_every_command_is_documented_and_every_documented_one_exists() -> None:
    context = click.Context(portal)
    known = set()
    for name in portal.list_commands(context):
        command = portal.get_command(context, name)
        subcommands = sorted(command.commands) if isinstance(command, click.Group) else [""]
        known |= {f"portal {name} {sub}".strip() for sub in subcommands}
    table = OPERATIONS.split("## Commands")[1].split("## Settings")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    documented = {re.sub(r" [\[<-].*", "", found) for cell in cells for found in re.findall(r"`([^`]+)`", cell)}
    assert documented == known


def test_every_make_target_is_in_the_readme() -> None:
    targets = set(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split()) - {"browser"}
    assert {target for target in targets if f"make {target}" not in README} == set()


def test_the_doctor_looks_at_what_the_docs_say() -> None:
    row = next(line for line in OPERATIONS.splitlines() if line.startswith("| `portal doctor"))
    spoken = row.replace("row-level security", "rls").replace("Redis", "redis").replace("outbound rules", "outbound")
    assert [name for name in NAMES if name not in spoken] == []


def test_every_page_that_the_docs_link_to_exists() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
    missing = [
        f"{page.relative_to(ROOT)} -> {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / link).exists()
    ]
    assert missing == []


def test_every_room_is_on_the_map() -> None:
    rooms = {path.parent.name for path in (ROOT / "portal").glob("*/__init__.py")}
    assert {room for room in rooms if f"portal/{room}/" not in README} == set()


def test_ci_runs_what_the_readme_says() -> None:
    assert "bash .ci/run" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text()
