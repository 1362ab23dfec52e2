"""Bits per byte: how well a model predicts a language, measured on the study's sentences in the same forward passes.

`-log2 p` of all tokens except each sentence's first, divided by the UTF-8 bytes of the sentences. Lower is better, and
languages and tokenizers are comparable. If a tokenizer adds no initial token, the first token of the sentence itself is
not counted, although its bytes are.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.corpora.languages import language
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.study.parquet import read_checked_json, write_checked_json
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.study import Study


def bits_per_byte(bits: NDArray[np.float64], sentences: Sequence[str]) -> float:
    """Bits per byte of all sentences together. bits: (sentences,), see extraction.extract_readouts."""
    return float(bits.sum() / sum(len(sentence.encode()) for sentence in sentences))


def run_bits_per_byte(
    study: Study, codes: Sequence[str], *, device: Device = "auto", watcher: Watcher = SILENT
) -> dict[str, float]:
    """Bits per byte of each language, on the lines of its study against the study's target.

    States that are not yet in the cache are stored there. Raises like run_study.
    """
    recipe = recipe_for(study, device, watcher)
    together = Together(watcher, study.pairs * len(codes))
    found = {}
    for number, code in enumerate(codes):
        together.before = study.pairs * number
        together.report("extracting", detail=language(code).name)
        sentences = study.sentences(code)
        found[code] = bits_per_byte(sentence_bits(recipe, code, sentences, together), sentences)
    return found


def sentence_bits(recipe: Recipe, code: str, sentences: tuple[str, ...], watcher: Watcher) -> NDArray[np.float64]:
    """-log2 p of each sentence, (sentences,), from the cache or computed with its states. Raises like run_study."""
    path = _path(recipe, sentences)
    bits = store.read_or_discard(path, read_checked_json)
    if bits is None:
        bits = recipe.sentence_bits(code, sentences, watcher)
        store.write_aside(path, partial(write_checked_json, bits))
    return np.array(bits)


def find_bits_per_byte(study: Study, codes: Sequence[str]) -> dict[str, float] | None:
    """The result of run_bits_per_byte if all of it is cached, else None. Never loads or downloads a model."""
    recipe, found = local_recipe(study), {}
    if recipe is None:
        return None
    for code in codes:
        sentences = study.sentences(code)
        bits = store.read_or_discard(_path(recipe, sentences), read_checked_json)
        if bits is None:
            return None
        found[code] = bits_per_byte(np.array(bits), sentences)
    return found


def _path(recipe: Recipe, sentences: tuple[str, ...]) -> Path:
    """The cache file of one language. Bits depend on the model, not on site or pooling."""
    key = store.cache_key(recipe.model_key | {"bits": sentences_hash(sentences)})
    return store.result_path(key, ".bits.json")
