"""Questions with choices in two languages: does the model prefer the right one, and is the right one the aligned one?

Preferred is the choice with the fewest bits per byte after the question, as in acc_norm of lm-evaluation-harness. An
item is aligned if the source's question with the right choice is closer, by cosine and on average over the layers, to
the target's question with the right choice than to that with any wrong one (DALI, arXiv:2504.09378, which looks at the
layers one by one). Phi is Pearson's r of two outcomes that are 0 or 1, over the items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.bits_per_byte import sentence_bits
from neuronxa_core.analyses.choice_files import ChoiceItem, paired
from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.correlation import fisher_interval, pearson
from neuronxa_core.metrics.similarity import unit_vectors
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import mapped, store
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.display import Shown
from neuronxa_core.study.parquet import read_checked_json, write_checked_json
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.study import Study

Both = Sequence[tuple[ChoiceItem, ChoiceItem]]


@dataclass(frozen=True)
class ChoicesAnswer(Shown):
    """Every item: whether the right choice is preferred in each language, and its margin by each state.

    rows: item, right_source, right_target, and a margin per state, above 0 where the aligned choice is the right one.
    """

    study: Study
    rows: tuple[Mapping[str, Any], ...]
    provenance: Mapping[str, Any]

    @cached_property
    def items(self) -> pd.DataFrame:
        """One row per item: item, right_source, right_target, margin and aligned of each state."""
        table = pd.DataFrame(list(self.rows))
        return table.assign(**{f"{state}_aligned": table[f"{state}_margin"] > 0 for state in STATES})

    @cached_property
    def agreement(self) -> pd.DataFrame:
        """One row per signal (a state, or `source`: right in the source) and right (target, both): counts and phi.

        both: the signal is there and the target (or both languages) right; signal_only, right_only, neither likewise.
        """
        table = self.items
        signals = {state: table[f"{state}_aligned"] for state in STATES} | {"source": table["right_source"]}
        right = {"target": table["right_target"], "both": table["right_target"] & table["right_source"]}
        return pd.DataFrame(
            [
                {"signal": signal, "right": name, **agreement_of(there.to_numpy(bool), outcome.to_numpy(bool))}
                for signal, there in signals.items()
                for name, outcome in right.items()
                if (signal, name) != ("source", "both")
            ]
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the agreement, and every item."""
        return {"agreement": self.agreement, "items": self.items}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the accuracy in both languages, the agreement and the provenance."""
        return {
            "study": {name: value for name, value in self.study.told.items() if name not in ("corpus", "pairs")},
            "items": len(self.rows),
            "accuracy": {side: float(self.items[f"right_{side}"].mean()) for side in ("source", "target")},
            "agreement": self.agreement.to_dict("records"),
            "provenance": self.study.traced(self.provenance),
        }


def agreement_of(signal: NDArray[np.bool_], right: NDArray[np.bool_]) -> dict[str, float]:
    """Counts of the four cases, and phi with Fisher's interval; NaN for fewer than six items or a constant side."""
    value = float(pearson(signal.astype(np.float64), right.astype(np.float64)))
    low, high = fisher_interval(value, len(signal))
    return {
        "both": int((signal & right).sum()),
        "signal_only": int((signal & ~right).sum()),
        "right_only": int((~signal & right).sum()),
        "neither": int((~signal & ~right).sum()),
        "phi": value if not np.isnan(low) else np.nan,
        "phi_low": low,
        "phi_high": high,
        "items": len(signal),
    }


def texts_of(items: Sequence[ChoiceItem]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(every question with each of its choices, every question alone), item by item."""
    return tuple(f"{each.prompt} {choice}" for each in items for choice in each.choices), tuple(
        each.prompt for each in items
    )


def preferred(items: Sequence[ChoiceItem], whole: NDArray[np.float64], alone: NDArray[np.float64]) -> list[bool]:
    """Whether the right choice has strictly the fewest bits per byte. whole, alone: bits of `texts_of`."""
    found, place = [], 0
    for each, question in zip(items, alone, strict=True):
        sizes = np.array([len(choice.encode()) for choice in each.choices])
        rates = (whole[place : place + len(sizes)] - question) / sizes
        found.append(bool(rates[each.correct] < np.delete(rates, each.correct).min()))
        place += len(sizes)
    return found


def choice_margins(paths: tuple[Path, Path], items: Sequence[ChoiceItem], state: State) -> NDArray[np.float64]:
    """(items,): cosine of both right choices minus the best of the source's right and a target's wrong one.

    Mean over the layers. paths: the states of `texts_of` in source and target. A tie is a miss.
    """
    starts = np.cumsum([0, *(len(each.choices) for each in items)])
    sums, layers = np.zeros(len(items)), mapped.count_layers(paths[0], state)
    for layer in range(layers):
        ours, theirs = (unit_vectors(mapped.read_layer(path, state, layer)) for path in paths)
        for number, each in enumerate(items):
            cosines = theirs[starts[number] : starts[number + 1]] @ ours[starts[number] + each.correct]
            sums[number] += cosines[each.correct] - np.delete(cosines, each.correct).max()
    return sums / layers


@dataclass(frozen=True)
class Choices:
    """Does the aligned choice win where the model answers rightly? items: of choice_files.read_choices.

    The study gives the model and the two languages; its corpus does not matter.
    """

    name: ClassVar[str] = "choices"
    bits: ClassVar[bool] = True
    study: Study
    items: tuple[ChoiceItem, ...]

    @property
    def both(self) -> Both:
        """The items in source and target. Raises StudyError."""
        return paired(self.items, self.study.source, self.study.target)

    @property
    def at_once(self) -> int:
        return len(self.sentences())

    def sentences(self) -> list[str]:
        sides = zip(*self.both, strict=True)
        return [text for side in sides for texts in texts_of(side) for text in texts]

    def cached(self) -> ChoicesAnswer | None:
        recipe = local_recipe(self.study)
        stored = store.read_or_discard(self._path(recipe), read_checked_json) if recipe else None
        return self._answer(recipe, stored) if recipe and stored else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> ChoicesAnswer:
        recipe = recipe_for(self.study, device, watcher)
        stored = store.read_or_discard(self._path(recipe), read_checked_json)
        if stored is None:
            stored = self._computed(recipe, watcher)
            store.write_aside(self._path(recipe), partial(write_checked_json, stored))
        return self._answer(recipe, stored)

    def _answer(self, recipe: Recipe, stored: Mapping[str, Any]) -> ChoicesAnswer:
        return ChoicesAnswer(recipe.study, tuple(stored["rows"]), stored["provenance"])

    def _path(self, recipe: Recipe) -> Path:
        rights = "".join(str(one.correct) for one, _ in self.both)
        key = recipe.key | {"choices": sentences_hash(tuple(self.sentences())), "right": rights}
        return store.result_path(store.cache_key(key), ".choices.json")

    def _computed(self, recipe: Recipe, watcher: Watcher) -> dict[str, Any]:
        sides = [list(side) for side in zip(*self.both, strict=True)]
        together = Together(watcher, len(self.sentences()))
        right, paths = {}, []
        codes = {"source": recipe.study.source, "target": recipe.study.target}
        for (name, code), side in zip(codes.items(), sides, strict=True):
            whole, alone = texts_of(side)
            bits = []
            for texts in (whole, alone):
                bits.append(sentence_bits(recipe, code, texts, together))
                together.before += len(texts)
            right[f"right_{name}"] = preferred(side, *bits)
            paths.append(recipe.language_path(code, whole, together))
        if not all(path.is_file() for path in paths):
            raise StudyError("The cache is too small for the states of these questions.", "Increase NEURONXA_CACHE_GB.")
        margins = {state: choice_margins((paths[0], paths[1]), sides[0], state) for state in STATES}
        rows = [
            {"item": each.item, **{side: outcomes[place] for side, outcomes in right.items()}}
            | {f"{state}_margin": float(margins[state][place]) for state in STATES}
            for place, each in enumerate(sides[0])
        ]
        return {"rows": rows, "provenance": recipe.provenance(store.taken_from(paths[0]))}
