"""What a report can show of a study on this machine: from the gallery or the cache, never from a model."""

from neuronxa_core.analyses.projection import Projection, find_projection, project
from neuronxa_core.analyses.report import Material
from neuronxa_core.analyses.space import space_measures
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.gallery.read import StoredLayers, precomputed_layers, precomputed_projection
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers
from neuronxa_core.study.study import Study


def gather(result: StudyResult) -> Material | None:
    """The states of the study and what follows from them, or None if neither gallery nor cache holds them.

    A projection is UMAP with its default settings where that has been computed, else PCA. Loads no model.
    """
    study = result.study
    layers = precomputed_layers(study) or find_layers(study)
    if layers is None:
        return None
    measures = (
        layers.measures
        if isinstance(layers, StoredLayers)
        else space_measures(layers, result.last_layer)
    )
    return Material(
        study.bitext(),
        layers,
        measures,
        [each for state in STATES if (each := _projected(study, layers, state))],
    )


def _projected(study: Study, layers: StudyLayers | StoredLayers, state: State) -> Projection | None:
    umap = ProjectionSettings()
    found = precomputed_projection(study, state, umap)
    if found is None and isinstance(layers, StudyLayers):
        found = find_projection(study, layers, state, umap) or project(study, layers, state, ProjectionSettings("pca"))
    return found
