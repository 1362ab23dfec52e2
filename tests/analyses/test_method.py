"""The worked example against a study of the same pairs, against the weights, and against the token view of Neurons."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

from neuronxa_core.analyses.method import Method, with_lines
from neuronxa_core.analyses.neurons import run_token_states
from neuronxa_core.analyses.worked_example import pooling_weights, read_example, write_example
from neuronxa_core.corpora.uploads import corpus_of
from neuronxa_core.errors import NeuronXAError
from neuronxa_core.gallery.method import method_request, precomputed_method
from neuronxa_core.metrics.similarity import similarity_of
from neuronxa_core.states.pooling import token_weights
from neuronxa_core.states.sentences import POOLINGS, STATES, first_layer
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study
from tests.recomputation import silu


@pytest.fixture
def few(study: Study) -> Study:
    return replace(study, pairs=4, dtype="float32")


def test_cosines_scores_and_mean_are_those_of_a_study_of_the_same_pairs(few: Study):
    answer, result = Method(few).run(), run_study(few, keep_states=True)
    layers = find_layers(few)
    for state in STATES:
        for layer in range(first_layer(state), result.last_layer + 1):
            np.testing.assert_array_equal(answer.matrix(state, layer), layers.similarity(state, layer))
        assert answer.scores(state).tolist() == result.of(state)["score"].tolist()
        assert answer.scores(state).mean() == pytest.approx(result.mean(state))
    centred = similarity_of(*layers.states("embedding", 2), "centred")
    np.testing.assert_array_equal(answer.matrix("centred", 2), centred)
    assert answer.summary["nasca"] == result.mean("nas")


@pytest.mark.parametrize("site", ["gate", "product"])
def test_activations_and_pooled_states_are_those_of_neurons_token_by_token(few: Study, site):
    few = replace(few, site=site)
    answer = Method(few).run()
    for side, states in enumerate(run_token_states(few, pair=3, layer=2)):
        neurons, inside = answer.neurons[1], answer.sides[side][3]
        assert inside.tokens == states.tokens
        np.testing.assert_array_equal(inside.read_at(site)[1], states.activations[:, neurons])
        nas, nav = answer.states(side, 3, 2, "position")
        np.testing.assert_allclose(nas, states.nas[neurons], atol=1e-6)
        np.testing.assert_allclose(nav, states.nav[neurons], atol=1e-6)


def test_the_gate_and_what_a_neuron_adds_follow_from_the_weights(few: Study):
    answer = Method(few).run()
    inside, neurons = answer.sides[0][1], answer.neurons[2]
    np.testing.assert_allclose(inside.activation, silu(inside.incoming.astype(np.float64)), atol=1e-6)
    up = [inside.up(3, 1, place) for place in range(len(neurons))]
    np.testing.assert_allclose(inside.activation[2, 1] * np.array(up), inside.product[2, 1], rtol=1e-5)
    down = AutoModel.from_pretrained(few.model, dtype=torch.float32).layers[2].mlp.down_proj.weight
    np.testing.assert_allclose(answer.lengths[2], down.detach().norm(dim=0).numpy()[neurons], rtol=1e-5)
    assert answer.function == "SiLU"


def test_the_neurons_shown_are_the_strongest_and_then_some_of_all_others(few: Study):
    answer, layers = Method(few).run(), None
    layers = find_layers(few)
    total = sum(side.sum(axis=0) for side in layers.states("nav", 1))
    strongest = np.argsort(-total, kind="stable")[:12]
    assert answer.neurons[0, :12].tolist() == strongest.tolist()
    rest = answer.neurons[0, 12:]
    assert len(set(answer.neurons[0].tolist())) == 24
    assert rest.tolist() == sorted(rest.tolist())
    others = sorted(set(range(48)) - set(strongest.tolist()))
    assert (rest[0], rest[-1]) == (others[0], others[-1])


def test_it_comes_back_from_its_file_and_a_flipped_number_is_noticed(few: Study, tmp_path: Path):
    answer, path = Method(few).run(), tmp_path / "example.parquet"
    assert Method(few).cached().summary == answer.summary
    write_example(answer, path)
    again = read_example(path)
    assert again.sides[1][2].tokens == answer.sides[1][2].tokens
    np.testing.assert_array_equal(again.sides[1][2].product, answer.sides[1][2].product)
    np.testing.assert_array_equal(again.cosines["centred"], answer.cosines["centred"])
    np.testing.assert_array_equal(again.lengths, answer.lengths)
    answer.sides[0][0].incoming[0, 0, 0] += 1
    stored = path.read_bytes()
    write_example(answer, path)
    assert path.read_bytes() != stored


@pytest.mark.parametrize("pooling", POOLINGS)
def test_weights_are_those_that_the_states_are_pooled_with(pooling):
    theirs = token_weights(torch.ones(1, 7), pooling)[0].numpy()
    np.testing.assert_allclose(pooling_weights(7, pooling), theirs, atol=1e-7)


def test_lines_are_chosen_by_leaving_out_all_others(few: Study):
    eight = replace(few, pairs=8)
    assert with_lines(eight, [1, 2, 3]) == replace(few, pairs=3)
    chosen = with_lines(eight, [2, 5, 8])
    assert (chosen.leave_out, chosen.pairs) == ("1,3,4,6,7", 3)
    assert chosen.bitext().lines == (2, 5, 8)


def test_what_cannot_be_counted_by_hand_is_refused_in_a_sentence(study: Study, few: Study, tiny_model):
    with pytest.raises(NeuronXAError, match="8 pairs cannot be counted by hand"):
        Method(study)
    with pytest.raises(NeuronXAError, match="attention heads"):
        Method(replace(few, site="attention"))
    with pytest.raises(NeuronXAError, match="does not show"):
        Method(replace(few, model=str(tiny_model("mixtral")))).run()


def test_the_gallerys_example_is_what_the_demo_gives_and_any_script_can_be_typed(demo_cache: Path):
    stored = precomputed_method(method_request())
    assert stored.study == method_request().study
    fresh = method_request().run(device="cpu")
    assert stored.result.provenance["model_fingerprint"] == fresh.result.provenance["model_fingerprint"]
    np.testing.assert_array_equal(stored.neurons, fresh.neurons)
    for state in STATES:
        np.testing.assert_allclose(stored.cosines[state], fresh.cosines[state], atol=1e-4)
    for ours, theirs in zip(stored.sides[0], fresh.sides[0], strict=True):
        assert ours.tokens == theirs.tokens
        np.testing.assert_allclose(ours.product, theirs.product, atol=1e-2)
    typed = {
        "tha_Thai": ("สวัสดีครับ ยินดีที่ได้รู้จัก", "👩🏽‍🚀🚀✨", "ก"),
        "arb_Arab": ("مرحبًا، كيف حالك اليوم؟", "رائدة فضاء 🚀", "x"),
    }
    study = Study("demo", corpus_of(typed, "typed"), "tha", "arb", pairs=3, dtype="float32")
    answer = Method(study).run(device="cpu")
    assert "".join(answer.sides[1][0].tokens[1:]).strip() == typed["arb_Arab"][0]
    assert len(answer.sides[1][2].tokens) == 2  # the token that starts a sentence, and one letter
    assert np.isfinite(answer.cosines["nas"]).all()
    longer = {code: ("word " * 1000, *lines[1:]) for code, lines in typed.items()}
    with pytest.raises(NeuronXAError, match=r"has 1,00\d tokens; this page shows at most 512"):
        Method(replace(study, corpus=corpus_of(longer, "typed"))).run(device="cpu")
