"""Sentences in two dimensions, layer by layer, with measures of how faithful the picture is."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.umap import (
    NUMBERS,
    Coordinates,
    Layers,
    ProjectionSettings,
    layer_numbers,
    pca_layers,
    umap_layers,
)
from neuronxa_core.corpora.bitext import sentences_hash
from neuronxa_core.metrics.geometry import ranks
from neuronxa_core.metrics.similarity import cosine_similarity
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import State, first_layer
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.study import Study, study_of

MOST_PAIRS = 500
"""Pairs drawn at most, the first ones; more would be illegible and slow."""


@dataclass(frozen=True)
class Projection:
    """One state of a study in two dimensions, at all layers.

    coordinates: (layers, 2n, 2) float32, n source sentences, then n target sentences; each layer is centred.
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
        """One row per layer, in a form that Parquet can store."""
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

    @property
    def checksum(self) -> int:
        """CRC-32 of everything that `to_frame` stores."""
        arrays = (self.coordinates, self.numbers, self.cosines.astype(np.float32), self.ranks.astype(np.int32))
        about = [self.study.fields, asdict(self.settings), self.state, dict(self.provenance)]
        found = zlib.crc32(json.dumps(about, sort_keys=True).encode())
        for array in arrays:
            found = zlib.crc32(np.ascontiguousarray(array).tobytes(), found)
        return found


def projection_from_frame(frame: pd.DataFrame) -> Projection:
    """The projection of which `to_frame` made these rows. Raises KeyError or ValueError if they are invalid."""
    frame = frame.sort_values("layer")
    first = frame.iloc[0].to_dict()  # Python's own numbers, of which JSON is made for the checksum
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

    Raises Cancelled if the watcher is stopped, CacheError if the cache cannot be written, OSError or ValueError if the
    states are missing.
    """
    study = layers.named(study)
    found = find_projection(study, layers, state, settings) if use_cache else None
    if found:
        return found
    stack = [_both(layers, state, layer) for layer in _layer_numbers(layers, state)]
    coordinates = pca_layers(stack) if settings.method == "pca" else umap_layers(stack, settings, watcher)
    provenance = _provenance(study, layers)
    projection = _measured(study, state, settings, stack, coordinates, provenance, watcher)
    if use_cache:
        store.write_aside(_path(layers, state, settings), partial(_write, projection))
    return projection


def _write(projection: Projection, path: Path) -> None:
    write_checked(projection.to_frame(), projection.checksum, path)


def find_projection(study: Study, layers: StudyLayers, state: State, settings: ProjectionSettings) -> Projection | None:
    """The projection if it is cached, else None. A damaged file is deleted."""
    read = partial(read_checked, content_of=projection_from_frame, checksum_of=lambda found: found.checksum)
    projection = store.read_or_discard(_path(layers, state, settings), read)
    return replace(projection, study=layers.named(study)) if projection else None


def _provenance(study: Study, layers: StudyLayers) -> dict[str, Any]:
    """What the sentences were, which model read them in which precision, and what laid them out."""
    header, bitext = store.read_header(layers.source), study.bitext()
    return {
        "corpus_hash": sentences_hash((*bitext.source_sentences, *bitext.target_sentences)),
        "model_fingerprint": header.get("model"),
        "dtype": header.get("dtype"),
        **{name: version(name) for name in ("umap-learn", "scikit-learn", "numpy")},
    }


def _path(layers: StudyLayers, state: State, settings: ProjectionSettings) -> Path:
    """The cache file of a projection, named by its states and settings."""
    parts: dict[str, str | int] = {
        "projection": 2,
        "source": layers.source.stem,
        "target": layers.target.stem,
        "state": state,
    }
    key = store.cache_key(parts | {name: str(value) for name, value in asdict(settings).items()})
    return store.result_path(key)


def _layer_numbers(layers: StudyLayers, state: State) -> range:
    first = first_layer(state)
    return range(first, first + layers.count(state))


def _both(layers: StudyLayers, state: State, layer: int) -> NDArray[np.float32]:
    """Source vectors above target vectors, (2n, dim), at most MOST_PAIRS of each."""
    return np.vstack([side[:MOST_PAIRS] for side in layers.states(state, layer)])


def _measured(
    study: Study,
    state: State,
    settings: ProjectionSettings,
    stack: Layers,
    coordinates: Coordinates,
    provenance: Mapping[str, Any],
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
    return Projection(
        study, state, settings, coordinates, np.array(numbers), np.stack(cosines), np.stack(places), provenance
    )
