"""All language pairs. Each language is extracted once, so the cost grows with languages, not with pairs."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.analyses.language_matrix import LanguageMatrix, matrix_study, read_matrix, write_matrix
from neuronxa_core.corpora.bitext import left_out, sentences_hash
from neuronxa_core.corpora.catalogue import Corpus, open_corpus
from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.selection import LeftOut, read_left_out, runs_of
from neuronxa_core.errors import CacheError, CorpusError, NeuronXAError
from neuronxa_core.metrics.languages import score_languages
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import mapped, store
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.runner import check_finite
from neuronxa_core.study.study import Study

Sentences = Mapping[str, tuple[str, ...]]
_SUFFIX = ".matrix.parquet"
_LOOKED_AT = 50
"""Number of cached matrices in which languages are looked for, the most recently used first."""


def run_language_matrix(
    study: Study, codes: Sequence[str], *, device: Device = "auto", watcher: Watcher = SILENT
) -> LanguageMatrix:
    """The scores of all pairs of `codes`, from the cache or computed. The study's source and target do not matter.

    The states of every language stay in the cache. Raises like run_study, and CacheError if the cache is too small.
    """
    started = time.perf_counter()
    codes = tuple(language(code).code for code in codes)
    study = matrix_study(study, codes)
    sentences = language_sentences(study, codes)
    recipe = recipe_for(study, device, watcher)
    study = recipe.study
    stored = _stored(recipe, sentences)
    if stored:
        return stored
    paths = _extract_all(recipe, sentences, watcher)
    mutual, precision = _score_all(paths, study.pairs, watcher)
    provenance = recipe.provenance(store.taken_from(paths[0])) | {
        "corpus_hash": _hash_of(sentences),
        **{name: _summed(codes, paths, array) for name, array in (("tokens", "tokens"), ("unknown_tokens", "unknown"))},
        "seconds": round(time.perf_counter() - started, 3),
    }
    matrix = LanguageMatrix(study, codes, mutual, precision, provenance)
    store.write_aside(_path(recipe, sentences), lambda path: write_matrix(matrix, path))
    return matrix


def find_language_matrix(study: Study, codes: Sequence[str]) -> LanguageMatrix | None:
    """The matrix of these languages if it is cached, else None. Never loads or downloads a model."""
    study = matrix_study(study, codes)
    recipe = local_recipe(study)
    return _stored(recipe, language_sentences(study, codes)) if recipe else None


def find_largest_matrix(study: Study, codes: Sequence[str]) -> LanguageMatrix | None:
    """The cached matrix with most of these languages, two at least, and no others; None if there is none.

    It may be part of a larger one: every pair's scores are the same whatever other languages are beside it.
    """
    recipe = local_recipe(matrix_study(study, codes))
    if recipe is None:
        return None
    best: LanguageMatrix | None = None
    for path in store.newest_results(_SUFFIX)[:_LOOKED_AT]:
        matrix = store.read_or_discard(path, read_matrix)
        shared = [code for code in codes if matrix and code in matrix.codes]
        if matrix and len(shared) > max(1, len(best.codes) if best else 0) and _is_of(recipe, matrix):
            best = matrix.take(shared)
    return replace(best, study=matrix_study(recipe.study, best.codes)) if best else None


def _is_of(recipe: Recipe, matrix: LanguageMatrix) -> bool:
    """Whether a cached matrix has this model, these choices, and the sentences that the corpus has now."""
    ours, theirs = recipe.study, matrix.study
    same = [getattr(ours, name) == getattr(theirs, name) for name in ("site", "pooling", "dtype", "neurons", "pairs")]
    made = {"model_fingerprint": recipe.key["model"], "device": recipe.key["device"]}
    if not all(same) or any(matrix.provenance.get(name) != value for name, value in made.items()):
        return False
    try:
        sentences = language_sentences(replace(ours, source=matrix.codes[0], target=matrix.codes[1]), matrix.codes)
    except NeuronXAError:  # the corpus no longer has these lines, or never had these languages
        return False
    return bool(matrix.provenance.get("corpus_hash") == _hash_of(sentences))


def _hash_of(sentences: Sentences) -> str:
    return sentences_hash([sentence for side in sentences.values() for sentence in side])


def language_sentences(study: Study, codes: Sequence[str]) -> Sentences:
    """The same lines of every language, checked against those of the first. Raises CorpusError."""
    corpus = open_corpus(study.corpus)
    if corpus.pairwise and len(codes) > 2:
        raise CorpusError(
            f"In {study.corpus} each language pair has its own text, so more than two languages cannot be compared.",
            "Use a corpus with the same text in all languages.",
        )
    leave_out = _left_out_of_all(corpus, codes, study.leave_out)
    bitexts = [corpus.bitext(codes[0], code, study.pairs, study.sample, leave_out) for code in codes[1:]]
    return {codes[0]: bitexts[0].source_sentences} | {bitext.target: bitext.target_sentences for bitext in bitexts}


def _left_out_of_all(corpus: Corpus, codes: Sequence[str], leave_out: str) -> str:
    """The leave-out list for all languages: a line left out in one is left out in all, so that the lines agree."""
    unwanted = read_left_out(leave_out)
    if not unwanted.kinds:
        return leave_out
    gone = {line for code in codes[1:] for line in left_out(corpus.text(codes[0], code), unwanted)}
    return str(LeftOut(unwanted.kinds & {"unpaired"}, runs_of(sorted(gone))))


def _extract_all(recipe: Recipe, sentences: Sentences, watcher: Watcher) -> list[Path]:
    together = Together(watcher, sum(len(side) for side in sentences.values()))
    paths = []
    for code, side in sentences.items():
        together.check()
        paths.append(recipe.language_path(code, side, together))
        together.before += len(side)
        together.report("extracting", detail=language(code).name)
    if not all(path.is_file() for path in paths):
        raise CacheError(
            f"The cache is too small for the states of {len(paths)} languages at once.",
            "Increase NEURONXA_CACHE_GB, or choose fewer languages or pairs.",
        )
    return paths


def _summed(codes: Sequence[str], paths: Sequence[Path], array: str) -> dict[str, int]:
    """Sum of an array of counts, by language."""
    return {code: int(mapped.read_counts(path, array).sum()) for code, path in zip(codes, paths, strict=True)}


def _score_all(
    paths: Sequence[Path], pairs: int, watcher: Watcher
) -> tuple[dict[State, NDArray[np.float64]], dict[State, NDArray[np.float64]]]:
    """(mutual, precision) of all layers, by state; one layer of all languages is in memory at a time."""
    counts = {state: mapped.count_layers(paths[0], state) for state in STATES}
    total, done = sum(counts.values()), 0
    both: dict[State, list[NDArray[np.float64]]] = {state: [] for state in STATES}
    for state in STATES:
        for index in range(counts[state]):
            watcher.check()
            watcher.report("scoring", done, total)
            vectors = [mapped.read_layer(path, state, index) for path in paths]
            check_finite(state, index + first_layer(state), *vectors)
            both[state].append(score_languages(vectors, watcher.check))
            done += 1
    stacked = {state: np.stack(layers, axis=1) for state, layers in both.items()}  # (2, layers, languages, languages)
    return {state: array[0] for state, array in stacked.items()}, {state: array[1] for state, array in stacked.items()}


def _path(recipe: Recipe, sentences: Sentences) -> Path:
    """The cache file of a matrix, the same for every order of the languages."""
    parts = recipe.key | {code: sentences_hash(side) for code, side in sentences.items()}
    return store.result_path(store.cache_key(parts), _SUFFIX)


def _stored(recipe: Recipe, sentences: Sentences) -> LanguageMatrix | None:
    """The cached matrix with the present names and order; None if missing. A damaged file is deleted."""
    matrix = store.read_or_discard(_path(recipe, sentences), lambda path: read_matrix(path).take(list(sentences)))
    return replace(matrix, study=recipe.study) if matrix else None


@dataclass(frozen=True)
class Languages:
    """Which languages lie close together? Scores of all language pairs."""

    name: ClassVar[str] = "languages"
    study: Study
    languages: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "study", matrix_study(self.study, self.languages))

    @property
    def at_once(self) -> int:
        return len(self.languages) * self.study.pairs

    def sentences(self) -> list[str]:
        return [sentence for side in language_sentences(self.study, self.languages).values() for sentence in side]

    def cached(self) -> LanguageMatrix | None:
        return find_language_matrix(self.study, self.languages)

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> LanguageMatrix:
        return run_language_matrix(self.study, self.languages, device=device, watcher=watcher)
