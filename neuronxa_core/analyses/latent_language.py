"""Which language a model leans to on its way to an answer: the logit lens on prompts whose answer is one known word.

At the last token of each prompt, layer by layer: the probability of the first tokens of the answer in the target
language, in a pivot (English by default) and in the source. A word counts only if the three sets of first tokens do not
meet. Frequent tokens get probability for no reason, so each has a baseline: the mean over the other words' answers.
Source: Wendler et al. 2024, arXiv:2402.10588.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.analyses.latent_answer import LatentAnswer, read_latent, write_latent
from neuronxa_core.analyses.latent_prompts import ROLES, TASKS, Question, Role, Task, questions, template_of
from neuronxa_core.corpora.catalogue import EVERYDAY
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.corpora.words import BUNDLED, open_words
from neuronxa_core.errors import CorpusError, StudyError
from neuronxa_core.metrics.latent import own_and_shuffled
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states import store
from neuronxa_core.study.naming import corpus_name
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.study import Study

MOST_SHOTS = 32


def model_only(study: Study) -> Study:
    """The study with everything but model, precision and languages set to one value, for what needs no corpus."""
    return replace(study, corpus=EVERYDAY.name, pairs=100, sample=0, leave_out="", site="gate", pooling="position")


@dataclass(frozen=True)
class LatentLanguage:
    """Does the model think in a pivot language? Asked word by word, from source to target.

    Of the study only the model, its precision, source and target count; the rest is set to its default, so that equal
    questions are equal requests. words: `bundled`, an upload or the path of a table, see corpora.words. template: one
    line of a prompt, see latent_prompts; empty for the task's own.
    Raises StudyError if the pivot is source or target, or for options out of range.
    """

    name: ClassVar[str] = "latent-language"
    at_once: ClassVar[int | None] = 1
    study: Study
    pivot: str = ENGLISH
    task: Task = "translation"
    shots: int = 4
    words: str = BUNDLED
    seed: int = 0
    template: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "study", model_only(self.study))
        object.__setattr__(self, "pivot", language(self.pivot).code)
        if self.pivot in (self.study.source, self.study.target):
            side = "source" if self.pivot == self.study.source else "target"
            raise StudyError(f"The pivot {self.pivot} is the {side} already.", "Choose a third language as the pivot.")
        if self.task not in TASKS:
            raise StudyError(f"The task cannot be {self.task!r}.", f"Choose one of: {', '.join(TASKS)}.")
        if not 0 <= self.shots <= MOST_SHOTS:
            raise StudyError(f"The number of shots cannot be {self.shots}.", f"Use 0 to {MOST_SHOTS}.")
        if self.seed < 0:
            raise StudyError(f"The seed cannot be {self.seed}.", "Use 0 or a positive number.")
        template_of(self.task, self.template)

    @property
    def words_name(self) -> str:
        """The word list by name: a path by its last part without its suffix."""
        return corpus_name(self.words)

    @property
    def codes(self) -> dict[Role, str]:
        """The language of each role."""
        return {"target": self.study.target, "pivot": self.pivot, "source": self.study.source}

    def questions(self) -> tuple[Question, ...]:
        """One question per row of the word list. Raises CorpusError."""
        return questions(open_words(self.words), self.codes, self.task, self.template, self.shots, self.seed)

    def sentences(self) -> list[str]:
        return [each.prompt for each in self.questions() if each.prompt]

    @property
    def lens(self) -> int:
        """Tokens of which the head reads every layer: the last of each prompt. Raises CorpusError."""
        return len(self.sentences())

    def cached(self) -> LatentAnswer | None:
        recipe = local_recipe(self.study)
        return self._stored(recipe) if recipe else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> LatentAnswer:
        recipe = recipe_for(self.study, device, watcher)
        asked = self.questions()
        if stored := self._stored(recipe):
            return stored
        answer = _measure(replace(self, study=recipe.study), asked, recipe, watcher)
        store.write_aside(self._path(recipe), lambda file: write_latent(answer, file))
        return answer

    def _stored(self, recipe: Recipe) -> LatentAnswer | None:
        asked = replace(self, study=recipe.study)
        return store.read_or_discard(self._path(recipe), lambda path: read_latent(path, asked))

    def _path(self, recipe: Recipe) -> Path:
        """The cache file. It depends on the words themselves, not on where they lie."""
        parts = recipe.model_key | {
            "latent": " ".join(self.codes.values()),
            "words": open_words(self.words).digest(sorted(self.codes.values())),
            "task": self.task,
            "template": template_of(self.task, self.template),
            "shots": self.shots,
            "seed": self.seed,
        }
        return store.result_path(store.cache_key(parts), ".latent.parquet")


def _measure(request: LatentLanguage, asked: Sequence[Question], recipe: Recipe, watcher: Watcher) -> LatentAnswer:
    """Runs the model on the questions whose answers can be told apart by their first tokens."""
    from neuronxa_core.states.lens import first_tokens, last_token

    model = recipe.model(watcher)
    ready = [each for each in asked if each.prompt]
    prompts = [each.prompt for each in ready]
    starts: dict[Role, list[frozenset[int]]] = {
        role: first_tokens(model, prompts, [each.words[role] for each in ready]) for role in ROLES
    }
    found = [
        _reason({role: starts[role][place] for role in ROLES}, request.codes, model.token_texts)
        for place in range(len(ready))
    ]
    reasons = {each.row: reason for each, reason in zip(ready, found, strict=True)}
    asked = [replace(each, reason=each.reason or reasons[each.row]) for each in asked]
    used = [place for place, reason in enumerate(found) if not reason]
    if len(used) < 2:
        raise _too_few(request, asked)
    columns = sorted(set().union(*(starts[role][place] for role in ROLES for place in used)))
    lens = last_token(model, [prompts[place] for place in used], columns, watcher=watcher)
    own, shuffled = {}, {}
    for role in ROLES:
        sets = np.array([[token in starts[role][place] for token in columns] for place in used])
        own[role], shuffled[role] = _single(own_and_shuffled(lens.probabilities, sets))
    return LatentAnswer(request, tuple(asked), own, shuffled, lens.entropy.T, recipe.provenance())


def _single(arrays: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float32]]:
    """In the precision in which answers are stored, so that a cached answer is the same as a fresh one."""
    return [each.astype(np.float32) for each in arrays]


def _reason(starts: Mapping[Role, frozenset[int]], codes: Mapping[Role, str], texts: Any) -> str:
    """Why the first tokens of a word's three forms cannot be told apart; empty if they can."""
    names = {role: language(code).name for role, code in codes.items()}
    for role in ROLES:
        if not starts[role]:
            return f"the tokenizer does not know how the {names[role]} word begins"
    for one, other in combinations(ROLES, 2):
        if both := starts[one] & starts[other]:
            shared = ", ".join(repr(text) for text in texts(sorted(both)))
            return f"{names[one]} and {names[other]} begin with the same token {shared}"
    return ""


def _too_few(request: LatentLanguage, asked: Sequence[Question]) -> CorpusError:
    left = [each for each in asked if each.reason]
    first = f" (row {left[0].row}: {left[0].reason})" if left else ""
    said = f"{len(asked) - len(left)} of {len(asked)} words can be used" if len(asked) > 1 else "The list has one word"
    return CorpusError(
        f"{said}{first}, and the baseline needs at least two.",
        "Use a longer word list, or other languages.",
    )
