"""Running a study: a Study in, a StudyResult out. torch is imported only to read the cache or extract states."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import CacheError, ModelError
from neuronxa_core.metrics.scoring import Outcomes, retrieval
from neuronxa_core.models.hardware import Device, resolve_device, resolve_dtype
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.mapped import give_back
from neuronxa_core.states.sentences import STATES, SentenceStates, State, first_layer
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.recipe import described, local_recipe, recipe_for
from neuronxa_core.study.result import StudyResult, write_result
from neuronxa_core.study.study import Study


def run_study(
    study: Study,
    *,
    device: Device = "auto",
    use_cache: bool = True,
    keep_states: bool = False,
    watcher: Watcher = SILENT,
) -> StudyResult:
    """The result of a study, from the cache or computed; the numbers are the same either way.

    keep_states: also make sure that the states of both languages are in the cache, for analyses that need them.
    Raises NeuronXAError for what a user can fix, and Cancelled if the watcher is stopped.
    """
    started = time.perf_counter()
    bitext = study.bitext()
    recipe = recipe_for(study, device, watcher, held=not use_cache)
    stored = recipe.stored_result(bitext) if use_cache else None
    if stored and not (keep_states and recipe.layers(bitext) is None):
        return stored
    source, target, neurons = recipe.both_states(bitext, use_cache, watcher)
    watcher.report("scoring")
    outcomes = {state: score_layers(state, source, target, watcher) for state in STATES}
    provenance = recipe.provenance(neurons) | {
        "corpus_hash": sentences_hash((*bitext.source_sentences, *bitext.target_sentences)),
        "tokens": {study.source: int(source.tokens.sum()), study.target: int(target.tokens.sum())},
        "unknown_tokens": {study.source: int(source.unknown.sum()), study.target: int(target.unknown.sum())},
        **described(bitext, study.corpus),
        "seconds": round(time.perf_counter() - started, 3),
    }
    result = StudyResult(recipe.study, outcomes, provenance)
    if use_cache:
        store.write_aside(recipe.result_path(bitext), lambda path: write_result(result, path))
    return result


def run_against_target(
    study: Study, sources: Sequence[str], *, device: Device = "auto", watcher: Watcher = SILENT
) -> tuple[StudyResult, ...]:
    """One result per source language, all against the study's target, whose states are extracted once.

    Raises like run_study.
    """
    together = Together(watcher, study.pairs * (len(sources) + 1))
    results = []
    for number, code in enumerate(sources):
        together.before = study.pairs * (number + 1) if number else 0
        together.report("extracting", detail=language(code).name)
        results.append(run_study(replace(study, source=code), device=device, watcher=together))
    return tuple(results)


def find_against_target(
    study: Study, sources: Sequence[str], find: Callable[[Study], StudyResult | None] | None = None
) -> tuple[StudyResult, ...] | None:
    """The results of `run_against_target` if all are there, else None. Never loads or downloads a model.

    find: where each is looked for, in the cache unless told otherwise.
    """
    results, find = [], find or find_result
    for code in sources:
        result = find(replace(study, source=code))
        if result is None:
            return None
        results.append(result)
    return tuple(results)


def find_result(study: Study) -> StudyResult | None:
    """The result of a study if it is cached, else None. Never loads or downloads a model."""
    recipe = local_recipe(study)
    return recipe.stored_result(study.bitext()) if recipe else None


def is_cached(study: Study) -> bool:
    """Whether the cache has a result for a study, see `find_result`."""
    recipe = local_recipe(study)
    return recipe is not None and recipe.result_path(study.bitext()).is_file()


def find_layers(study: Study, device: Device = "auto") -> "StudyLayers | None":
    """The states of a study, layer by layer, if cached, else None. Never loads or downloads a model."""
    recipe = local_recipe(study, device)
    return recipe.layers(study.bitext()) if recipe else None


def run_states(study: Study, device: Device, watcher: Watcher) -> "tuple[StudyResult, StudyLayers]":
    """The result of a study and its states. Raises like run_study, and CacheError if the cache has no room for them."""
    result = run_study(study, device=device, keep_states=True, watcher=watcher)
    layers = find_layers(study, device)
    if layers is None:
        raise CacheError("The cache is too small for the states of this study.", "Increase NEURONXA_CACHE_GB.")
    return result, layers


def score_layers(state: State, source: SentenceStates, target: SentenceStates, watcher: Watcher = SILENT) -> Outcomes:
    """Retrieval outcomes, each direction (layers, pairs). Raises ModelError, naming the layer, for NaN or infinity."""
    layers = []
    for layer, (ours, theirs) in enumerate(zip(source.of(state), target.of(state), strict=True), first_layer(state)):
        watcher.check()
        check_finite(state, layer, ours, theirs)
        layers.append(retrieval(ours, theirs))
        give_back(ours, theirs)
    return Outcomes(*(np.stack(direction) for direction in zip(*layers, strict=True)))


def check_finite(state: State, layer: int, *vectors: NDArray[np.floating]) -> None:
    """Raises ModelError, naming the layer, if the vectors contain NaN or infinity."""
    if not all(np.isfinite(each).all() for each in vectors):
        raise ModelError(
            f"The {state} states of layer {layer} contain NaN or infinity, so they cannot be compared.",
            "Use a dtype with a larger range: bfloat16 or float32.",
        )


def resolved(study: Study, device: Device = "auto") -> Study:
    """The study with its dtype resolved for a device. Raises ModelError if device or dtype are unavailable."""
    return replace(study, dtype=resolve_dtype(study.dtype, resolve_device(device)))
