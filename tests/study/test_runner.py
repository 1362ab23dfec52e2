import shutil
from dataclasses import replace

import numpy as np
import pytest

from neuronxa_core.errors import Cancelled, ModelError
from neuronxa_core.metrics.scoring import pair_outcomes
from neuronxa_core.models.loading import ModelHolder
from neuronxa_core.states.sentences import STATES, SentenceStates, State, first_layer
from neuronxa_core.study.runner import (
    find_against_target,
    find_layers,
    find_result,
    run_against_target,
    run_study,
    score_layers,
)
from neuronxa_core.study.study import Study
from tests.conftest import Recorder


def outcomes(result) -> list[list[list[bool]]]:
    return [[direction.tolist() for direction in result.outcomes[state]] for state in STATES]


def test_a_cached_and_a_fresh_study_agree_exactly(study: Study, cache):
    assert find_result(study) is None
    fresh = run_study(study)
    cached = find_result(study)
    assert cached is not None
    assert cached.provenance == fresh.provenance
    assert outcomes(cached) == outcomes(fresh) == outcomes(run_study(study, use_cache=False))
    shutil.rmtree(cache / "results")  # now from the states
    assert outcomes(run_study(study)) == outcomes(fresh)


def test_the_layers_on_disk_are_what_was_scored(study: Study, cache):
    result = run_study(study)
    layers = find_layers(study)
    chosen: dict[State, int] = {"nas": 2, "nav": 3, "embedding": 0}
    for state, layer in chosen.items():
        mutual = pair_outcomes(layers.similarity(state, layer)).mutual
        assert mutual.mean() == result.of(state).set_index("layer").loc[layer, "score"]
    with pytest.raises(ValueError, match="no layer"):
        layers.similarity("nas", 4)


def test_the_rows_of_a_layer_are_the_source_and_its_columns_the_target(study: Study):
    result = run_study(study)
    layers = find_layers(study)
    for state in STATES:
        there, back = result.outcomes[state]
        assert there.tolist() != back.tolist()  # or nothing would tell the sides apart
        for layer, (ours, theirs) in enumerate(zip(there, back, strict=True), first_layer(state)):
            outcomes = pair_outcomes(layers.similarity(state, layer))
            assert outcomes.source_to_target.tolist() == ours.tolist()
            assert outcomes.target_to_source.tolist() == theirs.tolist()


def test_layers_name_the_dtype_that_a_study_leaves_open_and_no_other(study: Study):
    result = run_study(study)
    layers = find_layers(study)
    assert layers.named(study).dtype == result.provenance["dtype"]
    named = replace(study, dtype="float16")
    assert layers.named(named) == named


def test_states_that_were_evicted_are_made_again_when_they_are_needed(study: Study, cache):
    run_study(study)
    shutil.rmtree(cache / "states")
    assert find_layers(study) is None
    run_study(study)
    assert find_layers(study) is None
    run_study(study, keep_states=True)
    assert find_layers(study) is not None


def test_the_second_language_pair_extracts_only_what_is_new(study: Study):
    run_study(study)
    watcher = Recorder()
    run_study(replace(study, source="fra_Latn"), watcher=watcher)
    counts = [done for phase, done, total in watcher.reports if phase == "extracting"]
    assert counts[-1] == 8
    assert {total for phase, _, total in watcher.reports if phase == "extracting"} == {16}
    assert watcher.reports[-1][0] == "scoring"


def test_swapped_languages_keep_the_score_and_swap_the_directions(study: Study):
    forth = run_study(study)
    back = run_study(replace(study, source=study.target, target=study.source))
    assert outcomes(back.reversed()) == outcomes(forth)


@pytest.mark.parametrize("change", [{"site": "product"}, {"pooling": "mean"}, {"pairs": 7}, {"dtype": "float16"}])
def test_every_choice_is_a_study_of_its_own(study: Study, change):
    run_study(study)
    assert find_result(replace(study, **change)) is None


def test_cancelling_leaves_no_half_result(study: Study, cache):
    class Impatient(Recorder):
        def check(self) -> None:
            if any(phase == "extracting" for phase, _, _ in self.reports):
                raise Cancelled

    with pytest.raises(Cancelled):
        run_study(study, watcher=Impatient())
    assert find_result(study) is None
    assert not list(cache.rglob("*.part"))
    assert outcomes(run_study(study)) == outcomes(run_study(study, use_cache=False))


def test_states_that_are_not_numbers_are_an_error_that_names_the_layer():
    good = np.random.default_rng(0).random((2, 3, 4)).astype(np.float32)
    bad = good.copy()
    bad[1, 0, 0] = np.nan
    source, target = (
        SentenceStates(nas, good, good, np.ones(3, dtype=np.int64), np.zeros(3, dtype=np.int64)) for nas in (good, bad)
    )
    with pytest.raises(ModelError, match="nas states of layer 2"):
        score_layers("nas", source, target)


def test_the_old_model_is_freed_before_the_new_one_is_loaded(tiny_model, monkeypatch):
    from neuronxa_core.models import loading
    from neuronxa_core.models.checkpoint import checkpoint_at

    holder = ModelHolder()
    held = []
    load = loading.load_model
    monkeypatch.setattr(loading, "load_model", lambda *args: (held.append(holder._model), load(*args))[1])
    first = holder.get(checkpoint_at(tiny_model("llama")), "cpu", "float32")
    assert holder.get(checkpoint_at(tiny_model("llama")), "cpu", "float32") is first
    holder.get(checkpoint_at(tiny_model("qwen2")), "cpu", "float32")
    assert held == [None, None]


def test_several_languages_against_one_target_are_their_own_studies_and_each_is_extracted_once(study: Study, cache):
    assert find_against_target(study, ["deu_Latn", "fra_Latn"]) is None
    recorder = Recorder()
    results = run_against_target(study, ["deu_Latn", "fra_Latn"], watcher=recorder)
    assert [result.study.source for result in results] == ["deu_Latn", "fra_Latn"]
    for result in results:
        assert outcomes(result) == outcomes(run_study(result.study, use_cache=False))
    assert len(list((cache / "states").iterdir())) == 3  # German, French, English
    counts = [(done, total) for phase, done, total in recorder.reports if phase == "extracting"]
    assert {total for _, total in counts} == {24}
    assert [done for done, _ in counts] == sorted(done for done, _ in counts)
    assert counts[-1][0] == 24
    again = find_against_target(study, ["fra_Latn", "deu_Latn"])
    assert [outcomes(result) for result in again] == [outcomes(result) for result in results[::-1]]
