"""Greedy continuations against whole passes over prompt and continuation, in every family of decoders."""

import numpy as np
import pytest
import torch

from neuronxa_core.errors import ModelError, StudyError
from neuronxa_core.models.loading import LoadedModel
from neuronxa_core.states.continuation import continue_greedily
from neuronxa_core.states.extraction import head_of, pad, run_decoder, token_ids
from neuronxa_core.states.interventions import Change, SetNeurons, Shift, intervene
from neuronxa_core.states.lens import without_end
from tests.states.test_interventions import DECODERS, loaded

PROMPTS = ["Hier ist der Hund", "The", "Voici donc le pain et le vin !"]


def token_by_token(model: LoadedModel, prompt: str, tokens: int, change: Change | None = None) -> list[int]:
    """One prompt alone, whole passes without a cache."""
    ids, head, found = without_end(model, token_ids(model, [prompt])[0]), head_of(model), list[int]()
    for _ in range(tokens):
        with torch.inference_mode():
            if change is None:
                hidden = run_decoder(model.parts, *pad([ids + found], "right"))
            else:
                with intervene(model.parts, change):
                    hidden = run_decoder(model.parts, *pad([ids + found], "right"))
            found.append(int(head.logits(hidden[:, -1]).argmax()))
    return found


def spoken(model: LoadedModel, prompts: list[str], tokens: int, change: Change | None = None) -> list[list[int]]:
    """The tokens of the continuations, from a model whose text is its token numbers and never ends."""
    plain = LoadedModel(**{**vars(model), "text": lambda ids: " ".join(map(str, ids)), "end": None})
    return [[int(each) for each in text.split()] for text in continue_greedily(plain, prompts, tokens, change)]


@pytest.mark.parametrize("family", DECODERS)
def test_a_batch_with_kept_keys_is_each_prompt_alone_without(tiny_model, family: str):
    model = loaded(tiny_model(family))
    change = Shift(1, np.linspace(-2, 2, 32, dtype=np.float32))
    for each in (None, change):
        assert spoken(model, PROMPTS, 6, each) == [token_by_token(model, prompt, 6, each) for prompt in PROMPTS]


def test_switched_off_neurons_are_off_in_the_new_tokens_too(tiny_model):
    model = loaded(tiny_model("llama"))
    everything = SetNeurons("gate", {layer: (np.arange(48), np.zeros(48, np.float32)) for layer in (1, 2, 3)})
    changed = spoken(model, PROMPTS, 6, everything)
    assert changed == [token_by_token(model, prompt, 6, everything) for prompt in PROMPTS]
    assert changed != spoken(model, PROMPTS, 6)


def test_a_text_ends_where_the_model_ends_it(tiny_model):
    model = loaded(tiny_model("llama"))
    tokens = token_by_token(model, PROMPTS[0], 8)
    end = next(each for each in tokens if tokens.index(each) > 0)
    cut = LoadedModel(**{**vars(model), "text": lambda ids: " ".join(map(str, ids)), "end": end})
    assert continue_greedily(cut, PROMPTS[:1], 8) == [" ".join(map(str, tokens[: tokens.index(end)]))]


def test_too_long_a_text_and_an_encoder_are_refused(tiny_model):
    with pytest.raises(StudyError, match="exceeds the model's context"):
        continue_greedily(loaded(tiny_model("llama")), PROMPTS, 100_000)
    with pytest.raises(ModelError, match="encoder"):
        continue_greedily(loaded(tiny_model("bert")), PROMPTS, 2)
