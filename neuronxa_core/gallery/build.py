"""Builds the precomputed results, part by part: the demo model on the bundled corpus, on the CPU.

A part is a list of requests, asked like any other (`Analysis.run`), and the file their answers are written to.
Everything is float32, except the bfloat16 variants. `gallery --only PART` on the command line rebuilds one part.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.alignment import Alignment
from neuronxa_core.analyses.downstream import Downstream, Measured
from neuronxa_core.analyses.language_matrix import LanguageMatrix, write_matrix
from neuronxa_core.analyses.languages import Languages
from neuronxa_core.analyses.lens_grid import GridAnswer, write_grid
from neuronxa_core.analyses.neurons import NeuronRates, Neurons
from neuronxa_core.analyses.pairs_needed import PairsNeeded, RankStability
from neuronxa_core.analyses.projections import Project, Projections
from neuronxa_core.analyses.settings import Ablation, Settings, write_ablation
from neuronxa_core.analyses.similarity import PairSimilarities, Similarity
from neuronxa_core.analyses.traps import TrapResults, write_traps
from neuronxa_core.analyses.worked_example import WorkedExample, write_example
from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from neuronxa_core.gallery.interventions import FOLDER, gallery_request, write_effects
from neuronxa_core.gallery.latent import LATENT_FILE, LENS_FILE, latent_requests, lens_request, write_answers
from neuronxa_core.gallery.method import METHOD_FILE, method_request
from neuronxa_core.gallery.models import STORE
from neuronxa_core.gallery.pairs_changed import changed_requests, write_changed
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
from neuronxa_core.gallery.space import space_requests, write_space
from neuronxa_core.gallery.steering import steering_requests, write_steering
from neuronxa_core.gallery.traps import TRAPS_FILE, traps_request
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State, first_layer
from neuronxa_core.states.store import write_aside
from neuronxa_core.study.analysis import Analysis, Answer
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.rows import write_rows
from neuronxa_core.study.study import Study


@dataclass(frozen=True)
class Part:
    """A part of the gallery. write: given the answers to all of its requests, and the gallery's folder."""

    requests: Callable[[], Iterable[Analysis[Any]]]
    write: Callable[[Sequence[Any], Path], None]

    def build(self, folder: Path, watcher: Watcher = SILENT) -> Iterator[Answer]:
        """Asks each request, yields its answer, and writes them all at the end. Raises NeuronXAError, OSError."""
        answers = []
        for request in self.requests():
            answers.append(request.run(watcher, "cpu"))
            yield answers[-1]
        self.write(answers, folder)


def gallery_variants() -> tuple[Study, ...]:
    """The studies to compare with: the same at the other site, and in bfloat16."""
    studies = gallery_studies()
    return (
        *(replace(study, site="product") for study in studies),
        *(replace(study, dtype="bfloat16") for study in studies),
    )


def _layered() -> list[Study]:
    return [study for study in gallery_studies() if study.source in LAYERED]


def _languages() -> tuple[str, ...]:
    return open_corpus(EVERYDAY.name).languages


def _sources() -> tuple[str, ...]:
    return tuple(study.source for study in gallery_studies())


def _write_frames(frames: Iterable[pd.DataFrame], path: Path) -> None:
    frame = pd.concat(frames, ignore_index=True)
    write_aside(path, lambda aside: frame.to_parquet(aside, compression="zstd", index=False))


def _write_results(file: str, results: Sequence[StudyResult], folder: Path) -> None:
    write_rows(results, folder / STORE, Path(file).name)


def _write_layers(answers: Sequence[PairSimilarities], folder: Path) -> None:
    """The measures of each layer, and its cosines as distances in float32: near 0 they keep more digits than near 1."""
    from safetensors.numpy import save_file

    for answer in answers:
        path = folder / "layers" / f"{answer.study.stem}.safetensors"
        arrays = {str(state): _distances(answer, state) for state in STATES}
        write_aside(path, partial(save_file, arrays))
        _write_frames([answer.measures], path.with_suffix(".parquet"))


def _distances(answer: PairSimilarities, state: State) -> NDArray[np.float32]:
    layers = range(first_layer(state), answer.last_layer + 1)
    return np.stack([1 - answer.layers.similarity(state, layer) for layer in layers]).astype(np.float32)


def _write_matrix(answers: Sequence[LanguageMatrix], folder: Path) -> None:
    write_aside(folder / MATRIX_FILE, partial(write_matrix, answers[0]))


def _write_bits(answers: Sequence[Measured], folder: Path) -> None:
    """Bits per byte of every language, in the order of the corpus."""
    measured = answers[0].bits or {}
    text = json.dumps({code: measured[code] for code in _languages()}, indent=1) + "\n"
    write_aside(folder / BITS_FILE, lambda path: path.write_text(text))


def _write_rates(answers: Sequence[NeuronRates], folder: Path) -> None:
    """The rate of every neuron in every language, in steps of 1/255."""
    from safetensors.numpy import save_file

    rates = answers[0]
    steps = {code: np.rint(255 * rates.rates[place]).astype(np.uint8) for place, code in enumerate(rates.codes)}
    header = {"provenance": json.dumps(dict(rates.provenance))}
    write_aside(folder / RATES_FILE, partial(save_file, steps, metadata=header))


def _write_settings(answers: Sequence[Ablation], folder: Path) -> None:
    for answer in answers:
        write_aside(folder / "ablations" / f"{answer.study.stem}.parquet", partial(write_ablation, answer))


def _write_pairs_needed(answers: Sequence[RankStability], folder: Path) -> None:
    scores = answers[0].scores.items()
    _write_frames([table.assign(language=code) for code, table in scores], folder / PAIRS_FILE)


def _write_projections(answers: Sequence[Projections], folder: Path) -> None:
    _write_frames([each.to_frame() for answer in answers for each in answer.states], folder / PROJECTIONS_FILE)


def _write_lens(answers: Sequence[GridAnswer], folder: Path) -> None:
    write_aside(folder / LENS_FILE, partial(write_grid, answers[0]))


def _write_method(answers: Sequence[WorkedExample], folder: Path) -> None:
    write_aside(folder / METHOD_FILE, partial(write_example, answers[0]))


def _write_traps(answers: Sequence[TrapResults], folder: Path) -> None:
    write_aside(folder / TRAPS_FILE, partial(write_traps, answers[0]))


PARTS: Mapping[str, Part] = {
    "studies": Part(lambda: map(Alignment, gallery_studies()), partial(_write_results, STUDIES_FILE)),
    "layers": Part(lambda: map(Similarity, _layered()), _write_layers),
    "matrix": Part(lambda: [Languages(gallery_studies()[0], _languages())], _write_matrix),
    "outcomes": Part(lambda: map(Alignment, gallery_pairs()), partial(_write_results, OUTCOMES_FILE)),
    "bits": Part(lambda: [Downstream(gallery_studies()[0], _sources())], _write_bits),
    "rates": Part(lambda: [Neurons(gallery_studies()[0], _languages())], _write_rates),
    "variants": Part(lambda: map(Alignment, gallery_variants()), partial(_write_results, VARIANTS_FILE)),
    "space": Part(space_requests, write_space),
    "settings": Part(lambda: map(Settings, _layered()), _write_settings),
    "pairs_needed": Part(lambda: [PairsNeeded(gallery_studies()[0], _sources())], _write_pairs_needed),
    "projections": Part(lambda: [Project(study, PROJECTED) for study in _layered()], _write_projections),
    "interventions": Part(
        lambda: [gallery_request()], lambda answers, folder: write_effects(answers[0], folder / FOLDER)
    ),
    "changed": Part(changed_requests, write_changed),
    "latent": Part(latent_requests, lambda answers, folder: write_answers(answers, folder / LATENT_FILE)),
    "lens": Part(lambda: [lens_request()], _write_lens),
    "method": Part(lambda: [method_request()], _write_method),
    "traps": Part(lambda: [traps_request()], _write_traps),
    "steering": Part(steering_requests, write_steering),
}
"""The parts of the gallery, in the order in which they are built."""
