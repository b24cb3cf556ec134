"""Gives the wheel the direct dependencies of `requirements/base.in` at the versions pinned in `base.txt`."""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


class CustomMetadataHook(MetadataHookInterface):
    def update(self, metadata: dict) -> None:
        here = Path(self.root) / "requirements"
        pinned = dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (here / "base.txt").read_text(), re.MULTILINE))
        lines = (line.partition("#")[0].strip() for line in (here / "base.in").read_text().splitlines())
        names = [line for line in lines if line]
        metadata["dependencies"] = [f"{name}=={pinned[name.split('[')[0].lower()]}" for name in names]
