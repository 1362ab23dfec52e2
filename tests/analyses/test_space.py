import numpy as np
import pytest
from scipy.spatial.distance import cdist

from neuronxa_core.analyses.space import space_measures
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study


def test_the_measures_are_those_of_the_states(tiny_model, tiny_corpus):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8)
    run_study(study)
    layers = find_layers(study)
    measures = space_measures(layers, 3).set_index(["state", "layer"])
    assert len(measures) == 3 + 3 + 4
    source, target = layers.states("nav", 2)
    cosines = 1 - cdist(source.astype(float), target.astype(float), "cosine")
    others = [cosines[i, j] for i in range(8) for j in range(8) if i != j]
    singular = np.linalg.svd(np.concatenate([source, target]).astype(float), compute_uv=False)
    share = singular / singular.sum()
    row = measures.loc[("nav", 2)]
    assert row["parallel"] == pytest.approx(np.diag(cosines).mean())
    assert row["anisotropy"] == pytest.approx(np.mean(others))
    assert row["effective_rank"] == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-6)
