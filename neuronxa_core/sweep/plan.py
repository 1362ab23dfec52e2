"""What a sweep computes: models x corpora x languages x settings, each combination a task of its own.

A task is a study and a key that stays the same for the same question, so that a second start finds what is done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from neuronxa_core.analyses.revisions import at_revision
from neuronxa_core.corpora.catalogue import Corpus, open_corpus
from neuronxa_core.corpora.languages import language, looks_like_a_language
from neuronxa_core.errors import CorpusError, StudyError, shown
from neuronxa_core.models import demo
from neuronxa_core.models.locate import ModelRef, is_hub_id
from neuronxa_core.paths import exists
from neuronxa_core.study.rows import key_of
from neuronxa_core.study.study import CHOICES, Study
from neuronxa_core.sweep.plan_file import Entries, Entry, read_entries, refuse

_MOST_PAIRS = 1_000_000


@dataclass(frozen=True)
class Task:
    """One study of a plan. key: the same wherever and whenever the same question is asked."""

    study: Study
    key: str

    @property
    def model(self) -> tuple[ModelRef, str]:
        """What must be in memory for it: the model and the dtype."""
        return self.study.ref, self.study.dtype


@dataclass(frozen=True)
class Plan:
    """The tasks of a plan, those of a model together, and in these those of a language. text: as it was written."""

    tasks: tuple[Task, ...]
    text: str = ""

    @property
    def by_model(self) -> dict[tuple[ModelRef, str], tuple[Task, ...]]:
        """The tasks of each model in one dtype, in the plan's order."""
        groups: dict[tuple[ModelRef, str], list[Task]] = {}
        for task in self.tasks:
            groups.setdefault(task.model, []).append(task)
        return {model: tuple(tasks) for model, tasks in groups.items()}


def task_of(study: Study) -> Task:
    """The task of a study."""
    return Task(study, key_of(study))


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises SweepError, which names the line, for what is wrong with it."""
    entries, text = read_entries(path)
    return Plan(_tasks(entries), text)


def _tasks(entries: Entries) -> tuple[Task, ...]:
    models = [_model(entry) for entry in entries["models"]]
    for name in CHOICES:
        for entry in entries[name]:
            if entry.value not in CHOICES[name]:
                refuse(
                    entry.line, f"{name} cannot be {shown(entry.value)!r}.", f"Choose from: {', '.join(CHOICES[name])}."
                )
    pairs = [_number(entry) for entry in entries["pairs"]]
    corpora = [_open(entry) for entry in entries["corpora"]]
    for corpus in corpora:
        _check_languages(corpus, entries)
    tasks = {task.key: task for task in _combined(entries, models, corpora, pairs)}
    if not tasks:
        line = entries["languages"][0].line
        refuse(line, "no language is left besides the pivot.", "Name another language, or another pivot.")
    return tuple(tasks.values())


def _combined(
    entries: Entries, models: Sequence[tuple[str, str]], corpora: Sequence[Corpus], pairs: Sequence[int]
) -> Iterator[Task]:
    """The tasks, the slowest to change first: what must be loaded, then what must be extracted."""
    values = {name: [entry.value for entry in entries[name]] for name in entries}
    pivots = list(dict.fromkeys(language(code).code for code in values["pivot"]))
    for (model, revision), dtype, corpus, count in product(models, values["dtype"], corpora, pairs):
        seen = 0
        for code in _codes(corpus, values["languages"], pivots):
            for site, pooling, pivot in product(values["site"], values["pooling"], pivots):
                if pivot == code or (corpus.pairwise and pivot not in corpus.beside(code)):
                    continue
                settings: dict[str, Any] = {"pairs": count, "site": site, "pooling": pooling, "dtype": dtype}
                study = Study(model, corpus.name, code, pivot, revision=revision, **settings)
                if not seen:
                    _check_pairs(study, entries)
                seen += 1
                yield task_of(study)


def _codes(corpus: Corpus, named: Sequence[str], pivots: Sequence[str]) -> list[str]:
    codes = corpus.languages if "all" in named else [language(name).code for name in named]
    return [code for code in dict.fromkeys(codes) if pivots != [code]]


def _model(entry: Entry) -> tuple[str, str]:
    """(model, revision) of `name` or `name@revision`; of a training run's folder, that checkpoint in it, and ""."""
    model, at, revision = entry.value.rpartition("@")
    if not at or not model or exists(entry.value):
        model, revision = entry.value, ""
    if model != demo.NAME and not exists(model) and not is_hub_id(model):
        refuse(
            entry.line,
            f"there is no model {shown(model)!r}.",
            "Use demo, a hub id such as organisation/name, or the path of a folder or GGUF file.",
        )
    if is_hub_id(model) or model == entry.value:
        return model, revision
    try:
        inside = at_revision(Study(model, "", "deu_Latn", "eng_Latn"), revision).model
    except StudyError as error:
        refuse(entry.line, error.problem, error.next_step)
    if not exists(inside):
        refuse(
            entry.line,
            f"there is no checkpoint {shown(revision)!r} in {shown(model)}.",
            "Name a folder in it, such as checkpoint-1000.",
        )
    return inside, ""


def _open(entry: Entry) -> Corpus:
    try:
        return open_corpus(entry.value)
    except CorpusError as error:
        refuse(entry.line, error.problem, error.next_step)


def _check_languages(corpus: Corpus, entries: Entries) -> None:
    """Refuses a language or a pivot that the corpus lacks."""
    for entry in (*entries["languages"], *entries["pivot"]):
        if entry.value == "all" and entry in entries["languages"]:
            continue
        code = language(entry.value).code
        if code in corpus.languages:
            continue
        if not looks_like_a_language(entry.value):
            refuse(entry.line, f"{shown(entry.value)!r} is not a language.", "Use a FLORES-200 code, such as deu_Latn.")
        some = ", ".join(corpus.languages[:6])
        refuse(entry.line, f"the corpus {shown(corpus.name)} has no {shown(code)}.", f"It has {some} and others.")


def _number(entry: Entry) -> int:
    if not entry.value.isascii() or not entry.value.isdigit() or not 2 <= int(entry.value[:9]) <= _MOST_PAIRS:
        refuse(entry.line, f"pairs cannot be {shown(entry.value)!r}.", "Use a number from 2.")
    return int(entry.value[:9])


def _check_pairs(study: Study, entries: Entries) -> None:
    """Refuses a number of pairs that the corpus does not have in the first language."""
    line = next(entry.line for entry in entries["pairs"] if int(entry.value) == study.pairs)
    try:
        study.bitext()
    except CorpusError as error:
        refuse(line, error.problem, error.next_step)
