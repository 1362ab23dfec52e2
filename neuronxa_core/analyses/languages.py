"""Every language against every other. Each language is extracted once, so the cost grows with languages, not with pairs."""

import io
import json
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.corpora.bitext import left_out, sentences_hash
from neuronxa_core.corpora.catalogue import Corpus, open_corpus
from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.selection import LeftOut, read_left_out, runs_of
from neuronxa_core.errors import CacheError, CorpusError, StudyError
from neuronxa_core.metrics.scoring import chance_rate
from neuronxa_core.metrics.similarity import lengths, paired_cosines
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.result import SUMMARY_NAMES
from neuronxa_core.study.runner import check_finite
from neuronxa_core.study.study import Study, study_of

Sentences = Mapping[str, tuple[str, ...]]

_TOGETHER = 4
"""Languages whose cosines with all others are one product: large enough to be fast, of which little is computed twice."""


@dataclass(frozen=True)
class LanguageMatrix:
    """Scores of every pair of languages, per state (layers, languages, languages) in [0, 1], NaN on the diagonal.

    study: what all pairs share; its source and target are the first two languages.
    mutual: weak alignment, symmetric. precision: P@1 from the row's language to the column's.
    """

    study: Study
    codes: tuple[str, ...]
    mutual: Mapping[State, NDArray[np.float64]]
    precision: Mapping[State, NDArray[np.float64]]
    provenance: Mapping[str, Any]

    @property
    def chance(self) -> float:
        return chance_rate(self.study.pairs)

    @property
    def stem(self) -> str:
        """A file name without its suffix."""
        return self.study.stem.replace(f"{self.study.source}-{self.study.target}", f"{len(self.codes)}-languages")

    @property
    def last_layer(self) -> int:
        return len(self.mutual["nas"])

    def layers(self, state: State) -> range:
        """The numbers of a state's layers."""
        return range(first_layer(state), self.last_layer + 1)

    def score(self, state: State, layer: int | None = None) -> NDArray[np.float64]:
        """(languages, languages) at a layer, or the mean over the state's layers: NASCA, NAVCA or MEXA of each pair.

        Raises IndexError for a layer that the state lacks.
        """
        return self._at(self.mutual, state, layer)

    def direction(self, state: State, layer: int | None = None) -> NDArray[np.float64]:
        """P@1 from the row's language to the column's, as `score` is asked."""
        return self._at(self.precision, state, layer)

    def _at(self, values: Mapping[State, NDArray[np.float64]], state: State, layer: int | None) -> NDArray[np.float64]:
        if layer is not None and layer not in self.layers(state):
            raise IndexError(f"{state} has no layer {layer}")
        chosen: NDArray[np.float64] = (
            values[state].mean(axis=0) if layer is None else values[state][layer - first_layer(state)]
        )
        return chosen

    def take(self, codes: Sequence[str]) -> "LanguageMatrix":
        """The same numbers for some of the languages, in the order given. Raises ValueError for one it lacks."""
        places = [self.codes.index(code) for code in codes]
        mutual, precision = (
            {state: np.ascontiguousarray(array[:, places][:, :, places]) for state, array in values.items()}
            for values in (self.mutual, self.precision)
        )
        return replace(
            self, study=matrix_study(self.study, codes), codes=tuple(codes), mutual=mutual, precision=precision
        )

    def pairs(self, state: State, layer: int | None = None) -> pd.DataFrame:
        """One row per pair: source, target, score, source_to_target, target_to_source, as `score` is asked."""
        source, target = np.triu_indices(len(self.codes), 1)
        names = np.array(self.codes, dtype=object)
        score, direction = self.score(state, layer), self.direction(state, layer)
        return pd.DataFrame(
            {
                "source": names[source],
                "target": names[target],
                "score": score[source, target],
                "source_to_target": direction[source, target],
                "target_to_source": direction[target, source],
            }
        )

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The pairs of every state and layer: source, target, state, layer, score, source_to_target, target_to_source."""
        every = [(state, layer) for state in STATES for layer in self.layers(state)]
        rows = pd.concat(
            [self.pairs(state, layer).assign(state=state, layer=layer) for state, layer in every], ignore_index=True
        )
        return rows[["source", "target", "state", "layer", "score", "source_to_target", "target_to_source"]]

    @property
    def summary(self) -> dict[str, Any]:
        """What the matrix is of, the mean scores of each pair by state, and the provenance."""
        shared = {name: value for name, value in self.study.fields.items() if name not in ("source", "target")}
        means = {state: self.pairs(state)[["source", "target", "score"]].to_dict("records") for state in STATES}
        return {
            "languages": list(self.codes),
            "study": shared,
            "chance": self.chance,
            **{SUMMARY_NAMES[state]: means[state] for state in STATES},
            "provenance": dict(self.provenance),
        }

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is exported: the scores of every pair, state and layer."""
        return {"scores": self.scores}

    def to_frame(self) -> pd.DataFrame:
        """`scores`, with the study's fields, the order of the languages and the provenance in every row."""
        shared = {name: value for name, value in self.study.fields.items() if name not in ("source", "target")}
        provenance = json.dumps(dict(self.provenance), sort_keys=True)
        return self.scores.assign(**shared, codes=" ".join(self.codes), provenance=provenance)


def from_frame(frame: pd.DataFrame) -> LanguageMatrix:
    """The matrix that `to_frame` turned into rows. Raises KeyError or ValueError if the rows are not such."""
    first = frame.iloc[0]
    codes = tuple(first["codes"].split())
    study = study_of({**first, "source": codes[0], "target": codes[1]})
    mutual: dict[State, NDArray[np.float64]] = {}
    precision: dict[State, NDArray[np.float64]] = {}
    for state in STATES:
        rows = frame[frame["state"] == state]
        mutual[state], precision[state] = _unstack(rows, codes, first_layer(state))
    return LanguageMatrix(study, codes, mutual, precision, json.loads(first["provenance"]))


def _unstack(rows: pd.DataFrame, codes: tuple[str, ...], first: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    place = {code: number for number, code in enumerate(codes)}
    source, target = (rows[side].map(place).to_numpy() for side in ("source", "target"))
    layer = rows["layer"].to_numpy() - first
    layers = int(layer.max()) + 1
    if len(rows) != layers * len(codes) * (len(codes) - 1) // 2:
        raise ValueError(f"{len(rows)} rows do not make a matrix of {len(codes)} languages and {layers} layers")
    mutual, precision = (np.full((layers, len(codes), len(codes)), np.nan) for _ in range(2))
    mutual[layer, source, target] = mutual[layer, target, source] = rows["score"]
    precision[layer, source, target] = rows["source_to_target"]
    precision[layer, target, source] = rows["target_to_source"]
    return mutual, precision


def matrix_study(study: Study, codes: Sequence[str]) -> Study:
    """The study with its first two languages as source and target: equal for all studies that ask for one matrix.

    Raises StudyError unless there are two languages or more, each named once.
    """
    if len(set(codes)) < max(2, len(codes)):
        raise StudyError("A matrix needs at least two languages, each named once.", "Choose more languages.")
    return replace(study, source=codes[0], target=codes[1])


def run_language_matrix(
    study: Study, codes: Sequence[str], *, device: Device = "auto", watcher: Watcher = SILENT
) -> LanguageMatrix:
    """Scores every pair of `codes`, or takes the matrix from the cache. The study's own source and target do not matter.

    The states of every language are left in the cache. Raises as run_study, and CacheError if the cache is too small.
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
        "corpus_hash": sentences_hash([sentence for side in sentences.values() for sentence in side]),
        **{name: _summed(codes, paths, array) for name, array in (("tokens", "tokens"), ("unknown_tokens", "unknown"))},
        "seconds": round(time.perf_counter() - started, 3),
    }
    matrix = LanguageMatrix(study, codes, mutual, precision, provenance)
    store.write_aside(_path(recipe, sentences), lambda path: write_matrix(matrix, path))
    return matrix


def find_language_matrix(study: Study, codes: Sequence[str]) -> LanguageMatrix | None:
    """The matrix of these languages if the cache holds it. Prepares, downloads and loads no model."""
    study = matrix_study(study, codes)
    recipe = local_recipe(study)
    return _stored(recipe, language_sentences(study, codes)) if recipe else None


def language_sentences(study: Study, codes: Sequence[str]) -> Sentences:
    """The same lines of every language, checked against those of the first. Raises CorpusError."""
    corpus = open_corpus(study.corpus)
    if corpus.pairwise and len(codes) > 2:
        raise CorpusError(
            f"In {study.corpus} every pair of languages has a text of its own, so more than two do not compare.",
            "Use a corpus with the same text in all languages.",
        )
    leave_out = _left_out_of_all(corpus, codes, study.leave_out)
    bitexts = [corpus.bitext(codes[0], code, study.pairs, study.sample, leave_out) for code in codes[1:]]
    return {codes[0]: bitexts[0].source_sentences} | {bitext.target: bitext.target_sentences for bitext in bitexts}


def _left_out_of_all(corpus: Corpus, codes: Sequence[str], leave_out: str) -> str:
    """A line that is left out of one language is left out of all, so that all are compared on the same lines."""
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
            f"The cache has no room for the states of {len(paths)} languages at once.",
            "Raise NEURONXA_CACHE_GB, or choose fewer languages or pairs.",
        )
    return paths


def _summed(codes: Sequence[str], paths: Sequence[Path], array: str) -> dict[str, int]:
    """What an array of counts holds in all, per language."""
    return {code: int(store.read_counts(path, array).sum()) for code, path in zip(codes, paths, strict=True)}


def _score_all(
    paths: Sequence[Path], pairs: int, watcher: Watcher
) -> tuple[dict[State, NDArray[np.float64]], dict[State, NDArray[np.float64]]]:
    """`mutual` and `precision` of all layers; one layer of all languages is in memory at a time."""
    counts = {state: store.count_layers(paths[0], state) for state in STATES}
    total, done = sum(counts.values()), 0
    both: dict[State, list[NDArray[np.float64]]] = {state: [] for state in STATES}
    for state in STATES:
        for index in range(counts[state]):
            watcher.check()
            watcher.report("scoring", done, total)
            vectors = [store.read_layer(path, state, index) for path in paths]
            check_finite(state, index + first_layer(state), *vectors)
            both[state].append(score_languages(vectors, watcher))
            done += 1
    stacked = {state: np.stack(layers, axis=1) for state, layers in both.items()}  # (2, layers, languages, languages)
    return {state: array[0] for state, array in stacked.items()}, {state: array[1] for state, array in stacked.items()}


def score_languages(vectors: Sequence[NDArray[np.floating]], watcher: Watcher = SILENT) -> NDArray[np.float64]:
    """Every language against every other at one layer: (2, languages, languages), mutual score and P@1 row to column.

    vectors: one (pairs, dim) per language. Large matrix products in float32; where those leave open who is nearest, float64
    decides, so that the scores are those of `pair_outcomes`.
    """
    languages, (pairs, dim) = len(vectors), vectors[0].shape
    sentences = np.concatenate(vectors)
    norms = lengths(sentences)
    units = sentences / norms.astype(np.float32)[:, np.newaxis]
    doubt = 2 * (dim + 8) * 2.0**-24  # of two cosines: a rounding for each product, sum, length and quotient
    found = np.zeros(
        (languages, languages, pairs), bool
    )  # whether a row's sentence finds its translation in the column
    for start in range(0, languages, _TOGETHER):
        watcher.check()
        cosines = units[start * pairs : (start + _TOGETHER) * pairs] @ units[start * pairs :].T
        cosines = cosines.reshape(-1, pairs, languages - start, pairs)
        translations = np.einsum("risi->ris", cosines)  # a view
        own = translations.copy()
        translations[:] = -np.inf
        later = np.triu(np.ones((len(own), languages - start), bool), 1)  # each two languages once
        rows, columns = np.nonzero(later)
        for back in (False, True):
            rivals = cosines.transpose(0, 3, 2, 1) if back else cosines  # (rows, pairs, columns, pairs)
            ahead = own - rivals.max(axis=3)
            nearest = ahead > 0
            row, sentence, column = open_ = np.nonzero(~(np.abs(ahead) > doubt) & later[:, np.newaxis])
            near = ~(rivals[open_] < own[open_][:, np.newaxis] - doubt)
            ours, theirs = (start + column, start + row) if back else (start + row, start + column)
            nearest[open_] = _nearest(sentences, norms, ours * pairs + sentence, theirs * pairs, sentence, near)
            place = (start + columns, start + rows) if back else (start + rows, start + columns)
            found[place] = nearest[rows, :, columns]
    scores: NDArray[np.float64] = np.stack([found & found.swapaxes(0, 1), found]).mean(axis=-1)
    scores[:, range(languages), range(languages)] = np.nan
    return scores


def _nearest(
    sentences: NDArray[np.floating],
    norms: NDArray[np.float64],
    ours: NDArray[np.intp],
    first: NDArray[np.intp],
    translation: NDArray[np.intp],
    near: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Whether sentence ours[k] is nearer to first[k] + translation[k] than to each first[k] + j with near[k, j]."""
    which, rival = np.nonzero(near)
    own = paired_cosines(sentences, norms, ours, first + translation)
    others = paired_cosines(sentences, norms, ours[which], first[which] + rival)
    beaten = np.bincount(which[others >= own[which]], minlength=len(ours))
    return np.asarray(beaten == 0)


def _path(recipe: Recipe, sentences: Sentences) -> Path:
    """The same file whatever the order of the languages."""
    parts = recipe.key | {code: sentences_hash(side) for code, side in sentences.items()}
    return store.result_path(store.cache_key(parts), ".matrix.parquet")


def _stored(recipe: Recipe, sentences: Sentences) -> LanguageMatrix | None:
    """The cached matrix, under the names by which it is asked for now; a damaged file is removed."""
    matrix = store.read_or_discard(_path(recipe, sentences), lambda path: read_matrix(path).take(list(sentences)))
    return replace(matrix, study=recipe.study) if matrix else None


def write_matrix(matrix: LanguageMatrix, path: Path) -> None:
    """Parquet, zstd. Raises OSError if it cannot be written."""
    matrix.to_frame().assign(checksum=_checksum(matrix)).to_parquet(path, compression="zstd", index=False)


def read_matrix(path: Path) -> LanguageMatrix:
    """Raises OSError or ValueError if the file is missing or damaged."""
    frame = pd.read_parquet(io.BytesIO(path.read_bytes()))
    matrix = from_frame(frame)
    if (frame["checksum"] != _checksum(matrix)).any():
        raise ValueError("checksum")
    return matrix


def _checksum(matrix: LanguageMatrix) -> int:
    """CRC-32 over all that a stored matrix says."""
    text = json.dumps([matrix.study.fields, matrix.codes, dict(matrix.provenance)], sort_keys=True)
    numbers = b"".join(values[state].tobytes() for values in (matrix.mutual, matrix.precision) for state in STATES)
    return zlib.crc32(numbers, zlib.crc32(text.encode()))


@dataclass(frozen=True)
class Languages:
    """Which languages lie close together: every one against every other."""

    name: ClassVar[str] = "languages"
    study: Study
    languages: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "study", matrix_study(self.study, self.languages))

    @property
    def at_once(self) -> int:
        return self.study.pairs

    def sentences(self) -> list[str]:
        return [sentence for side in language_sentences(self.study, self.languages).values() for sentence in side]

    def cached(self) -> LanguageMatrix | None:
        return find_language_matrix(self.study, self.languages)

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> LanguageMatrix:
        return run_language_matrix(self.study, self.languages, device=device, watcher=watcher)
