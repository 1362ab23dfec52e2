"""Do the paper's claims hold for this model, on this corpus? Each language against one target, extracted once.

Source: Huang et al. 2025, arXiv:2507.14900. The rules are in claim_rules, what is measured in claim_evidence.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from neuronxa_core.analyses.accuracies import COLUMNS, are_of
from neuronxa_core.analyses.claim_evidence import (
    COMPARED,
    LEVELS,
    Over,
    best_layers,
    evidence,
    found_pairs,
    half_scores,
    mean_accuracies,
    of_level,
    reported,
)
from neuronxa_core.analyses.claim_rules import CLAIMS, FEWEST, RULES, SOURCE, Evidence, Judged, Verdict, judge
from neuronxa_core.analyses.claim_tables import layer_rows, pair_rows
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.errors import OneLanguageError, StudyError
from neuronxa_core.metrics.bootstrap import percentile_interval
from neuronxa_core.metrics.crossed import crossed_means
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.analysis import AgainstTarget
from neuronxa_core.study.display import Shown
from neuronxa_core.study.result import SUMMARY_NAMES, StudyResult, fertility
from neuronxa_core.study.runner import find_against_target, run_against_target
from neuronxa_core.study.study import Study

Rows = tuple[tuple[str, str, str, float, str], ...]
"""Accuracies as rows of accuracies.COLUMNS, in a form that a request can hold."""
Others = tuple[tuple[str, tuple[Verdict, ...]], ...]
"""By model, the verdicts on FAMILY_CLAIMS in models of other families."""
PAPERS_TABLE: Mapping[tuple[str, State, str], float] = {
    ("FLORES-200", "embedding", "head"): 0.8378,
    ("FLORES-200", "embedding", "long-tail"): 0.4095,
    ("FLORES-200", "nas", "head"): 0.8707,
    ("FLORES-200", "nas", "long-tail"): 0.4220,
    ("Tatoeba", "embedding", "head"): 0.1686,
    ("Tatoeba", "embedding", "long-tail"): 0.1012,
    ("Tatoeba", "nas", "head"): 0.5778,
    ("Tatoeba", "nas", "long-tail"): 0.3247,
}
"""The paper's retrieval table, English and other languages, by corpus, state and resource level. Source: SOURCE."""
FAMILY_CLAIMS = (1, 2, 3, 4)
"""The claims that claim 7 asks of every family."""
FAMILIES = 7


@dataclass(frozen=True)
class ClaimsAnswer(Shown):
    """The verdicts on the seven claims, and what they rest on: the results of every language against the target.

    reason: why nothing was measured, if there are no results. accuracies: of this model, or None.
    others: by model, the verdicts on claims 1 to 4 in models of other families, on the same corpus.
    """

    study: Study
    results: tuple[StudyResult, ...]
    over: Over = "best"
    accuracies: pd.DataFrame | None = None
    reason: str = ""
    others: Others = ()

    @cached_property
    def layers(self) -> dict[State, int]:
        """The best layer of NAS and of embeddings, chosen on the half of the pairs that is not reported."""
        return best_layers(self.results)

    @cached_property
    def judged(self) -> tuple[Judged, ...]:
        """The verdict on each claim, in order."""
        found = evidence(self.results, self.over, self.accuracies)
        missing = Evidence(reason=self.reason)
        parts = {claim.number: [rule.part for rule in RULES if rule.claim == claim.number] for claim in CLAIMS}
        first = [
            judge(claim, [found.get((claim.number, part), missing) for part in parts[claim.number]])
            for claim in CLAIMS[:-1]
        ]
        own = tuple(each.verdict for each in first if each.claim.number in FAMILY_CLAIMS)
        return (*first, judge(CLAIMS[-1], [self._families(own)]))

    def _families(self, own: tuple[Verdict, ...]) -> Evidence:
        """In which share of families claims 1 to 4 hold; at least and at most, as far as they are undecided."""
        if not self.results:
            return Evidence(reason=self.reason)
        verdicts = [own, *(others for _, others in self.others)]
        holds = [all(each == "holds" for each in family) for family in verdicts]
        may_hold = [all(each != "fails" for each in family) for family in verdicts]
        return Evidence(float(np.mean(holds)), float(np.mean(holds)), float(np.mean(may_hold)), len(verdicts))

    @property
    def told(self) -> list[dict[str, Any]]:
        """The verdicts as claims.json has them: claim, verdict, value, low, high, n, rule; None where there is none."""
        return [
            {
                "claim": each.claim.number,
                "verdict": each.verdict,
                **{name: _or_none(getattr(each.found, name)) for name in ("value", "low", "high")},
                "n": each.found.n,
                "rule": each.rule_text,
            }
            for each in self.judged
        ]

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """One row per condition of each claim: its verdict, what was measured, threshold and rule."""
        rows = [
            {
                "claim": each.claim.number,
                "part": rule.part,
                "verdict": verdict,
                **found._asdict(),
                "threshold": float(rule.threshold),
                "side": rule.side,
                "unit": rule.unit,
                "fewest": rule.fewest,
                "rule": rule.text,
            }
            for each in self.judged
            for rule, found, verdict in each.conditions
        ]
        return pd.DataFrame(rows)

    @cached_property
    def retrieval(self) -> pd.DataFrame:
        """The paper's table: P@1 to and from the target by state and resource level, with the interval of their mean.

        layer: the one that was chosen, or `mean`. Levels without a language are left out.
        """
        rows = []
        for state in reversed(COMPARED):
            for level in LEVELS:
                group = of_level(self.results, level)
                if group:
                    both = reported(found_pairs(group, state, self.layers, self.over), self.over)
                    mean = both.mean(axis=0)
                    low, high = percentile_interval(crossed_means(mean)) if len(group) >= FEWEST else (np.nan, np.nan)
                    rows.append(
                        {
                            "state": state,
                            "level": level,
                            "languages": len(group),
                            "layer": "mean" if self.over == "mean" else str(self.layers[state]),
                            "target_to_source": float(both[1].mean()),
                            "source_to_target": float(both[0].mean()),
                            "mean": float(mean.mean()),
                            "mean_low": float(low),
                            "mean_high": float(high),
                        }
                    )
        columns = ["state", "level", "languages", "layer", "target_to_source", "source_to_target"]
        return pd.DataFrame(rows, columns=[*columns, "mean", "mean_low", "mean_high"])

    @cached_property
    def languages(self) -> pd.DataFrame:
        """One row per language: level, NASCA, NAVCA and MEXA, NASCA of either half, P@1 both ways, fertility.

        With accuracies their mean over the benchmarks, for claim 6.
        """
        halves = half_scores(self.results) if self.results else np.zeros((2, 0))
        ways = {state: self._ways(state) for state in COMPARED} if self.results else {}
        accuracy = None if self.accuracies is None else mean_accuracies(self.accuracies)
        rows = []
        for place, result in enumerate(self.results):
            known = language(result.study.source)
            row: dict[str, object] = {"language": known.code, "name": known.name, "level": known.resource_level}
            row |= {SUMMARY_NAMES[state]: result.mean(state) for state in STATES}
            row |= {"nasca_half": halves[0, place], "nasca_other_half": halves[1, place]}
            for state, (forth, back) in ways.items():
                row |= {f"{state}_source_to_target": forth[place], f"{state}_target_to_source": back[place]}
            row["fertility"] = fertility(result.provenance, known.code)
            rows.append(row if accuracy is None else row | {"accuracy": accuracy.get(known.code, np.nan)})
        return pd.DataFrame(rows)

    def _ways(self, state: State) -> Any:
        return reported(found_pairs(self.results, state, self.layers, self.over), self.over).mean(axis=-1)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The exported tables: every condition, the paper's retrieval table, the languages, and what they rest on."""
        return {
            "conditions": self.conditions,
            "retrieval": self.retrieval,
            "languages": self.languages,
            "layers": layer_rows(self.results),
            "pairs": pair_rows(self.results, self.layers, self.over),
        }

    @property
    def summary(self) -> dict[str, Any]:
        """The study, the verdicts, the layers that were chosen, and the provenance of each language."""
        return {
            "study": self.study.told,
            "source": SOURCE,
            "claims": self.told,
            "over": self.over,
            "layers": dict(self.layers),
            "languages": [each.study.source for each in self.results],
            "other_models": {name: list(verdicts) for name, verdicts in self.others},
            "provenance": {each.study.source: each.study.traced(each.provenance) for each in self.results},
        }


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


@dataclass(frozen=True)
class Claims(AgainstTarget):
    """Do the paper's claims hold for this model, on these languages? They may be none, which leaves all undecided.

    over: where P@1 is taken, see claim_evidence.Over. accuracies: rows of accuracies.COLUMNS, see rows_of. others: see
    ClaimsAnswer, which gallery.claims adds.
    """

    name: ClassVar[str] = "claims"
    over: Over = "best"
    accuracies: Rows = ()
    others: Others = ()

    def __post_init__(self) -> None:
        if self.languages:
            super().__post_init__()

    @property
    def obstacle(self) -> str:
        """Why this corpus cannot be measured at all, in a sentence; empty if it can. Raises CorpusError."""
        target = self.study.target
        there: tuple[str, ...] = ()
        with suppress(OneLanguageError):
            there = tuple(open_corpus(self.study.corpus).languages)
        if target not in there and len(there) < 2:
            return "The corpus has only one language."
        if target not in there:
            pivot = "English, the paper's pivot" if target == ENGLISH else language(target).name
            return f"The corpus has no {pivot}; another language to compare with can be named."
        return "" if self.languages else f"The corpus has no language besides {language(target).name}."

    def sentences(self) -> list[str]:
        return [] if self.obstacle else super().sentences()

    def cached(self) -> ClaimsAnswer | None:
        if self.obstacle:
            return self.answer(())
        results = find_against_target(self.study, self.languages)
        return self.answer(results) if results else None

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> ClaimsAnswer:
        if self.obstacle:
            return self.answer(())
        return self.answer(run_against_target(self.study, self.languages, device=device, watcher=watcher))

    def answer(self, results: tuple[StudyResult, ...]) -> ClaimsAnswer:
        """The answer from the results of all languages, in their order; from none, why nothing was measured."""
        study = results[0].study if results else self.study
        accuracies = pd.DataFrame(list(self.accuracies), columns=list(COLUMNS)) if self.accuracies else None
        return ClaimsAnswer(study, results, self.over, accuracies, "" if results else self.obstacle, self.others)


def rows_of(accuracies: pd.DataFrame, model: str) -> Rows:
    """The accuracies of a model for a request. A file about a single model, whatever its name, is taken as about it.

    Raises StudyError if there are several models and this is none of them.
    """
    names = list(dict.fromkeys(accuracies["model"]))
    ours = [name for name in names if are_of(name, model)] or (names if len(names) == 1 else [])
    if not ours:
        raise StudyError(
            f"None of the accuracies is of {model}; they are of {', '.join(map(str, names[:4]))}.",
            "Keep the rows of this model only.",
        )
    chosen = accuracies[accuracies["model"] == ours[0]]
    return tuple(tuple(row) for row in chosen[list(COLUMNS)].itertuples(index=False))


def claims_on_all(study: Study, codes: tuple[str, ...], **more: Any) -> Claims:
    """The request on these languages without the target; on none if there is no other."""
    target = study.target
    others = tuple(code for code in codes if code != target)
    return Claims(replace(study, source=others[0]) if others else study, others, **more)
