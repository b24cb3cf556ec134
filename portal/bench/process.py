"""A process looking at itself: its memory, how many sockets it may hold, where its time goes."""

from __future__ import annotations

import cProfile
import gc
import io
import pstats
import resource

import psutil


def many_sockets() -> int:
    """Let this process hold as many sockets as the system allows; gives how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def memory() -> int:
    """Bytes of resident memory, after the collector ran."""
    gc.collect()
    return int(psutil.Process().memory_info().rss)


class Profiler:
    """cProfile over the event loop's thread between `start` and `stop`."""

    def __init__(self) -> None:
        self._profile: cProfile.Profile | None = None

    def start(self) -> None:
        self._profile = cProfile.Profile()
        self._profile.enable()

    def stop(self, most: int = 45) -> list[str]:
        """The lines of what took most time in itself."""
        if self._profile is None:
            return []
        self._profile.disable()
        text = io.StringIO()
        pstats.Stats(self._profile, stream=text).sort_stats("tottime").print_stats(most)
        self._profile = None
        return [line for line in text.getvalue().splitlines() if line.strip()]
