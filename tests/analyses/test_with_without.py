"""A pair's curves with and without neurons, against studies of the same pairs and of a model edited by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from neuronxa_core.analyses.continuation import Continuation, beginning
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.neuron_sets import sets_of
from neuronxa_core.analyses.with_without import ChangedAlignment, WithWithout
from neuronxa_core.errors import Cancelled, ModelError, StudyError
from neuronxa_core.gallery import answers, pairs_changed
from neuronxa_core.progress import Watcher
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study import bundled
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.tiny import tiny_tokenizer

CODES = ("deu_Latn", "fra_Latn", "eng_Latn")
FIRST_HALF = "1-4"


@pytest.fixture
def asked(tiny_model, tiny_corpus: Path) -> WithWithout:
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu", "eng", pairs=8, dtype="float32")
    return WithWithout(study, Interventions(study, CODES, share=0.3, controls=2), "deu_Latn")


def second_half(study: Study, model: str = "") -> Study:
    return replace(study, pairs=4, leave_out=FIRST_HALF, model=model or study.model)


def test_without_the_change_it_is_the_study_of_the_second_half(asked):
    answer, expected = asked.run(), run_study(second_half(asked.study), use_cache=False)
    for state in STATES:
        assert np.array_equal(answer.unchanged[state], expected.outcomes[state])
        assert answer.mean(state)[0] == pytest.approx(expected.mean(state))
    rows, scores = answer.table, expected.scores
    assert rows[["state", "layer"]].equals(scores[["state", "layer"]])
    for ours, theirs in (("unchanged", "score"), ("unchanged_low", "ci_low"), ("unchanged_high", "ci_high")):
        np.testing.assert_allclose(rows[ours], scores[theirs])


def test_with_the_change_it_is_the_study_of_a_model_without_those_columns(asked, tmp_path: Path):
    """By embedding: the neurons' own states are still there in a model whose down projection does not read them."""
    many = replace(asked.intervention, set="random", share=0.6)
    answer = WithWithout(asked.study, many, "random").run()
    model = AutoModelForCausalLM.from_pretrained(asked.study.model, dtype=torch.float32)
    neurons = sets_of(many.run().neurons, ["random"])["random"]
    assert len(neurons) == answer.neurons > 80
    with torch.no_grad():
        for layer, mine in neurons.by_layer.items():
            model.base_model.layers[layer - 1].mlp.down_proj.weight[:, list(mine)] = 0
    model.save_pretrained(tmp_path / "edited")
    tiny_tokenizer().save_pretrained(tmp_path / "edited")
    expected = run_study(second_half(asked.study, model=str(tmp_path / "edited")), use_cache=False)
    assert np.array_equal(answer.changed["embedding"], expected.outcomes["embedding"])
    assert not np.array_equal(answer.changed["embedding"], answer.unchanged["embedding"])
    assert not np.array_equal(answer.changed["embedding"], answer.controls[0]["embedding"])


def test_the_change_and_its_interval_follow_from_the_outcomes(asked):
    answer = asked.run()
    before, after = (each["nas"].mutual for each in (answer.unchanged, answer.changed))
    rows = answer.table.query("state == 'nas'")
    np.testing.assert_allclose(rows["change"], after.mean(axis=1) - before.mean(axis=1))
    np.testing.assert_allclose(
        rows["control"], np.mean([each["nas"].mutual.mean(axis=1) for each in answer.controls], 0)
    )
    low, high = answer.change_interval("nas")
    assert low <= answer.mean("nas")[1] - answer.mean("nas")[0] <= high
    value, low, high = answer.beyond_controls("nas")
    assert value == pytest.approx(answer.mean("nas")[1] - answer.control_means("nas").mean())
    assert low <= value <= high
    alone = replace(asked, intervention=replace(asked.intervention, controls=0)).run()
    assert alone.beyond_controls("nas") is None
    assert alone.table["control"].isna().all()


def test_what_is_cached_is_not_counted_and_another_set_shares_the_unchanged_pass(asked):
    assert len(asked.sentences()) == 3 * 4 + 4 * 8
    asked.run()
    assert asked.sentences() == []
    other = replace(asked, neurons_of="fra_Latn")
    assert other.cached() is None
    assert len(other.sentences()) == 3 * 8


class StopAt(Watcher):
    def __init__(self, done: int) -> None:
        self.done, self.now = done, 0

    def report(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.now = done

    def check(self) -> None:
        if self.now >= self.done:
            raise Cancelled


def test_a_study_is_the_same_to_the_bit_after_a_cancelled_change(asked):
    before = run_study(asked.study, use_cache=False)
    with pytest.raises(Cancelled):
        asked.run(StopAt(24))  # 12 sentences find, 8 are read unchanged, then the change
    after = run_study(asked.study, use_cache=False)
    for state in STATES:
        assert np.array_equal(before.outcomes[state], after.outcomes[state])
    assert asked.run().table.equals(asked.run().table)


def test_experts_and_what_does_not_fit_together_are_refused(asked, tiny_model):
    experts = replace(asked, study=replace(asked.study, model=str(tiny_model("mixtral"))))
    with pytest.raises(ModelError, match="mixture of experts"):
        experts.run()
    with pytest.raises(StudyError, match="owns none"):
        replace(asked, neurons_of="spa_Latn")
    with pytest.raises(StudyError, match="too small to score"):
        replace(asked, study=replace(asked.study, pairs=3))


def test_what_the_gallery_stores_is_what_it_answers(asked, tmp_path: Path, monkeypatch):
    text = Continuation(asked.study, asked.intervention, "deu_Latn", beginning(asked.study, "deu_Latn"), tokens=3)
    curves, continued = asked.run(), text.run()
    with bundled.building(tmp_path):
        pairs_changed.write_changed([continued, curves], tmp_path)
    monkeypatch.setattr(bundled, "GALLERY", tmp_path)
    monkeypatch.setattr(pairs_changed, "gallery_request", lambda: asked.intervention)
    stored: ChangedAlignment | None = answers.stored(asked)  # type: ignore[assignment]
    assert stored is not None
    assert stored.table.equals(curves.table)
    assert stored.beyond_controls("nas") == curves.beyond_controls("nas")
    again = answers.stored(text)
    assert again is not None
    assert again.tables["continuation"].equals(continued.table)
    assert answers.stored(replace(text, text="Anders")) is None
    assert answers.stored(replace(text, tokens=4)) is None
    assert answers.stored(replace(asked, neurons_of="fra_Latn")) is None
    assert answers.stored(replace(asked, intervention=replace(asked.intervention, share=0.2))) is None
    assert answers.stored(replace(asked, study=replace(asked.study, pairs=6))) is None
