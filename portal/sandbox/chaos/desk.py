"""How chaos is steered: actions of the control desk, the same on every platform."""

from __future__ import annotations

from portal.sandbox.asking import Asking, BadControl
from portal.sandbox.chaos.storm import CHANGES, INTENSITY, Chaos
from portal.sandbox.platforms import Action
from portal.sandbox.store import Store

Json = dict[str, object]


def actions(chaos: Chaos) -> dict[str, Action]:
    """The actions of one store."""

    def start(store: Store, ask: Asking) -> Json:
        """With a seed (or when none is under way) from the beginning; else only the numbers change."""
        intensity = _share(ask, "intensity", chaos.intensity if chaos.running else INTENSITY, 1.0)
        changes = _share(ask, "changes", chaos.changes_rate if chaos.running else CHANGES, 20.0)
        if ask.has("seed") or not chaos.running:
            skew = ask.word("skew", "yes", ("yes", "no")) == "yes"
            chaos.start(ask.integer("seed", 1, 0, 10**12), intensity, changes, skew=skew)
        else:
            chaos.intensity, chaos.changes_rate = intensity, changes
        return chaos.told()

    def stop(store: Store, ask: Asking) -> Json:
        chaos.stop()
        return chaos.told()

    def freeze(store: Store, ask: Asking) -> Json:
        chaos.frozen = True
        return chaos.told()

    def thaw(store: Store, ask: Asking) -> Json:
        chaos.frozen = False
        return chaos.told()

    def change(store: Store, ask: Asking) -> Json:
        return {"changed": chaos.change(ask.integer("count", 1, 1, 10_000))}

    return {
        "chaos": (start, ("seed", "intensity", "changes", "skew")),
        "stop_chaos": (stop, ()),
        "freeze": (freeze, ()),
        "thaw": (thaw, ()),
        "change": (change, ("count",)),
    }


def _share(ask: Asking, name: str, default: float, most: float) -> float:
    found = ask.seconds(name, default)
    if found > most:
        raise BadControl(name, f"must be a number between 0 and {most:g}", (f"0..{most:g}",))
    return found
