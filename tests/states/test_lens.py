"""The logit lens of every family against the whole model, run with each layer's hidden state before its last norm."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from neuronxa_core.errors import Cancelled, ModelError
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.loading import LoadedModel, load_model
from neuronxa_core.progress import Watcher
from neuronxa_core.states.lens import every_token, first_tokens, last_token
from tests.tiny import FAMILIES, SENTENCES, save_tiny_model, tiny_tokenizer

DECODERS = [name for name, tiny in FAMILIES.items() if tiny.head]
SOME = [5, 70, 71, 299]


def loaded(folder: Path) -> LoadedModel:
    return load_model(checkpoint_at(folder), "cpu", "float32")


def whole_models_chances(folder: Path, sentence: str) -> np.ndarray:
    """(layers, tokens, vocabulary), by transformers alone.

    What enters the final norm is replaced by a layer's hidden state, so that norm, head, scale and cap are its own.
    """
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ids = torch.tensor([tiny_tokenizer()(sentence)["input_ids"]])
    with torch.inference_mode():
        hidden = model(input_ids=ids, output_hidden_states=True).hidden_states
        norm = final_norm(model, ids, hidden[-1])
        found = []
        for state in hidden[1:-1]:
            with norm.register_forward_pre_hook(lambda _, inputs, state=state: (state, *inputs[1:])):
                found.append(model(input_ids=ids).logits[0])
        found.append(model(input_ids=ids).logits[0])
    return torch.stack(found).double().softmax(dim=-1).numpy()


def final_norm(model: nn.Module, ids: torch.Tensor, last: torch.Tensor) -> nn.Module:
    """The last module without children whose output is the last hidden state, and whose input is not."""
    found: list[nn.Module] = []

    def look(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        if isinstance(output, torch.Tensor) and output.shape == last.shape and torch.equal(output, last):
            found.append(module)

    hooks = [
        module.register_forward_hook(look) for module in model.modules() if "norm" in type(module).__name__.lower()
    ]
    model(input_ids=ids)
    for hook in hooks:
        hook.remove()
    return found[-1]


@pytest.mark.parametrize("family", DECODERS)
def test_every_layer_predicts_what_the_whole_model_would_if_it_stopped_there(tiny_model, family: str):
    folder = tiny_model(family)
    lens = last_token(loaded(folder), SENTENCES, SOME, batch_tokens=64)
    assert lens.probabilities.shape == (len(SENTENCES), 3, len(SOME))
    for sentence, probabilities, entropy in zip(SENTENCES[:4], lens.probabilities, lens.entropy, strict=False):
        expected = whole_models_chances(folder, sentence)[:, -1]
        np.testing.assert_allclose(probabilities, expected[:, SOME], rtol=2e-3, atol=1e-7)
        bits = -(expected * np.log2(np.maximum(expected, 1e-300))).sum(axis=-1)
        np.testing.assert_allclose(entropy, bits, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("family", "config"),
    [
        ("gemma2", {"final_logit_softcapping": 2.0}),
        ("cohere", {"logit_scale": 0.25}),
        ("granite", {"logits_scaling": 4.0}),
        ("llama", {"tie_word_embeddings": True}),
    ],
)
def test_what_an_architecture_does_to_its_logits_is_done_at_every_layer(
    tmp_path: Path, family: str, config: dict[str, Any]
):
    folder = save_tiny_model(tmp_path, family, **config)
    lens = last_token(loaded(folder), SENTENCES[:1], SOME)
    expected = whole_models_chances(folder, SENTENCES[0])[:, -1, SOME]
    np.testing.assert_allclose(lens.probabilities[0], expected, rtol=2e-3, atol=1e-7)


def test_padding_and_batches_change_nothing_but_rounding(tiny_model):
    model = loaded(tiny_model("llama"))
    one_by_one = last_token(model, SENTENCES, SOME, batch_tokens=1)
    for how in ({"batch_tokens": 4096}, {"batch_tokens": 4096, "padding": "left"}):
        together = last_token(model, SENTENCES, SOME, **how)
        np.testing.assert_allclose(together.probabilities, one_by_one.probabilities, rtol=1e-3, atol=1e-7)


def test_the_grid_has_the_likeliest_tokens_of_every_place_in_their_order(tiny_model):
    folder = tiny_model("llama")
    model, sentence = loaded(folder), SENTENCES[0]
    grid = every_token(model, sentence, top=4)
    expected = whole_models_chances(folder, sentence)
    assert grid.tokens == tuple(model.token_texts(tiny_tokenizer()(sentence)["input_ids"]))
    best = np.argsort(-expected, axis=-1)[..., :4]
    np.testing.assert_allclose(grid.probabilities, np.take_along_axis(expected, best, axis=-1), rtol=2e-3)
    assert grid.candidates[1][3] == tuple(model.token_texts(best[1, 3].tolist()))
    np.testing.assert_allclose(  # its last column is what last_token reads
        last_token(model, [sentence], best[2, -1].tolist()).probabilities[0, 2], grid.probabilities[2, -1], rtol=1e-4
    )


def test_a_word_begins_with_the_token_behind_its_prompt(tiny_model):
    """In the tiny tokenizer every byte is a token, and a space on its own says nothing about the word."""
    model = loaded(tiny_model("llama"))
    letters = {letter: model.tokenize([letter])[0][1] for letter in "éac"}
    prompts = ['A: "', 'Longer: "', 'A: "']
    found = first_tokens(model, prompts, ["abc", "cab", "école"])
    assert found == [{letters["a"]}, {letters["c"]}, {letters["é"]}]


def test_special_tokens_behind_a_text_are_no_part_of_the_prompt(tiny_model):
    """Some tokenizers close a text with a token of their own, after which no word would follow."""
    from dataclasses import replace

    model = loaded(tiny_model("llama"))
    closing = replace(model, tokenize=lambda texts: [[*ids, 2] for ids in model.tokenize(texts)])
    assert first_tokens(closing, ['A: "'], ["abc"]) == first_tokens(model, ['A: "'], ["abc"])
    ours, theirs = (last_token(each, SENTENCES, SOME).probabilities for each in (closing, model))
    np.testing.assert_array_equal(ours, theirs)


def test_words_that_the_tokenizer_does_not_know_have_no_first_token(tiny_model):
    from dataclasses import replace

    model = loaded(tiny_model("llama"))
    known = model.tokenize(["a"])[0][1]
    narrow = replace(
        model,
        unknown=299,
        tokenize=lambda texts: [[t if t == known or t < 3 else 299 for t in ids] for ids in model.tokenize(texts)],
    )
    assert first_tokens(narrow, ["a", "a"], ["ab", "xy"]) == [{known}, set()]


def test_an_encoder_has_no_next_token(tiny_model):
    with pytest.raises(ModelError, match="is bidirectional"):
        last_token(loaded(tiny_model("bert")), SENTENCES, SOME)


def test_it_stops_between_layers_and_leaves_no_hook_behind(tiny_model):
    class Stopped(Watcher):
        def check(self) -> None:
            raise Cancelled

    model = loaded(tiny_model("llama"))
    with pytest.raises(Cancelled):
        last_token(model, SENTENCES, SOME, watcher=Stopped())
    assert not any(module._forward_pre_hooks for module in model.parts.decoder.modules())
    assert last_token(model, SENTENCES[:1], SOME).probabilities.shape == (1, 3, 4)
