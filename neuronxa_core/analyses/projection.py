"""Sentences in two dimensions, layer by layer, and the numbers that keep the picture honest.

PCA needs a moment, UMAP some seconds. UMAP's layers are laid out together, as umap-learn's AlignedUMAP does: a point is held
near its place in the neighbouring layers. AlignedUMAP itself ignores min_dist, compiles its inner loop again at every fit
and cannot be stopped, so the same steps are taken here one by one, on the same building blocks of umap-learn.
Sources: McInnes et al. 2018, arXiv:1802.03426; the AlignedUMAP page of umap-learn's documentation.
"""

import io
import json
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.geometry import ranks
from neuronxa_core.metrics.scoring import pair_outcomes
from neuronxa_core.metrics.similarity import cosine_similarity
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.settings import settings as environment
from neuronxa_core.states import store
from neuronxa_core.states.sentences import State, first_layer
from neuronxa_core.study.result import Study, study_of
from neuronxa_core.study.runner import StudyLayers

Method = Literal["umap", "pca"]
METHODS: tuple[Method, ...] = get_args(Method)
Metric = Literal["cosine", "euclidean"]
METRICS: tuple[Metric, ...] = get_args(Metric)

MOST_PAIRS = 500
"""More pairs than this are neither legible nor light; the first ones are taken."""
NEIGHBOURS = 10
"""k of the numbers beside the picture, whatever UMAP uses; fewer where there are fewer than eleven pairs."""
NUMBERS = (
    "mutual",
    "source_to_target",
    "target_to_source",
    "foreign_neighbours",
    "silhouette",
    "silhouette_projection",
    "trustworthiness",
)
_EPOCHS = 200
_WINDOW = 3
_PULL = 0.01
"""How far to either side, and how strongly, a layer's points are held by those of its neighbours; AlignedUMAP's defaults."""

Layers = Sequence[NDArray[np.float32]]
Coordinates = NDArray[np.float32]
_FIT = threading.Lock()


@dataclass(frozen=True)
class ProjectionSettings:
    """How sentences become points. PCA has no settings: those of UMAP are then put back to their defaults."""

    method: Method = "umap"
    neighbours: int = 15
    min_dist: float = 0.1
    metric: Metric = "cosine"
    seed: int = 42

    def __post_init__(self) -> None:
        if self.method not in METHODS or self.metric not in METRICS:
            raise StudyError(
                f"There is no projection {self.method!r} with metric {self.metric!r}.",
                f"Choose {' or '.join(METHODS)}, and {' or '.join(METRICS)}.",
            )
        if not (self.neighbours >= 2 and 0 <= self.min_dist <= 1 and 0 <= self.seed < 2**31):
            raise StudyError(
                "UMAP cannot work with these settings.",
                "Use 2 neighbours or more, min_dist from 0 to 1, and a seed that is not negative.",
            )
        if self.method == "pca":
            for name in ("neighbours", "min_dist", "metric", "seed"):
                object.__setattr__(self, name, getattr(ProjectionSettings, name))


@dataclass(frozen=True)
class Projection:
    """One state of a study in two dimensions, all layers.

    coordinates: (layers, 2n, 2) float32, the source's n sentences first, then the target's; each layer centred.
    numbers: (layers, 7), the columns of NUMBERS, see `layer_numbers`.
    cosines: (layers, n), each pair's own similarity; ranks: (layers, 2, n), of the translation in its row and column.
    """

    study: Study
    state: State
    settings: ProjectionSettings
    coordinates: Coordinates
    numbers: NDArray[np.float64]
    cosines: NDArray[np.float64]
    ranks: NDArray[np.int64]
    provenance: Mapping[str, Any]

    @property
    def pairs(self) -> int:
        return int(self.coordinates.shape[1]) // 2

    @property
    def layers(self) -> range:
        """The numbers of its layers."""
        first = first_layer(self.state)
        return range(first, first + len(self.coordinates))

    @property
    def points_table(self) -> pd.DataFrame:
        """One row per state, layer and sentence: state, layer, language, pair (from 1), x, y."""
        layers, sentences, _ = self.coordinates.shape
        languages = np.repeat([self.study.source, self.study.target], self.pairs)
        return pd.DataFrame(
            {
                "state": self.state,
                "layer": np.repeat(list(self.layers), sentences),
                "language": np.tile(languages, layers),
                "pair": np.tile(np.arange(1, self.pairs + 1), 2 * layers),
                "x": self.coordinates[..., 0].ravel(),
                "y": self.coordinates[..., 1].ravel(),
            }
        )

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per layer: state, layer, and the columns of NUMBERS."""
        table = pd.DataFrame(self.numbers, columns=list(NUMBERS))
        table.insert(0, "layer", list(self.layers))
        table.insert(0, "state", self.state)
        return table

    def points(self, layer: int) -> Coordinates:
        """The coordinates of one layer by its number, (2n, 2)."""
        points: Coordinates = self.coordinates[layer - first_layer(self.state)]
        return points

    def reversed(self) -> "Projection":
        """The same picture with source and target exchanged."""
        order = [NUMBERS.index(name) for name in NUMBERS]
        order[1], order[2] = order[2], order[1]
        return replace(
            self,
            study=replace(self.study, source=self.study.target, target=self.study.source),
            coordinates=np.roll(self.coordinates, self.pairs, axis=1),
            numbers=self.numbers[:, order],
            ranks=self.ranks[:, ::-1],
        )

    def to_frame(self) -> pd.DataFrame:
        """The projection as rows, one per layer, that Parquet can hold."""
        rows = [
            {
                **self.study.fields,
                **asdict(self.settings),
                "state": self.state,
                "layer": layer,
                **dict(zip(NUMBERS, self.numbers[index], strict=True)),
                "cosines": self.cosines[index].astype(np.float32),
                "ranks": self.ranks[index].astype(np.int32).ravel(),
                "coordinates": self.coordinates[index].ravel(),
            }
            for index, layer in enumerate(self.layers)
        ]
        return pd.DataFrame(rows).assign(provenance=json.dumps(dict(self.provenance), sort_keys=True))


def projection_from_frame(frame: pd.DataFrame) -> Projection:
    """The projection that `to_frame` turned into rows. Raises KeyError or ValueError if the rows are not such."""
    frame = frame.sort_values("layer")
    first = frame.iloc[0]
    layers = len(frame)
    return Projection(
        study=study_of(first),
        state=first["state"],
        settings=ProjectionSettings(**{field.name: first[field.name] for field in fields(ProjectionSettings)}),
        coordinates=np.stack([*frame["coordinates"]]).reshape(layers, -1, 2),
        numbers=frame[list(NUMBERS)].to_numpy(),
        cosines=np.stack([*frame["cosines"]]).astype(np.float64),
        ranks=np.stack([*frame["ranks"]]).astype(np.int64).reshape(layers, 2, -1),
        provenance=json.loads(first["provenance"]),
    )


def project(
    study: Study,
    layers: StudyLayers,
    state: State,
    settings: ProjectionSettings,
    watcher: Watcher = SILENT,
    use_cache: bool = True,
) -> Projection:
    """The projection of one state of a study, from the cache or computed.

    Raises Cancelled if the watcher asks for it, CacheError if the cache cannot be written, OSError or ValueError if the
    states are gone.
    """
    study = layers.named(study)
    found = find_projection(study, layers, state, settings) if use_cache else None
    if found:
        return found
    stack = [_both(layers, state, layer) for layer in _layer_numbers(layers, state)]
    coordinates = pca_layers(stack) if settings.method == "pca" else umap_layers(stack, settings, watcher)
    projection = _measured(study, state, settings, stack, coordinates, watcher)
    if use_cache:
        path = _path(layers, state, settings)
        store.write_aside(path, lambda aside: projection.to_frame().to_parquet(aside, compression="zstd", index=False))
    return projection


def find_projection(study: Study, layers: StudyLayers, state: State, settings: ProjectionSettings) -> Projection | None:
    """The projection if the cache holds it; a damaged file is removed."""
    projection = store.read_or_discard(
        _path(layers, state, settings),
        lambda path: projection_from_frame(pd.read_parquet(io.BytesIO(path.read_bytes()))),
    )
    return replace(projection, study=layers.named(study)) if projection else None


def _path(layers: StudyLayers, state: State, settings: ProjectionSettings) -> Path:
    """Named by the states it was made of and by its settings."""
    parts: dict[str, str | int] = {
        "projection": 1,
        "source": layers.source.stem,
        "target": layers.target.stem,
        "state": state,
    }
    key = store.cache_key(parts | {name: str(value) for name, value in asdict(settings).items()})
    return environment().cache_dir / "results" / f"{key}.parquet"


def _layer_numbers(layers: StudyLayers, state: State) -> range:
    first = first_layer(state)
    return range(first, first + layers.count(state))


def _both(layers: StudyLayers, state: State, layer: int) -> NDArray[np.float32]:
    """Source above target, (2n, dim), at most MOST_PAIRS of each."""
    return np.vstack([side[:MOST_PAIRS] for side in layers.states(state, layer)])


def _measured(
    study: Study,
    state: State,
    settings: ProjectionSettings,
    stack: Layers,
    coordinates: Coordinates,
    watcher: Watcher,
) -> Projection:
    numbers, cosines, places = [], [], []
    for vectors, points in zip(stack, coordinates, strict=True):
        watcher.check()
        pairs = len(vectors) // 2
        similarity = cosine_similarity(vectors[:pairs], vectors[pairs:])
        numbers.append(layer_numbers(vectors, points))
        cosines.append(similarity.diagonal())
        places.append(np.stack(ranks(similarity)))
    provenance = {name: version(name) for name in ("umap-learn", "scikit-learn", "numpy")}
    return Projection(
        study, state, settings, coordinates, np.array(numbers), np.stack(cosines), np.stack(places), provenance
    )


def layer_numbers(vectors: NDArray[np.floating], points: NDArray[np.floating]) -> list[float]:
    """What a layer's picture is worth, in the order of NUMBERS; all in the original space by cosine unless it says otherwise.

    vectors: (2n, dim), source above target; points: (2n, 2).
    mutual, source_to_target, target_to_source: shares of pairs, in [0, 1], as everywhere else.
    foreign_neighbours: mean share of the k nearest neighbours, both languages pooled, that are of the other language.
    silhouette, silhouette_projection: of the split by language, in [-1, 1]; the latter from distances in the picture.
    trustworthiness: of the picture's k nearest neighbours, in [0, 1].
    Sources: Rousseeuw 1987; Venna and Kaski 2001.
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
        foreign_neighbours(similarity, k),
        float(silhouette_score(distance, languages, metric="precomputed")),
        float(silhouette_score(points, languages)),
        float(trustworthiness(distance, points, n_neighbors=k, metric="precomputed")),
    ]


def foreign_neighbours(similarity: NDArray[np.floating], k: int) -> float:
    """Share of the k nearest neighbours that are of the other language, mean over all sentences, in [0, 1].

    similarity: (2n, 2n), source first. Chance, with languages mixed at random, is n / (2n - 1).
    """
    pairs = len(similarity) // 2
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    nearest = np.argsort(-others, axis=1, kind="stable")[:, :k]
    own = np.arange(2 * pairs)[:, None] < pairs
    return float(((nearest < pairs) != own).mean())


def pca(vectors: NDArray[np.floating]) -> Coordinates:
    """The first two principal components, (rows, 2), centred; the largest loading of each is positive."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    left, singular, right = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(right[np.arange(2), np.abs(right[:2]).argmax(axis=1)])
    points: Coordinates = (left[:, :2] * singular[:2] * signs).astype(np.float32)
    return points


def pca_layers(stack: Layers) -> Coordinates:
    """PCA of every layer, each scaled to a mean squared radius of 1 and turned to lie on the layer before it."""
    points = np.stack([pca(vectors) for vectors in stack])
    radius = np.sqrt((points**2).sum(axis=-1).mean(axis=-1))[:, None, None]
    return keep_places(np.divide(points, radius, out=np.zeros_like(points), where=radius > 0))


def keep_places(points: Coordinates) -> Coordinates:
    """Centres every layer and turns or mirrors it onto the one before (orthogonal Procrustes); distances stay.

    points: (layers, rows, 2).
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

    stack: per layer (rows, dim), the rows in the same order. One fit at a time in a process: others wait.
    Raises Cancelled between two steps if the watcher asks for it.
    """
    with one_fit_at_a_time(watcher):
        watcher.report("projecting")
        graphs: list[Any] = []
        layout: list[Coordinates] = []
        for vectors in stack:
            watcher.check()
            graphs.append(_graph(vectors, settings))
            start = _start(graphs[-1], vectors, settings)
            layout.append(keep_places(np.stack([layout[-1], start]))[1] if layout else start)
        moved = _move(layout, graphs, settings, watcher, epochs)
        return keep_places(np.stack(moved))


def _graph(vectors: NDArray[np.float32], settings: ProjectionSettings) -> Any:
    """UMAP's weighted neighbour graph of one layer, a sparse (rows, rows) matrix."""
    from umap import UMAP

    neighbours = min(settings.neighbours, len(vectors) - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a fixed seed means one thread is what is wanted
        fitted = UMAP(
            n_neighbors=neighbours, metric=settings.metric, random_state=settings.seed, transform_mode="graph"
        ).fit(vectors)
    return fitted.graph_.tocoo()


def _start(graph: Any, vectors: NDArray[np.float32], settings: ProjectionSettings) -> Coordinates:
    """Where one layer's points begin: UMAP's spectral layout, within 10 of the middle."""
    from umap.spectral import spectral_layout

    state = np.random.RandomState(settings.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few points make it fall back to a random start, which is fine
        layout = spectral_layout(vectors, graph, 2, state, metric=settings.metric)
    start: Coordinates = np.ascontiguousarray(layout * 10 / np.abs(layout).max(), dtype=np.float32)
    return start


def _move(
    layout: list[Coordinates], graphs: list[Any], settings: ProjectionSettings, watcher: Watcher, epochs: int
) -> list[Coordinates]:
    """UMAP's optimisation of all layers at once, each point drawn to its own places in the layers around."""
    from numba.typed import List
    from umap.umap_ import find_ab_params, make_epochs_per_sample

    a, b = find_ab_params(1.0, settings.min_dist)
    every = [make_epochs_per_sample(graph.data, epochs) for graph in graphs]
    embeddings = List([np.ascontiguousarray(points, dtype=np.float32) for points in layout])
    heads, tails = (List([getattr(graph, side).astype(np.int32) for graph in graphs]) for side in ("row", "col"))
    negative = [(steps / 5).astype(np.float32) for steps in every]  # five random points pushed off per edge
    due = List([steps.astype(np.float32) for steps in every])
    due_negative = List([steps.copy() for steps in negative])
    weights, relations = _ties(graphs)
    seeds = np.random.RandomState(settings.seed).randint(-(2**31) + 1, 2**31 - 1, 3).astype(np.int64)
    step = _epoch()
    for epoch in range(epochs):
        watcher.check()
        watcher.report("projecting", epoch, epochs)
        step(
            *(embeddings, embeddings, heads, tails, List(every), a, b, weights, relations, seeds),
            *(1.0, _PULL, 2, True, 1.0 - epoch / epochs, List(negative), due_negative, due, epoch),
        )
    return list(embeddings)


def _ties(graphs: list[Any]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Which layers hold each other's points, and how much: by how many of its neighbours a point keeps (Jaccard).

    Both (layers, 2 * window + 1, rows); relations hold the point's row in the other layer, -1 where there is none.
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


@lru_cache(maxsize=1)
def _epoch() -> Callable[..., None]:
    """One pass of AlignedUMAP's optimisation, compiled once per process; umap-learn compiles it at every fit."""
    import numba
    from umap.layouts import _optimize_layout_aligned_euclidean_single_epoch as single_epoch

    compiled: Callable[..., None] = numba.njit(single_epoch, fastmath=True)
    return compiled


@contextmanager
def one_fit_at_a_time(watcher: Watcher = SILENT) -> Iterator[None]:
    """numba's plain threading layer kills the process when two fits meet. Raises Cancelled while it waits if asked to."""
    while not _FIT.acquire(timeout=0.1):
        watcher.check()
    try:
        yield
    finally:
        _FIT.release()


def warm_up() -> None:
    """Imports umap and compiles what a fit needs, which takes most of the time of the first one."""
    rows = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
    umap_layers([rows, rows], ProjectionSettings(neighbours=5), epochs=2)


@lru_cache(maxsize=1)
def warm_up_in_background() -> threading.Thread:
    """Starts `warm_up` once in this process."""
    thread = threading.Thread(target=warm_up, name="neuronxa-umap", daemon=True)
    thread.start()
    return thread
