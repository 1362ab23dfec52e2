"""Effects against single runs of a model edited by hand; what is cancelled; and the model afterwards."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from neuronxa_core.analyses.cells import halves
from neuronxa_core.analyses.effects import Cell, Effects
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.neuron_sets import sets_of
from neuronxa_core.errors import Cancelled, ModelError, StudyError
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.loading import load_model
from neuronxa_core.progress import Watcher
from neuronxa_core.states import extraction, likelihood
from neuronxa_core.states.extraction import extract
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.conftest import Recorder
from tests.tiny import tiny_tokenizer

CODES = ("deu_Latn", "fra_Latn", "eng_Latn")


@pytest.fixture
def request_of_three(tiny_model, tiny_corpus: Path) -> Interventions:
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "deu", "eng", pairs=8, dtype="float32")
    return Interventions(study, CODES, share=0.1, controls=2)


def bits_without(folder: Path, neurons: dict[int, np.ndarray], sentences: tuple[str, ...], to: Path) -> np.ndarray:
    """-log2 p of each sentence under the model whose down_proj lacks these neurons' columns."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        for layer, mine in neurons.items():
            model.base_model.layers[layer - 1].mlp.down_proj.weight[:, list(mine)] = 0
    model.save_pretrained(to)
    tiny_tokenizer().save_pretrained(to)
    bits = np.zeros(len(sentences))
    extract(load_model(checkpoint_at(to), "cpu", "float32"), sentences, bits=bits)
    return bits


def test_a_change_is_that_of_the_second_half_under_a_model_edited_by_hand(request_of_three, tmp_path: Path):
    effects = request_of_three.run()
    folder = Path(request_of_three.study.model)
    assert len(effects.effects) == 9
    german = sets_of(effects.neurons, CODES)["deu_Latn"]
    assert len(german) > 3
    for code in CODES:
        sentences = halves(request_of_three.study, code)[1]
        assert len(sentences) == 4
        plain = bits_without(folder, {}, sentences, tmp_path / f"plain-{code}").sum()
        changed = bits_without(folder, german.by_layer, sentences, tmp_path / f"changed-{code}").sum()
        row = effects.effects.query("neurons_of == 'deu_Latn' and measured_in == @code").iloc[0]
        assert row["change"] == pytest.approx(changed / plain - 1, abs=1e-4)
        assert row["ci_low"] <= row["change"] <= row["ci_high"]
        assert row["neurons"] == len(german)
        assert effects.bits_per_byte[code] == pytest.approx(plain / sum(len(text.encode()) for text in sentences))


def test_controls_are_measured_in_their_own_language_or_in_every_cell(request_of_three):
    own = request_of_three.run()
    rows = own.effects.set_index(["neurons_of", "measured_in"])["control"]
    assert rows.notna().tolist() == [name == code for name in CODES for code in CODES]
    assert rows["deu_Latn", "deu_Latn"] == pytest.approx(own.control_changes("deu_Latn", "deu_Latn").mean())
    assert len(own.control_changes("deu_Latn", "deu_Latn")) == 2
    everywhere = replace(request_of_three, control_cells="all").run()
    assert everywhere.effects["control"].notna().all()
    assert everywhere.finished == 3 + 9 + 18
    both = everywhere.effects.set_index(["neurons_of", "measured_in"])
    assert both["change"].tolist() == own.effects["change"].tolist()
    assert both.loc[("fra_Latn", "fra_Latn"), "control"] == rows["fra_Latn", "fra_Latn"]


class StopAfter(Watcher):
    def __init__(self, reports: int) -> None:
        self.left = reports

    def report(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.left -= "control" in detail or "neurons of" in detail

    def check(self) -> None:
        if self.left < 0:
            raise Cancelled


def test_a_cancelled_run_keeps_its_cells_and_the_next_one_measures_the_rest(request_of_three, monkeypatch):
    assert request_of_three.finished() is None
    with pytest.raises(Cancelled):
        request_of_three.run(StopAfter(7))
    part = request_of_three.finished()
    assert part is not None
    assert 5 < part.finished < len(request_of_three.cells)
    assert 0 < len(part.effects) < 9
    assert request_of_three.cached() is None
    measured: list[object] = []
    changed = likelihood.Passes.changed
    monkeypatch.setattr(
        likelihood.Passes, "changed", lambda self, *given: measured.append(given) or changed(self, *given)
    )
    whole = request_of_three.run()
    missing = set(request_of_three.cells) - set(part.bits)
    assert len(measured) == len([cell for cell in missing if part.sizes.get(cell.neurons_of)])
    assert set(part.effects["change"]) < set(whole.effects["change"])
    kept = request_of_three.cached()
    assert kept.effects.equals(whole.effects)
    assert kept.neurons.equals(whole.neurons)
    assert kept.summary == whole.summary


def test_a_study_is_the_same_to_the_bit_after_a_cancelled_and_a_failed_intervention(request_of_three, monkeypatch):
    study = replace(request_of_three.study, source="fra_Latn")
    before = run_study(study, use_cache=False)
    with pytest.raises(Cancelled):
        request_of_three.run(StopAfter(4))
    after_cancelled = run_study(study, use_cache=False)
    passes = count(1)

    def fail(*given):
        if next(passes) > 3:
            raise RuntimeError("broken")
        return extraction.sentence_bits(*given)

    monkeypatch.setattr(likelihood, "sentence_bits", fail)
    with pytest.raises(RuntimeError, match="broken"):
        request_of_three.run()
    after_failed = run_study(study, use_cache=False)
    for after in (after_cancelled, after_failed):
        assert after.scores.equals(before.scores)
        for state, outcomes in before.outcomes.items():
            assert np.array_equal(after.outcomes[state].mutual, outcomes.mutual)


def test_progress_counts_every_sentence_once(request_of_three):
    recorder = Recorder()
    request_of_three.run(recorder)
    total = 12 + 4 * len(request_of_three.cells)
    counted = [done for phase, done, each in recorder.reports if phase == "extracting" and each == total]
    assert counted == sorted(counted)
    assert 0 < max(counted) <= total
    assert len(request_of_three.sentences()) == total


def test_layers_and_means_and_other_sets_are_other_answers(request_of_three):
    effects = request_of_three.run().effects["change"]
    late = replace(request_of_three, layers=(2, 3)).run()
    whole = request_of_three.run().neurons
    assert late.neurons.equals(whole[whole["layer"] >= 2].reset_index(drop=True))
    for other in (
        replace(request_of_three, to="mean").run(),
        replace(request_of_three, to="fra").run(),
        replace(request_of_three, set="random").run(),
        replace(request_of_three, set="shared").run(),
    ):
        assert other.effects["change"].notna().all()
        assert not np.allclose(other.effects["change"][:3], effects[:3])
    with pytest.raises(StudyError, match="no layer 4"):
        replace(request_of_three, layers=(2, 4)).run()


def test_the_mean_in_place_of_a_layer_changes_less_than_zero(request_of_three):
    every = tuple(("mine", 3, neuron) for neuron in range(48))
    off = replace(request_of_three, set="listed", listed=every, controls=0).run()
    mean = replace(request_of_three, set="listed", listed=every, controls=0, to="mean").run()
    assert (off.effects["neurons"] == 48).all()
    assert np.isfinite(off.effects["change"]).all()
    assert np.abs(mean.effects["change"]).max() < np.abs(off.effects["change"]).max()


def test_every_neuron_can_be_switched_off(request_of_three):
    everything = replace(request_of_three, set="random", share=1.0, controls=1).run()
    assert (everything.effects["neurons"] == 144).all()
    assert everything.effects["control"].tolist() == everything.effects["change"].tolist()


def test_experts_are_refused_before_anything_runs(request_of_three, tiny_model, tmp_path):
    study = replace(request_of_three.study, model=str(tiny_model("mixtral")))
    recorder = Recorder()
    with pytest.raises(ModelError, match="is a mixture of experts"):
        replace(request_of_three, study=study).run(recorder)
    assert not recorder.reports
    attention = replace(request_of_three, study=replace(study, site="attention"), set="random").run()
    assert attention.effects["change"].abs().max() > 1e-3


@pytest.mark.parametrize(
    "changed",
    [
        {"languages": ("deu_Latn",)},
        {"share": 0.0},
        {"share": 1.5},
        {"layers": (3, 2)},
        {"to": "spa_Latn"},
        {"controls": -1},
        {"set": "listed"},
    ],
)
def test_a_request_that_does_not_fit_together_is_refused(request_of_three, changed):
    with pytest.raises(StudyError):
        replace(request_of_three, **changed)


def test_the_diagonal_stands_out_if_it_beats_the_mean_and_every_control():
    """Four sentences, by hand: unchanged 10 bits each, 15 without the neurons, and 11 or 12 under the controls."""
    ten, own = np.full(4, 10.0), np.full(4, 15.0)
    bits = {
        Cell("", 0, "deu_Latn"): ten,
        Cell("deu_Latn", 0, "deu_Latn"): own,
        Cell("deu_Latn", 1, "deu_Latn"): np.full(4, 11.0),
        Cell("deu_Latn", 2, "deu_Latn"): np.full(4, 12.0),
    }
    study = Study("m", "everyday", "deu", "eng")
    effects = Effects(study, ("deu_Latn",), {"deu_Latn": 7}, None, bits, {"deu_Latn": 20}, {"controls": 2}, {})
    beyond = effects.diagonal()["deu_Latn"]
    assert beyond.value == pytest.approx(0.35)
    assert (beyond.low, beyond.high) == pytest.approx((0.35, 0.35))
    assert beyond.stands_out
    row = effects.effects.iloc[0]
    assert row.tolist() == [
        "deu_Latn",
        "deu_Latn",
        7,
        pytest.approx(0.5),
        pytest.approx(0.15),
        pytest.approx(0.5),
        pytest.approx(0.5),
    ]
    assert effects.bits_per_byte == {"deu_Latn": 2.0}
    weak = replace(effects, bits=bits | {Cell("deu_Latn", 2, "deu_Latn"): np.full(4, 16.0)})
    assert not weak.diagonal()["deu_Latn"].stands_out
    uneven = replace(effects, bits=bits | {Cell("deu_Latn", 0, "deu_Latn"): np.array([30.0, 9.0, 9.0, 9.0])})
    assert not uneven.diagonal()["deu_Latn"].stands_out
