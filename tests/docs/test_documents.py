"""What holds for every document: links lead somewhere, code is code, names are those of files, nothing is of one machine."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.reading import ROOT, anchors, blocks, documents, files, links, named, spans

DOCUMENTS = documents()
each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=named)
SOURCES = (".md", ".py", ".sql", ".html", ".css", ".js", ".toml", ".json", ".in", ".txt", "Makefile", "run", "chromium")
# Written apart, so that this file is not its own first finding.
OF_ONE_MACHINE = re.compile(
    "|".join(
        (
            "/wor" + "k/",
            r"\.\./sha" + "red",
            "/ro" + "ot/(?!`)",
            "pypi" + r"\.org",
            "python" + "hosted",
            "npm" + r"js\.org",
        )
    )
)


@each_document
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for target in links(path.read_text()):
        parts = urlsplit(target)
        if parts.scheme:
            continue
        there = (path.parent / parts.path).resolve() if parts.path else path
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        if parts.fragment and there.suffix == ".md":
            assert parts.fragment in anchors(there.read_text()), target


def test_every_document_can_be_found_from_the_readme() -> None:
    seen, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in seen or path.suffix != ".md" or not path.exists():
            continue
        seen.add(path)
        waiting += [(path.parent / urlsplit(target).path).resolve() for target in links(path.read_text())]
    assert [named(path) for path in DOCUMENTS if path not in seen] == []


@each_document
def test_python_in_documents_compiles(path: Path) -> None:
    for block in blocks(path.read_text(), "python"):
        compile(block, named(path), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@each_document
def test_json_in_documents_is_json(path: Path) -> None:
    for block in blocks(path.read_text(), "json"):
        json.loads(block)


@each_document
def test_shell_in_documents_is_shell(path: Path) -> None:
    for block in blocks(path.read_text(), "sh"):
        checked = subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr


@each_document
def test_files_of_the_code_are_called_by_their_names(path: Path) -> None:
    known = [f"/{named(each)}" for each in files(*SOURCES)]
    for span in spans(path.read_text()):
        if not re.fullmatch(r"[a-z_][\w./-]*\.(py|sql|html|css|js|md|toml)|[A-Z]+\.md", span):
            continue  # also `Scope.sql`, an attribute
        found = any(each.endswith(f"/{span}") for each in known) or (ROOT / "static/vendor" / span).is_file()
        assert found, f"{named(path)} speaks of {span}"


@each_document
def test_no_document_is_of_one_machine(path: Path) -> None:
    assert not OF_ONE_MACHINE.findall(path.read_text())


def test_no_file_of_the_project_is_of_one_machine() -> None:
    own = [path for path in files(*SOURCES) if path != Path(__file__)]
    assert {
        named(path): found for path in own if (found := OF_ONE_MACHINE.findall(path.read_text(errors="replace")))
    } == {}
