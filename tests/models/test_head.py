"""Bits of every family against the model as transformers runs it, head and all, one sentence at a time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from neuronxa_core.analyses.bits_per_byte import bits_per_byte, find_bits_per_byte, run_bits_per_byte
from neuronxa_core.errors import ModelError
from neuronxa_core.models import head
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.families import FAMILIES as TABLE
from neuronxa_core.models.loading import load_model
from neuronxa_core.states.extraction import extract
from neuronxa_core.study.runner import find_result, run_study
from neuronxa_core.study.study import Study
from tests.tiny import FAMILIES, SENTENCES, save_tiny_model, tiny_tokenizer

DECODERS = [name for name, tiny in FAMILIES.items() if tiny.head]


def expected_bits(folder: Path) -> np.ndarray:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer, bits = tiny_tokenizer(), []
    for sentence in SENTENCES:
        ids = torch.tensor([tokenizer(sentence)["input_ids"]])
        with torch.inference_mode():
            chances = model(input_ids=ids).logits[0].double().log_softmax(dim=-1)
        bits.append(-float(chances[:-1].gather(1, ids[0, 1:, None]).sum()) / np.log(2))
    return np.array(bits)


def found_bits(folder: Path, **how: Any) -> np.ndarray:
    bits = np.zeros(len(SENTENCES))
    extract(load_model(checkpoint_at(folder), "cpu", "float32"), SENTENCES, bits=bits, **how)
    return bits


@pytest.mark.parametrize("family", DECODERS)
def test_the_bits_are_those_of_the_whole_model(tiny_model, family: str):
    expected = expected_bits(tiny_model(family))
    np.testing.assert_allclose(found_bits(tiny_model(family), batch_tokens=64), expected, rtol=2e-4)
    np.testing.assert_allclose(found_bits(tiny_model(family), padding="left"), expected, rtol=2e-4)


@pytest.mark.parametrize(
    ("family", "config"),
    [
        ("gemma2", {"final_logit_softcapping": 2.0}),
        ("gemma3_text", {"final_logit_softcapping": 2.0}),
        ("cohere", {"logit_scale": 0.25}),
        ("cohere2", {"logit_scale": 0.25}),
        ("mpt", {"logit_scale": 0.25}),  # which transformers does not read
        ("vaultgemma", {"final_logit_softcapping": 2.0, "head_dim": 8}),  # a cap means the same in any family
        ("granite", {"logits_scaling": 4.0}),
        ("llama", {"tie_word_embeddings": True}),
    ],
)
def test_what_an_architecture_does_to_its_logits_is_done(tmp_path: Path, family: str, config: dict[str, Any]):
    save_tiny_model(tmp_path, family, **config)
    np.testing.assert_allclose(found_bits(tmp_path), expected_bits(tmp_path), rtol=2e-4)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("tile", [1, 64, 8192])
def test_tiles_of_the_vocabulary_give_the_bits_of_the_whole(monkeypatch, tile: int, packed: bool):
    monkeypatch.setattr(head, "_TILE", tile)
    made = torch.Generator().manual_seed(4)
    weight, bias, hidden = (torch.randn(*shape, generator=made) for shape in ((130, 6), (130,), (5, 6)))
    whole = head.Head(weight, bias, 0.5, 3.0)
    tokens = torch.tensor([0, 63, 64, 128, 129])
    logits = 3.0 * torch.tanh(0.5 * (hidden @ weight.T + bias) / 3.0)
    expected = -logits.double().log_softmax(dim=1)[torch.arange(5), tokens] / np.log(2)
    np.testing.assert_allclose((whole.packed() if packed else whole).bits(hidden, tokens), expected, rtol=1e-5)
    assert whole.bits(hidden[:0], tokens[:0]).shape == (0,)


def test_a_scale_that_no_table_explains_is_refused(tmp_path: Path):
    """Granite divides by `logits_scaling`, HyperCLOVA X multiplies by it."""
    folder = save_tiny_model(tmp_path, "granite_swa", logits_scaling=4.0)
    assert "granite_swa" not in TABLE, "Name another family that the table does not have and that has this key."
    with pytest.raises(ModelError, match="logits_scaling, by which one family multiplies logits"):
        found_bits(folder)


def test_the_states_of_the_same_pass_are_the_usual_ones(tiny_model):
    model = load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32")
    plain, besides = extract(model, SENTENCES), extract(model, SENTENCES, bits=np.zeros(len(SENTENCES)))
    assert all(np.array_equal(getattr(plain, name), array) for name, array in vars(besides).items())


def test_an_encoder_gives_no_likelihood(tiny_model):
    with pytest.raises(ModelError, match="is bidirectional"):
        found_bits(tiny_model("bert"))


def test_bits_per_byte_of_a_study_come_with_its_states_and_from_the_cache(tiny_model, tiny_corpus: Path):
    study = Study(str(tiny_model("llama")), str(tiny_corpus), "fra", "eng", pairs=4, dtype="float32")
    codes = ("fra_Latn", "deu_Latn", "eng_Latn")
    assert find_bits_per_byte(study, codes) is None
    found = run_bits_per_byte(study, codes)
    assert find_bits_per_byte(study, codes) == found
    sentences = study.bitext().source_sentences
    bits = np.zeros(4)
    extract(load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32"), sentences, bits=bits)
    assert found["fra_Latn"] == pytest.approx(bits.sum() / sum(len(text.encode()) for text in sentences))
    assert found["fra_Latn"] == pytest.approx(bits_per_byte(bits, sentences))
    assert find_result(study) is None  # scores are another matter
    assert run_study(study).provenance["dtype"] == "float32"
