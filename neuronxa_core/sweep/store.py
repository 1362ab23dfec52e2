"""A store of results: Parquet by model and corpus, in a folder, in memory, on S3, or anything else that fsspec opens.

    manifest.json                        the format and its version
    plans/PLAN.json                      the tasks that were asked for
    results/MODEL/CORPUS/KEY-*.parquet   one file per task
    results/MODEL/CORPUS/merged-*.parquet   many tasks in one file, in place of theirs
    failures/KEY-*.json                  why a task failed
    states/MODEL/CORPUS/*                on request, see kept_states

No file is ever changed: each is written whole, under a name of its own, and deleted only when another with all its rows
is there. So writers need not know of each other, and a reader may come at any time.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import urandom
from typing import Any, TypeVar

import pandas as pd

from neuronxa_core.errors import NeuronXAError, SweepError
from neuronxa_core.states.sentences import SentenceStates
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.rows import (
    MANIFEST,
    RESULTS,
    SCHEMA,
    folder_of,
    from_bytes,
    is_intact,
    manifest,
    newest,
    now,
    row_of,
    to_bytes,
)
from neuronxa_core.study.study import Study
from neuronxa_core.sweep import kept_states
from neuronxa_core.sweep.objects import Objects
from neuronxa_core.sweep.plan import Plan, Task

_Note = TypeVar("_Note")
_FAILURES, _PLANS = "failures", "plans"
_TRIES = 20
"""How often a reader starts again when a file that it listed has been merged into another meanwhile."""


@dataclass(frozen=True)
class Failure:
    """A task that failed, and why."""

    key: str
    study: Mapping[str, Any]
    problem: str
    next_step: str
    attempts: int
    when: str


def _failure(note: Any) -> Failure:
    """A failure as it was stored. Raises TypeError if it is not one."""
    failure = Failure(**note)
    if not all(isinstance(text, str) for text in (failure.key, failure.problem, failure.next_step, failure.when)):
        raise TypeError("not a text")
    return failure


class Store:
    """A store at an address. Raises SweepError if it is not one, or of a later version, or cannot be reached."""

    def __init__(self, url: str, create: bool = False) -> None:
        self.url, self.objects = url, Objects(url)
        self.damaged: list[str] = []
        """Files that could not be read, or hold rows that are not what was written."""
        try:
            schema = int(json.loads(self.objects.get(MANIFEST))["schema"])
        except FileNotFoundError:
            schema = self._begin(create)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise SweepError(f"The manifest of the store {url} is damaged.", "Restore manifest.json.") from error
        if schema > SCHEMA:
            raise SweepError(
                f"The store {url} has the format {schema}, and this version reads up to {SCHEMA}.",
                "Install a newer version.",
            )

    def _begin(self, create: bool) -> int:
        if not create:
            raise SweepError(
                f"There is no store at {self.url}.", "Check the address; `neuronxa sweep` makes one with --store."
            )
        if any(
            not name.startswith((RESULTS, _FAILURES, _PLANS, kept_states.FOLDER, MANIFEST))
            for name in self.objects.names()
        ):
            raise SweepError(f"{self.url} holds other files.", "Choose a new or an empty folder for the store.")
        self.objects.put(MANIFEST, manifest())
        return SCHEMA

    def stamp(self) -> str:
        """A value that changes whenever a result or a failure is added, or files are merged."""
        return _digest(*self.objects.names(RESULTS), *self.objects.names(_FAILURES))

    def note_plan(self, plan: Plan) -> None:
        """Notes which tasks were asked for, so that a reader knows how many are left."""
        keys = sorted(task.key for task in plan.tasks)
        note = {"keys": keys, "started": now(), "plan": plan.text}
        self.objects.put(f"{_PLANS}/{_digest(*keys)}.json", json.dumps(note).encode())

    def planned(self) -> frozenset[str]:
        """The keys of all tasks that any plan asked for."""
        return frozenset(
            key for keys in self._notes(_PLANS, lambda note: [str(key) for key in note["keys"]]) for key in keys
        )

    def _notes(self, folder: str, read: Callable[[Any], _Note]) -> Iterator[_Note]:
        """What is read from every file of JSON in a folder, but for those that are damaged."""
        for name, content in self.objects.get_all(self.objects.names(folder)).items():
            try:
                yield read(json.loads(content))
            except (ValueError, KeyError, TypeError, RecursionError):
                self.damaged.append(name)

    def add(self, task: Task, result: StudyResult) -> None:
        """Stores the result of a task."""
        name = f"{_folder(task.study)}/{task.key}-{urandom(4).hex()}.parquet"
        self.objects.put(name, to_bytes([row_of(task.key, result)]))

    def add_states(self, task: Task, layers: StudyLayers) -> None:
        """Stores the states of both languages of a task, those that are not there yet."""
        folder = _folder(task.study).replace(RESULTS, kept_states.FOLDER, 1)
        kept_states.put_states(self.objects, folder, task.key, (task.study.source, task.study.target), layers)

    def states(self, key: str) -> tuple[SentenceStates, SentenceStates] | None:
        """(source states, target states) of a task; None if they were not kept. Raises SweepError if damaged."""
        return kept_states.states_of(self.objects, key)

    def add_failure(self, task: Task, error: NeuronXAError, attempts: int = 1) -> None:
        """Stores why a task failed."""
        failure = Failure(task.key, task.study.fields, error.problem, error.next_step, attempts, now())
        name = f"{_FAILURES}/{task.key}-{urandom(4).hex()}.json"
        self.objects.put(name, json.dumps(asdict(failure)).encode())

    def rows(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """One row per finished task, see rows.row_of. columns: only these, besides `key` and `written`."""
        wanted = None if columns is None else list(dict.fromkeys(("key", "written", *columns)))
        for _ in range(_TRIES):
            names = [name for name in self.objects.names(RESULTS) if name.endswith(".parquet")]
            contents = self.objects.get_all(names)
            if len(contents) == len(names):  # else a file was merged into another meanwhile
                break
        self.damaged = []
        return newest([frame for name, content in contents.items() for frame in self._read(name, content, wanted)])

    def _read(self, name: str, content: bytes, columns: Sequence[str] | None) -> Iterator[pd.DataFrame]:
        try:
            yield from_bytes(content, columns)
        except Exception:  # a damaged file fails in many ways
            self.damaged.append(name)

    def failures(self, done: Iterable[str] = ()) -> dict[str, Failure]:
        """The latest failure of each task that is not done, by key."""
        found: dict[str, Failure] = {}
        for failure in self._notes(_FAILURES, _failure):
            if failure.key not in found or found[failure.key].when < failure.when:
                found[failure.key] = failure
        finished = set(done)
        return {key: failure for key, failure in found.items() if key not in finished}

    def missing(
        self, tasks: Iterable[Task], fingerprints: Mapping[str, str] | None = None, states: bool = False
    ) -> list[Task]:
        """The tasks without a result. fingerprints: of the models that are here, whose files may have changed.

        states: also those without states.
        """
        now, done = fingerprints or {}, set()
        for row in self.rows(["model", "provenance"]).to_dict("records"):
            made = json.loads(row["provenance"])["model_fingerprint"]
            if now.get(row["model"], made) == made:
                done.add(row["key"])
        if states:
            done &= kept_states.tasks_with_states(self.objects).keys()
        return [task for task in tasks if task.key not in done]

    def merge_files(self, study: Study | None = None, least: int = 2) -> int:
        """Number of files that were merged into one per model and corpus, for one study's or for all.

        least: how many files there must be to make it worth it. Damaged files stay as they are.
        """
        merged, folders = 0, dict[str, list[str]]()
        for name in self.objects.names(_folder(study) if study else RESULTS):
            folders.setdefault(name.rpartition("/")[0], []).append(name)
        for folder, names in folders.items():
            if len(names) >= least:
                merged += self._merge_folder(folder, names)
        return merged

    def _merge_folder(self, folder: str, names: Sequence[str]) -> int:
        read: dict[str, pd.DataFrame] = {}
        for name, content in self.objects.get_all(names).items():
            for frame in self._read(name, content, None):
                if all(is_intact(row) for row in frame.to_dict("records")):
                    read[name] = frame
        if len(read) < 2:
            return 0
        rows = newest(list(read.values())).sort_values("key", ignore_index=True)
        into = self._put_merged(folder, rows.to_dict("records"))
        for name in read:
            if name != into:
                self.objects.delete(name)
        return len(read)

    def _put_merged(self, folder: str, rows: Sequence[Mapping[Any, Any]]) -> str:
        """Name of the file with these rows; the same for the same rows, so that no merge can undo another."""
        told = sorted(f"{row['key']} {row['written']} {row['checksum']}" for row in rows)
        name = f"{folder}/merged-{_digest(*told)}.parquet"
        self.objects.put(name, to_bytes(rows))
        return name

    def take_from(self, other: "Store") -> int:
        """Number of tasks that were copied from another store, those that are not here or are newer there."""
        theirs, ours = other.rows(), self.rows()
        here = dict(zip(ours["key"], ours["written"], strict=True))
        fresh = [
            row for row in theirs.to_dict("records") if here.get(row["key"], "") < row["written"] and is_intact(row)
        ]
        folders: dict[str, list[Mapping[Any, Any]]] = {}
        for row in fresh:
            folders.setdefault(folder_of(row["model"], row["corpus"]), []).append(row)
        for folder, rows in folders.items():
            self._put_merged(folder, rows)
        for name, content in other.objects.get_all(other.objects.names(_PLANS)).items():
            self.objects.put(name, content)
        kept_states.copy_states(self.objects, other.objects)
        return len(fresh)

    def problems(self) -> list[str]:
        """What is wrong with the files of the store, one line each; empty if nothing is."""
        found = []
        names = [name for name in self.objects.names(RESULTS) if name.endswith(".parquet")]
        for name, content in self.objects.get_all(names).items():
            frames = list(self._read(name, content, None))
            rows = [row for frame in frames for row in frame.to_dict("records")]
            bad = [row for row in rows if not is_intact(row)]
            if not frames:
                found.append(f"{name} is damaged")
            elif bad:
                found.append(f"{name}: {len(bad)} of {len(rows)} rows are not what was written")
        self.damaged = []
        self.planned(), self.failures()
        found += [f"{name} is damaged" for name in self.damaged]
        return found + kept_states.damaged_states(self.objects)


def _folder(study: Study) -> str:
    return folder_of(study.model, study.corpus)


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()
