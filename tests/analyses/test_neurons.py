"""Rates against a token-by-token count, sharing and overlap by hand, LAPE against scipy, tokens against pooling."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from transformers import AutoModel

from neuronxa_core.analyses.neuron_tables import neurons_of_bar, overlap_table, token_table
from neuronxa_core.analyses.neurons import (
    SHARES,
    NeuronRates,
    Tokens,
    find_neuron_rates,
    lape,
    overlap,
    run_neuron_rates,
    run_token_states,
    sharing,
    specific_neurons,
)
from neuronxa_core.errors import StudyError
from neuronxa_core.gallery.read import gallery_studies, precomputed_rates
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.loading import load_model
from neuronxa_core.states.extraction import extract
from neuronxa_core.states.sentences import Pooling, Site
from neuronxa_core.study.study import Study
from tests.tiny import tiny_tokenizer

CODES = ("fra_Latn", "deu_Latn", "eng_Latn")


@pytest.fixture
def study(tiny_model, tiny_corpus: Path) -> Study:
    return Study(str(tiny_model("llama")), str(tiny_corpus), "fra", "eng", pairs=4, dtype="float32")


def made(rates: list[list[list[float]]]) -> NeuronRates:
    return NeuronRates(Study("m", "everyday", "deu", "eng"), CODES[: len(rates)], np.array(rates, dtype=np.float32), {})


def test_a_rate_is_the_share_of_all_tokens_at_which_the_neuron_is_on(study: Study):
    rates = run_neuron_rates(study, CODES)
    assert rates.rates.shape == (3, 3, 48)
    model = AutoModel.from_pretrained(study.model, dtype=torch.float32).eval()
    seen: list[torch.Tensor] = []
    model.layers[1].mlp.act_fn.register_forward_hook(lambda _, __, output: seen.append(output[0]))
    with torch.inference_mode():
        for sentence in study.bitext().source_sentences:
            model(input_ids=torch.tensor([tiny_tokenizer()(sentence)["input_ids"]]))
    every = torch.cat(seen)  # (tokens of all sentences, neurons)
    np.testing.assert_allclose(rates.rates[0, 1], (every > 0).float().mean(dim=0).numpy(), atol=1e-6)


def test_rates_do_not_depend_on_the_pooling_and_come_from_the_cache(study: Study):
    assert find_neuron_rates(study, CODES) is None
    fresh = run_neuron_rates(study, CODES)
    cached = find_neuron_rates(replace(study, pooling="last"), CODES)
    assert cached is not None
    assert np.array_equal(cached.rates, fresh.rates)
    assert np.array_equal(fresh.take(CODES[::-1]).rates, fresh.rates[::-1])
    with pytest.raises(StudyError, match="need at least two languages"):
        run_neuron_rates(study, CODES[:1])


def test_all_some_one_and_none_are_counted_by_hand():
    table = sharing(made([[[0.9, 0.9, 0.9, 0.1]], [[0.8, 0.6, 0.2, 0.2]], [[0.7, 0.1, 0.5, 0.5]]]), 0.5)
    assert table.to_dict("records") == [{"layer": 1, "all": 0.25, "some": 0.25, "one": 0.25, "none": 0.25}]
    rates = made([[[0.9, 0.7, 0.6, 0.1]], [[0.8, 0.95, 0.2, 0.2]]])
    assert [neurons_of_bar(rates, 0.5, 1, kind) for kind in SHARES] == [[1, 0], [], [2], [3]]
    two = sharing(made([[[0.9, 0.9]], [[0.8, 0.1]]]), 0.5)
    assert two.to_dict("records") == [{"layer": 1, "all": 0.5, "some": 0.0, "one": 0.5, "none": 0.0}]


def test_overlap_is_the_jaccard_index():
    rates = made([[[0.9, 0.9, 0.1], [0.9, 0.1, 0.1]], [[0.9, 0.1, 0.9], [0.1, 0.1, 0.1]]])
    assert overlap(rates, 0.5, 1)[0, 1] == pytest.approx(1 / 3)
    assert overlap(rates, 0.5)[0, 1] == pytest.approx(1 / 4)
    assert np.isnan(overlap(rates, 0.95)).all()
    assert overlap(rates, 0.5, 1)[0, 0] == 1


def test_lape_is_the_entropy_of_the_normalised_rates():
    rates = np.random.default_rng(3).random((4, 2, 5))
    np.testing.assert_allclose(lape(rates), stats.entropy(rates, axis=0), atol=1e-12)
    assert lape(np.array([[0.3], [0.0]]))[0] == 0
    assert np.isnan(lape(np.zeros((3, 2)))).all()


def test_the_most_specific_neurons_are_those_of_one_language_that_are_often_on():
    rates = np.full((3, 1, 200), 0.3)
    rates[:, 0, 7] = (0.01, 0.95, 0.02)  # German's
    rates[:, 0, 9] = (0.9, 0.9, 0.9)  # everybody's
    rates[:, 0, 11] = (0.001, 0.0, 0.0)  # hardly ever on
    table = specific_neurons(made(rates.tolist()))
    first = table.iloc[0]
    assert (first["layer"], first["neuron"], first["language"]) == (1, 7, "deu_Latn")
    assert first["rate"] == pytest.approx(0.95)
    assert first["rate_elsewhere"] == pytest.approx(0.015)
    assert 11 not in table["neuron"].to_list()
    assert table["lape"].is_monotonic_increasing


@pytest.mark.parametrize("site", ["gate", "product", "attention"])
@pytest.mark.parametrize("pooling", ["position", "last"])
def test_tokens_pool_to_what_the_study_compares(study: Study, site: Site, pooling: Pooling):
    study = replace(study, site=site, pooling=pooling)
    states = run_token_states(study, 2, 3)
    model = load_model(checkpoint_at(Path(study.model)), "cpu", "float32")
    bitext = study.bitext()
    for each, side in zip(states, (bitext.source_sentences, bitext.target_sentences), strict=True):
        alone = extract(model, [side[2]], site, pooling)
        np.testing.assert_allclose(each.nas, alone.nas[2, 0], atol=1e-5)
        np.testing.assert_allclose(each.nav, alone.nav[2, 0], rtol=1e-4, atol=1e-5)
        assert len(each.tokens) == len(each.activations) == len(side[2].encode()) + 1
    with pytest.raises(IndexError):
        run_token_states(study, 0, 9)


def test_the_gallery_holds_rates_of_every_language():
    study = gallery_studies()[0]
    codes = ("eng_Latn", *(each.source for each in gallery_studies()))
    rates = precomputed_rates(study, codes)
    assert rates is not None
    assert rates.rates.shape == (len(codes), 18, 2048)
    assert precomputed_rates(replace(study, site="product"), codes) is None
    assert precomputed_rates(study, ("fao_Latn", "eng_Latn")) is None


def test_the_tables_hold_every_pair_of_languages_and_every_token(study: Study):
    table = overlap_table(np.array([[1, 0.2, 0.3], [0.2, 1, 0.4], [0.3, 0.4, 1]]), ("a", "b", "c"))
    assert table.to_numpy().tolist() == [["a", "b", 0.2], ["a", "c", 0.3], ["b", "c", 0.4]]
    pair = Tokens(study, 1, 2).run()
    tokens = token_table(pair, [5, 3])
    assert len(tokens) == 2 * (len(pair.source.tokens) + len(pair.target.tokens))
    row = tokens[(tokens["language"] == study.target) & (tokens["place"] == 2) & (tokens["neuron"] == 3)].iloc[0]
    assert row["token"] == pair.target.tokens[1]
    assert row["activation"] == pair.target.activations[1, 3]
