"""Reading the project's Markdown: files, tables, links, code."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ASIDE = {"var", "dist", "build", "vendor", "__pycache__"}
_FENCE = re.compile(r"^[ ]*```(\w*)[^\n]*\n(.*?)^[ ]*```[ ]*$", re.MULTILINE | re.DOTALL)


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """The project's own files with these endings; not the environment, data folders or vendored ones."""
    found: list[Path] = []
    for folder, names, filenames in os.walk(ROOT):
        names[:] = [
            n for n in names if n not in _ASIDE and (not n.startswith(".") or n == ".ci") and not _is_data(folder, n)
        ]
        found += [Path(folder, name) for name in filenames if name.endswith(suffixes)]
    return tuple(sorted(found))


def _is_data(folder: str, name: str) -> bool:
    """A data folder of a portal that somebody started in the checkout under another name."""
    return Path(folder, name, "portal.lock").exists()


def documents() -> tuple[Path, ...]:
    return files(".md")


def named(path: Path) -> str:
    """A test's id."""
    return path.relative_to(ROOT).as_posix()


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text()


@cache
def all_text() -> str:
    return "\n".join(path.read_text() for path in documents())


def blocks(markdown: str, language: str) -> list[str]:
    """The fenced code in `language`, unindented by what its first line is indented."""
    found = []
    for kind, body in _FENCE.findall(markdown):
        if kind == language:
            margin = len(body) - len(body.lstrip(" "))
            found.append("\n".join(line[margin:] for line in body.split("\n")))
    return found


def spans(markdown: str) -> list[str]:
    """The code in `backticks`, fences left out."""
    return re.findall(r"`([^`\n]+)`", _FENCE.sub("", markdown))


def rows(markdown: str) -> Iterator[list[str]]:
    """The cells of every table row."""
    for line in markdown.splitlines():
        if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
            yield [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def section(markdown: str, heading: str) -> str:
    """The text under a heading, up to the next one of its rank or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}\s*$", markdown, re.MULTILINE)
    assert found, f"there is no heading {heading!r}"
    rest = markdown[found.end() :]
    following = re.search(rf"^#{{1,{len(found[1])}}} ", _FENCE.sub(lambda f: " " * len(f[0]), rest), re.MULTILINE)
    return rest[: following.start()] if following else rest


def links(markdown: str) -> list[str]:
    """The targets of links and images."""
    return re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", _FENCE.sub("", markdown))


def anchors(markdown: str) -> set[str]:
    """The anchors that headings get."""
    titles = re.findall(r"^#+ (.+?)\s*$", _FENCE.sub("", markdown), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
