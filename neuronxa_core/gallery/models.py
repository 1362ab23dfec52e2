"""Precomputed results of models besides the demo: every bundled language to English, in the demo's settings.

For each model one file in the gallery's store, and in assets/gallery/models one JSON file, the matrix of all languages
and the means of separability, ANC and CKA. The model is named by its hub id, for a GGUF file with the file, so that a
run of anything else asks for the same weights; the results name the file that they were computed from, and its SHA-256.
`python -m neuronxa_core gallery --models ID=PATH` adds one.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TypeVar

from neuronxa_core.analyses.downstream import Downstream, Measured
from neuronxa_core.analyses.language_matrix import LanguageMatrix, read_matrix, write_matrix
from neuronxa_core.analyses.languages import Languages
from neuronxa_core.analyses.space_means import Space, SpaceMeans, write_means
from neuronxa_core.errors import ModelError
from neuronxa_core.models.gguf_header import gguf_told
from neuronxa_core.models.locate import ModelRef, find_checkpoint
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.store import write_aside
from neuronxa_core.study import bundled
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.rows import folder_of, read_rows, result_of, write_rows
from neuronxa_core.study.study import Study

FOLDER = "models"
STORE = "store"
"""The folder in the gallery that is a store, like those of sweeps: `neuronxa store ls assets/gallery/store`."""
_FILE = "english.parquet"
_MATRIX, _SPACE = ".matrix.parquet", ".space.parquet"
_QUANTIZED = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)/(?:[\w./-]*[.-])?(?P<kind>I?Q\d\w*|BF16|F16|F32)\.gguf", re.I)


@dataclass(frozen=True)
class StoredModel:
    """What the gallery knows of a model. weights: the file that its results come from, or files; bits: per byte."""

    model: str
    family: str
    weights: str
    sha256: str
    bits: Mapping[str, float]

    @property
    def title(self) -> str:
        """The hub id, with the quantization that the results were computed at: `owner/name · Q4_1`."""
        found = _QUANTIZED.fullmatch(self.model)
        return f"{found['repository']} · {found['kind']}" if found else self.model


Answer = TypeVar("Answer", StudyResult, LanguageMatrix)


def stored_models() -> Mapping[str, StoredModel]:
    """The gallery's models besides the demo, by name."""
    return _stored_in(bundled.GALLERY / FOLDER)


@lru_cache(maxsize=2)
def _stored_in(folder: Path) -> dict[str, StoredModel]:
    files = sorted(folder.glob("*.json"))
    found = [bundled.read(file, lambda path: StoredModel(**json.loads(path.read_text("utf-8")))) for file in files]
    return {each.model: each for each in found if each}


def stored_results(model: str) -> Mapping[Study, StudyResult]:
    """The gallery's results of a model besides the demo, by study; empty if it has none."""
    return _results_in((bundled.GALLERY / STORE / folder_of(model, "")).parent) if model in stored_models() else {}


@lru_cache(maxsize=8)
def _results_in(folder: Path) -> dict[Study, StudyResult]:
    """The results of a model. folder: with one for each corpus."""
    rows = [bundled.read(file, read_rows) or {} for file in sorted(folder.glob(f"*/{_FILE}"))]
    return {study: result_of(row) for each in rows for study, row in each.items()}


def stored_matrix(model: str) -> LanguageMatrix | None:
    """The gallery's matrix of all bundled languages in a model besides the demo, or None."""
    return _matrix_in(bundled.GALLERY / FOLDER / f"{_stem(model)}{_MATRIX}") if model in stored_models() else None


@lru_cache(maxsize=2)
def _matrix_in(path: Path) -> LanguageMatrix | None:
    return bundled.read(path, read_matrix)


def space_file(model: str) -> Path:
    """Where the means of separability, ANC and CKA in a model besides the demo are, or would be."""
    return bundled.GALLERY / FOLDER / f"{_stem(model)}{_SPACE}"


def _stem(model: str) -> str:
    return re.sub(r"[^\w.-]+", "-", model).strip("-.")


def named_weights(text: str) -> tuple[str, str]:
    """(name, where the weights are) of `ID=PATH`; of a name alone, the name twice."""
    name, _, path = text.partition("=")
    return name, path or name


def build_model(text: str, studies: Sequence[Study], folder: Path, watcher: Watcher = SILENT) -> Iterator[Measured]:
    """Computes the demo's `studies` with another model, yields the answer and writes its files. Raises NeuronXAError.

    text: the model's hub id, or `ID=PATH` with weights that are on this machine.
    """
    name, where = named_weights(text)
    if not name or name.startswith(("/", ".", "~")):
        raise ModelError(f"{name!r} is no name for a model of the gallery.", "Give its hub id: ID=PATH.")
    asked = replace(studies[0], model=where, pooling="auto")
    measured = Downstream(asked, tuple(study.source for study in studies)).run(watcher, "cpu")
    yield measured
    checkpoint = find_checkpoint(ModelRef(where), watcher)
    weights = [file for file in checkpoint.files if file in checkpoint.weights]
    told = gguf_told(weights[0])[0] if checkpoint.gguf else checkpoint.config
    stored = StoredModel(
        name,
        str(told.get("model_type", "")),
        ", ".join(file.name for file in weights),
        ", ".join(checkpoint.sha256[file] for file in weights),
        dict(measured.bits or {}),
    )
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    write_rows([_told(result, stored) for result in measured.results], folder / STORE, _FILE)
    matrix = Languages(asked, (*(study.source for study in studies), studies[0].target)).run(watcher, "cpu")
    write_aside(place / f"{_stem(name)}{_MATRIX}", partial(write_matrix, _told(matrix, stored)))
    means = Space(tuple(result.study for result in measured.results)).run(watcher, "cpu").means
    named = SpaceMeans({replace(study, model=name): each for study, each in means.items()})
    write_aside(place / f"{_stem(name)}{_SPACE}", partial(write_means, [named]))
    text = json.dumps(vars(stored), indent=1) + "\n"
    write_aside(place / f"{_stem(name)}.json", partial(_write_text, text))


def _told(result: Answer, stored: StoredModel) -> Answer:
    """The answer under the model's name, with the file of its weights in the provenance."""
    weights = {"weights_file": stored.weights, "weights_sha256": stored.sha256}
    return replace(result, study=replace(result.study, model=stored.model), provenance={**result.provenance, **weights})


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
