"""Which platforms there are. A platform is a folder beside this file with a `manifest.py`; nothing else is edited to add one.

The folder holds `manifest.py` (`MANIFEST`), `connector.py` (one class whose `manifest` is that object) and, for a platform
that pushes, `webhooks.py` (the functions of `contract.Webhooks` at module level). `estimate.py` (`contract.Estimates`) is optional.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType
from typing import cast

from portal import connectors
from portal.connectors.contract import Connector, Estimates, Webhooks
from portal.connectors.manifest import Manifest
from portal.foundation.errors import Missing, StartupError


def manifests() -> tuple[Manifest, ...]:
    """The manifest of every platform that a store can be connected with, by `place`, then label (files are uploaded)."""
    found = (each for _, each in _platforms().values() if each.polled)
    return tuple(sorted(found, key=lambda each: (each.place, each.label)))


def manifest(platform: str) -> Manifest:
    """The manifest of `platform`. Raises `Missing` with the platforms there are."""
    return _entry(platform)[1]


def connector_class(platform: str) -> type[Connector]:
    """The class that talks to `platform`. Raises `Missing` for an unknown platform."""
    package, wanted = _entry(platform)
    module = import_module(f"{package}.connector")
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and each.__module__ == module.__name__ and vars(each).get("manifest") is wanted
    ]
    if len(found) != 1:
        raise StartupError(f"{module.__name__} must define exactly one class with `manifest = MANIFEST`.")
    return cast("type[Connector]", found[0])


def webhooks(platform: str) -> Webhooks | None:
    """The delivery functions of `platform`, None when it does not push. Raises `Missing` for an unknown platform."""
    package, _ = _entry(platform)
    if find_spec(f"{package}.webhooks") is None:
        return None
    return cast(Webhooks, import_module(f"{package}.webhooks"))


def estimates(platform: str) -> Estimates | None:
    """The reckoning of `platform`'s first sync, None when it has none. Raises `Missing` for an unknown platform."""
    package, _ = _entry(platform)
    if find_spec(f"{package}.estimate") is None:
        return None
    return cast(Estimates, import_module(f"{package}.estimate"))


def collect(packages: Iterable[str]) -> Mapping[str, tuple[str, Manifest]]:
    """`{platform: (package, manifest)}` of the packages that have a manifest.

    Raises `StartupError` when two folders claim one platform, or a manifest names a field or a stream twice.
    """
    found: dict[str, tuple[str, Manifest]] = {}
    for package in packages:
        if find_spec(f"{package}.manifest") is None:
            continue
        declared = import_module(f"{package}.manifest").MANIFEST
        if not isinstance(declared, Manifest):
            raise StartupError(f"{package}.manifest.MANIFEST must be a Manifest.")
        if declared.platform in found:
            raise StartupError(
                f"Two connectors claim the platform {declared.platform}: {found[declared.platform][0]} and {package}."
            )
        _refuse_twice(package, "field", [field.name for field in declared.fields])
        _refuse_twice(package, "stream", [stream.name for stream in declared.streams])
        found[declared.platform] = (package, declared)
    return MappingProxyType(found)


@cache
def _platforms() -> Mapping[str, tuple[str, Manifest]]:
    folders = pkgutil.iter_modules(connectors.__path__, f"{connectors.__name__}.")
    return collect(sorted(each.name for each in folders if each.ispkg))


def _entry(platform: str) -> tuple[str, Manifest]:
    known = _platforms()
    if platform not in known:
        raise Missing(f"There is no platform called {platform[:40]!r}.", details={"allowed": sorted(known)})
    return known[platform]


def _refuse_twice(package: str, what: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StartupError(f"{package} declares the {what} {', '.join(twice)} twice.")
