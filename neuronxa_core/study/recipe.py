"""A study resolved on this machine: checkpoint, device, dtype, and the cache keys of its states and results."""

import platform
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.corpora.bitext import Bitext, sentences_hash, warnings
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.selection import number_ranges
from neuronxa_core.errors import ChangedModelError, CorpusError, ModelError, NeuronXAError, SentenceError
from neuronxa_core.models.checkpoint import Checkpoint
from neuronxa_core.models.cost import Cost, refuse_what_does_not_fit, study_cost
from neuronxa_core.models.demo import demo_folder
from neuronxa_core.models.families import is_encoder
from neuronxa_core.models.hardware import Device, resolve_device, resolve_dtype
from neuronxa_core.models.hub_cache import commit_of
from neuronxa_core.models.locate import find_checkpoint, local_checkpoint
from neuronxa_core.progress import Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import ReadoutConfig, SentenceStates
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult, read_result
from neuronxa_core.study.study import Study
from neuronxa_core.version import __version__

if TYPE_CHECKING:
    from neuronxa_core.models.loading import LoadedModel
    from neuronxa_core.states.tokens import SentenceTokens


def local_recipe(study: Study, device: Device = "auto") -> "Recipe | None":
    """The recipe of a study, for reading the cache; None if its model is not on this machine."""
    checkpoint = local_checkpoint(study.ref)
    return Recipe(study, checkpoint, device) if checkpoint else None


def holds_model(study: Study, device: Device) -> bool:
    """Whether a study's model is in this process's memory. Never loads or downloads a model."""
    from neuronxa_core.models.loading import RESIDENT

    try:
        recipe = local_recipe(study, device)
    except NeuronXAError:
        return False
    return recipe is not None and RESIDENT.holds(recipe.checkpoint, recipe.device, recipe.dtype, study.neurons)


def described(bitext: Bitext, corpus: str) -> dict[str, str]:
    """Provenance of the pairs: the lines used and how they were chosen, warnings, and a hub corpus's commit."""
    commit = open_corpus(corpus).contents.commit
    named = {"pairs": str(bitext.choice), "lines": number_ranges(bitext.lines)}
    found = " ".join(finding.message for finding in warnings(bitext))
    return named | ({"corpus_commit": commit} if commit else {}) | ({"warnings": found} if found else {})


def recipe_for(study: Study, device: Device, watcher: Watcher, held: bool = False) -> "Recipe":
    """The recipe of a study, whose model is downloaded if necessary.

    held: whether all states will be in memory at a time, because the cache is not used.
    Raises ModelError before the download starts if the model does not fit.
    """
    if local_checkpoint(study.ref) is None:
        refuse_what_does_not_fit(_cost(study, device, 2 * study.pairs, held))
    return Recipe(study, find_checkpoint(study.ref, watcher), device)


def _cost(study: Study, device: Device, sentences: int, held: bool) -> Cost:
    return study_cost(study.ref, 0, sentences, study.dtype, device, held=held)


def _with_its_line(error: SentenceError, bitext: Bitext) -> CorpusError:
    for code, side in ((bitext.source, bitext.source_sentences), (bitext.target, bitext.target_sentences)):
        if error.sentence in side:
            line = bitext.lines[side.index(error.sentence)]
            return CorpusError(f"Line {line} of {code}: {error.problem}", f"Shorten it or leave it out: {line}.")
    return error


class Recipe:
    """A study resolved on this machine: checkpoint, device, dtype, and the cache keys they give.

    Its study, and every result made from it, names the pooling and dtype that `auto` stands for.
    """

    def __init__(self, study: Study, checkpoint: Checkpoint, device: Device) -> None:
        if study.pooling == "auto":
            study = replace(study, pooling="mean" if is_encoder(checkpoint.config) else "position")
        self.checkpoint = checkpoint
        self.device = resolve_device(device)
        self.dtype = resolve_dtype(study.dtype, self.device)
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

    @cached_property
    def model_key(self) -> dict[str, str | int]:
        """The part of the key on which everything depends that reads no neurons."""
        return {name: self.key[name] for name in ("model", "dtype", "device")}

    def result_path(self, bitext: Bitext, suffix: str = ".parquet", **more: str | int) -> Path:
        """The cache file of what follows from the states of both sides. more: on what else it depends."""
        sides = {"source": sentences_hash(bitext.source_sentences), "target": sentences_hash(bitext.target_sentences)}
        return store.result_path(store.cache_key(self.key | sides | more), suffix)

    def stored_result(self, bitext: Bitext) -> StudyResult | None:
        """The cached result with the study's present names; None if missing. A damaged file is deleted."""
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

    def both_states(
        self, bitext: Bitext, use_cache: bool, watcher: Watcher
    ) -> tuple[SentenceStates, SentenceStates, str]:
        """(source states, target states, module read as neurons), from the cache or extracted."""
        both = Together(watcher, 2 * len(bitext))
        try:
            source, _ = self._states(bitext.source, bitext.source_sentences, use_cache, both)
            both.before = len(bitext)
            target, neurons = self._states(bitext.target, bitext.target_sentences, use_cache, both)
            return source, target, neurons
        except SentenceError as error:
            raise _with_its_line(error, bitext) from error

    def language_path(self, code: str, sentences: tuple[str, ...], watcher: Watcher) -> Path:
        """The file with the states of one language, extracted now if it is missing or damaged."""
        key = self._states_key(sentences)
        path = store.states_path(key)
        if store.is_whole(path):
            store.touch(path)
        else:
            self._extract(sentences, watcher, keep=(key, code))
        return path

    def readouts(
        self, code: str, sentences: tuple[str, ...], readouts: Sequence[ReadoutConfig], watcher: Watcher
    ) -> dict[ReadoutConfig, Path]:
        """The files with the states of one language, by readout; missing ones are extracted together.

        A readout that the model lacks (attention in an unknown family) is left out.
        """
        from neuronxa_core.states.extraction import extract_readouts

        keys = {readout: self._readout_key(readout, sentences) for readout in readouts}
        missing = [readout for readout in readouts if not store.is_whole(store.states_path(keys[readout]))]
        if missing:
            model = self._model(len(sentences), watcher)
            missing = [readout for readout in missing if readout.site != "attention" or model.parts.attention]
            header = {"language": code, "taken_from": model.parts.neurons}
            with ExitStack() as files:
                opened = [
                    files.enter_context(store.writing_states(keys[readout], self._readout_parts(readout) | header))
                    for readout in missing
                ]
                extract_readouts(model, sentences, missing, watcher=watcher, makes=[file.make for file in opened])
        return {readout: path for readout in readouts if store.is_whole(path := store.states_path(keys[readout]))}

    def readout_path(self, readout: ReadoutConfig, sentences: tuple[str, ...]) -> Path:
        """The path of the states of one language in one readout, whether or not the file exists."""
        return store.states_path(self._readout_key(readout, sentences))

    def token_states(self, sentence: str, layer: int, watcher: Watcher) -> "SentenceTokens":
        """One sentence at one layer, token by token, see states.tokens."""
        from neuronxa_core.states.tokens import sentence_tokens

        model = self.model(watcher)
        readout = self.study.readout
        return sentence_tokens(model, sentence, layer, readout.site, readout.pooling)

    def model(self, watcher: Watcher) -> "LoadedModel":
        """The study's model in memory, to read text by text."""
        return self._model(1, watcher)

    def _states_key(self, sentences: tuple[str, ...]) -> str:
        """The states of one language in the study's own readout."""
        return self._readout_key(self.study.readout, sentences)

    def _readout_parts(self, readout: ReadoutConfig) -> dict[str, str | int]:
        changed: dict[str, str | int] = {"site": readout.site, "pooling": readout.pooling}
        return self.key | changed | ({"threshold": str(readout.threshold)} if readout.threshold else {})

    def _readout_key(self, readout: ReadoutConfig, sentences: tuple[str, ...]) -> str:
        return store.cache_key(self._readout_parts(readout) | {"sentences": sentences_hash(sentences)})

    def sentence_bits(self, code: str, sentences: tuple[str, ...], watcher: Watcher) -> list[float]:
        """-log2 p of each sentence, see extraction. The states of the same pass go into the cache if missing."""
        bits = np.zeros(len(sentences))
        key = self._states_key(sentences)
        missing = not store.is_whole(store.states_path(key))
        self._extract(sentences, watcher, bits, (key, code) if missing else None)
        return [float(value) for value in bits]

    def _states(
        self, code: str, sentences: tuple[str, ...], use_cache: bool, watcher: Watcher
    ) -> tuple[SentenceStates, str]:
        """(states, module read as neurons), from the cache or extracted."""
        key = self._states_key(sentences)
        stored = store.read_states(key) if use_cache else None
        if stored is not None:
            return stored, store.taken_from(store.states_path(key))
        return self._extract(sentences, watcher, keep=(key, code) if use_cache else None)

    def _extract(
        self,
        sentences: tuple[str, ...],
        watcher: Watcher,
        bits: NDArray[np.float64] | None = None,
        keep: tuple[str, str] | None = None,
    ) -> tuple[SentenceStates, str]:
        """(freshly extracted states, module read as neurons). keep: key and language of their file in the cache."""
        from neuronxa_core.states.extraction import extract

        model = self._model(len(sentences), watcher, held=keep is None)
        neurons = model.parts.neurons
        site, pooling = self.study.readout.site, self.study.readout.pooling
        run = partial(extract, model, sentences, site, pooling, watcher=watcher, bits=bits)
        if keep is None:
            return run(), neurons
        key, code = keep
        with store.writing_states(key, self.key | {"language": code, "taken_from": neurons}) as file:
            return run(make=file.make), neurons

    def _model(self, sentences: int, watcher: Watcher, held: bool = False) -> "LoadedModel":
        """The study's model in memory. sentences: of one language; held: all their states, see models.cost."""
        from neuronxa_core.models.loading import RESIDENT

        watcher.report("loading")
        watcher.check()
        if not RESIDENT.holds(self.checkpoint, self.device, self.dtype, self.study.neurons):
            refuse_what_does_not_fit(_cost(self.study, self.device, 2 * sentences, held))
        try:
            return RESIDENT.get(self.checkpoint, self.device, self.dtype, self.study.neurons)
        except ChangedModelError:
            if self.checkpoint.folder != demo_folder():
                raise
        self._prepare_again(watcher)  # outside the handler, where the error no longer keeps the weights in memory
        return RESIDENT.get(self.checkpoint, self.device, self.dtype, self.study.neurons)

    def _prepare_again(self, watcher: Watcher) -> None:
        """Repairs the demo model. Raises ModelError if its fingerprint is no longer that of this run's results."""
        repaired = find_checkpoint(self.study.ref, watcher)
        if repaired.fingerprint != self.checkpoint.fingerprint:
            raise ModelError("The demo model was damaged and has been prepared again.", "Run again.")
        self.checkpoint = repaired

    def provenance(self, neurons: str | None = None) -> dict[str, str | int | float]:
        """Provenance of a result. neurons: the module read as neurons, see store.taken_from; None if none was."""
        return {
            "model_fingerprint": self.checkpoint.fingerprint,
            "device": self.device,
            "dtype": self.dtype,
            **({} if neurons is None else {"neurons": neurons}),
            **({"model_commit": commit} if (commit := commit_of(self.checkpoint.folder)) else {}),
            "neuronxa": __version__,
            "torch": version("torch"),
            "transformers": version("transformers"),
            "python": platform.python_version(),
        }
