"""Does alignment say anything about a single sentence? The margin of each pair against how well it is predicted.

margin: c_ii minus the best rival in its row or column, mean over the layers. bits per byte: of the target's sentence
and of the language's own, each given nothing. The correlation over the pairs of one language is about sentences; that
of the Downstream page is about languages, and alignment often goes with accuracy there and not here (arXiv:2504.09378).
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from neuronxa_core.analyses.bits_per_byte import sentence_bits
from neuronxa_core.corpora.languages import language
from neuronxa_core.metrics.correlation import correlation
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.analysis import AgainstTarget
from neuronxa_core.study.display import Shown
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.recipe import Recipe, local_recipe
from neuronxa_core.study.runner import run_states
from neuronxa_core.study.study import Study
from neuronxa_core.study.table import StudyTable, kept_table, run_tables

CAUTION = "arXiv:2504.09378"
"""Who finds that alignment goes with accuracy over languages, but often not over items."""
SIDES = ("target", "source")


def mean_margins(layers: StudyLayers, state: State) -> Any:
    """(pairs,): c_ii minus its best rival, mean over the state's layers."""
    first = first_layer(state)
    each = [layers.cosines(state, layer).summary.margin for layer in range(first, first + layers.count(state))]
    return np.mean(each, axis=0)


def find_items(study: Study) -> StudyTable | None:
    """A language's items if they are cached, else None. Never loads or downloads a model."""
    recipe = local_recipe(study)
    return kept_table(_path(recipe), recipe.study) if recipe else None


def _path(recipe: Recipe) -> Path:
    return recipe.result_path(recipe.study.bitext(), ".items.parquet")


def _computed(recipe: Recipe, device: Device, watcher: Watcher) -> StudyTable:
    study, bitext = recipe.study, recipe.study.bitext()
    sides = {"target": (study.target, bitext.target_sentences), "source": (study.source, bitext.source_sentences)}
    bits = {name: sentence_bits(recipe, code, sentences, watcher) for name, (code, sentences) in sides.items()}
    sizes = {name: np.array([len(each.encode()) for each in sentences]) for name, (_, sentences) in sides.items()}
    _, layers = run_states(study, device, watcher)
    table = pd.DataFrame(
        {
            "pair": np.arange(1, study.pairs + 1),
            **{str(state): mean_margins(layers, state) for state in STATES},
            **{name: bits[name] / sizes[name] for name in SIDES},
        }
    )
    return StudyTable(study, table, recipe.provenance(store.taken_from(layers.source)))


@dataclass(frozen=True)
class SentenceItems(Shown):
    """The pairs of every language, and how their margins go with bits per byte.

    items: by language, pair (from 1), the mean margin of each state, bits per byte of both sentences.
    """

    study: Study
    """The first language's study."""
    items: tuple[StudyTable, ...]

    @cached_property
    def correlations(self) -> pd.DataFrame:
        """One row per language, state and side: Pearson's r over pairs of margin with minus bits per byte, interval.

        Above 0: better predicted sentences have larger margins. side: whose sentence is predicted.
        """
        rows = []
        for each in self.items:
            code = each.study.source
            for side in SIDES:
                predicted = -each.table[side].to_numpy(dtype=np.float64)
                for state in STATES:
                    found = correlation(each.table[state].to_numpy(dtype=np.float64), predicted)
                    rows.append((code, language(code).name, state, side, *found, len(predicted)))
        columns = ["language", "name", "state", "side", "pearson", "pearson_low", "pearson_high", "pairs"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the correlations, and every pair with its margins and bits per byte."""
        pairs = [each.table.assign(language=each.study.source) for each in self.items]
        return {"correlations": self.correlations, "pairs": pd.concat(pairs, ignore_index=True)}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the languages, the correlations and the provenance of each language."""
        return {
            "study": self.study.told,
            "languages": [each.study.source for each in self.items],
            "correlations": self.correlations.to_dict("records"),
            "provenance": {each.study.source: each.study.traced(each.provenance) for each in self.items},
        }


@dataclass(frozen=True)
class Items(AgainstTarget):
    """Does a pair's margin go with how well its sentences are predicted, in each language against the target?"""

    name: ClassVar[str] = "items"
    bits: ClassVar[bool] = True

    def cached(self) -> SentenceItems | None:
        found = [find_items(replace(self.study, source=code)) for code in self.languages]
        there = tuple(each for each in found if each)
        return SentenceItems(there[0].study, there) if len(there) == len(found) else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> SentenceItems:
        items = tuple(run_tables(self.study, self.languages, _path, _computed, device, watcher))
        return SentenceItems(items[0].study, items)
