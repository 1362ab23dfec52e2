"""Workers that die, models that kill them, and how many times each model is loaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neuronxa_core.errors import ModelError, WorkerError
from neuronxa_core.sweep.crew import Crew
from neuronxa_core.sweep.plan import Task
from neuronxa_core.sweep.run import Done
from neuronxa_core.sweep.store import Store
from tests.sweep.examples import made_up, outcomes_of


class Pretended:
    """Workers that put made-up results into a store. deadly: tasks that kill their worker so many times."""

    def __init__(self, store: Store, deadly: dict[str, int], gated: str = "") -> None:
        self.store, self.deadly, self.gated = store, dict(deadly), gated
        self.loaded: list[tuple[int, str]] = []
        self.started, self.most = 0, 0
        self.dead: set[int] = set()
        self.tickets: dict[int, tuple[int, Task]] = {}
        self.ends: dict[int, Done | None] = {}

    def start(self) -> int:
        self.started += 1
        return self.started

    def hand(self, worker: int, task: Task) -> int:
        ticket = len(self.tickets)
        self.tickets[ticket] = worker, task
        self.most = max(self.most, sum(each == worker for each, _ in self.tickets.values()) - len(self.ends_of(worker)))
        return ticket

    def ends_of(self, worker: int) -> list[int]:
        return [ticket for ticket in self.ends if self.tickets[ticket][0] == worker]

    def ready(self, tickets: Sequence[int]) -> list[int]:
        """The oldest task of every worker has ended, and all of a worker that died."""
        workers: dict[int, int] = {}
        for ticket in sorted(tickets):
            workers.setdefault(self.tickets[ticket][0], ticket)
        for worker, ticket in workers.items():
            self._run(worker, ticket)
        return sorted((ticket for ticket in tickets if self._ended(ticket)), reverse=True)

    def _run(self, worker: int, ticket: int) -> None:
        task = self.tickets[ticket][1]
        if self.deadly.get(task.key, 0):
            self.deadly[task.key] -= 1
            self.dead.add(worker)
            return
        if (worker, task.study.model) not in self.loaded:
            self.loaded.append((worker, task.study.model))
        if task.study.model == self.gated:
            error = ModelError("It is gated.", "Ask for access.")
            self.store.add_failure(task, error)
            self.ends[ticket] = Done(task, 0.0, failure=error, of_model=True)
            return
        result = outcomes_of(task.study, seed=len(task.key))
        self.store.add(task, result)
        self.ends[ticket] = Done(task, 0.0, result.mean("nas"))

    def _ended(self, ticket: int) -> bool:
        return ticket in self.ends or self.tickets[ticket][0] in self.dead

    def collect(self, ticket: int) -> Done:
        done = self.ends.get(ticket)
        if done is None:
            raise WorkerError("A worker died.", "It is replaced.")
        return done


CODES = ("arb_Arab", "cat_Latn", "deu_Latn", "fra_Latn", "ita_Latn", "spa_Latn")


def crew(
    tmp_path: Path, models: Sequence[str], deadly: dict[str, int], **more: Any
) -> tuple[Pretended, Store, list[Done]]:
    """(transport, store, ends) after two workers did six languages of every model."""
    store, ends = Store(str(tmp_path / "store"), create=True), list[Done]()
    transport = Pretended(store, deadly, **more)
    tasks = [Task(made_up(code, model), f"{model}-{code}") for model in models for code in CODES]
    Crew(transport, 2, tasks, store, ends.append).run()
    assert sorted(done.task.key for done in ends) == sorted(task.key for task in tasks)  # each ends once
    return transport, store, ends


def test_each_model_is_loaded_by_one_worker_and_the_last_one_helps(tmp_path):
    transport, store, _ = crew(tmp_path, ["a", "b", "c"], {})
    loads = [model for _, model in transport.loaded]
    assert loads.count("a") == loads.count("b") == 1
    assert loads.count("c") == 2  # nothing else was left to do
    assert transport.most == 2
    assert len(store.rows()) == 18


def test_a_worker_that_dies_is_replaced_and_nothing_is_lost(tmp_path):
    transport, store, ends = crew(tmp_path, ["a"], {"a-deu_Latn": 2, "a-spa_Latn": 1})
    assert transport.started == 2 + 3
    assert not any(done.failure for done in ends)
    assert len(store.rows()) == len(CODES)


def test_a_task_that_kills_three_workers_is_given_up_alone(tmp_path):
    _, store, ends = crew(tmp_path, ["a"], {"a-fra_Latn": 9})
    (failure,) = store.failures(store.rows()["key"]).values()
    assert failure.key == "a-fra_Latn"
    assert failure.attempts == 3
    assert "3 workers died" in failure.problem
    assert sum(done.failure is not None for done in ends) == 1


def test_a_model_that_kills_every_worker_or_is_gated_is_given_up_as_a_whole(tmp_path):
    transport, store, _ = crew(tmp_path, ["a", "b"], dict.fromkeys((f"a-{code}" for code in CODES), 9))
    assert set(store.rows()["model"]) == {"b"}
    assert transport.started < 2 + 3 * 3  # not three for every language
    _, gated, _ = crew(tmp_path / "gated", ["a", "b"], {}, gated="b")
    assert set(gated.rows()["model"]) == {"a"}
    assert {failure.problem for failure in gated.failures().values()} == {"It is gated."}
