"""Precomputed results: the demo model on the bundled corpus, every language against English and against every other.

Other models are in gallery/models, every language against English. Results of studies lie in a store like those of
sweeps, assets/gallery/store, and are read as any store is (study.rows).

They are in assets/gallery, with their provenance. The dashboard opens with them without loading a model, and reads each
file on first use; `python -m neuronxa_core gallery` builds them. Everything is float32, except the bfloat16 variants.
The gallery answers studies in its own precision and studies with dtype `auto`; every answer names the precision it was
computed in.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.language_matrix import LanguageMatrix, read_matrix
from neuronxa_core.analyses.neurons import NeuronRates
from neuronxa_core.analyses.pairs_needed import RankStability
from neuronxa_core.analyses.projection import Projection, projection_from_frame
from neuronxa_core.analyses.settings import Ablation, read_ablation
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.gallery.models import STORE, stored_matrix, stored_models, stored_results
from neuronxa_core.metrics.cosines import Matrix
from neuronxa_core.models import demo
from neuronxa_core.models.hardware import Dtype
from neuronxa_core.states.mapped import read_layer
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.study import bundled
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.rows import Row, folder_of, read_rows, result_of
from neuronxa_core.study.runner import find_against_target
from neuronxa_core.study.study import Study

PRECISION: Dtype = "float32"
"""The dtype of everything but the variants, and hence of `auto` for a study that the gallery answers."""
LAYERED = ("deu_Latn", "fra_Latn", "zho_Hans", "arb_Arab", "swh_Latn", "hin_Deva")
"""The languages whose cosines with English are stored layer by layer, two megabytes each."""
PROJECTED = STATES
"""The states of these languages whose UMAP, with default settings, is stored."""
_OF_DEMO = f"{STORE}/{folder_of(demo.NAME, EVERYDAY.name)}"
STUDIES_FILE = f"{_OF_DEMO}/studies.parquet"
PROJECTIONS_FILE = "projections.parquet"
MATRIX_FILE = "matrix.parquet"
BITS_FILE = "bits.json"
PAIRS_FILE = "pairs_needed.parquet"
RATES_FILE = "rates.safetensors"
VARIANTS_FILE = f"{_OF_DEMO}/variants.parquet"
OUTCOMES_FILE = f"{_OF_DEMO}/outcomes.parquet"


def gallery_studies() -> tuple[Study, ...]:
    """The main studies of the gallery: every bundled language to English."""
    languages = open_corpus(EVERYDAY.name).languages
    return tuple(
        Study(demo.NAME, EVERYDAY.name, code, ENGLISH, dtype=PRECISION) for code in languages if code != ENGLISH
    )


def gallery_pairs() -> tuple[Study, ...]:
    """The bundled languages without English, each against every other, in the order of the corpus."""
    studies = gallery_studies()
    return tuple(
        replace(study, target=other.source) for place, study in enumerate(studies) for other in studies[place + 1 :]
    )


def precomputed_bits(study: Study) -> dict[str, float] | None:
    """The gallery's bits per byte of every language; None for another model, corpus or choice of pairs."""
    gallery = gallery_studies()[0]
    wanted = as_stored(study)
    wanted = replace(wanted, source=gallery.source, target=gallery.target)
    stored = stored_models().get(wanted.model)
    named = replace(gallery, model=wanted.model) if stored else gallery
    if replace(wanted, site=gallery.site, pooling=gallery.pooling) != named:  # bits do not depend on these two
        return None
    if stored:
        return dict(stored.bits)
    bits = bundled.read(bundled.GALLERY / BITS_FILE, lambda path: json.loads(path.read_text("utf-8")))
    return None if bits is None else {str(code): float(value) for code, value in bits.items()}


def precomputed_rates(study: Study, codes: Sequence[str]) -> NeuronRates | None:
    """The gallery's rates of these languages, to the nearest 1/255; None if it lacks this model, corpus or site."""
    gallery = gallery_studies()[0]
    wanted = as_stored(study)
    wanted = replace(wanted, source=gallery.source, target=gallery.target, pooling=gallery.pooling)
    found = _gallery_rates() if wanted == gallery else None
    if found is None or not set(codes) <= set(found[0]):
        return None
    steps, provenance = found
    rates: NDArray[np.float32] = np.stack([steps[code] for code in codes]).astype(np.float32) / np.float32(255)
    return NeuronRates(as_stored(study), tuple(codes), rates, provenance)


@lru_cache(maxsize=1)
def _gallery_rates() -> tuple[dict[str, NDArray[np.uint8]], dict[str, str]] | None:
    return bundled.read(bundled.GALLERY / RATES_FILE, _rates)


def _rates(path: Path) -> tuple[dict[str, NDArray[np.uint8]], dict[str, str]]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        return {code: file.get_tensor(code) for code in file.keys()}, json.loads(file.metadata()["provenance"])  # noqa: SIM118


def precomputed_ablation(study: Study) -> Ablation | None:
    """The gallery's ablation of a study, or None."""
    wanted = as_stored(study)
    path = bundled.GALLERY / "ablations" / f"{wanted.stem}.parquet"
    return bundled.read(path, partial(read_ablation, study=wanted, bundled=True))


def precomputed_pairs_needed(study: Study, codes: Sequence[str]) -> RankStability | None:
    """The ranking of these languages if the gallery has their scores from fewer pairs, or None."""
    gallery = gallery_studies()[0]
    wanted = as_stored(study)
    if replace(wanted, source=gallery.source, target=ENGLISH) != gallery or study.target != ENGLISH:
        return None
    scores = _gallery_pair_scores()
    return RankStability(wanted, {code: scores[code] for code in codes}) if set(codes) <= set(scores) else None


@lru_cache(maxsize=1)
def _gallery_pair_scores() -> dict[str, pd.DataFrame]:
    """By language: state, pairs, score."""
    frame = bundled.read(bundled.GALLERY / PAIRS_FILE, pd.read_parquet)
    if frame is None:
        return {}
    by_language = frame.groupby("language", sort=False)
    return {str(code): rows.drop(columns="language").reset_index(drop=True) for code, rows in by_language}


def precomputed_projection(study: Study, state: State, settings: ProjectionSettings) -> Projection | None:
    """The gallery's projection of one state of a study, in either direction, or None. Reads only its rows."""
    wanted = as_stored(study)
    back = replace(wanted, source=wanted.target, target=wanted.source)
    for candidate in (wanted, back):
        projection = _stored_projection(candidate, state, settings)
        if projection:
            return projection if candidate == wanted else projection.reversed()
    return None


@lru_cache(maxsize=32)
def _stored_projection(study: Study, state: State, settings: ProjectionSettings) -> Projection | None:
    wanted = [(name, "==", value) for name, value in {**study.fields, **asdict(settings), "state": state}.items()]
    rows = bundled.read(bundled.GALLERY / PROJECTIONS_FILE, partial(pd.read_parquet, filters=wanted))
    return None if rows is None or rows.empty else projection_from_frame(rows)


def as_stored(study: Study) -> Study:
    """The study as the gallery stores it: with `auto` replaced by the gallery's dtype and pooling."""
    if study.pooling == "auto" and study.model in stored_models():
        study = replace(study, pooling=next(iter(stored_results(study.model))).pooling)
    return replace(study, dtype=PRECISION) if study.dtype == "auto" else study


def precomputed_against_target(study: Study, codes: Sequence[str]) -> tuple[StudyResult, ...] | None:
    """The gallery's results of each language against the study's target; None if one is missing."""
    return find_against_target(study, codes, precomputed)


def precomputed(study: Study) -> StudyResult | None:
    """The gallery's result for a study, in either direction, or None."""
    wanted = as_stored(study)
    results = _results_of(wanted)
    if wanted in results:
        return results[wanted]
    back = replace(wanted, source=wanted.target, target=wanted.source)
    if back in results:
        return results[back].reversed()
    return _precomputed_pair(wanted, back) if ENGLISH not in (wanted.source, wanted.target) else None


def _results_of(study: Study) -> Mapping[Study, StudyResult]:
    """The gallery's results among which a study is looked for."""
    if study.model != demo.NAME:
        return stored_results(study.model)
    return gallery_results() if study.site == "gate" and study.dtype == PRECISION else variant_results()


def _precomputed_pair(study: Study, back: Study) -> StudyResult | None:
    """The gallery's result for two languages other than English. Their file is read when one is first asked for."""
    gallery = gallery_studies()[0]
    if replace(study, source=gallery.source, target=gallery.target) != gallery:
        return None
    result = _unpacked(study)
    if result is None and (turned := _unpacked(back)):
        return turned.reversed()
    return result


@lru_cache(maxsize=64)
def _unpacked(study: Study) -> StudyResult | None:
    row = _gallery_outcomes().get(study)
    return result_of(row) if row else None


@lru_cache(maxsize=1)
def _gallery_outcomes() -> dict[Study, Row]:
    return bundled.read(bundled.GALLERY / OUTCOMES_FILE, read_rows) or {}


def precomputed_matrix(study: Study) -> LanguageMatrix | None:
    """The gallery's language matrix; None for another model, corpus or choice. Read on first use."""
    wanted = as_stored(study)
    gallery = gallery_studies()[0]
    if replace(wanted, source=gallery.source, target=gallery.target, model=demo.NAME) != gallery:
        return None
    return _gallery_matrix() if wanted.model == demo.NAME else stored_matrix(wanted.model)


@lru_cache(maxsize=1)
def _gallery_matrix() -> LanguageMatrix | None:
    return bundled.read(bundled.GALLERY / MATRIX_FILE, read_matrix)


@dataclass(frozen=True)
class StoredLayers:
    """The cosines of a gallery study, layer by layer, and the geometry measures of its space; no states."""

    path: Path
    swapped: bool = False

    def similarity(self, state: State, layer: int) -> NDArray[np.float64]:
        """Cosines of one layer, (pairs, pairs); row = source, column = target. Raises OSError or ValueError."""
        distance = read_layer(self.path, state, layer - first_layer(state)).astype(np.float64)
        return 1 - (distance.T if self.swapped else distance)

    def cosines(self, state: State, layer: int) -> Matrix:
        """The same as what study.layers.StudyLayers gives. Raises OSError or ValueError."""
        return Matrix(self.similarity(state, layer))

    @property
    def measures(self) -> pd.DataFrame:
        """A table like that of analyses.space.space_measures; the same in both directions."""
        return pd.read_parquet(self.path.with_suffix(".parquet"))


def precomputed_layers(study: Study) -> StoredLayers | None:
    """The gallery's cosines for a study, in either direction, or None."""
    wanted = as_stored(study)
    back = replace(wanted, source=study.target, target=study.source)
    for candidate, swapped in ((wanted, False), (back, True)):
        path = bundled.GALLERY / "layers" / f"{candidate.stem}.safetensors"
        if bundled.is_whole(path) and bundled.is_whole(path.with_suffix(".parquet")):
            return StoredLayers(path, swapped)
    return None


@lru_cache(maxsize=1)
def gallery_results() -> dict[Study, StudyResult]:
    """The gallery's main results by study, in the order of the corpus; empty if they have not been built."""
    return _results_in(bundled.GALLERY / STUDIES_FILE)


@lru_cache(maxsize=1)
def variant_results() -> dict[Study, StudyResult]:
    """The gallery's variants by study; empty if they have not been built."""
    return _results_in(bundled.GALLERY / VARIANTS_FILE)


def _results_in(path: Path) -> dict[Study, StudyResult]:
    return {study: result_of(row) for study, row in (bundled.read(path, read_rows) or {}).items()}
