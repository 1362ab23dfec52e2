"""Numbers about the dashboard for Prometheus, on a port of their own: queue, runs, seconds, cache."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from neuronxa_core.errors import SettingsError
from neuronxa_core.monitoring.events import Event, listen

_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 900, 3600)
_KEPT = 15.0
"""Seconds for which the sizes of the cache are not measured again."""


def serve(
    address: str, port: int, queue: Callable[[], tuple[int, int]], cache: Callable[[], Mapping[str, int]]
) -> Callable[[], None]:
    """Answers Prometheus at http://ADDRESS:PORT/metrics until the function that comes back is called.

    queue: how many runs wait, and how many run; cache: bytes by kind. Raises SettingsError if the client library is
    missing or the port is taken.
    """
    try:
        from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
    except ImportError as error:
        raise SettingsError(
            "NEURONXA_METRICS_PORT needs the package prometheus-client.",
            "Install it with: pip install prometheus-client, or unset the variable.",
        ) from error
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    _watch_queue(registry, queue)
    _watch_cache(registry, cache)
    try:
        server, thread = start_http_server(port, address, registry)
    except OSError as error:
        raise SettingsError(
            f"NEURONXA_METRICS_PORT is {port}, where nothing can listen at {address} ({error.strerror or error}).",
            "Set it to a free port.",
        ) from error
    deaf = listen(_counting(registry))

    def stop() -> None:
        deaf()
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def _watch_queue(registry: Any, queue: Callable[[], tuple[int, int]]) -> None:
    from prometheus_client import Gauge

    for name, told, index in (
        ("neuronxa_queue_length", "Runs that wait.", 0),
        ("neuronxa_runs_active", "Runs that are being computed.", 1),
    ):
        Gauge(name, told, registry=registry).set_function(partial(_entry, queue, index))


def _entry(queue: Callable[[], tuple[int, int]], index: int) -> int:
    return queue()[index]


def _watch_cache(registry: Any, cache: Callable[[], Mapping[str, int]]) -> None:
    from prometheus_client import Gauge

    kept: tuple[float, Mapping[str, int]] = float("-inf"), {}

    def bytes_of(kind: str) -> int:
        nonlocal kept
        if time.monotonic() - kept[0] > _KEPT:
            kept = time.monotonic(), cache()
        return kept[1].get(kind, 0)

    gauge = Gauge("neuronxa_cache_bytes", "Size of the cache folder by kind.", ["kind"], registry=registry)
    for kind in cache():
        gauge.labels(kind).set_function(partial(bytes_of, kind))


def _counting(registry: Any) -> Callable[[Event], None]:
    """What counts events: runs by analysis and outcome, their seconds and waits, and answers by source."""
    from prometheus_client import Counter, Histogram

    runs = Counter("neuronxa_runs", "Runs that ended.", ["run", "outcome"], registry=registry)
    seconds = Histogram(
        "neuronxa_run_seconds", "Seconds that a run took.", ["run"], buckets=_SECONDS, registry=registry
    )
    waits = Histogram("neuronxa_wait_seconds", "Seconds in the queue.", buckets=_SECONDS, registry=registry)
    answers = Counter("neuronxa_answers", "Answers found without a run.", ["run", "source"], registry=registry)

    def count(event: Event) -> None:
        if event.kind == "run":
            runs.labels(event.run, event.outcome).inc()
            seconds.labels(event.run).observe(event.seconds)
            waits.observe(event.waited)
        elif event.kind == "answer":
            answers.labels(event.run, event.source).inc()

    return count
