"""What the model would say next after every token of a text, layer by layer: the logit lens as a grid."""

import json
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.latent_language import model_only
from neuronxa_core.errors import StudyError
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states import store
from neuronxa_core.study.display import Shown
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.recipe import Recipe, local_recipe, recipe_for
from neuronxa_core.study.study import Study

TOP = 10
"""Candidates kept in each cell."""
LONGEST = 2_000
"""Characters of a text."""
_SCRIPTS = {
    "LATIN": "Latin",
    "CJK": "Han",
    "HIRAGANA": "Kana",
    "KATAKANA": "Kana",
    "HANGUL": "Hangul",
    "CYRILLIC": "Cyrillic",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Devanagari",
}


def script_of(text: str) -> str:
    """The script of a text's first letter, as Unicode's names have it; empty if it has no letter."""
    letter = next((each for each in text if each.isalpha()), "")
    first = unicodedata.name(letter, "").split(" ")[0] if letter else ""
    return _SCRIPTS.get(first, first.capitalize())


@dataclass(frozen=True)
class GridAnswer(Shown):
    """The likeliest next tokens after every token of a text, at layers 1..L.

    tokens: the text's own. candidates: (layers, tokens, TOP), as text, likeliest first; probabilities: theirs, float32.
    """

    study: Study
    text: str
    tokens: tuple[str, ...]
    candidates: NDArray[np.str_]
    probabilities: NDArray[np.float32]
    provenance: Mapping[str, Any]

    @property
    def layers(self) -> int:
        return len(self.probabilities)

    def cell(self, layer: int, place: int) -> pd.DataFrame:
        """The candidates of a cell: rank, candidate, script, probability. layer: from 1; place: a token, from 0."""
        names = [str(each) for each in self.candidates[layer - 1, place]]
        return pd.DataFrame(
            {
                "rank": range(1, len(names) + 1),
                "candidate": names,
                "script": [script_of(name) for name in names],
                "probability": self.probabilities[layer - 1, place].astype(np.float64),
            }
        )

    @property
    def table(self) -> pd.DataFrame:
        """One row per layer, token and rank: layer, position (from 1), token, rank, candidate, probability."""
        layers, tokens, top = self.candidates.shape
        layer, place, rank = (each.ravel() for each in np.indices((layers, tokens, top)))
        return pd.DataFrame(
            {
                "layer": layer + 1,
                "position": place + 1,
                "token": np.array(self.tokens)[place],
                "rank": rank + 1,
                "candidate": self.candidates.ravel().astype(str),
                "probability": self.probabilities.ravel(),
            }
        )

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported table: every candidate of every cell."""
        return {"lens": self.table}

    @property
    def summary(self) -> dict[str, Any]:
        """The model, the text, its tokens, and the provenance."""
        told = {name: value for name, value in self.study.told.items() if name in ("model", "revision", "dtype")}
        return {
            "study": told | {"text": self.text},
            "tokens": list(self.tokens),
            "provenance": self.study.traced(self.provenance),
        }


@dataclass(frozen=True)
class Lens:
    """What would the model say next after every token of a text, if it stopped at a layer?"""

    name: ClassVar[str] = "lens"
    at_once: ClassVar[int | None] = 1
    study: Study
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "study", model_only(self.study))
        if not self.text.strip():
            raise StudyError("There is no text.", "Write a sentence, or the beginning of one.")
        if len(self.text) > LONGEST:
            raise StudyError(f"The text has {len(self.text):,} characters.", f"Use {LONGEST:,} or fewer.")

    def sentences(self) -> tuple[str]:
        return (self.text,)

    @property
    def lens(self) -> int:
        """Tokens of which the head reads every layer, at three characters each."""
        return len(self.text) // 3 + 1

    def cached(self) -> GridAnswer | None:
        recipe = local_recipe(self.study)
        return self._stored(recipe) if recipe else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> GridAnswer:
        from neuronxa_core.states.lens import every_token

        recipe = recipe_for(self.study, device, watcher)
        if stored := self._stored(recipe):
            return stored
        grid = every_token(recipe.model(watcher), self.text, TOP, watcher=watcher)
        candidates, provenance = np.array(grid.candidates), recipe.provenance()
        answer = GridAnswer(recipe.study, self.text, grid.tokens, candidates, grid.probabilities, provenance)
        store.write_aside(self._path(recipe), lambda file: write_grid(answer, file))
        return answer

    def _stored(self, recipe: Recipe) -> GridAnswer | None:
        asked = replace(self, study=recipe.study)
        return store.read_or_discard(self._path(recipe), lambda path: read_grid(path, asked))

    def _path(self, recipe: Recipe) -> Path:
        key = store.cache_key(recipe.model_key | {"lens": self.text, "top": TOP})
        return store.result_path(key, ".lens.parquet")


def write_grid(answer: GridAnswer, path: Path) -> None:
    """Writes an answer as Parquet. Raises OSError if it cannot."""
    frame = answer.table.assign(
        text=answer.text,
        tokens=json.dumps(answer.tokens),
        provenance=json.dumps(dict(answer.provenance), sort_keys=True),
    )
    write_checked(frame.drop(columns="token"), _checksum(answer), path)


def read_grid(path: Path, request: Lens) -> GridAnswer:
    """The answer that write_grid stored. Raises OSError or ValueError if the file is missing or damaged."""
    return read_checked(path, lambda frame: _grid(frame, request), _checksum)


def _grid(frame: pd.DataFrame, request: Lens) -> GridAnswer:
    tokens = tuple(json.loads(frame["tokens"].iloc[0]))
    provenance = json.loads(frame["provenance"].iloc[0])
    shape = int(frame["layer"].max()), len(tokens), int(frame["rank"].max())
    study = replace(request.study, dtype=provenance["dtype"])
    return GridAnswer(
        study,
        frame["text"].iloc[0],
        tokens,
        frame["candidate"].to_numpy(str).reshape(shape),
        frame["probability"].to_numpy(np.float32).reshape(shape),
        provenance,
    )


def _checksum(answer: GridAnswer) -> int:
    """CRC-32 of all that write_grid stores."""
    text = json.dumps([answer.text, answer.tokens, answer.candidates.tolist(), dict(answer.provenance)], sort_keys=True)
    return zlib.crc32(answer.probabilities.tobytes(), zlib.crc32(text.encode()))
