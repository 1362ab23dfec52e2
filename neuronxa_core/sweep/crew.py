"""Who does what: the tasks of a sweep among workers that hold one model each, and what happens when one dies."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from neuronxa_core.errors import WorkerError
from neuronxa_core.models.locate import ModelRef
from neuronxa_core.sweep.plan import Plan, Task
from neuronxa_core.sweep.run import ATTEMPTS, Done, fail_rest, merge_done
from neuronxa_core.sweep.store import Store

_Model = tuple[ModelRef, str]
AHEAD = 2
"""Tasks that a worker has at a time: one that runs, and one that follows without waiting for us."""


class Transport(Protocol):
    """Workers somewhere else. A ticket stands for a task that was handed to one."""

    def start(self) -> Any:
        """A new worker. Raises SweepError if it cannot be started."""

    def hand(self, worker: Any, task: Task) -> Any:
        """The ticket of a task that a worker now has."""

    def ready(self, tickets: Sequence[Any]) -> list[Any]:
        """Tickets whose tasks have ended; waits for one, though not for ever."""

    def collect(self, ticket: Any) -> Done:
        """How a task ended. Raises WorkerError if its worker died, and what the task raised otherwise."""


@dataclass
class _Hand:
    """One worker, the model that it has or is about to load, and its tickets in the order of their tasks."""

    worker: Any
    model: _Model | None = None
    tickets: dict[Any, Task] = field(default_factory=dict)


class Crew:
    """Workers and the tasks that wait for them. ended: is told of every task that ended."""

    def __init__(
        self, transport: Transport, size: int, tasks: Sequence[Task], store: Store, ended: Callable[[Done], None]
    ) -> None:
        self.transport, self.store, self.ended = transport, store, ended
        groups = Plan(tuple(tasks)).by_model
        self.waiting = {model: deque(group) for model, group in groups.items()}
        self.open = {model: len(group) for model, group in groups.items()}
        self.groups = groups
        self.hands = [_Hand(transport.start()) for _ in range(size)]
        self.deaths: Counter[str] = Counter()
        self.proven: set[_Model] = set()
        """Models of which some task has succeeded."""

    def run(self) -> None:
        """Returns when every task has ended. Raises SweepError for what concerns all of them."""
        while any(self.open.values()):
            for hand in self.hands:
                self._fill(hand)
            for ticket in self.transport.ready([ticket for hand in self.hands for ticket in hand.tickets]):
                for hand in self.hands:
                    if ticket in hand.tickets:  # else it went with its worker
                        self._collect(hand, ticket)

    def _fill(self, hand: _Hand) -> None:
        """Hands a worker its next task, and near the end no second one that another could begin at once."""
        while len(hand.tickets) < (AHEAD if sum(map(len, self.waiting.values())) > len(self.hands) else 1):
            model = self._next_model(hand)
            if model is None:
                return
            hand.model, task = model, self.waiting[model].popleft()
            hand.tickets[self.transport.hand(hand.worker, task)] = task

    def _next_model(self, hand: _Hand) -> _Model | None:
        """Of the models with tasks that wait: the worker's own, else one that nobody has, else the one with most."""
        left = [model for model, tasks in self.waiting.items() if tasks]
        if hand.model in left:
            return hand.model
        held = {each.model for each in self.hands}
        free = [model for model in left if model not in held]
        return free[0] if free else max(left, key=lambda model: len(self.waiting[model]), default=None)

    def _collect(self, hand: _Hand, ticket: Any) -> None:
        try:
            done = self.transport.collect(ticket)
        except WorkerError:
            self._bury(hand)
            return
        self._end(hand.tickets.pop(ticket), done)

    def _bury(self, hand: _Hand) -> None:
        """Replaces a worker that died. Its first task is the one that ran; the others wait again as before."""
        lost: list[Task] = []
        for ticket, task in hand.tickets.items():
            try:
                self._end(task, self.transport.collect(ticket))
            except WorkerError:
                lost.append(task)
        hand.tickets, hand.model = {}, None
        for task in reversed(lost[1:]):
            self.waiting[task.model].appendleft(task)
        for task in lost[:1]:
            self.deaths[task.key] += 1
            if self.deaths[task.key] < ATTEMPTS:
                self.waiting[task.model].appendleft(task)
                continue
            error = WorkerError(
                f"{ATTEMPTS} workers died while they ran it: killed, or out of memory.",
                "Use a smaller dtype, fewer pairs, or a machine with more memory.",
            )
            self.store.add_failure(task, error, ATTEMPTS)
            self._end(task, Done(task, 0.0, failure=error, of_model=task.model not in self.proven))
        hand.worker = self.transport.start()

    def _end(self, task: Task, done: Done) -> None:
        model = task.model
        self._count(model, [done])
        if done.failure is None:
            self.proven.add(model)
        elif done.of_model and model not in self.proven:
            rest, self.waiting[model] = list(self.waiting[model]), deque()
            self._count(model, fail_rest(rest, done, self.store))
        if not self.open[model]:
            merge_done(self.groups[model], self.store)

    def _count(self, model: _Model, ends: Iterable[Done]) -> None:
        for done in ends:
            self.open[model] -= 1
            self.ended(done)
