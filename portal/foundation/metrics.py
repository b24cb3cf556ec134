"""Prometheus metrics of the portal itself (not the merchants' numbers: those are in `commerce/metrics.py`).

With several processes the supervisor sets `PROMETHEUS_MULTIPROC_DIR`; each process then writes its part there and any
web process answers for all. The variable must be set before this module is first imported.
"""

from __future__ import annotations

import os
from functools import lru_cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

REQUESTS = Counter("portal_requests_total", "Answers sent.", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "portal_request_seconds",
    "Time from the request's head to the answer's end, in seconds.",
    ["route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
SOCKETS = Gauge("portal_live_sockets", "Open live connections.", multiprocess_mode="livesum")
PUSHES = Counter("portal_live_pushes_total", "Messages put on live connections.")
SYNC_RUNS = Counter("portal_sync_runs_total", "Runs of store syncs that ended.", ["outcome"])
SYNC_ROWS = Counter("portal_sync_rows_total", "Rows that syncs fetched.", ["platform", "stream"])
WEBHOOKS = Counter("portal_webhooks_total", "Webhook deliveries received.", ["platform", "result"])


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WS"})


@lru_cache(maxsize=2000)
def _counter_of(route: str, method: str, status: int) -> Counter:
    return REQUESTS.labels(route, method, status)


@lru_cache(maxsize=500)
def _histogram_of(route: str) -> Histogram:
    return REQUEST_SECONDS.labels(route)


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answer. Looking the labels up costs more than counting, so that is done once per combination."""
    # A caller may send any word as its method; each would be a time series for ever.
    _counter_of(route, method if method in _METHODS else "OTHER", status).inc()
    _histogram_of(route).observe(seconds)


def exposition() -> bytes:
    """Everything measured, in Prometheus' text format, over all processes when there are several."""
    if os.environ.get(MULTIPROCESS_FOLDER):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(REGISTRY)


def forget_process(pid: int) -> None:
    """A process has ended: its gauges no longer count, its counters stay."""
    if os.environ.get(MULTIPROCESS_FOLDER):
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
