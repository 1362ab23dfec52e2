"""The projections of a study in several states: the request and its answer. One state is in analyses.projection."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import pandas as pd

from neuronxa_core.analyses.projection import MOST_PAIRS, Projection, find_projection, project
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.models.cost import layer_count
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher, side_by_side
from neuronxa_core.states.sentences import State
from neuronxa_core.study.analysis import pair_sentences
from neuronxa_core.study.display import Shown
from neuronxa_core.study.recipe import local_recipe
from neuronxa_core.study.runner import run_states
from neuronxa_core.study.study import Study


@dataclass(frozen=True)
class Projections(Shown):
    """The projections of one or more states of a study."""

    study: Study
    states: tuple[Projection, ...]

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the measures of each layer, and every point."""
        numbers = pd.concat([each.table for each in self.states], ignore_index=True)
        return {"numbers": numbers, "points": pd.concat([each.points_table for each in self.states], ignore_index=True)}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the settings and the provenance of each projection."""
        provenance = {each.state: self.study.traced(each.provenance) for each in self.states}
        return {"study": self.study.told, "settings": asdict(self.states[0].settings), "provenance": provenance}


@dataclass(frozen=True)
class Project:
    """Do sentences cluster by meaning or by language?"""

    name: ClassVar[str] = "projection"
    study: Study
    states: tuple[State, ...] = ("nas", "embedding")
    settings: ProjectionSettings = field(default_factory=ProjectionSettings)

    @property
    def at_once(self) -> int:
        """At least both languages of a layer; all layers are laid out together, so each counts like sentences more."""
        pairs, layers = self.study.pairs, layer_count(self.study.ref) or 1
        return max(2 * pairs, 2 * min(pairs, MOST_PAIRS) * layers)

    def sentences(self) -> tuple[str, ...]:
        return pair_sentences(self.study)

    def cached(self) -> Projections | None:
        recipe = local_recipe(self.study)
        layers = recipe.layers(self.study.bitext()) if recipe else None
        if recipe is None or layers is None:
            return None
        study = recipe.study
        found = [find_projection(study, layers, state, self.settings) for state in self.states]
        there = tuple(each for each in found if each)
        return Projections(study, there) if len(there) == len(self.states) else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> Projections:
        result, layers = run_states(self.study, device, watcher)
        study = result.study
        watchers = side_by_side(watcher, len(self.states))
        with ThreadPoolExecutor(len(self.states)) as pool:
            works = [
                pool.submit(copy_context().run, project, study, layers, state, self.settings, each)  # of store.apart
                for state, each in zip(self.states, watchers, strict=True)
            ]
            return Projections(study, tuple(work.result() for work in works))
