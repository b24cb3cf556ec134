"""Static files: vendored ones are what the manifest says; ours are small, load nothing from elsewhere, use known names."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "static"
VENDOR = STATIC / "vendor"
SHEETS = sorted((STATIC / "css").glob("*.css"))
SCRIPTS = sorted((STATIC / "js").glob("*.js"))
OURS = [*SHEETS, *SCRIPTS, STATIC / "icon.svg"]


def test_every_vendored_file_is_in_the_manifest_and_the_other_way_round() -> None:
    manifest = json.loads((VENDOR / "MANIFEST.json").read_text())
    there = {p.relative_to(VENDOR).as_posix() for p in VENDOR.rglob("*") if p.is_file()} - {"MANIFEST.json"}
    assert set(manifest) == there


def test_vendored_files_are_unchanged_named_by_version_and_licensed() -> None:
    for path, told in json.loads((VENDOR / "MANIFEST.json").read_text()).items():
        content = (VENDOR / path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == told["sha256"], path
        assert len(content) == told["bytes"]
        assert path.split("/")[0] == f"{told['name']}-{told['version']}"
        assert told["license"]
        assert (VENDOR / path.split("/")[0] / "LICENSE").is_file()


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.name)
def test_a_file_of_ours_refers_to_no_other_origin(path: Path) -> None:
    text = path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"(?:https?|wss?)://(?!\$)|@import|url\(['\"]?//", text)


@pytest.mark.parametrize("path", [*SHEETS, *SCRIPTS], ids=lambda path: path.name)
def test_a_file_of_ours_stays_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) < (200 if path.suffix == ".js" else 150)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_makes_no_code_or_markup_from_text(path: Path) -> None:
    assert not re.search(r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", path.read_text())


def test_every_custom_property_used_is_defined_and_every_token_used() -> None:
    text = "".join(path.read_text() for path in SHEETS)
    defined = set(re.findall(r"(?:^|[{;\s])(--[a-z0-9-]+)\s*:", text))
    used = set(re.findall(r"var\((--[a-z0-9-]+)", text))
    assert used - defined == set()
    assert defined - used == set()


def test_every_rule_stands_in_a_layer_of_the_declared_order() -> None:
    order = re.search(r"@layer ([\w, ]+);", (STATIC / "css" / "tokens.css").read_text())
    assert order
    declared = set(order[1].split(", "))
    for path in SHEETS:
        assert set(re.findall(r"@layer (\w+) \{", path.read_text())) <= declared
        bare = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        tops = re.findall(r"^(?! )([^\s}@][^{]*)\{", bare, flags=re.M)
        assert tops == [], f"{path.name}: {tops} outside a layer would win over everything"


def test_the_base_template_links_every_sheet_and_files_its_urls_exist() -> None:
    base = (STATIC.parent / "templates" / "base.html").read_text()
    listed = re.search(r"set sheets = \[(.*?)\]", base, flags=re.S)
    assert listed
    pages = "".join(path.read_text() for path in (STATIC.parent / "templates").rglob("*.html"))
    own = re.findall(r"asset\('css/([\w-]+)\.css'\)", pages)  # a sheet that only one page needs
    assert sorted(re.findall(r'"([\w-]+)"', listed[1]) + own) == [path.stem for path in SHEETS]
    for url in re.findall(r"/static/[\w./-]+", base + "".join(path.read_text() for path in SHEETS)):
        assert (STATIC.parent / url[1:]).is_file(), url
