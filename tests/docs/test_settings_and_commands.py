from __future__ import annotations

import importlib
import re

import click
import pytest

from portal.cli import COMMANDS
from portal.cli import portal as root_command
from portal.foundation.settings import Settings
from tests.docs.reading import ROOT, all_text, blocks, rows, section, spans, text

ALIASES = {str(field.alias): field for field in Settings.model_fields.values()}
OPERATIONS = "docs/operations.md"
SETTING_ROWS = list(rows(section(text(OPERATIONS), "Settings")))


def row_of(alias: str) -> list[str]:
    found = [row for row in SETTING_ROWS if f"`{alias}`" in row[0]]
    assert len(found) == 1, f"{alias} has {len(found)} rows in the settings of {OPERATIONS}"
    return found[0]


@pytest.mark.parametrize("alias", sorted(ALIASES))
def test_every_setting_is_in_the_table_of_settings_with_its_default(alias: str) -> None:
    row = row_of(alias)
    default = ALIASES[alias].default
    if default not in ("", None, ()):
        assert f"`{str(default).lower()}`" in row[1], f"the default of {alias} is {default}"


def test_no_document_speaks_of_a_setting_that_is_none() -> None:
    named = set(re.findall(r"\b(?:PORTAL_[A-Z][A-Z_]*[A-Z]|DATABASE_[A-Z_]*URL|DATABASE_URL|REDIS_URL)\b", all_text()))
    known = set(ALIASES) | {f"{alias}_FILE" for alias in ALIASES}
    assert named <= known


def leaves() -> dict[str, click.Command]:
    """Every command one can run, by its words: `keys rotate`."""
    found: dict[str, click.Command] = {}
    context = click.Context(root_command)
    for name in COMMANDS:
        command = root_command.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= {f"{name} {inner}": each for inner, each in command.commands.items()}
        else:
            found[name] = command
    return found


def mentions() -> list[str]:
    """Every `portal …` in the documents, from the command on."""
    told = spans(all_text())
    for block in blocks(all_text(), "sh") + blocks(all_text(), ""):
        told += block.splitlines()
    commands = [each.partition(" #")[0] for each in told]
    found = [re.findall(r"(?:^|&& |\$\(|bin/)portal ([a-z]+[^&;|)>]*)", each) for each in commands]
    return [each.strip() for several in found for each in several]


@pytest.mark.parametrize("name", sorted(leaves()))
def test_every_command_is_explained(name: str) -> None:
    told = section(text(OPERATIONS), "Commands")
    assert re.search(rf"`portal {re.escape(name)}\b", told), f"{OPERATIONS} does not explain `portal {name}`"


def test_no_document_speaks_of_a_command_or_option_that_is_none() -> None:
    known = leaves()
    for mention in mentions():
        words = re.findall(r"^[a-z]+(?: [a-z]+)?", mention)[0].split()
        name = next((n for n in (" ".join(words), words[0]) if n in known), None)
        assert name is not None or words[0] in COMMANDS, f"`portal {mention}`"
        if name is None or name == "dbshell":
            continue  # a group as a whole, or options that are psql's
        options = {option for param in known[name].params for option in param.opts} | {"--help"}
        assert set(re.findall(r"--[a-z][a-z-]*", mention)) <= options, f"`portal {mention}`"


def test_every_command_module_is_there() -> None:
    for module, _ in COMMANDS.values():
        importlib.import_module(module)


def targets() -> set[str]:
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    return set(phony[1].split())


def offered() -> set[str]:
    """The targets that `make help` offers."""
    helped = re.findall(r'@echo "make ([^"\[]+)', (ROOT / "Makefile").read_text())
    return {name for line in helped for name in re.findall(r"[a-z]+", line.split("  ")[0])}


def test_every_target_that_make_help_offers_is_in_the_readme() -> None:
    told = set(re.findall(r"\bmake ([a-z]+)", text("README.md")))
    assert offered() <= told
    assert offered() <= targets()


def test_no_document_speaks_of_a_target_that_make_does_not_have() -> None:
    told = [block for language in ("", "sh") for block in blocks(all_text(), language)] + spans(all_text())
    named = {target for each in told for target in re.findall(r"(?:^|&& )make ([a-z]+)", each, re.MULTILINE)}
    assert named
    assert named <= targets()


def test_the_scripts_that_the_readme_runs_are_there() -> None:
    for script in re.findall(r"`bash ([\w./]+)`", text("README.md")):
        assert (ROOT / script).is_file()
