"""Builds the precomputed results, part by part: the demo model on the bundled corpus, on the CPU.

Everything is float32, except the bfloat16 variants. `gallery --only PART` on the command line rebuilds one part.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from neuronxa_core.analyses.bits_per_byte import run_bits_per_byte
from neuronxa_core.analyses.language_matrix import LanguageMatrix, write_matrix
from neuronxa_core.analyses.languages import run_language_matrix
from neuronxa_core.analyses.neurons import NeuronRates, run_neuron_rates
from neuronxa_core.analyses.pairs_needed import run_pair_scores
from neuronxa_core.analyses.projection import Projection, project
from neuronxa_core.analyses.settings import Ablation, run_ablation, write_ablation
from neuronxa_core.analyses.similarity import space_measures
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from neuronxa_core.errors import CacheError
from neuronxa_core.gallery.interventions import build_interventions
from neuronxa_core.gallery.latent import build_latent, build_lens
from neuronxa_core.gallery.pairs import write_packed
from neuronxa_core.gallery.read import (
    BITS_FILE,
    LAYERED,
    MATRIX_FILE,
    OUTCOMES_FILE,
    PAIRS_FILE,
    PROJECTED,
    PROJECTIONS_FILE,
    RATES_FILE,
    STUDIES_FILE,
    VARIANTS_FILE,
    gallery_pairs,
    gallery_studies,
)
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, first_layer
from neuronxa_core.states.store import write_aside
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study


def gallery_variants() -> tuple[Study, ...]:
    """The studies to compare with: the same at the other site, and in bfloat16."""
    studies = gallery_studies()
    return (
        *(replace(study, site="product") for study in studies),
        *(replace(study, dtype="bfloat16") for study in studies),
    )


def build_studies(folder: Path, watcher: Watcher = SILENT) -> Iterator[StudyResult]:
    """Every bundled language against English."""
    yield from _build_results(gallery_studies(), folder / STUDIES_FILE, watcher)


def build_variants(folder: Path, watcher: Watcher = SILENT) -> Iterator[StudyResult]:
    """The studies at the other site and in the other precision."""
    yield from _build_results(gallery_variants(), folder / VARIANTS_FILE, watcher)


def _build_results(studies: Iterable[Study], path: Path, watcher: Watcher) -> Iterator[StudyResult]:
    """Runs the studies, yields each result, and writes one file at the end."""
    results = []
    for study in studies:
        results.append(run_study(study, device="cpu", keep_states=True, watcher=watcher))
        yield results[-1]
    frame = pd.concat([result.to_frame() for result in results], ignore_index=True)
    write_aside(path, lambda file: frame.to_parquet(file, compression="zstd", index=False))


def build_layers(folder: Path, watcher: Watcher = SILENT) -> Iterator[StudyResult]:
    """The cosines and the geometry measures of every layer, for the languages in LAYERED."""
    for study in _layered():
        result, layers = _with_layers(study, watcher)
        _store_cosines(result, layers, folder)
        measures = space_measures(layers, result.last_layer)
        path = folder / "layers" / f"{study.stem}.parquet"
        write_aside(path, partial(measures.to_parquet, compression="zstd", index=False))
        yield result


def _layered() -> list[Study]:
    return [study for study in gallery_studies() if study.source in LAYERED]


def _with_layers(study: Study, watcher: Watcher) -> tuple[StudyResult, StudyLayers]:
    result = run_study(study, device="cpu", keep_states=True, watcher=watcher)
    layers = find_layers(study, "cpu")
    if layers is None:
        raise CacheError("The cache is too small for the states of one study.", "Increase NEURONXA_CACHE_GB.")
    return result, layers


def _store_cosines(result: StudyResult, layers: StudyLayers, folder: Path) -> None:
    """Writes cosine distances in float32, which near 0 keep more digits than cosines near 1 would."""
    from safetensors.numpy import save_file

    numbers = {state: range(first_layer(state), result.last_layer + 1) for state in STATES}
    arrays = {
        str(state): np.stack([1 - layers.similarity(state, layer) for layer in numbers[state]]).astype(np.float32)
        for state in STATES
    }
    write_aside(folder / "layers" / f"{result.study.stem}.safetensors", lambda file: save_file(arrays, file))


def build_projections(folder: Path, watcher: Watcher = SILENT) -> Iterator[Projection]:
    """UMAP projections of the languages in LAYERED with English."""
    projections = []
    for study in _layered():
        result, layers = _with_layers(study, watcher)
        for state in PROJECTED:
            projection = project(study, layers, state, ProjectionSettings(), watcher)
            provenance = {name: result.provenance[name] for name in ("corpus_hash", "model_fingerprint", "dtype")}
            projections.append(replace(projection, provenance={**projection.provenance, **provenance}))
            yield projections[-1]
    frame = pd.concat([projection.to_frame() for projection in projections], ignore_index=True)
    write_aside(folder / PROJECTIONS_FILE, lambda path: frame.to_parquet(path, compression="zstd", index=False))


def build_matrix(folder: Path, watcher: Watcher = SILENT) -> Iterator[LanguageMatrix]:
    """Every bundled language against every other."""
    matrix = run_language_matrix(gallery_studies()[0], _languages(), device="cpu", watcher=watcher)
    write_aside(folder / MATRIX_FILE, lambda path: write_matrix(matrix, path))
    yield matrix


def build_outcomes(folder: Path, watcher: Watcher = SILENT) -> Iterator[StudyResult]:
    """The outcomes of every pair of bundled languages other than English: what a cell of the matrix opens."""
    results = []
    for study in gallery_pairs():
        results.append(run_study(study, device="cpu", watcher=watcher))
        yield results[-1]
    write_packed(results, folder / OUTCOMES_FILE)


def build_bits(folder: Path, watcher: Watcher = SILENT) -> Iterator[dict[str, float]]:
    """Bits per byte of every bundled language."""
    bits = run_bits_per_byte(gallery_studies()[0], _languages(), device="cpu", watcher=watcher)
    write_aside(folder / BITS_FILE, lambda path: path.write_text(json.dumps(bits, indent=1) + "\n"))
    yield bits


def build_rates(folder: Path, watcher: Watcher = SILENT) -> Iterator[NeuronRates]:
    """The rate of every neuron in every bundled language, in steps of 1/255."""
    from safetensors.numpy import save_file

    rates = run_neuron_rates(gallery_studies()[0], _languages(), device="cpu", watcher=watcher)
    steps = {code: np.rint(255 * rates.rates[place]).astype(np.uint8) for place, code in enumerate(rates.codes)}
    header = {"provenance": json.dumps(dict(rates.provenance))}
    write_aside(folder / RATES_FILE, lambda path: save_file(steps, path, metadata=header))
    yield rates


def build_settings(folder: Path, watcher: Watcher = SILENT) -> Iterator[Ablation]:
    """The ablation of every choice of the method, for the languages in LAYERED."""
    for study in _layered():
        ablation = run_ablation(study, device="cpu", watcher=watcher)
        write_aside(folder / "ablations" / f"{study.stem}.parquet", partial(write_ablation, ablation))
        yield ablation


def build_pairs_needed(folder: Path, watcher: Watcher = SILENT) -> Iterator[pd.DataFrame]:
    """The scores of every language from fewer pairs, which tell whether fewer order the languages alike."""
    studies = gallery_studies()
    scores = run_pair_scores(studies[0], [study.source for study in studies], device="cpu", watcher=watcher)
    found = pd.concat([each.table.assign(language=each.study.source) for each in scores], ignore_index=True)
    write_aside(folder / PAIRS_FILE, lambda path: found.to_parquet(path, compression="zstd", index=False))
    yield found


def _languages() -> tuple[str, ...]:
    return open_corpus(EVERYDAY.name).languages


PARTS: Mapping[str, Callable[[Path, Watcher], Iterator[object]]] = {
    "studies": build_studies,
    "layers": build_layers,
    "matrix": build_matrix,
    "outcomes": build_outcomes,
    "bits": build_bits,
    "rates": build_rates,
    "variants": build_variants,
    "settings": build_settings,
    "pairs_needed": build_pairs_needed,
    "projections": build_projections,
    "interventions": build_interventions,
    "latent": build_latent,
    "lens": build_lens,
}
"""The parts of the gallery, in the order in which they are built. Each yields what it writes."""
