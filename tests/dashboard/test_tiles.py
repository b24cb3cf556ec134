"""What a declaration promises: one slug, a template per element, published metrics, a body that its CSV understands."""

from __future__ import annotations

import importlib
import pkgutil
import re

import pytest

from portal.commerce.metrics import METRICS
from portal.dashboard import tiles as package
from portal.dashboard.registry import tile, tiles
from portal.dashboard.tile import Tile
from portal.foundation.errors import Missing
from portal.foundation.resources import ROOT

EVERY = [pytest.param(each, id=each.slug) for each in tiles()]


def test_every_module_is_found_and_no_slug_path_or_element_twice() -> None:
    assert {each.slug.replace("-", "_") for each in tiles()} == {m.name for m in pkgutil.iter_modules(package.__path__)}
    for values in ([e.slug for e in tiles()], [e.path for e in tiles()], [x.id for e in tiles() for x in e.elements]):
        assert len(values) == len(set(values))


def test_two_tiles_of_one_slug_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("portal.dashboard.tiles.inventory_alerts")
    monkeypatch.setattr(module, "TILE", tile("sales-pulse"))
    tiles.cache_clear()
    try:
        with pytest.raises(ValueError, match="two tiles have the same slug"):
            tiles()
    finally:
        monkeypatch.undo()
        tiles.cache_clear()


def test_an_unknown_slug_names_the_known_ones() -> None:
    with pytest.raises(Missing) as missing:
        tile("nothing")
    assert missing.value.details["tiles"] == [each.slug for each in tiles()]


@pytest.mark.parametrize("declared", EVERY)
def test_every_element_has_a_template_of_its_own_id(declared: Tile) -> None:
    for element in declared.elements:
        text = (ROOT / "templates" / element.template).read_text()
        name = element.id.removeprefix("tile-")
        assert re.search(rf'tile\("{name}"|call strip\(', text), element.id


@pytest.mark.parametrize("declared", EVERY)
def test_every_metric_is_published(declared: Tile) -> None:
    known = METRICS if isinstance(METRICS, dict) else {each.name for each in METRICS}
    assert set(declared.metrics) <= set(known)
    assert declared.metrics


@pytest.mark.parametrize("declared", EVERY)
def test_the_example_has_the_fields_of_the_body_in_order(declared: Tile) -> None:
    assert list(declared.example) == list(declared.response.__struct_fields__)


@pytest.mark.parametrize("declared", EVERY)
def test_the_cache_is_bounded_and_the_source_named(declared: Tile) -> None:
    assert 0 < declared.max_age <= 3600
    assert declared.refresh_on
    assert all(name.startswith("v_") for name in declared.source)
