from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from portal.connectors import registry
from portal.connectors.woocommerce import webhooks
from portal.connectors.woocommerce.connector import WooCommerceConnector
from portal.connectors.woocommerce.manifest import MANIFEST
from portal.foundation.errors import Missing, StartupError


def test_woocommerce_is_found_without_being_listed_anywhere() -> None:
    assert MANIFEST in registry.manifests()
    assert registry.manifest("woocommerce") is MANIFEST
    assert registry.connector_class("woocommerce") is WooCommerceConnector
    assert registry.webhooks("woocommerce") is webhooks


def test_the_platforms_stand_in_the_order_that_their_manifests_say() -> None:
    assert [each.platform for each in registry.manifests()] == ["woocommerce", "shopify", "amazon"]


def test_an_unknown_platform_is_missing_and_the_known_ones_are_named() -> None:
    with pytest.raises(Missing) as wrong:
        registry.manifest("etsy")
    assert "woocommerce" in wrong.value.details["allowed"]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package `other_shop` whose manifest the test writes."""
    folder = tmp_path / "other_shop"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "other_shop"
    for name in [each for each in sys.modules if each.startswith("other_shop")]:
        del sys.modules[name]


def write(package: str, tmp_path: Path, text: str) -> None:
    source = "from portal.connectors.woocommerce.manifest import MANIFEST as BASE\nimport msgspec\n"
    (tmp_path / package / "manifest.py").write_text(source + text)


def test_two_folders_for_one_platform_are_refused(package: str, tmp_path: Path) -> None:
    write(package, tmp_path, "MANIFEST = BASE\n")
    with pytest.raises(StartupError, match="Two connectors claim"):
        registry.collect(["portal.connectors.woocommerce", package])


def test_a_field_named_twice_is_refused(package: str, tmp_path: Path) -> None:
    write(package, tmp_path, "MANIFEST = msgspec.structs.replace(BASE, platform='x', fields=BASE.fields * 2)\n")
    with pytest.raises(StartupError, match="site_url"):
        registry.collect([package])


def test_a_folder_without_a_manifest_is_no_platform(package: str) -> None:
    assert not registry.collect([package])


def test_the_manifest_has_the_guides_fields_under_their_names() -> None:
    labels = {field.name: field.label for field in MANIFEST.fields}
    assert list(labels)[:4] == ["site_url", "consumer_key", "consumer_secret", "api_version"]
    assert (labels["site_url"], labels["consumer_key"]) == ("Site URL", "Consumer Key")
    fields = {field.name: field for field in MANIFEST.fields}
    assert fields["consumer_key"].secret
    assert fields["consumer_secret"].secret
    assert fields["api_version"].default == "wc/v3"
    assert {name for name, field in fields.items() if field.advanced} == {
        "verify_ssl",
        "ca_pem",
        "timeout",
        "auth_method",
    }
    assert MANIFEST.rate_limit.per_second == 10
    assert msgspec.json.encode(MANIFEST)
