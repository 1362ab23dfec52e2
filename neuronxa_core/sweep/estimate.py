"""What a plan would cost, before anything is downloaded or loaded: tasks, forward passes, hours, memory, downloads."""

from collections.abc import Sequence
from dataclasses import dataclass

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.models.cost import Cost, study_cost
from neuronxa_core.models.hardware import Device
from neuronxa_core.numbers import count
from neuronxa_core.sweep.plan import Task


@dataclass(frozen=True)
class Part:
    """The cost of one model's tasks. passes: sentences to run through it, one each; problem: why it is unknown."""

    model: str
    tasks: int
    passes: int
    cost: Cost | None
    problem: str = ""


def estimate(groups: Sequence[Sequence[Task]], device: Device = "auto") -> list[Part]:
    """The cost of every model's tasks. Asks the hub for models that are not on this machine."""
    return [_part(tasks, device) for tasks in groups]


def _part(tasks: Sequence[Task], device: Device) -> Part:
    study = tasks[0].study
    sentences: dict[tuple[str, ...], int] = {}
    for task in tasks:
        for code in (task.study.source, task.study.target):
            beside = task.study.target if code == task.study.source else task.study.source
            pairwise = beside if open_corpus(task.study.corpus).pairwise else ""
            asked = (task.study.corpus, code, pairwise, task.study.site, task.study.pooling, str(task.study.pairs))
            if asked not in sentences:
                sentences[asked] = _characters(task, code)
    passes = sum(int(asked[-1]) for asked in sentences)
    try:
        at_once = 2 * max(task.study.pairs for task in tasks)
        cost = study_cost(study.ref, sum(sentences.values()), passes, study.dtype, device, at_once)
    except NeuronXAError as error:
        return Part(study.names["model"], len(tasks), passes, None, str(error))
    return Part(study.names["model"], len(tasks), passes, cost)


def _characters(task: Task, code: str) -> int:
    try:
        return sum(map(len, task.study.sentences(code)))
    except NeuronXAError:  # told when the task runs
        return 0


def lines(parts: Sequence[Part], total: int) -> list[str]:
    """The estimate as text: first the sums, then one line per model."""
    known = [part.cost for part in parts if part.cost]
    seconds = [cost.seconds for cost in known if cost.seconds is not None]
    partly = (
        "" if len(seconds) == len(parts) else f" (without {count(len(parts) - len(seconds), 'model')} of unknown rate)"
    )
    todo = sum(part.tasks for part in parts)
    downloads = sum(cost.download_bytes for cost in known)
    memory = max((cost.memory_bytes or 0 for cost in known), default=0)
    return [
        f"tasks: {total:,} ({todo:,} to do, {total - todo:,} in the store already)",
        f"forward passes: {sum(part.passes for part in parts):,} sentences",
        f"estimated hours: {_hours(sum(seconds))}{partly}, from the rate of a matrix product measured now",
        f"memory: {_gb(memory)} at most, one model at a time",
        f"downloads: {_gb(downloads)}",
        *(_line(part) for part in parts),
    ]


def _line(part: Part) -> str:
    start = f"{part.model}: {count(part.tasks, 'task')}, {part.passes:,} forward passes"
    if part.cost is None:
        return f"{start}; {part.problem}"
    cost = part.cost
    hours = "hours unknown" if cost.seconds is None else f"{_hours(cost.seconds)} hours"
    memory = "memory unknown" if cost.memory_bytes is None else f"{_gb(cost.memory_bytes)} of memory"
    room = "" if cost.fits else f", which does not fit: {_gb(cost.available_bytes or 0)} are free"
    return f"{start}, {hours} on {cost.device} in {cost.dtype}, {memory}{room}, {_gb(cost.download_bytes)} to download"


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.1f}" if hours >= 1 else f"{hours:.2g}"


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
