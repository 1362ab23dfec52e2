"""Steering against plain arithmetic and models edited by hand; what is cancelled or fails; and the model afterwards."""

from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForCausalLM

from neuronxa_core.analyses.cells import halves
from neuronxa_core.analyses.steering import Steering
from neuronxa_core.analyses.steering_answer import UNSTEERED, Condition, Measured, Said, Side
from neuronxa_core.analyses.steering_plan import TOKENS, Plan, halves_of
from neuronxa_core.corpora.identifier import identifier
from neuronxa_core.errors import Cancelled, ModelError, StudyError
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states import continuation, likelihood
from neuronxa_core.states.continuation import continue_greedily
from neuronxa_core.states.extraction import extract
from neuronxa_core.states.interventions import Shift
from neuronxa_core.states.likelihood import Likelihood
from neuronxa_core.states.steering import sentence_means
from neuronxa_core.study.recipe import recipe_for
from neuronxa_core.study.study import Study
from tests.conftest import Recorder
from tests.states.test_interventions import DOWN, loaded
from tests.tiny import FAMILIES, SENTENCES, tiny_tokenizer

LAYER = 2


@pytest.fixture
def asked(tiny_model, tiny_corpus: Path) -> Steering:
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu", "eng", pairs=8, dtype="float32")
    return Steering(study, strengths=(4, 0, 1), controls=2, prompts=3)


def mean_state(folder: Path, sentence: str, layer: int) -> np.ndarray:
    """The mean hidden state after a layer over all tokens but the first, from transformers' own hidden states."""
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    with torch.inference_mode():
        ids = torch.tensor([tiny_tokenizer()(sentence)["input_ids"]])
        hidden = model(input_ids=ids, output_hidden_states=True).hidden_states[layer][0].double().numpy()
    return hidden[1:].mean(axis=0)


@pytest.mark.parametrize("family", ["llama", "gemma3_text", "gpt2", "opt", "bloom", "mixtral", "qwen3_moe"])
def test_the_means_behind_the_direction_are_those_of_the_hidden_states(tiny_model, family: str):
    folder = tiny_model(family)
    means = sentence_means(loaded(folder), SENTENCES[:3], LAYER)
    expected = [mean_state(folder, sentence, LAYER) for sentence in SENTENCES[:3]]
    np.testing.assert_allclose(means, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["gpt2", "opt", "bloom", "gpt_neox"])
def test_a_direction_is_a_model_that_has_it_in_the_bias_of_a_layer(tiny_model, tmp_path, family: str):
    folder, vector = tiny_model(family), np.linspace(-2, 3, 32, dtype=np.float32)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    block = model.base_model.get_submodule(FAMILIES[family].blocks)[LAYER - 1]
    with torch.no_grad():
        block.get_submodule(DOWN[family]).bias += torch.from_numpy(vector)
    model.save_pretrained(tmp_path)
    tiny_tokenizer().save_pretrained(tmp_path)
    expected, plain = np.zeros(len(SENTENCES)), loaded(folder)
    extract(loaded(tmp_path), SENTENCES, bits=expected)
    passes = Likelihood(plain).read(SENTENCES, {LAYER})
    np.testing.assert_allclose(passes.changed(Shift(LAYER, vector)), expected, rtol=1e-4)
    assert np.abs(passes.bits / expected - 1).max() > 1e-2


def test_each_condition_is_a_model_shifted_by_plain_arithmetic(asked: Steering):
    answer, folder = asked.run(), Path(asked.study.model)
    assert (answer.layer, answer.layers, answer.strengths) == (2, 3, (1.0, 4.0))
    find, test = ({code: halves(asked.study, code)[half] for code in ("deu_Latn", "eng_Latn")} for half in (0, 1))
    means = {code: np.array([mean_state(folder, each, LAYER) for each in find[code]]) for code in find}
    direction = means["eng_Latn"].mean(axis=0) - means["deu_Latn"].mean(axis=0)
    length = np.linalg.norm(direction)
    assert answer.length == pytest.approx(length / np.linalg.norm(means["deu_Latn"], axis=1).mean(), rel=1e-4)
    drawn = np.random.default_rng([0, 2]).standard_normal(32)
    vectors = {Condition(4.0, 0): 4 * direction, Condition(1.0, 2): drawn * length / np.linalg.norm(drawn)}
    model, bits = loaded(folder), Likelihood(loaded(folder)).read(test["eng_Latn"])
    assert answer.prompts == ("Hier ist",) * 3
    for condition, vector in vectors.items():
        shift = Shift(LAYER, vector.astype(np.float32))
        said = [each.text for each in answer.conditions[condition].said]
        assert said == continue_greedily(model, answer.prompts, TOKENS, shift)
        change = bits.changed(shift).sum() / bits.bits.sum() - 1
        assert answer.change(answer.conditions[condition], "target")[0] == pytest.approx(change, abs=1e-5)
        row = answer.table.query("strength == @condition.strength and control == @condition.control").iloc[0]
        assert row["target_low"] <= row["target_change"] <= row["target_high"]
        assert abs(change) > 1e-4
    assert len(answer.table) == len(asked.conditions) == 7
    assert answer.table[["strength", "direction", "control"]].values.tolist()[:3] == [
        [0.0, "none", 0],
        [1.0, "diffmean", 0],
        [1.0, "random", 1],
    ]
    assert len(answer.continuations) == 7 * 3
    assert answer.table["target_script"].isna().all()


def test_what_is_cached_is_the_answer_and_other_choices_are_others(asked: Steering):
    assert asked.cached() is None
    assert asked.written == 7 * 3 * TOKENS
    found, tested = (sum(len(each) for half in halves_of(asked.study).values() for each in half[k]) for k in (0, 1))
    expected = found + 4 * tested, 7 * tested  # unsteered, and six from the middle layer on
    assert asked.characters == pytest.approx(expected)
    answer, kept = asked.run(), asked.cached()
    assert kept.summary == answer.summary
    for name, table in answer.tables.items():
        assert kept.tables[name].equals(table)
    assert (asked.unread(), asked.written, asked.characters) == ([], 0, (0, 0))
    assert replace(asked, layer=2).cached() is None  # the middle was asked for
    for other in (replace(asked, layer=1), replace(asked, seed=1)):
        assert not other.run().table.equals(answer.table)
    more = replace(asked, strengths=(1.0, 2.0, 4.0))
    assert len(more.unread()) == 3 * (4 + 4 + 3)
    assert more.written == 3 * 3 * TOKENS
    assert more.finished().strengths == (1.0, 4.0)
    with pytest.raises(StudyError, match="no layer 4"):
        replace(asked, layer=4).run()


class StopAt(Watcher):
    def __init__(self, detail: str) -> None:
        self.detail, self.stopped = detail, False

    def report(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.stopped |= detail == self.detail

    def check(self) -> None:
        if self.stopped:
            raise Cancelled


def hooks_of(asked: Steering) -> int:
    model = recipe_for(asked.study, "auto", SILENT).model(SILENT)
    return sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in model.parts.decoder.modules())


def test_cancelled_and_failed_runs_leave_no_trace_and_keep_whole_strengths(asked: Steering, monkeypatch):
    for detail in ("mean hidden state: English", "DiffMean, strength 1"):
        with pytest.raises(Cancelled):
            asked.run(StopAt(detail))
        assert hooks_of(asked) == 0
        assert asked.finished() is None
    with pytest.raises(Cancelled):
        asked.run(StopAt("random direction 2, strength 4"))
    assert hooks_of(asked) == 0
    assert asked.finished().strengths == (1.0,)
    passes = count(1)

    def fail(*given):
        if next(passes) > 2:
            raise RuntimeError("broken")
        return likeliest(*given)

    likeliest = continuation._likeliest
    monkeypatch.setattr(continuation, "_likeliest", fail)
    with pytest.raises(RuntimeError, match="broken"):
        asked.run()
    assert hooks_of(asked) == 0
    monkeypatch.undo()
    measured: list[object] = []
    changed = likelihood.Passes.changed
    monkeypatch.setattr(likelihood.Passes, "changed", lambda *given: measured.append(given) or changed(*given))
    assert asked.run().strengths == (1.0, 4.0)
    assert len(measured) == 2  # both languages under the one condition that was missing
    plain = Likelihood(loaded(Path(asked.study.model))).read(halves(asked.study, "deu_Latn")[1]).bits
    assert asked.run().conditions[UNSTEERED].bits["source"].tolist() == plain.tolist()


def test_progress_counts_every_sentence_once(asked: Steering):
    recorder = Recorder()
    asked.run(recorder)
    total = 8 + 7 * (4 + 4 + 3)
    assert len(asked.sentences()) == total
    done = [each for phase, each, whole in recorder.reports if phase == "extracting" and whole == total]
    assert done == sorted(done)
    assert 0 < max(done) <= total


def test_experts_are_steered_and_encoders_refused(asked: Steering, tiny_model):
    few = replace(asked, strengths=(3,), controls=1)
    answer = replace(few, study=replace(asked.study, model=str(tiny_model("mixtral")))).run()
    assert abs(answer.change(answer.conditions[Condition(3.0, 0)], "target")[0]) > 1e-4
    with pytest.raises(ModelError, match="does not continue a text"):
        replace(few, study=replace(asked.study, model=str(tiny_model("bert")))).run()


@pytest.mark.parametrize(
    "changed",
    [
        {"strengths": (0,)},
        {"strengths": (-1,)},
        {"strengths": (float("nan"),)},
        {"strengths": (101,)},
        {"controls": -1},
        {"layer": -1},
        {"seed": -1},
        {"prompts": 0},
    ],
)
def test_choices_that_cannot_be_are_refused(asked: Steering, changed: dict[str, Any]):
    with pytest.raises(StudyError):
        replace(asked, **changed)


def test_without_a_difference_nothing_changes(asked: Steering):
    plan = Plan(asked, recipe_for(asked.study, "auto", SILENT))
    plan.halves = dict.fromkeys(("target", "source"), plan.halves["source"])
    answer = plan.run(SILENT)
    assert answer.length == 0
    assert (answer.table[["target_change", "source_change"]] == 0).all(axis=None)


def test_shares_are_counted_and_the_difference_is_that_from_the_mean_of_the_controls(asked: Steering):
    ours, theirs, none = Said("the sun", "eng_Latn", 9.0), Said("die Sonne", "deu_Latn", 9.0), Said("12", "", 0.0)
    bits: dict[Side, Any] = {"target": np.array([10.0, 30.0]), "source": np.array([20.0, 20.0])}
    double: dict[Side, Any] = {"target": np.array([10.0, 30.0]), "source": np.array([30.0, 30.0])}
    conditions = {
        UNSTEERED: Measured(bits, (theirs, theirs, none, ours)),
        Condition(1.0, 0): Measured(double, (ours, ours, ours, theirs)),
        Condition(1.0, 1): Measured(bits, (ours, none, theirs, theirs)),
        Condition(1.0, 2): Measured(double, (theirs, none, theirs, Said("le soleil", "fra_Latn", 8.0))),
    }
    answer = replace(asked.run(), conditions=conditions, prompts=("a",) * 4)
    assert answer.table[["target", "source", "other", "cannot_tell"]].values.tolist() == [
        [0.25, 0.5, 0.0, 0.25],
        [0.75, 0.25, 0.0, 0.0],
        [0.25, 0.5, 0.0, 0.25],
        [0.0, 0.5, 0.25, 0.25],
    ]
    beyond = answer.beyond_language(1.0)
    assert (beyond.value, beyond.change, beyond.highest) == (0.75 - 0.125, 0.75, 0.25)
    assert beyond.low <= beyond.value <= beyond.high
    assert answer.beyond_bits(1.0, "source").value == pytest.approx(0.5 - 0.25)
    assert answer.differences["control"].tolist() == pytest.approx([0.125, 0.0, 0.25])
    assert answer.bits_per_byte["eng_Latn"] == 40 / answer.utf8_bytes["target"]
    assert replace(answer, conditions={k: v for k, v in conditions.items() if not k.control}).differences.empty
    apart = replace(answer, study=replace(answer.study, source="rus_Cyrl"))
    assert apart.table["target_script"].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert Measured(bits, (Said("abcabcabc", "", 0), Said("xy", "", 0))).repetition == pytest.approx(1 - 3 / 6)


def test_guesses_are_those_of_the_identifier(asked: Steering):
    answer, teller = asked.run(), identifier()[0]
    assert all((each.code, each.margin) == teller.guess(each.text) for each in answer.conditions[UNSTEERED].said)
