from collections.abc import Iterator

import numpy as np
import pytest

from neuronxa_core.errors import CorpusError
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.families import FAMILIES as TABLE
from neuronxa_core.models.families import Family
from neuronxa_core.models.loading import load_model
from neuronxa_core.states.extraction import Padding, extract, extract_readouts, length_sorted_batches
from neuronxa_core.states.sentences import STATES, Pooling, ReadoutConfig
from tests.tiny import FAMILIES, SENTENCES

POOLINGS = ("position", "mean", "last")


def families_and_poolings() -> Iterator[tuple[str, str]]:
    """Every family once, and every pooling with every kind of position, with encoders, with experts, and with Llama."""
    kinds: dict[object, list[str]] = {}
    for name in FAMILIES:
        family = TABLE.get(name, Family())
        kinds.setdefault(name == "llama" or (family.positions, family.encoder, bool(family.experts)), []).append(name)
    for names in kinds.values():
        for number in range(max(len(names), len(POOLINGS))):
            yield names[number % len(names)], POOLINGS[number % len(POOLINGS)]


@pytest.mark.parametrize(("family", "pooling"), list(families_and_poolings()))
def test_left_right_and_no_padding_give_the_same_states(tiny_model, family: str, pooling: Pooling):
    model = load_model(checkpoint_at(tiny_model(family)), "cpu", "float32")
    alone = extract(model, SENTENCES, pooling=pooling, batch_tokens=1)  # one sentence at a time, nothing padded
    sides: tuple[Padding, ...] = ("right", "left")
    for padding in sides:
        batch = extract(model, SENTENCES, pooling=pooling, batch_tokens=10_000, padding=padding)
        for state in STATES:
            np.testing.assert_allclose(batch.of(state), alone.of(state), rtol=1e-4, atol=1e-5)


def test_the_same_sentence_twice_gets_the_same_states(tiny_model):
    model = load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32")
    states = extract(model, [*SENTENCES, SENTENCES[1]], batch_tokens=60)
    for state in STATES:
        assert (states.of(state)[:, -1] == states.of(state)[:, 1]).all()
    assert states.tokens.tolist() == [len(sentence.encode()) + 1 for sentence in (*SENTENCES, SENTENCES[1])]


def test_extraction_repeats_itself_bit_by_bit(tiny_model):
    model = load_model(checkpoint_at(tiny_model("qwen3")), "cpu", "float32")
    first, second = extract(model, SENTENCES), extract(model, SENTENCES)
    assert all((first.of(state) == second.of(state)).all() for state in STATES)


def test_batches_hold_every_row_once_and_keep_the_budget():
    lengths = [3, 50, 7, 7, 20, 1, 64, 20]
    batches = list(length_sorted_batches(lengths, 64))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    assert all(max(lengths[row] for row in batch) * len(batch) <= 64 for batch in batches)
    assert batches[0] == [6]


def test_batches_are_cut_where_little_is_padded():
    lengths = [30] * 10 + [29] * 3 + [8] * 20
    batches = list(length_sorted_batches(lengths, 512))
    assert [len(batch) for batch in batches] == [13, 20]  # not 17 sentences of 30 tokens, four of them mostly padding
    padded = sum(max(lengths[row] for row in batch) * len(batch) for batch in batches)
    assert padded == sum(lengths) + 3


def test_a_sentence_beyond_the_models_context_is_named(tiny_model):
    model = load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32")
    with pytest.raises(CorpusError, match=r"301 tokens, but the model's context is 256: 'xxx"):
        extract(model, ["x" * 300, "short"])


def test_several_ways_in_one_pass_are_what_each_gives_alone(tiny_model):
    model = load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32")
    ways = [
        ReadoutConfig(),
        ReadoutConfig("product", "mean"),
        ReadoutConfig("attention", "last"),
        ReadoutConfig("gate", "position", 0.05),
    ]
    for way, together in zip(ways, extract_readouts(model, SENTENCES, ways), strict=True):
        alone = extract_readouts(model, SENTENCES, [way])[0]
        assert all(np.array_equal(getattr(alone, name), array) for name, array in vars(together).items())


def test_a_threshold_switches_neurons_off_and_leaves_their_values(tiny_model):
    model = load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32")
    usual, higher = extract_readouts(
        model, SENTENCES, [ReadoutConfig(pooling="last"), ReadoutConfig(pooling="last", threshold=0.05)]
    )
    on = (usual.nas == 1) & (usual.nav > 0.05)
    assert np.array_equal(higher.nas == 1, on)
    assert 0 < on.sum() < (usual.nas == 1).sum()
    assert np.array_equal(higher.nav, usual.nav)
