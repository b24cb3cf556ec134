"""What the installation gives its connections: an application's own credentials, where a client brings none."""

from __future__ import annotations

from collections.abc import Mapping

from portal.connectors.registry import manifest as manifest_of
from portal.foundation.settings import Settings


def completed(settings: Settings, platform: str, credentials: Mapping[str, str]) -> dict[str, str]:
    """`credentials` for the connector alone, with the installation's own in what is empty; never stored or shown."""
    given = {field: str(getattr(settings, name)) for field, name in manifest_of(platform).installation.items()}
    if any(credentials.get(field) for field in given):
        return dict(credentials)  # all of one application: another's secret does not fit its id
    return {**credentials, **given}
