"""The recipe: a Study in, a StudyResult out. torch is imported only when a cached result is looked for or states are made."""

import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from neuronxa_core import __version__
from neuronxa_core.corpora.bitext import Bitext, sentences_hash, warnings
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.selection import number_ranges
from neuronxa_core.errors import ChangedModelError, CorpusError, ModelError, SentenceError
from neuronxa_core.metrics.scoring import Outcomes, pair_outcomes
from neuronxa_core.metrics.similarity import cosine_similarity
from neuronxa_core.models.checkpoint import Checkpoint
from neuronxa_core.models.cost import Cost, refuse_what_does_not_fit, study_cost
from neuronxa_core.models.demo import demo_folder
from neuronxa_core.models.families import is_encoder
from neuronxa_core.models.hardware import Device, Dtype, resolve_device, resolve_dtype
from neuronxa_core.models.hub_cache import commit_of
from neuronxa_core.models.locate import find_checkpoint, local_checkpoint
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.settings import settings
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES, Pooling, ReadoutConfig, SentenceStates, Site, State, first_layer
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult, read_result, write_result
from neuronxa_core.study.study import Study

if TYPE_CHECKING:
    from neuronxa_core.models.loading import LoadedModel
    from neuronxa_core.states.tokens import SentenceTokens


def run_study(
    study: Study,
    *,
    device: Device = "auto",
    use_cache: bool = True,
    keep_states: bool = False,
    watcher: Watcher = SILENT,
) -> StudyResult:
    """Runs a study, or takes it from the cache; the numbers are the same either way.

    keep_states: also see to it that the states of both languages are in the cache, for what needs more than scores.
    Raises NeuronXAError for what a user can mend, and Cancelled if the watcher asks for it.
    """
    started = time.perf_counter()
    bitext = study.bitext()
    recipe = recipe_for(study, device, watcher)
    stored = recipe.stored_result(bitext) if use_cache else None
    if stored and not (keep_states and recipe.layers(bitext) is None):
        return stored
    source, target = recipe.both_states(bitext, use_cache, watcher)
    watcher.report("scoring")
    outcomes = {state: score_layers(state, source, target, watcher) for state in STATES}
    provenance = recipe.provenance | {
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
    """One study per source language, all against the study's target, whose states are extracted once. Raises as run_study."""
    together = Together(watcher, study.pairs * (len(sources) + 1))
    results = []
    for number, code in enumerate(sources):
        together.before = study.pairs * (number + 1) if number else 0
        together.report("extracting", detail=language(code).name)
        results.append(run_study(replace(study, source=code), device=device, watcher=together))
    return tuple(results)


def find_against_target(study: Study, sources: Sequence[str]) -> tuple[StudyResult, ...] | None:
    """What `run_against_target` gives, if the cache holds all of it. Prepares, downloads and loads no model."""
    results = []
    for code in sources:
        result = find_result(replace(study, source=code))
        if result is None:
            return None
        results.append(result)
    return tuple(results)


def find_result(study: Study) -> StudyResult | None:
    """The result of a study if the cache holds it. Prepares, downloads and loads no model."""
    checkpoint = local_checkpoint(study.ref)
    return Recipe(study, checkpoint, "auto").stored_result(study.bitext()) if checkpoint else None


def is_cached(study: Study) -> bool:
    """Whether the cache has a result of a study, which `find_result` would read."""
    checkpoint = local_checkpoint(study.ref)
    return checkpoint is not None and Recipe(study, checkpoint, "auto").result_path(study.bitext()).is_file()


def find_layers(study: Study) -> "StudyLayers | None":
    """The states of a study, layer by layer, if the cache holds them. Prepares, downloads and loads no model."""
    checkpoint = local_checkpoint(study.ref)
    return Recipe(study, checkpoint, "auto").layers(study.bitext()) if checkpoint else None


def described(bitext: Bitext, corpus: str) -> dict[str, str]:
    """For the provenance: which lines were used and why, what the check found in them, the commit of a corpus on the hub."""
    commit = open_corpus(corpus).contents.commit
    named = {"pairs": str(bitext.choice), "lines": number_ranges(bitext.lines)}
    found = " ".join(finding.message for finding in warnings(bitext))
    return named | ({"corpus_commit": commit} if commit else {}) | ({"warnings": found} if found else {})


def score_layers(state: State, source: SentenceStates, target: SentenceStates, watcher: Watcher = SILENT) -> Outcomes:
    """Who finds whom at every layer, each direction (layers, pairs). Raises ModelError, naming the layer, for NaN."""
    layers = []
    for layer, (ours, theirs) in enumerate(zip(source.of(state), target.of(state), strict=True), first_layer(state)):
        watcher.check()
        check_finite(state, layer, ours, theirs)
        layers.append(pair_outcomes(cosine_similarity(ours, theirs)))
    return Outcomes(*(np.stack(direction) for direction in zip(*layers, strict=True)))


def check_finite(state: State, layer: int, *vectors: NDArray[np.floating]) -> None:
    """Raises ModelError, naming the layer, if there is a NaN or an infinity in the vectors."""
    if not all(np.isfinite(each).all() for each in vectors):
        raise ModelError(
            f"The {state} states of layer {layer} hold NaN or infinity, so they cannot be compared.",
            "Use a dtype with a larger range: bfloat16 or float32.",
        )


def recipe_for(study: Study, device: Device, watcher: Watcher) -> "Recipe":
    """The recipe of a study; its model is downloaded if it is not here. Raises ModelError before a byte of it if it does not fit."""
    if local_checkpoint(study.ref) is None:
        refuse_what_does_not_fit(_cost(study, device, 2 * study.pairs))
    return Recipe(study, find_checkpoint(study.ref, watcher), device)


def _cost(study: Study, device: str, sentences: int) -> Cost:
    return study_cost(study.ref, 0, sentences, study.dtype, device)


def _with_its_line(error: SentenceError, bitext: Bitext) -> CorpusError:
    for code, side in ((bitext.source, bitext.source_sentences), (bitext.target, bitext.target_sentences)):
        if error.sentence in side:
            line = bitext.lines[side.index(error.sentence)]
            return CorpusError(f"Line {line} of {code}: {error.problem}", f"Shorten it, or leave it out: {line}.")
    return error


def resolved(study: Study, device: Device = "auto") -> Study:
    """The study in the precision that its dtype is on a device. Raises ModelError if device or dtype are not here."""
    return replace(study, dtype=resolve_dtype(cast(Dtype, study.dtype), resolve_device(device)))


class Recipe:
    """What a study means on this machine: a checkpoint on disk, a device, a dtype, and the cache keys they make.

    Its study names the pooling and the dtype that `auto` is, and so does every result that is made from it.
    """

    def __init__(self, study: Study, checkpoint: Checkpoint, device: Device) -> None:
        if study.pooling == "auto":
            study = replace(study, pooling="mean" if is_encoder(checkpoint.config) else "position")
        self.checkpoint = checkpoint
        self.neurons = ""
        self.device = resolve_device(device)
        self.dtype = resolve_dtype(cast(Dtype, study.dtype), self.device)
        self.study = replace(study, dtype=self.dtype)

    @cached_property
    def key(self) -> dict[str, str | int]:
        return {
            "model": self.checkpoint.fingerprint,
            "site": self.study.site,
            "pooling": self.study.pooling,
            "dtype": self.dtype,
            "device": self.device,
            **({"neurons": self.study.neurons} if self.study.neurons else {}),
        }

    def result_path(self, bitext: Bitext) -> Path:
        sides = {"source": sentences_hash(bitext.source_sentences), "target": sentences_hash(bitext.target_sentences)}
        return settings().cache_dir / "results" / f"{store.cache_key(self.key | sides)}.parquet"

    def stored_result(self, bitext: Bitext) -> StudyResult | None:
        """The cached result, under the names by which the study is asked for now; a damaged file is removed."""
        result = store.read_or_discard(self.result_path(bitext), read_result)
        if result is None:
            return None
        return replace(
            result, study=self.study, provenance={**result.provenance, **described(bitext, self.study.corpus)}
        )

    def layers(self, bitext: Bitext) -> "StudyLayers | None":
        paths = [
            store.states_path(self._states_key(sentences))
            for sentences in (bitext.source_sentences, bitext.target_sentences)
        ]
        if not all(store.is_whole(path) for path in paths):
            return None
        for path in paths:
            store.touch(path)
        return StudyLayers(*paths)

    def both_states(self, bitext: Bitext, use_cache: bool, watcher: Watcher) -> tuple[SentenceStates, SentenceStates]:
        both = Together(watcher, 2 * len(bitext))
        try:
            source = self._states(bitext.source, bitext.source_sentences, use_cache, both)
            both.before = len(bitext)
            return source, self._states(bitext.target, bitext.target_sentences, use_cache, both)
        except SentenceError as error:
            raise _with_its_line(error, bitext) from error

    def language_path(self, code: str, sentences: tuple[str, ...], watcher: Watcher) -> Path:
        """The file that holds the states of one language, extracted now if it is not there or not whole."""
        key = self._states_key(sentences)
        path = store.states_path(key)
        if store.is_whole(path):
            store.touch(path)
        else:
            self._write(key, self._extract(sentences, watcher), code)
        return path

    def readouts(
        self, code: str, sentences: tuple[str, ...], readouts: Sequence[ReadoutConfig], watcher: Watcher
    ) -> dict[ReadoutConfig, Path]:
        """The files that hold the states of one language in several ways; what is missing comes from one pass.

        A way that the model does not have (attention, where nothing is known of it) is left out.
        """
        from neuronxa_core.states.extraction import extract_readouts

        keys = {readout: self._readout_key(readout, sentences) for readout in readouts}
        missing = [readout for readout in readouts if not store.is_whole(store.states_path(keys[readout]))]
        if missing:
            model = self._model(len(missing) * len(sentences), watcher)
            missing = [readout for readout in missing if readout.site != "attention" or model.parts.attention]
            states = extract_readouts(model, sentences, missing, watcher=watcher)
            for readout, each in zip(missing, states, strict=True):
                header = {"language": code, "taken_from": self.neurons}
                store.write_states(keys[readout], each, self._readout_parts(readout) | header)
        return {readout: path for readout in readouts if store.is_whole(path := store.states_path(keys[readout]))}

    def readout_path(self, readout: ReadoutConfig, sentences: tuple[str, ...]) -> Path:
        """Where the states of one language lie in one way, whether or not they are there."""
        return store.states_path(self._readout_key(readout, sentences))

    def token_states(self, sentence: str, layer: int, watcher: Watcher) -> "SentenceTokens":
        """One sentence at one layer, token by token, see states.tokens."""
        from neuronxa_core.states.tokens import sentence_tokens

        model = self._model(1, watcher)
        return sentence_tokens(model, sentence, layer, cast(Site, self.study.site), cast(Pooling, self.study.pooling))

    def _states_key(self, sentences: tuple[str, ...]) -> str:
        """The states of one language in the study's own readout."""
        return store.cache_key(self.key | {"sentences": sentences_hash(sentences)})

    def _readout_parts(self, readout: ReadoutConfig) -> dict[str, str | int]:
        changed: dict[str, str | int] = {"site": readout.site, "pooling": readout.pooling}
        return self.key | changed | ({"threshold": str(readout.threshold)} if readout.threshold else {})

    def _readout_key(self, readout: ReadoutConfig, sentences: tuple[str, ...]) -> str:
        return store.cache_key(self._readout_parts(readout) | {"sentences": sentences_hash(sentences)})

    def sentence_bits(self, code: str, sentences: tuple[str, ...], watcher: Watcher) -> list[float]:
        """-log2 p of each sentence, see extraction; the states of the same pass go into the cache if they are not there."""
        bits = np.zeros(len(sentences))
        states = self._extract(sentences, watcher, bits)
        key = self._states_key(sentences)
        if not store.is_whole(store.states_path(key)):
            self._write(key, states, code)
        return [float(value) for value in bits]

    def _states(self, code: str, sentences: tuple[str, ...], use_cache: bool, watcher: Watcher) -> SentenceStates:
        key = self._states_key(sentences)
        states = store.read_states(key) if use_cache else None
        if states is None:
            states = self._extract(sentences, watcher)
            if use_cache:
                self._write(key, states, code)
        elif not self.neurons:
            self.neurons = str(store.read_header(store.states_path(key)).get("taken_from", ""))
        return states

    def _write(self, key: str, states: SentenceStates, code: str) -> None:
        store.write_states(key, states, self.key | {"language": code, "taken_from": self.neurons})

    def _extract(
        self, sentences: tuple[str, ...], watcher: Watcher, bits: NDArray[np.float64] | None = None
    ) -> SentenceStates:
        from neuronxa_core.states.extraction import extract

        model = self._model(len(sentences), watcher)
        return extract(
            model, sentences, cast(Site, self.study.site), cast(Pooling, self.study.pooling), watcher=watcher, bits=bits
        )

    def _model(self, sentences: int, watcher: Watcher) -> "LoadedModel":
        """The study's model in memory. sentences: of how many the states are held at once, in one language."""
        from neuronxa_core.models.loading import RESIDENT

        watcher.report("loading")
        watcher.check()
        if not RESIDENT.holds(self.checkpoint, self.device, self.dtype, self.study.neurons):
            refuse_what_does_not_fit(_cost(self.study, self.device, 2 * sentences))
        try:
            model = RESIDENT.get(self.checkpoint, self.device, self.dtype, self.study.neurons)
        except ChangedModelError:
            if self.checkpoint.folder != demo_folder():
                raise
            model = None  # and the error goes, with what it holds in memory
        if model is None:
            self._prepare_anew(watcher)
            model = RESIDENT.get(self.checkpoint, self.device, self.dtype, self.study.neurons)
        self.neurons = model.parts.neurons
        return model

    def _prepare_anew(self, watcher: Watcher) -> None:
        """Mends the demo. Raises ModelError if that gave other bytes than those that this run keeps its results under."""
        mended = find_checkpoint(self.study.ref, watcher)
        if mended.fingerprint != self.checkpoint.fingerprint:
            raise ModelError("The demo model was damaged and has been prepared anew.", "Run again.")
        self.checkpoint = mended

    @property
    def provenance(self) -> dict[str, str | int | float]:
        return {
            "model_fingerprint": self.checkpoint.fingerprint,
            "device": self.device,
            "dtype": self.dtype,
            "neurons": self.neurons,
            **({"model_commit": commit} if (commit := commit_of(self.checkpoint.folder)) else {}),
            "neuronxa": __version__,
            "torch": version("torch"),
            "transformers": version("transformers"),
            "python": platform.python_version(),
        }
