"""The answer to a LatentLanguage: probabilities per layer and word, and what follows from them."""

import json
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.latent_prompts import ROLES, Question, Role, template_of
from neuronxa_core.metrics.bootstrap import (
    bootstrap_interval,
    percentile_interval,
    resampled_means,
    simultaneous_interval,
)
from neuronxa_core.metrics.latent import overtaking_layer, pivot_share
from neuronxa_core.numbers import count
from neuronxa_core.settings import settings
from neuronxa_core.study.display import Shown
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.study import Study

if TYPE_CHECKING:
    from neuronxa_core.analyses.latent_language import LatentLanguage

_ROUNDING = 1e-6
"""Differences of two probabilities in float32 that say nothing."""
_TOLD = ("model", "revision", "adapter", "neurons", "source", "target", "dtype")
"""The fields of a study that count here."""


class Measured(NamedTuple):
    """A number and its 95 percent interval over words."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LatentAnswer(Shown):
    """Probabilities of the answers' first tokens, by role, with what the other words' answers get.

    own, shuffled: by role, (layers, words used), float32; entropy: of the whole prediction in bits, of the same shape.
    questions: every row of the word list, in its order; those with a reason were left out. Layers are 1..L.
    """

    request: "LatentLanguage"
    questions: tuple[Question, ...]
    own: Mapping[Role, NDArray[np.float32]]
    shuffled: Mapping[Role, NDArray[np.float32]]
    entropy: NDArray[np.float32]
    provenance: Mapping[str, Any]

    @property
    def study(self) -> Study:
        return self.request.study

    @property
    def used(self) -> tuple[Question, ...]:
        return tuple(each for each in self.questions if not each.reason)

    @property
    def layers(self) -> int:
        return len(self.entropy)

    def corrected(self, role: Role) -> NDArray[np.float64]:
        """The probability without the baseline, (layers, words)."""
        return np.asarray(self.own[role].astype(np.float64) - self.shuffled[role])

    def alike(self, role: Role) -> bool:
        """Whether all answers of a role begin with the same token, whose probability tells no word from another."""
        own, others = self.own[role], self.shuffled[role]
        return bool(own.any()) and np.allclose(own, others, rtol=1e-4, atol=0)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """One row per role and layer: layer, role, probability, baseline, ci_low, ci_high (of the probability).

        The baseline is the mean over the other words, and is not taken off.
        """
        frames = []
        for role in ROLES:
            own = self.own[role].astype(np.float64)
            low, high = bootstrap_interval(own).T
            frames.append(
                pd.DataFrame(
                    {
                        "layer": np.arange(1, self.layers + 1),
                        "role": role,
                        "probability": own.mean(axis=1),
                        "baseline": self.shuffled[role].astype(np.float64).mean(axis=1),
                        "ci_low": low,
                        "ci_high": high,
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)

    @cached_property
    def corrected_curves(self) -> pd.DataFrame:
        """As `curves` without the baseline: layer, role, difference, baseline (taken off), ci_low, ci_high."""
        curves = self.curves
        low, high = np.concatenate([bootstrap_interval(self.corrected(role)) for role in ROLES]).T
        frame = curves[["layer", "role"]].assign(difference=curves["probability"] - curves["baseline"])
        return frame.assign(baseline=curves["baseline"], ci_low=low, ci_high=high)

    @cached_property
    def entropies(self) -> pd.DataFrame:
        """One row per layer: layer, entropy (mean over words, in bits), ci_low, ci_high."""
        each = self.entropy.astype(np.float64)
        low, high = bootstrap_interval(each).T
        layer = np.arange(1, self.layers + 1)
        return pd.DataFrame({"layer": layer, "entropy": each.mean(axis=1), "ci_low": low, "ci_high": high})

    @cached_property
    def lead(self) -> pd.DataFrame:
        """One row per layer: layer, difference (pivot minus target, both without their baselines), ci_low, ci_high.

        The intervals hold for all layers together, since the layers with a lead are picked after looking at every one.
        """
        each = self.corrected("pivot") - self.corrected("target")
        low, high = simultaneous_interval(each).T
        layer = np.arange(1, self.layers + 1)
        return pd.DataFrame({"layer": layer, "difference": each.mean(axis=1), "ci_low": low, "ci_high": high})

    @property
    def pivot_leads(self) -> list[int]:
        """The layers at which the pivot is ahead of the target, with an interval over all layers that leaves 0 out.

        A lead within the rounding of a probability is none, even where all words agree on it.
        """
        return [int(layer) for layer in self.lead.loc[self.lead["ci_low"] > _ROUNDING, "layer"]]

    @cached_property
    def overtaking(self) -> Measured:
        """The layer from which on the target stays ahead of the pivot; layers + 1 if it does not reach that."""
        target, pivot = self.corrected("target"), self.corrected("pivot")
        value = float(overtaking_layer(target.mean(axis=1), pivot.mean(axis=1)))
        resampled = overtaking_layer(resampled_means(target), resampled_means(pivot)).astype(np.float64)
        low, high = percentile_interval(resampled)
        return Measured(value, float(np.floor(low)), float(np.ceil(high)))

    @cached_property
    def pivot_share(self) -> Measured:
        """The pivot's share of the probability that pivot and target have together, see metrics.latent."""
        target, pivot = self.corrected("target"), self.corrected("pivot")
        value = float(pivot_share(target.mean(axis=1), pivot.mean(axis=1)))
        resampled = pivot_share(resampled_means(target), resampled_means(pivot))
        finite = resampled[np.isfinite(resampled)]
        low, high = percentile_interval(finite) if len(finite) else (np.nan, np.nan)
        return Measured(value, float(low), float(high))

    @property
    def stem(self) -> str:
        """A file name without suffix."""
        asked, told = self.request, self.told
        parts = [told["model"], f"{asked.study.source}-{asked.study.target}", asked.pivot, asked.task]
        text = "_".join([*parts, f"{asked.shots}-shots", told["words"], f"seed{asked.seed}", asked.study.dtype])
        return re.sub(r"[^\w.-]+", "-", text).strip("-.")[-150:]

    @property
    def caption(self) -> str:
        """One line that says what was asked."""
        asked, told = self.request, self.told
        pair = f"{asked.study.source} → {asked.study.target}"
        parts = [asked.study.title, pair, f"pivot {asked.pivot}", asked.task, f"{asked.shots} shots"]
        return " · ".join(
            [*parts, f"{count(len(self.used), 'word')} of {told['words']}", f"seed {asked.seed}", asked.study.dtype]
        )

    @property
    def left_out(self) -> dict[str, int]:
        """How many words were left out, by reason; the tokens and rows that reasons name are not told apart."""
        kinds = (each.reason.partition(" token ")[0].partition(" as in row ")[0] for each in self.questions)
        return dict(Counter(kind for kind in kinds if kind).most_common())

    @cached_property
    def word_table(self) -> pd.DataFrame:
        """One row per word of the list: row, its forms, used, reason, prompt, and its values layer by layer.

        `target_3` is the probability of the target's first tokens at layer 3, `target_baseline_3` that of the other
        words' answers, `entropy_3` the entropy in bits. Those of a word that was left out are missing.
        """
        frame = pd.DataFrame(
            {
                "row": [each.row for each in self.questions],
                **{role: [each.words[role] for each in self.questions] for role in ("source", "target", "pivot")},
                "used": [not each.reason for each in self.questions],
                "reason": [each.reason for each in self.questions],
                "prompt": [each.prompt for each in self.questions],
            }
        )
        values = pd.DataFrame(np.nan, frame.index, value_names(self.layers), dtype=np.float32)
        values.loc[frame["used"]] = np.concatenate([*self.own.values(), *self.shuffled.values(), self.entropy]).T
        return pd.concat([frame, values], axis=1)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: the curves, every word, and the entropy."""
        return {"latent": self.curves, "words": self.word_table, "entropy": self.entropies}

    @property
    def summary(self) -> dict[str, Any]:
        """What was asked, how many words were used, the pivot's lead, the overtaking layer, and the provenance."""
        overtaken = self.overtaking
        reached = [int(each) if each <= self.layers else None for each in overtaken]
        return {
            "study": self.told,
            "words": len(self.questions),
            "words_used": len(self.used),
            "left_out": self.left_out,
            "pivot_leads_at": self.pivot_leads,
            "target_overtakes_at": dict(zip(("layer", "ci_low", "ci_high"), reached, strict=True)),
            "pivot_share": dict(zip(("share", "ci_low", "ci_high"), self.pivot_share, strict=True)),
            "provenance": self.traced,
        }

    @property
    def told(self) -> dict[str, Any]:
        """What was asked, as an export tells it: names in place of paths."""
        asked = self.request
        study = {name: value for name, value in asked.study.told.items() if name in _TOLD}
        return study | {
            "pivot": asked.pivot,
            "task": asked.task,
            "shots": asked.shots,
            "words": asked.words_name,
            "seed": asked.seed,
            "template": template_of(asked.task, asked.template),
        }

    @property
    def traced(self) -> dict[str, Any]:
        """The provenance as an export tells it, in local mode with the paths behind the names."""
        traced, words = self.study.traced(self.provenance), self.request.words
        if words != self.request.words_name and settings().mode == "local":
            traced["paths"] = traced.get("paths", {}) | {"words": words}
        return traced


def value_names(layers: int) -> list[str]:
    """The columns of `word_table` that hold numbers, in their order."""
    kinds = (*ROLES, *(f"{role}_baseline" for role in ROLES), "entropy")
    return [f"{kind}_{layer}" for kind in kinds for layer in range(1, layers + 1)]


def write_latent(answer: LatentAnswer, path: Path) -> None:
    """Writes an answer as Parquet. Raises OSError if it cannot."""
    write_checked(latent_frame(answer), _checksum(answer), path)


def latent_frame(answer: LatentAnswer) -> pd.DataFrame:
    """All of an answer as a frame: its words, with the provenance in every row."""
    return answer.word_table.assign(provenance=json.dumps(dict(answer.provenance), sort_keys=True))


def read_latent(path: Path, request: "LatentLanguage") -> LatentAnswer:
    """The answer that write_latent stored. Raises OSError or ValueError if the file is missing or damaged."""
    return read_checked(path, lambda frame: latent_from_frame(frame, request), _checksum)


def _checksum(answer: LatentAnswer) -> int:
    """CRC-32 of all that latent_frame stores."""
    asked = [[each.row, [each.words[role] for role in ROLES], each.prompt, each.reason] for each in answer.questions]
    numbers = np.concatenate([*answer.own.values(), *answer.shuffled.values(), answer.entropy])
    text = json.dumps([asked, dict(answer.provenance)], sort_keys=True)
    return zlib.crc32(numbers.tobytes(), zlib.crc32(text.encode()))


def latent_from_frame(frame: pd.DataFrame, request: "LatentLanguage") -> LatentAnswer:
    """The answer whose words and provenance stand in a frame, see latent_frame. Raises ValueError, KeyError."""
    asked = tuple(
        Question(int(row["row"]), {role: row[role] for role in ROLES}, row["prompt"], row["reason"])
        for row in frame[["row", *ROLES, "prompt", "reason"]].to_dict("records")
    )
    layers = sum(str(name).startswith("entropy_") for name in frame)
    values = frame.loc[frame["used"], value_names(layers)].to_numpy(np.float32).T
    parts = values.reshape(2 * len(ROLES) + 1, layers, -1)
    own = dict(zip(ROLES, parts, strict=False))
    shuffled = dict(zip(ROLES, parts[len(ROLES) :], strict=False))
    provenance = json.loads(frame["provenance"].iloc[0])
    request = replace(request, study=replace(request.study, dtype=provenance["dtype"]))
    return LatentAnswer(request, asked, own, shuffled, parts[-1], provenance)
