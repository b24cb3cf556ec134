from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from portal.commerce.metrics import METRICS
from tests.docs.reading import ROOT, links, named, rows, section, text

DECISIONS = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))


@pytest.mark.parametrize("path", DECISIONS, ids=named)
def test_a_decision_is_one_page_under_its_number_and_in_the_list(path: Path) -> None:
    lines = path.read_text().splitlines()
    title = re.match(r"# (\d+)[.:] \S", lines[0])
    assert title, lines[0]
    assert int(title[1]) == int(path.name[:4])
    assert sum(bool(line.strip()) for line in lines) <= 40
    assert path.name in links(text("docs/adr/README.md"))


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def told(heading: str) -> set[str]:
    return {
        name for row in rows(section(text("docs/metrics.md"), heading)) for name in re.findall(r"`([^`]+)`", row[0])
    }


def test_the_merchants_metrics_are_those_that_are_declared() -> None:
    assert told("The merchants' numbers") == set(METRICS)


def test_the_portals_own_metrics_are_those_that_are_measured() -> None:
    import portal.app
    import portal.rates.worker
    import portal.sync.worker  # noqa: F401 - registers what workers measure

    measured = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in REGISTRY.collect()
        if family.name.startswith("portal_")
    }
    assert told("The portal itself") == measured
