"""The paper's seven claims, the conditions that each is tested by, and the thresholds, all in one place.

A claim is one condition or two. A condition names what is measured and a threshold; it holds if the 95 percent interval
lies on the claimed side of the threshold, fails if it lies on the other side, and is undecided in between, with too few
languages or without an interval. No verdict depends on anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from neuronxa_core.metrics import correlation
from neuronxa_core.numbers import CONFIDENCE, SPACE

Verdict = Literal["holds", "fails", "undecided"]
FEWEST = 3
"""Languages in a group for an interval over them."""
FEWEST_FAMILIES = 3
SOURCE = "Huang et al. 2025, arXiv:2507.14900"
_ONE = {"languages": "language", "model families": "model family"}
VERDICTS: dict[Verdict, str] = {
    "holds": "Holds here",
    "fails": "Does not hold here",
    "undecided": "Cannot be told from this",
}


@dataclass(frozen=True)
class Rule:
    """One condition of a claim. side: of the threshold, where the interval must lie. of: what is counted and resampled.

    unit: of value and threshold, empty for a coefficient or a share.
    """

    claim: int
    part: str
    measure: str
    threshold: float
    side: Literal["above", "below"] = "above"
    unit: str = "points"
    fewest: int = FEWEST
    of: str = "languages"

    @property
    def text(self) -> str:
        """What is measured and when it holds, in two sentences."""
        other = "below" if self.side == "above" else "above"
        at = f"{self.threshold:g}{SPACE}{self.unit}".strip(SPACE)
        return (
            f"{self.measure}. Holds if the {CONFIDENCE} interval lies {self.side} {at}, fails if it lies {other}, and "
            f"is undecided otherwise or with fewer than {self.fewest} {self.of}."
        )


@dataclass(frozen=True)
class Claim:
    """A claim of the paper. statement: paraphrased; figure: the paper's own; test: how it is tested here, in a line."""

    number: int
    title: str
    statement: str
    figure: str
    test: str
    caution: str


CLAIMS: tuple[Claim, ...] = (
    Claim(
        1,
        "NAS finds translations better than embeddings",
        "Retrieval by neuron activation states beats retrieval by embeddings in both directions, for head and for "
        "long-tail languages.",
        "FLORES-200: 87.07 against 83.78 % (head), 42.20 against 40.95 % (long-tail). Tatoeba: 57.78 against 16.86 % "
        "(head), 32.47 against 10.12 % (long-tail).",
        "P@1 by NAS minus P@1 by embedding, mean of both directions, above 0 for head and for long-tail languages.",
        "Both states are read at the layer that is best for each; what a probe of several layers would find is not "
        "measured.",
    ),
    Claim(
        2,
        "NAS is nearly symmetric where embeddings are not",
        "Whether one searches from English or from the other language hardly matters by NAS, and much by embedding.",
        "Embeddings differ by up to 30.73 points between the directions on Tatoeba.",
        "The embedding's gap between the directions exceeds that of NAS, which is below 5 points. The direction of "
        "each language's gap is taken from one half of the pairs, its size from the other.",
        "A model that finds nothing, or everything, is symmetric too.",
    ),
    Claim(
        3,
        "Scores peak in middle layers",
        "Alignment is lowest in the first and in the last layers and highest in between.",
        "A curve for each model, without a figure in the text.",
        "The NAS score of the middle half of the layers exceeds that of the first quarter and that of the last.",
        "A model may peak anywhere within its middle half; the picture shows where.",
    ),
    Claim(
        4,
        "High-resource languages are far ahead, and NAS gains more for the others",
        "Pairs of high-resource languages score far above low-resource ones, and the advantage of NAS over embeddings "
        "is larger for the low-resource ones.",
        "NASCA 0.8372 for Italian and French, 0.2191 for Gujarati and Banjar.",
        "Head languages score at least 10 points above long-tail ones by NASCA, and NAS gains more P@1 over embeddings "
        "for long-tail than for head languages.",
        "In points, the paper's own retrieval table has the larger gain for head languages (3.29 against 1.25 on "
        "FLORES-200, 40.92 against 22.35 on Tatoeba). Resource levels are those of XLM-R's training data, not this "
        "model's.",
    ),
    Claim(
        5,
        "100 pairs are enough",
        "The score of a language is stable with 100 sentence pairs.",
        "100 pairs, without an error in the text.",
        "Correlation over languages between the NASCA of two separate halves of the pairs, stepped up or down to sets "
        "of 100 pairs (Spearman and Brown), above 0.8.",
        "Both halves have the same rivals, and the same source of sentences. Very unequal languages are easy to rank.",
    ),
    Claim(
        6,
        "NASCA goes with downstream performance better than MEXA",
        "Over languages, NASCA correlates more strongly with the accuracy on multilingual benchmarks than MEXA does.",
        "Pearson 0.9326 against 0.8370 on XNLI, 0.7701 against 0.7463 on BMLAMA-53, 0.8312 against 0.8291 on average.",
        "Pearson's r of NASCA with accuracy minus that of MEXA, over languages, above 0.",
        "Needs accuracies of this model. A difference of two correlations over few languages is rarely sure.",
    ),
    Claim(
        7,
        "It holds for several model families",
        "The results are the same for several model families.",
        "LLaMA, Qwen, Mistral, GLM and OLMo, 7B to 14B.",
        "Claims 1 to 4 hold in every one of at least 3 model families.",
        "Models of one family share tokenizer and training data. Precomputed models of other families count too, on "
        "the same corpus.",
    ),
)

RULES: tuple[Rule, ...] = (
    Rule(1, "head", "P@1 by NAS minus P@1 by embedding, mean of both directions, head languages", 0),
    Rule(1, "long-tail", "P@1 by NAS minus P@1 by embedding, mean of both directions, long-tail languages", 0),
    Rule(2, "difference", "Gap between the directions by embedding minus that by NAS", 0),
    Rule(2, "nas", "Gap between the directions by NAS", 5, "below"),
    Rule(3, "first", "NAS score of the middle half of the layers minus that of the first quarter", 0),
    Rule(3, "last", "NAS score of the middle half of the layers minus that of the last quarter", 0),
    Rule(4, "level", "NASCA of head languages minus that of long-tail languages", 10),
    Rule(4, "gain", "P@1 that NAS gains over embedding for long-tail languages minus that for head languages", 0),
    Rule(5, "halves", "Correlation of NASCA between two sets of 100 pairs", 0.8, unit="", fewest=correlation.FEWEST),
    Rule(
        6, "over_mexa", "Pearson's r of NASCA with accuracy minus that of MEXA", 0, unit="", fewest=correlation.FEWEST
    ),
    Rule(
        7,
        "families",
        "Share of model families in which claims 1 to 4 hold; its interval counts what is undecided first as failing, "
        "then as holding",
        0.99,
        unit="",
        fewest=FEWEST_FAMILIES,
        of="model families",
    ),
)
"""The conditions of every claim, in order."""


class Evidence(NamedTuple):
    """What was measured for a condition: value with 95 percent interval, NaN where there is none; n: of `Rule.of`.

    reason: why there is no value or no interval, where that is not the number of languages.
    """

    value: float = np.nan
    low: float = np.nan
    high: float = np.nan
    n: int = 0
    reason: str = ""


def verdict_of(rule: Rule, found: Evidence) -> Verdict:
    """Whether a condition holds. An end that lies on the threshold does not lie beyond it."""
    if found.n < rule.fewest or np.isnan([found.value, found.low, found.high]).any():
        return "undecided"
    above, below = found.low > rule.threshold, found.high < rule.threshold
    if not (above or below):
        return "undecided"
    return "holds" if above == (rule.side == "above") else "fails"


def why_undecided(rule: Rule, found: Evidence) -> str:
    """Why a condition is undecided, in a sentence."""
    if found.reason:
        return found.reason
    if found.n < rule.fewest:
        counted = _ONE[rule.of] if found.n == 1 else rule.of
        return f"{found.n or 'No'} {counted} measured, at least {rule.fewest} needed."
    if np.isnan([found.value, found.low, found.high]).any():
        return "What was measured does not vary, so there is no coefficient."
    return f"The interval includes {rule.threshold:g}."


class Judged(NamedTuple):
    """The verdict on a claim, with the condition that decides it."""

    claim: Claim
    verdict: Verdict
    rule: Rule
    found: Evidence
    conditions: tuple[tuple[Rule, Evidence, Verdict], ...]

    @property
    def reason(self) -> str:
        """Why it cannot be told; empty for a verdict."""
        return why_undecided(self.rule, self.found) if self.verdict == "undecided" else ""

    @property
    def rule_text(self) -> str:
        """The deciding condition's rule, which one it is, and why it is undecided if it is."""
        count = len(self.conditions)
        place = [rule for rule, _, _ in self.conditions].index(self.rule) + 1
        which = f"Condition {place} of {count}, which decides: " if count > 1 else ""
        return f"{which}{self.rule.text}{f' Undecided: {self.reason}' if self.reason else ''}"


def judge(claim: Claim, evidence: Sequence[Evidence]) -> Judged:
    """The verdict on a claim from the evidence for each of its RULES, in their order.

    A condition without a single language leaves the claim undecided, since it was made about those too. Otherwise one
    that fails decides, then one that is undecided; a claim holds if all of its conditions do.
    """
    rules = [rule for rule in RULES if rule.claim == claim.number]
    conditions = [(rule, found, verdict_of(rule, found)) for rule, found in zip(rules, evidence, strict=True)]
    order = [
        *[each for each in conditions if each[1].n == 0],
        *[each for each in conditions if each[2] == "fails"],
        *[each for each in conditions if each[2] == "undecided"],
        *sorted(conditions, key=lambda each: abs(each[1].value - each[0].threshold)),
    ]
    rule, found, verdict = order[0]
    return Judged(claim, verdict, rule, found, tuple(conditions))
