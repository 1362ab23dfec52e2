"""A curve over training, on two tiny checkpoints: their own numbers, in the order that was asked, and no demo."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neuronxa_core.analyses.revisions import Revisions, at_revision, step_of
from neuronxa_core.errors import NeuronXAError, StudyError
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.tiny import save_tiny_model


@pytest.fixture(scope="module")
def training(tmp_path_factory) -> Path:
    """A training run with two checkpoints."""
    folder = tmp_path_factory.mktemp("run")
    for seed, step in enumerate((500, 1000)):
        save_tiny_model(folder / f"checkpoint-{step}", "llama", seed=seed)
    return folder


@pytest.fixture
def base(training: Path, tiny_corpus: Path) -> Study:
    return Study(str(training), str(tiny_corpus), "deu", "eng", pairs=8, dtype="float32")


def test_every_checkpoint_has_its_own_scores_and_step(base: Study, training: Path):
    request = Revisions(base, ("deu_Latn", "fra_Latn"), ("checkpoint-500", " checkpoint-1000 "))
    assert request.cached() is None
    answer = request.run()
    assert list(answer.results) == ["checkpoint-500", "checkpoint-1000"]
    nas = answer.curve.query("state == 'nas'")
    assert nas["step"].tolist() == [500, 1000]
    for step, score in zip((500, 1000), nas["score"], strict=True):
        alone = [
            run_study(replace(base, model=str(training / f"checkpoint-{step}"), source=code)).mean("nas")
            for code in ("deu_Latn", "fra_Latn")
        ]
        assert score == pytest.approx(np.mean(alone))
    fingerprints = {each["model_fingerprint"] for each in answer.summary["provenance"].values()}
    assert len(fingerprints) == 2
    assert request.cached().curve.equals(answer.curve)
    assert (answer.curve["ci_low"] <= answer.curve["score"]).all()
    assert (answer.curve["score"] <= answer.curve["ci_high"]).all()


def test_a_hub_model_takes_the_name_as_its_revision():
    base = Study("EleutherAI/pythia-70m", "everyday", "deu", "eng")
    assert at_revision(base, "step1000") == replace(base, revision="step1000")
    assert step_of("step1000-tokens4B") == 1000
    assert step_of("main") is None
    with pytest.raises(StudyError, match="The demo has no revisions"):
        at_revision(replace(base, model="demo", pooling="position"), "step1")


def test_what_is_no_curve_and_what_is_not_there_are_a_sentence(base: Study):
    with pytest.raises(StudyError, match="two revisions or more"):
        Revisions(base, ("deu_Latn",), ("checkpoint-500", "checkpoint-500", ""))
    with pytest.raises(NeuronXAError, match="checkpoint-7"):
        Revisions(base, ("deu_Latn",), ("checkpoint-500", "checkpoint-7")).run()
