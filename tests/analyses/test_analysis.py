"""What holds for every question: an answer is the same from everywhere, and so is where it says that it comes from."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.analyses.alignment import Alignment
from neuronxa_core.analyses.asymmetry import Asymmetry
from neuronxa_core.analyses.choice_files import read_choices
from neuronxa_core.analyses.choices import Choices
from neuronxa_core.analyses.claims import Claims
from neuronxa_core.analyses.downstream import Downstream
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.items import Items
from neuronxa_core.analyses.languages import Languages
from neuronxa_core.analyses.models import Models
from neuronxa_core.analyses.neurons import Neurons, Tokens
from neuronxa_core.analyses.pairs_needed import PairsNeeded
from neuronxa_core.analyses.projections import Project
from neuronxa_core.analyses.settings import Settings
from neuronxa_core.analyses.similarity import Similarity
from neuronxa_core.analyses.steering import Steering
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.analyses.with_without import WithWithout
from neuronxa_core.errors import StudyError
from neuronxa_core.study.analysis import Analysis
from neuronxa_core.study.study import Study
from tests.test_commands import CHOICES

OTHERS = ("deu_Latn", "fra_Latn")
MADE: dict[str, Callable[[Study], Analysis[Any]]] = {
    "alignment": Alignment,
    "similarity": Similarity,
    "asymmetry": lambda study: Asymmetry(study, OTHERS),
    "projection": lambda study: Project(study, ("nas", "embedding"), ProjectionSettings("pca")),
    "languages": lambda study: Languages(study, (*OTHERS, "eng_Latn")),
    "neurons": lambda study: Neurons(study, (*OTHERS, "eng_Latn")),
    "interventions": lambda study: Interventions(study, (*OTHERS, "eng_Latn"), share=0.1, controls=1),
    "with_without": lambda study: WithWithout(study, MADE["interventions"](study), "deu_Latn"),  # type: ignore[arg-type]
    "steering": lambda study: Steering(study, strengths=(2,), controls=1, prompts=2),
    "models": lambda study: Models((study, replace(study, site="product")), OTHERS),
    "settings": lambda study: Settings(study, ("fra_Latn",)),
    "pairs_needed": lambda study: PairsNeeded(study, OTHERS),
    "downstream": lambda study: Downstream(study, OTHERS),
    "claims": lambda study: Claims(study, OTHERS),
    "items": lambda study: Items(study, OTHERS),
    "choices": lambda study: Choices(study, read_choices({CHOICES.name: CHOICES.read_bytes()})),
}


@pytest.fixture
def study(tiny_model, tiny_corpus: Path) -> Study:
    return Study(str(tiny_model("llama")), str(tiny_corpus), "deu", "eng", pairs=8, dtype="float32")


def without_times(summary: object) -> object:
    """Of two runs only the seconds may differ."""
    if isinstance(summary, dict):
        return {name: without_times(value) for name, value in summary.items() if name != "seconds"}
    return [without_times(each) for each in summary] if isinstance(summary, list) else summary


def same(one: Any, other: Any) -> None:
    assert one.tables.keys() == other.tables.keys()
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)
    np.testing.assert_equal(without_times(one.summary), without_times(other.summary))


@pytest.mark.parametrize("name", MADE)
def test_a_cached_answer_is_the_fresh_one_with_its_provenance(name: str, study: Study, cache: Path):
    request = MADE[name](study)
    assert request.name == name
    assert request.cached() is None
    fresh = request.run()
    same(request.cached(), fresh)
    same(ForkingPickler.loads(bytes(ForkingPickler.dumps(fresh))), fresh)  # on its way from the worker
    shutil.rmtree(cache / "results", ignore_errors=True)  # the states are still there: a warm cache, a new answer
    same(request.run(), fresh)


@pytest.mark.parametrize("name", MADE)
def test_the_same_question_is_the_same_key(name: str, study: Study):
    request = MADE[name](study)
    assert {request} == {MADE[name](replace(study))} == {ForkingPickler.loads(bytes(ForkingPickler.dumps(request)))}
    assert list(MADE[name](study).sentences())


@pytest.mark.parametrize("name", MADE)
def test_an_answer_says_what_was_taken_for_the_neurons(name: str, study: Study):
    summary = MADE[name](study).run().summary
    text = str(summary["provenance"])
    assert "mlp.act_fn" in text or name in ("projection", "steering")  # which read no neurons


def test_tokens_are_read_and_not_kept(study: Study):
    request = Tokens(study, 0, 1)
    answer = request.run()
    assert request.cached() is None
    table = answer.tables["tokens"]
    assert list(table["language"].unique()) == ["deu_Latn", "eng_Latn"]
    assert table["token"].tolist() == [*answer.source.tokens, *answer.target.tokens]
    assert (table.loc[table["language"] == "eng_Latn", "0"].to_numpy() == answer.target.activations[:, 0]).all()


def test_a_question_of_no_language_is_refused(study: Study):
    with pytest.raises(StudyError, match="Choose at least one"):
        Asymmetry(study, ())


@pytest.mark.parametrize("name", ["alignment", "asymmetry", "languages", "settings", "pairs_needed", "downstream"])
def test_a_page_never_computes_what_only_states_are_there_for(name: str, study: Study, cache: Path):
    """`cached` is asked at every drawing of a page: it reads an answer or has none."""
    request: Analysis[Any] = MADE[name](study)
    request.run()
    shutil.rmtree(cache / "results")
    assert request.cached() is None
