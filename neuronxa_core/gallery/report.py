"""Gathers what a report shows of a study, from the gallery or the cache; never loads a model."""

import pandas as pd

from neuronxa_core.analyses.projection import Projection, find_projection, project
from neuronxa_core.analyses.report import Material
from neuronxa_core.analyses.space import absent_measures, space_measures, space_of
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.gallery.read import StoredLayers, precomputed_layers, precomputed_projection
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers
from neuronxa_core.study.study import Study


def layers_at_hand(study: Study) -> StudyLayers | StoredLayers | None:
    """The cosines of a study, layer by layer, from the gallery or the cache, or None. Never loads a model."""
    return precomputed_layers(study) or find_layers(study)


def gather(result: StudyResult) -> Material | None:
    """The material for a report; None if neither gallery nor cache has the study layer by layer.

    Projections are UMAP with default settings if that has been computed, else PCA. Never loads a model.
    """
    study = result.study
    layers = layers_at_hand(study)
    if layers is None:
        return None
    return Material(
        study.bitext(),
        layers,
        measures_of(result, layers),
        [each for state in STATES if (each := _projected(study, layers, state))],
    )


def measures_of(result: StudyResult, layers: StudyLayers | StoredLayers) -> pd.DataFrame:
    """The measures of a study's space, layer by layer, see analyses.space.

    Measures that a precomputed table lacks are computed if the cache has the states, and left out otherwise.
    """
    if isinstance(layers, StudyLayers):
        return space_of(result, layers).layers
    stored = layers.measures
    absent, states = absent_measures(stored), find_layers(result.study)
    if not absent or states is None:
        return stored
    return stored.merge(space_measures(states, result.last_layer, absent), on=["state", "layer"])


def _projected(study: Study, layers: StudyLayers | StoredLayers, state: State) -> Projection | None:
    umap = ProjectionSettings()
    found = precomputed_projection(study, state, umap)
    if found is None and isinstance(layers, StudyLayers):
        found = find_projection(study, layers, state, umap) or project(study, layers, state, ProjectionSettings("pca"))
    return found
