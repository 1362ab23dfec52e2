"""The engine on Ray: workers on this machine or on a cluster, each with one model and a share of the cores or a GPU.

Only tasks and how they ended travel through Ray; states stay where they are computed, results go straight to the store.
"""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from neuronxa_core.errors import NeuronXAError, SweepError, WorkerError
from neuronxa_core.models.cost import study_cost
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT
from neuronxa_core.settings import PASSIVE
from neuronxa_core.states import store as cache
from neuronxa_core.study.recipe import recipe_for
from neuronxa_core.study.study import Study
from neuronxa_core.sweep.crew import Crew
from neuronxa_core.sweep.plan import Plan, Task
from neuronxa_core.sweep.run import ATTEMPTS, Done, Tally, Told, followed, run_task, told
from neuronxa_core.sweep.store import Store

_OBJECT_STORE = 100_000_000
"""Bytes for what travels through Ray, close to its minimum: no array does."""
_TO_START = 300.0
"""Seconds in which a worker must have started."""
_TO_WAIT = 5.0


@dataclass(frozen=True)
class Share:
    """What one worker gets: cores, GPUs, and bytes of memory that Ray keeps free for it."""

    cores: int
    gpus: float = 0.0
    memory: int = 0


class _Worker:
    """What runs in an actor."""

    def __init__(self, url: str, device: Device, threads: int, states: bool = False) -> None:
        os.environ.update({"OMP_NUM_THREADS": str(threads), PASSIVE[0]: PASSIVE[1]})  # before torch is imported
        self.store, self.device, self.states = Store(url), device, states

    def pid(self) -> int:
        return os.getpid()

    def run(self, task: Task) -> Done:
        with contextlib.suppress(NeuronXAError):  # the task itself tells what is wrong
            _extract_pivot_once(task.study, self.device)
        return run_task(task, self.store, self.device, states=self.states)


def _extract_pivot_once(study: Study, device: Device) -> None:
    """Extracts the pivot, unless it is in the cache or another worker of this machine is at it: then waits for that."""
    from filelock import FileLock

    recipe, bitext = recipe_for(study, device, SILENT), study.bitext()
    path = recipe.readout_path(recipe.study.readout, bitext.target_sentences)
    if cache.is_whole(path):
        return
    recipe.language_path(bitext.source, bitext.source_sentences, SILENT)  # what nobody else is at
    locks = cache.root() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / f"{path.stem}.lock"):
        recipe.language_path(bitext.target, bitext.target_sentences, SILENT)


class Actors:
    """Workers that are actors of Ray."""

    def __init__(self, url: str, device: Device, share: Share, states: bool = False) -> None:
        import ray

        self.ray, self.made = ray, (url, device, share.cores, states)
        resources: dict[str, Any] = {"num_cpus": share.cores, "num_gpus": share.gpus, "memory": share.memory or None}
        self.kind = ray.remote(max_restarts=0, max_task_retries=0, **resources)(_Worker)

    def start(self) -> Any:
        from ray import exceptions

        for attempt in range(1, ATTEMPTS + 1):
            worker = self.kind.remote(*self.made)
            try:
                self.ray.get(worker.pid.remote(), timeout=_TO_START)
                return worker
            except Exception as error:
                if isinstance(error, exceptions.RayActorError) and attempt < ATTEMPTS:  # killed while it started
                    continue
                raise SweepError(
                    f"A worker did not start ({_first_line(error)}).",
                    "Look at the nodes with `ray status`, then start again.",
                ) from error
        raise AssertionError("the last attempt returns or raises")

    def hand(self, worker: Any, task: Task) -> Any:
        return worker.run.remote(task)

    def ready(self, tickets: Sequence[Any]) -> list[Any]:
        done: list[Any] = self.ray.wait(list(tickets), num_returns=1, timeout=_TO_WAIT)[0]
        return done

    def collect(self, ticket: Any) -> Done:
        from ray import exceptions

        try:
            done: Done = self.ray.get(ticket)
        except exceptions.RayTaskError as error:
            raise told(error.cause) from error
        except exceptions.RayError as error:
            raise WorkerError(f"A worker died ({_first_line(error)}).", "It is replaced.") from error
        return done


def run_on_ray(
    plan: Plan,
    store: Store,
    device: Device = "auto",
    listener: Told | None = None,
    address: str = "",
    workers: int = 0,
    states: bool = False,
) -> Tally:
    """How the plan's tasks ended, as local.run_here does, by several workers.

    address: the cluster to join; without one, Ray is started on this machine and stopped at the end. workers: how many;
    by default one per GPU, else as many as have room for the largest model, with a core each at least.
    Raises SweepError if Ray is not installed or cannot be reached.
    """
    if store.objects.fs.protocol == "memory":
        raise SweepError("A store in memory cannot be shared by several processes.", "Use a folder, or s3://...")
    with followed(plan, store, listener or Told(), states) as (missing, tally, ended):
        if missing:
            with _ray(address):
                size, share = _shares(missing, device, workers)
                Crew(Actors(store.url, device, share, states), size, missing, store, ended).run()
    return tally


@contextmanager
def _ray(address: str) -> Iterator[None]:
    """Ray, with its token authentication on, and without its reports of usage."""
    try:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before it is imported
        import ray
    except ImportError as error:
        raise SweepError(
            "The engine ray needs the package ray.", "Install neuronxa-explorer[sweep], or use --engine local."
        ) from error
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not address:
        os.environ.pop("RAY_AUTH_MODE", None)  # authentication is on unless this switches it off
        quiet |= {"include_dashboard": False, "object_store_memory": _OBJECT_STORE}
    try:
        ray.init(address=address or "local", **quiet)
    except Exception as error:  # what it raises is not documented
        raise SweepError(
            f"Ray cannot be reached or started ({_first_line(error)}).",
            "Check --address, and that this machine has the cluster's token (`ray get-auth-token`).",
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _shares(tasks: Sequence[Task], device: Device, workers: int) -> tuple[int, Share]:
    """(number of workers, what each gets), from what the cluster has and what the largest model needs."""
    import ray

    has = ray.cluster_resources()
    cores, gpus = max(1, int(has.get("CPU", 1))), int(has.get("GPU", 0))
    if gpus and device in ("auto", "cuda"):
        size = min(workers or gpus, len(tasks))
        return size, Share(max(1, cores // size), gpus=min(1.0, gpus / size))
    needed, room = _largest(tasks, device), int(has.get("memory", 0))
    fitting = max(1, room // needed) if needed and room else cores
    size = max(1, min(workers or min(fitting, cores), len(tasks)))
    return size, Share(max(1, cores // size), memory=min(needed, room // size))


def _largest(tasks: Sequence[Task], device: Device) -> int:
    """Bytes that the largest model needs; 0 where no config tells."""
    found = [0]
    for group in Plan(tuple(tasks)).by_model.values():
        study = group[0].study
        with contextlib.suppress(NeuronXAError):  # told by its first task
            cost = study_cost(study.ref, 0, 2 * study.pairs, study.dtype, "cpu" if device == "auto" else device)
            found.append(cost.memory_bytes or 0)
    return max(found)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
