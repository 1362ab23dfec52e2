"""What whoever runs the dashboard sees of it: the log, and numbers for Prometheus; imported when asked for."""

from collections import Counter

from neuronxa_core.monitoring import logs, prometheus
from neuronxa_core.settings import settings


def begin() -> None:
    """Begins to log as NEURONXA_LOG says, and answers Prometheus if NEURONXA_METRICS_PORT asks for it.

    Raises SettingsError.
    """
    logs.begin()
    if place := settings().metrics:
        from neuronxa_core.jobs import shared_queue

        prometheus.serve(*place, queue=shared_queue().lengths, cache=_cache_bytes)


def _cache_bytes() -> dict[str, int]:
    """The bytes of every kind in the cache."""
    from neuronxa_core.upkeep import cache

    sizes = Counter(dict.fromkeys(cache.KINDS, 0))
    for entry in cache.entries():
        sizes[entry.kind] += entry.bytes
    return dict(sizes)
