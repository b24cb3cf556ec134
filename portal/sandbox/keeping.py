"""Keeps stores on disk, so that a demo that is started again finds the store its portal was filled from."""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from portal.sandbox import history
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store

_FORMAT = 2
_PAUSE_SECONDS = 1.0


class Keeper:
    """Loads and saves stores in a folder of ours (mode 0600); without a folder it makes them anew each time."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._saved: dict[str, int] = {}

    def _file(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{name}.store"

    def load(self, spec: SandboxStoreSpec) -> Store:
        """The kept store of this very spec, brought up to the present, or a new one (also when the file is
        damaged, of another format, or of another spec)."""
        file = self._file(spec.name)
        if file is None or not file.exists():
            return Store(spec)
        try:
            # Our own file in the installation's data folder: nobody else writes there.
            kept_format, saved_at, store = pickle.loads(file.read_bytes())  # noqa: S301
            same = isinstance(store, Store) and replace(store.spec, now=None) == replace(spec, now=None)
        except Exception:  # damaged, or written by a release whose classes were others
            return Store(spec)
        if kept_format != _FORMAT or not same or spec.now is not None:
            return Store(spec)
        history.catch_up(store, saved_at)
        kept: Store = store
        return kept

    def save(self, store: Store) -> None:
        """Writes a store if it changed since it was last written; the file is replaced in one step."""
        file = self._file(store.spec.name)
        if file is None or self._saved.get(store.spec.name) == store.version:
            return
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = file.with_suffix(".fresh")
        content = pickle.dumps((_FORMAT, store.clock.now(), store), protocol=pickle.HIGHEST_PROTOCOL)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(content)
        fresh.replace(file)
        self._saved[store.spec.name] = store.version

    async def run(self, stores: Sequence[Store]) -> None:
        """Saves what changed, once a second, until cancelled."""
        while self._folder is not None:
            for store in stores:
                self.save(store)
            await asyncio.sleep(_PAUSE_SECONDS)
