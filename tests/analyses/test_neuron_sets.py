"""Sets of neurons against loops over their definitions."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from neuronxa_core.analyses.neuron_sets import (
    control_sets,
    lape_table,
    listed_from,
    listed_table,
    neuron_set,
    random_table,
    sets_of,
    shared_table,
    within_layers,
)
from neuronxa_core.analyses.neurons import NeuronRates
from neuronxa_core.errors import StudyError
from neuronxa_core.study.study import Study

CODES = ("deu_Latn", "fra_Latn", "hin_Deva")


def made(rates: np.ndarray) -> NeuronRates:
    study = Study("m", "everyday", "deu", "eng")
    return NeuronRates(study, CODES[: len(rates)], np.asarray(rates, dtype=np.float32), {})


@pytest.fixture
def rates() -> NeuronRates:
    return made(np.random.default_rng(5).random((3, 4, 50)) ** 3)


def rows(table) -> list[tuple[str, int, int]]:
    return [tuple(row) for row in table[["neurons_of", "layer", "neuron"]].itertuples(index=False)]


def test_lape_is_its_definition_counted_in_loops(rates: NeuronRates):
    every = sorted(float(rate) for rate in rates.rates.ravel())
    bar = float(np.quantile(np.array(every, dtype=np.float32), 0.95))
    candidates = []
    for layer, neuron in product(range(4), range(50)):
        each = [float(rates.rates[place, layer, neuron]) for place in range(3)]
        if max(each) > bar:
            candidates.append((stats.entropy(each), layer, neuron, each))
    chosen = sorted(candidates)[: round(0.04 * 200)]
    expected = [
        (code, layer + 1, neuron)
        for place, code in enumerate(CODES)
        for _, layer, neuron, each in chosen
        if each[place] > bar
    ]
    table = lape_table(rates, 0.04)
    assert rows(table) == expected
    assert len(chosen) == 8
    for row in table.itertuples():
        found = rates.rates[:, row.layer - 1, row.neuron].astype(np.float64)
        assert row.lape == pytest.approx(stats.entropy(found))
        assert row.rate == found[CODES.index(row.neurons_of)]


def test_a_neuron_belongs_to_every_language_above_the_bar():
    rates = np.full((3, 1, 100), 0.1)
    rates[:, 0, 7] = (0.9, 0.8, 0.0)  # German's and French's
    rates[:, 0, 9] = (0.0, 0.0, 0.95)  # Hindi's alone
    table = lape_table(made(rates), 0.02)
    assert rows(table) == [("deu_Latn", 1, 7), ("fra_Latn", 1, 7), ("hin_Deva", 1, 9)]


def test_a_language_without_neurons_has_an_empty_set():
    rates = np.full((3, 1, 100), 0.1)
    rates[0, 0, 7] = 0.9
    table = lape_table(made(rates), 0.02)
    sets = sets_of(table, CODES)
    assert [len(sets[code]) for code in CODES] == [1, 0, 0]
    assert sets["fra_Latn"].digest == ""
    assert sets["fra_Latn"].by_layer == {}
    assert all(len(each) == 0 for each in control_sets(sets["fra_Latn"], "fra_Latn", 100, 3, 0))


def test_shared_neurons_are_active_in_all_languages_the_surest_first(rates: NeuronRates):
    lowest = {
        (layer + 1, neuron): rates.rates[:, layer, neuron].min() for layer, neuron in product(range(4), range(50))
    }
    active = sorted((key for key, rate in lowest.items() if rate > 0.5), key=lambda key: -lowest[key])
    assert len(active) >= 2
    assert [row[1:] for row in rows(shared_table(rates, 0.5))] == active
    assert [row[1:] for row in rows(shared_table(rates, 1 / 200))] == active[:1]
    assert set(shared_table(rates, 0.5)["neurons_of"]) == {"shared"}


def test_random_neurons_depend_on_the_seed_alone(rates: NeuronRates):
    once, again, other = (random_table(rates, 0.1, seed) for seed in (3, 3, 4))
    assert rows(once) == rows(again) != rows(other)
    assert len(set(rows(once))) == len(once) == 20
    assert set(random_table(rates, 1, 0)["layer"]) == {1, 2, 3, 4}
    assert len(random_table(rates, 1, 0)) == 200


def test_a_control_has_as_many_neurons_in_every_layer():
    chosen = neuron_set([3, 1, 1, 1], [0, 9, 4, 4])
    assert list(zip(chosen.layers, chosen.neurons, strict=True)) == [(1, 4), (1, 9), (3, 0)]
    controls = control_sets(chosen, "deu_Latn", 50, 5, 0)
    assert len({each.digest for each in controls}) == 5
    for each in controls:
        assert {layer: len(set(mine)) for layer, mine in each.by_layer.items()} == {1: 2, 3: 1}
    again = control_sets(chosen, "deu_Latn", 50, 2, 0)
    assert [each.digest for each in again] == [each.digest for each in controls[:2]]
    assert control_sets(chosen, "fra_Latn", 50, 1, 0)[0].digest != controls[0].digest
    everything = neuron_set([1] * 50, range(50))
    assert control_sets(everything, "x", 50, 1, 0)[0].digest == everything.digest


def test_layers_keep_the_neurons_between_them(rates: NeuronRates):
    table = lape_table(rates, 0.2)
    kept = within_layers(table, 2, 3)
    assert rows(kept) == [row for row in rows(table) if row[1] in (2, 3)]


def test_a_list_names_sets_by_language_or_as_one(rates: NeuronRates):
    listed = listed_from("layer\tneuron\tlanguage\n2\t7\tGerman\n2\t7\tde\n4\t0\tmine\n", "file")
    assert listed == (("deu_Latn", 2, 7), ("mine", 4, 0))
    table = listed_table(rates, listed)
    assert rows(table) == [("deu_Latn", 2, 7), ("mine", 4, 0)]
    assert table["rate"].tolist() == [rates.rates[0, 1, 7], pytest.approx(rates.rates[:, 3, 0].mean())]
    assert listed_from("neuron,layer\n5,1\n", "file") == (("file", 1, 5),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layer,unit\n1,2\n", "lacks the columns"),
        ("layer,neuron\n1,2\n1,x\n", "Line 3"),
        ("layer,neuron\n", "has 0 neurons"),
        ("", "lacks the columns"),
    ],
)
def test_a_list_that_cannot_be_read_says_why(text: str, said: str):
    with pytest.raises(StudyError, match=said):
        listed_from(text, "file")


@pytest.mark.parametrize("place", [(0, 1), (5, 1), (1, 50), (1, -1)])
def test_a_neuron_that_the_model_lacks_is_refused(rates: NeuronRates, place: tuple[int, int]):
    with pytest.raises(StudyError, match="which the model does not have"):
        listed_table(rates, [("mine", *place)])
