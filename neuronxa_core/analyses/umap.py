"""PCA and UMAP of all layers of a study, aligned so that points move little from layer to layer.

PCA is instant, UMAP takes some seconds. As in umap-learn's AlignedUMAP, a point is held near its position in the
neighbouring layers. AlignedUMAP itself ignores min_dist, recompiles its inner loop at every fit and cannot be
cancelled, so its steps are repeated here with umap-learn's own building blocks.
Source: McInnes et al. 2018, arXiv:1802.03426; the AlignedUMAP page of umap-learn's documentation.
"""

import contextlib
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.scoring import pair_outcomes
from neuronxa_core.metrics.similarity import cosine_similarity
from neuronxa_core.progress import SILENT, Watcher

Method = Literal["umap", "pca"]


METHODS: tuple[Method, ...] = get_args(Method)


Metric = Literal["cosine", "euclidean"]


METRICS: tuple[Metric, ...] = get_args(Metric)


_EPOCHS = 200


_WINDOW = 3


_PULL = 0.01
"""Number of neighbouring layers on either side that hold a layer's points, and how strongly; AlignedUMAP's defaults."""


Layers = Sequence[NDArray[np.float32]]


Coordinates = NDArray[np.float32]


_FIT = threading.Lock()


@dataclass(frozen=True)
class ProjectionSettings:
    """Method of projection and its settings. With PCA, which has none, those of UMAP are reset to their defaults."""

    method: Method = "umap"
    neighbours: int = 15
    min_dist: float = 0.1
    metric: Metric = "cosine"
    seed: int = 42

    def __post_init__(self) -> None:
        if self.method not in METHODS or self.metric not in METRICS:
            raise StudyError(
                f"There is no projection {self.method!r} with metric {self.metric!r}.",
                f"Use method {' or '.join(METHODS)} and metric {' or '.join(METRICS)}.",
            )
        if not (self.neighbours >= 2 and 0 <= self.min_dist <= 1 and 0 <= self.seed < 2**31):
            raise StudyError(
                "The settings of UMAP are out of range.",
                "Use at least 2 neighbours, min_dist from 0 to 1, and a non-negative seed.",
            )
        if self.method == "pca":
            for name in ("neighbours", "min_dist", "metric", "seed"):
                object.__setattr__(self, name, getattr(ProjectionSettings, name))


def pca(vectors: NDArray[np.floating]) -> Coordinates:
    """The first two principal components, (rows, 2), centred; the largest loading of each is positive."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(right[np.arange(2), np.abs(right[:2]).argmax(axis=1)])
    points: Coordinates = (left[:, :2] * singular[:2] * signs).astype(np.float32)
    return points


def pca_layers(stack: Layers) -> Coordinates:
    """PCA of every layer, (layers, rows, 2), scaled to mean squared radius 1 and aligned with the layer before."""
    points = np.stack([pca(vectors) for vectors in stack])
    radius = np.sqrt((points**2).sum(axis=-1).mean(axis=-1))[:, None, None]
    return procrustes_align(np.divide(points, radius, out=np.zeros_like(points), where=radius > 0))


def procrustes_align(points: Coordinates) -> Coordinates:
    """The points with every layer centred and rotated or mirrored onto the one before; distances are unchanged.

    points: (layers, rows, 2). Source: orthogonal Procrustes.
    """
    placed: Coordinates = points - points.mean(axis=1, keepdims=True)
    for layer in range(1, len(placed)):
        left, _, right = np.linalg.svd(placed[layer].T @ placed[layer - 1])
        placed[layer] = placed[layer] @ (left @ right)
    return placed


def umap_layers(
    stack: Layers, settings: ProjectionSettings, watcher: Watcher = SILENT, epochs: int = _EPOCHS
) -> Coordinates:
    """UMAP of all layers together, (layers, rows, 2); the same input and seed give the same coordinates.

    stack: one (rows, dim) per layer, with rows in the same order. Fits in several threads take turns to build their
    graphs and optimise side by side. Raises Cancelled between two steps if the watcher is stopped.
    """
    with one_fit_at_a_time(watcher):
        watcher.report("projecting")
        graphs: list[Any] = []
        layout: list[Coordinates] = []
        for vectors in stack:
            watcher.check()
            graphs.append(_graph(vectors, settings))
            start = _start(graphs[-1], vectors, settings)
            layout.append(procrustes_align(np.stack([layout[-1], start]))[1] if layout else start)
    return procrustes_align(_move(layout, graphs, settings, watcher, epochs))


@lru_cache(maxsize=1)
def _keep_compiled() -> None:
    """Has numba keep on disk what umap-learn compiles anew in every process, twelve seconds' worth."""
    from umap.umap_ import compute_membership_strengths, smooth_knn_dist
    from umap.utils import fast_knn_indices

    for function in (fast_knn_indices, smooth_knn_dist, compute_membership_strengths):
        with contextlib.suppress(RuntimeError):  # no folder that numba can write to
            function.enable_caching()


def _graph(vectors: NDArray[np.float32], settings: ProjectionSettings) -> Any:
    """UMAP's weighted neighbour graph of one layer, a sparse (rows, rows) matrix."""
    from umap import UMAP

    _keep_compiled()
    neighbours = min(settings.neighbours, len(vectors) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fixed seed implies one thread, as intended
        fitted = UMAP(
            n_neighbors=neighbours, metric=settings.metric, random_state=settings.seed, transform_mode="graph"
        ).fit(vectors)
    return fitted.graph_.tocoo()


def _start(graph: Any, vectors: NDArray[np.float32], settings: ProjectionSettings) -> Coordinates:
    """Initial positions of one layer, (rows, 2): UMAP's spectral layout, scaled to [-10, 10]."""
    from umap.spectral import spectral_layout

    state = np.random.RandomState(settings.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # with few points it falls back to a random start, which is fine
        layout = spectral_layout(vectors, graph, 2, state, metric=settings.metric)
    start: Coordinates = np.ascontiguousarray(layout * 10 / np.abs(layout).max(), dtype=np.float32)
    return start


def _move(
    layout: list[Coordinates], graphs: list[Any], settings: ProjectionSettings, watcher: Watcher, epochs: int
) -> Coordinates:
    """Positions after UMAP's optimisation of all layers at once, each point pulled to itself in nearby layers."""
    from umap.umap_ import find_ab_params, make_epochs_per_sample

    from neuronxa_core.analyses.umap_epoch import epoch as move
    from neuronxa_core.analyses.umap_epoch import pulls_of

    a, b = find_ab_params(1.0, settings.min_dist)
    points = np.ascontiguousarray(np.stack(layout), dtype=np.float32)
    first = np.concatenate([[0], np.cumsum([graph.nnz for graph in graphs])])
    heads, tails = (np.concatenate([getattr(graph, side) for graph in graphs]).astype(np.int32) for side in _SIDES)
    every = np.concatenate([make_epochs_per_sample(graph.data, epochs) for graph in graphs])
    negative = (every / 5).astype(np.float32)  # five negative samples per edge
    due, due_negative = every.astype(np.float32), negative.copy()
    edges = (first, heads, tails, every, due, negative, due_negative)
    held = (*_ties(graphs), pulls_of(_PULL, _WINDOW))
    seeds = np.random.RandomState(settings.seed).randint(-(2**31) + 1, 2**31 - 1, 3).astype(np.int64)
    for number in range(epochs):
        watcher.check()
        watcher.report("projecting", number, epochs)
        move(points, edges, held, seeds, (a, b, 1.0 - number / epochs), number)
    return points


_SIDES = ("row", "col")


def _ties(graphs: list[Any]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """(weights, relations) of points across layers, both (layers, 2 * window + 1, rows).

    weights: Jaccard index of a point's neighbours in both layers. relations: its row in the other layer, -1 if none.
    """
    linked = [graph.tocsr().astype(bool).toarray() for graph in graphs]
    shape = (len(graphs), 2 * _WINDOW + 1, len(linked[0]))
    weights, relations = np.zeros(shape, dtype=np.float32), np.full(shape, -1, dtype=np.int32)
    for layer, ours in enumerate(linked):
        for offset in range(-_WINDOW, _WINDOW + 1):
            if offset and 0 <= layer + offset < len(linked):
                theirs = linked[layer + offset]
                shared, either = (ours & theirs).sum(axis=1), (ours | theirs).sum(axis=1)
                weights[layer, offset + _WINDOW] = np.where(either > 0, shared / np.maximum(either, 1), 1)
                relations[layer, offset + _WINDOW] = np.arange(len(ours))
    return weights, relations


@contextmanager
def one_fit_at_a_time(watcher: Watcher = SILENT) -> Iterator[None]:
    """Serialises fits, since two at once crash numba's default threading layer. Raises Cancelled while waiting."""
    while not _FIT.acquire(timeout=0.1):
        watcher.check()
    try:
        yield
    finally:
        _FIT.release()


def warm_up() -> None:
    """Imports umap and compiles what a fit needs, which accounts for most of the time of the first fit."""
    rows = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
    umap_layers([rows, rows], ProjectionSettings(neighbours=5), epochs=2)


@lru_cache(maxsize=1)
def warm_up_in_background() -> threading.Thread:
    """The thread that runs `warm_up`, started once per process."""
    thread = threading.Thread(target=warm_up, name="neuronxa-umap", daemon=True)
    thread.start()
    return thread


NEIGHBOURS = 10
"""k of the neighbour measures, independent of UMAP's; smaller if there are fewer than eleven pairs."""


NUMBERS = (
    "mutual",
    "source_to_target",
    "target_to_source",
    "foreign_neighbours",
    "silhouette",
    "silhouette_projection",
    "trustworthiness",
)


def layer_numbers(vectors: NDArray[np.floating], points: NDArray[np.floating]) -> list[float]:
    """Measures of one layer in the order of NUMBERS, in the original space by cosine unless stated otherwise.

    vectors: (2n, dim), source above target; points: (2n, 2).
    mutual, source_to_target, target_to_source: shares of pairs, in [0, 1], see metrics.scoring.
    foreign_neighbours: mean share of the k nearest neighbours, among both languages, that are of the other language.
    silhouette, silhouette_projection: silhouette of the split by language, in [-1, 1]; the latter in the projection.
    trustworthiness: of the k nearest neighbours in the projection, in [0, 1].
    Source: Rousseeuw 1987; Venna and Kaski 2001.
    """
    from sklearn.manifold import trustworthiness
    from sklearn.metrics import silhouette_score

    pairs = len(vectors) // 2
    k = min(NEIGHBOURS, pairs - 1)
    similarity = cosine_similarity(vectors, vectors)
    distance = np.clip(1 - similarity, 0, None)
    np.fill_diagonal(distance, 0)
    languages = np.repeat([0, 1], pairs)
    outcomes = pair_outcomes(similarity[:pairs, pairs:])
    return [
        float(outcomes.mutual.mean()),
        float(outcomes.source_to_target.mean()),
        float(outcomes.target_to_source.mean()),
        cross_lingual_neighbours(similarity, k),
        float(silhouette_score(distance, languages, metric="precomputed")),
        float(silhouette_score(points, languages)),
        float(trustworthiness(distance, points, n_neighbors=k, metric="precomputed")),
    ]


def cross_lingual_neighbours(similarity: NDArray[np.floating], k: int) -> float:
    """Share of the k nearest neighbours that are of the other language, mean over all sentences, in [0, 1].

    similarity: (2n, 2n), source first. Chance is n / (2n - 1), for languages mixed at random.
    """
    pairs = len(similarity) // 2
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    nearest = np.argsort(-others, axis=1, kind="stable")[:, :k]
    own = np.arange(2 * pairs)[:, None] < pairs
    return float(((nearest < pairs) != own).mean())
