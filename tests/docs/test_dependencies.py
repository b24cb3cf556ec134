from __future__ import annotations

import json
import re
from importlib import metadata

import pytest

from tests.docs.reading import ROOT, rows, section, text

PAGE = text("docs/dependencies.md")
LISTS = {
    "base": "To run the portal (`requirements/base.in`)",
    "dev": "To work on it (`requirements/dev.in`)",
}


def required(name: str) -> set[str]:
    lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    names = (re.match(r"[A-Za-z0-9._-]+", line.strip()) for line in lines if not line.startswith("-r"))
    return {name[0].lower() for name in names if name}


def told(heading: str) -> dict[str, list[str]]:
    return {
        row[0].strip("`"): row
        for row in rows(section(PAGE, heading))
        if row[0] not in ("package", "file", "vendored file")
    }


@pytest.mark.parametrize("name", sorted(LISTS))
def test_every_direct_dependency_has_its_line_and_no_other_has_one(name: str) -> None:
    assert set(told(LISTS[name])) == required(name)


@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_line_says_what_for_and_against_what_it_was_weighed(name: str) -> None:
    for package, row in told(LISTS[name]).items():
        assert len(row) == 4, package
        assert all(len(cell) > 2 for cell in row), package


@pytest.mark.parametrize("package", sorted(required("base") | required("dev")))
def test_the_licence_is_the_one_that_the_installed_package_declares(package: str) -> None:
    try:
        declared = metadata.metadata(package).get("License-Expression")
    except metadata.PackageNotFoundError:  # needed by other versions of Python only
        declared = None
    row = (told(LISTS["base"]) | told(LISTS["dev"]))[package]
    assert re.fullmatch(r"[A-Za-z0-9.\- ]+", row[1])
    if declared is not None:
        assert row[1] == declared


def test_every_vendored_file_is_listed_with_the_licence_of_the_manifest() -> None:
    manifest = json.loads((ROOT / "static/vendor/MANIFEST.json").read_text())
    listed = told("Vendored (`static/vendor/`)")
    folders = {f"{each['name']}-{each['version']}": each["license"] for each in manifest.values()}
    assert {name for name in listed if "/" in name} == set(manifest)
    assert {name: row[1] for name, row in listed.items() if "/" not in name} == folders
