"""Traps: studies that go wrong on purpose, each beside the one that it should be compared with.

Nothing is simulated: every score is that of a study, of sentences of the corpus as they are, or repeated, shuffled,
labelled or written in other letters, which are kept as a corpus of their own.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import pandas as pd

from neuronxa_core.corpora.uploads import corpus_of
from neuronxa_core.errors import StudyError
from neuronxa_core.metrics.bootstrap import bootstrap_interval
from neuronxa_core.metrics.scoring import chance_rate
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Together, Watcher
from neuronxa_core.study.analysis import pair_sentences
from neuronxa_core.study.display import Shown
from neuronxa_core.study.parquet import read_checked, write_checked
from neuronxa_core.study.result import StudyResult, from_frame
from neuronxa_core.study.runner import find_result, run_study
from neuronxa_core.study.study import Study

Trap = Literal["duplicates", "shredded", "labels", "few", "shuffled", "picked"]
TRAPS: tuple[Trap, ...] = get_args(Trap)
PAIRS = 100
REPEATED = 20
"""Pairs that stand in the corpus twice."""
FEW = 10
_MOVED = 37
"""Places by which the translations are moved: no sentence keeps its own."""
SHREDDED, LABELLED = "yor_Latn", "swh_Latn"
"""The language that the demo's tokenizer cuts finest, and one that it cuts no finer than others but hardly knows."""
_NAMES = ("Amina", "Bruno", "Chen", "Divya", "Emre", "Fatou", "Goran", "Hana", "Ivan", "Julia")


@dataclass(frozen=True)
class Reading:
    """One score of a trap. layer: 0 for the mean over layers."""

    name: str
    result: StudyResult
    layer: int = 0

    @property
    def score(self) -> float:
        """The share of aligned pairs in NAS, in [0, 1]."""
        outcomes = self.result.outcomes["nas"].mutual
        return float(outcomes[self.layer - 1].mean() if self.layer else outcomes.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 percent interval of the score over pairs."""
        outcomes = self.result.outcomes["nas"].mutual
        low, high = bootstrap_interval(outcomes[self.layer - 1].astype(float) if self.layer else outcomes.mean(axis=0))
        return float(low), float(high)

    @property
    def chance(self) -> float:
        return chance_rate(self.result.pairs)


@dataclass(frozen=True)
class TrapResults(Shown):
    """The results of all studies of the traps, by name. study: what they are compared with."""

    study: Study
    results: Mapping[str, StudyResult]

    def readings(self, trap: Trap) -> tuple[Reading, ...]:
        """The scores of a trap: first the one that it starts from, then what becomes of it."""
        found = {name: Reading(name, result) for name, result in self.results.items()}
        if trap == "labels":
            layer, _ = self.results["labelled"].peak("nas")
            pair = found["unlabelled"], found["labelled"]
            return *pair, *(replace(each, name=f"{each.name}_layer", layer=layer) for each in pair)
        if trap == "picked":
            layer, _ = self.results["few_shuffled"].peak("nas")
            mean, other = found["few_shuffled"], found["other_shuffled"]
            return mean, replace(mean, name="best_layer", layer=layer), replace(other, name="same_layer", layer=layer)
        return tuple(found[name] for name in _MEMBERS[trap])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported table: one row per trap and score."""
        rows = [
            {"trap": trap, "reading": each.name, "layer": each.layer, "pairs": each.result.pairs, "score": each.score}
            | dict(zip(("ci_low", "ci_high"), each.interval, strict=True))
            | {"chance": each.chance}
            for trap in TRAPS
            for each in self.readings(trap)
        ]
        return {"traps": pd.DataFrame(rows)}

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the scores, and the provenance of the study."""
        first = self.results["whole"]
        return {
            "study": self.study.told,
            "traps": self.tables["traps"].to_dict("records"),
            "provenance": self.study.traced(first.provenance),
        }


_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "duplicates": ("eighty", "repeated"),
    "shredded": ("whole", "other_letters", "shredded"),
    "few": ("whole", "half", "few"),
    "shuffled": ("whole", "shuffled"),
}


@dataclass(frozen=True)
class Traps:
    """What becomes of the score of a study if something is wrong with its pairs, or with how the score is read?

    Raises StudyError for a study that is not of its corpus's first hundred pairs.
    """

    name: ClassVar[str] = "traps"
    study: Study

    def __post_init__(self) -> None:
        if self.study.pairs != PAIRS or self.study.sample or self.study.leave_out:
            raise StudyError(f"The traps are laid with the first {PAIRS} pairs.", f"Use {PAIRS} pairs, and no sample.")

    @property
    def at_once(self) -> int:
        return 2 * PAIRS

    def studies(self) -> dict[str, Study]:
        """Every study by name; what its sentences are made of is kept as a corpus. Raises CorpusError, CacheError."""
        whole = self.study
        labelled = replace(whole, source=LABELLED)
        repeated = _kept(whole, lambda lines, _: lines[: PAIRS - REPEATED] + lines[:REPEATED])
        shuffled = _kept(whole, lambda lines, target: lines[_MOVED:] + lines[:_MOVED] if target else lines)
        return {
            "whole": whole,
            "half": replace(whole, pairs=PAIRS // 2),
            "few": replace(whole, pairs=FEW),
            "eighty": replace(whole, pairs=PAIRS - REPEATED),
            "repeated": repeated,
            "shredded": replace(whole, source=SHREDDED),
            "other_letters": _kept(whole, lambda lines, target: lines if target else [*map(other_letters, lines)]),
            "unlabelled": labelled,
            "labelled": _kept(labelled, lambda lines, _: [line + label(row) for row, line in enumerate(lines)]),
            "shuffled": shuffled,
            "few_shuffled": replace(shuffled, pairs=FEW),
            "other_shuffled": replace(shuffled, pairs=FEW, leave_out=f"1-{FEW}"),
        }

    def sentences(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each for study in self.studies().values() for each in pair_sentences(study)))

    def cached(self) -> TrapResults | None:
        found = {name: find_result(study) for name, study in self.studies().items()}
        there = {name: result for name, result in found.items() if result}
        return TrapResults(there["whole"].study, there) if len(there) == len(found) else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> TrapResults:
        studies, results = self.studies(), {}
        together = Together(watcher, sum(2 * study.pairs for study in studies.values()))
        for name, study in studies.items():
            results[name] = run_study(study, device=device, watcher=together)
            together.before += 2 * study.pairs
        return TrapResults(results["whole"].study, results)


def _kept(study: Study, change: Callable[[list[str], bool], list[str]]) -> Study:
    """The study on changed sentences. change: given a side's sentences, and whether they are the target's."""
    bitext = study.bitext()
    sides = {
        study.source: change(list(bitext.source_sentences), False),
        study.target: change(list(bitext.target_sentences), True),
    }
    return replace(study, corpus=corpus_of(sides, "trap"))


def label(row: int) -> str:
    """What a transcript puts behind its lines: a speaker and a number, here the same in both languages."""
    return f" ({_NAMES[row % len(_NAMES)]} {1000 + 37 * row})"


def other_letters(sentence: str) -> str:
    """The sentence in mathematical sans-serif letters, which read the same and which tokenizers hardly know."""
    return "".join(_other(each) for each in sentence)


def _other(letter: str) -> str:
    for first, start in (("a", 0x1D5BA), ("A", 0x1D5A0)):
        if first <= letter <= chr(ord(first) + 25):
            return chr(start + ord(letter) - ord(first))
    return letter


def write_traps(answer: TrapResults, path: Path) -> None:
    """Writes an answer as Parquet. Raises OSError if it cannot."""
    frames = [result.to_frame().assign(name=name) for name, result in answer.results.items()]
    write_checked(pd.concat(frames, ignore_index=True), _checksum(answer), path)


def read_traps(path: Path) -> TrapResults:
    """The answer that write_traps stored. Raises OSError or ValueError if the file is missing or damaged."""
    return read_checked(path, _results, _checksum)


def _results(frame: pd.DataFrame) -> TrapResults:
    by_name = frame.groupby("name", sort=False)
    results = {str(name): from_frame(rows.dropna(axis=1, how="all")) for name, rows in by_name}  # fields of some alone
    return TrapResults(results["whole"].study, results)


def _checksum(answer: TrapResults) -> int:
    """CRC-32 of all outcomes."""
    checksum = 0
    for name, result in answer.results.items():
        checksum = zlib.crc32(name.encode(), checksum)
        for outcomes in result.outcomes.values():
            for direction in outcomes:
                checksum = zlib.crc32(direction.tobytes(), checksum)
    return checksum
