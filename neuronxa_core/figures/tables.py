"""Tables as people read them: titles, number formats and help texts of columns, and words for codes."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from neuronxa_core.analyses.space import MEASURES, TABLED
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import SCORE_NAMES, STATE_NAMES
from neuronxa_core.figures.projection.numbers import NUMBER_NAMES
from neuronxa_core.numbers import CONFIDENCE, MISSING, decimal, score, signed
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.result import SUMMARY_NAMES


@dataclass(frozen=True)
class Column:
    """How a column is shown.

    title: heading. pattern: printf format of its numbers, empty for text. help: tooltip. width: pixels, on a page.
    """

    title: str
    pattern: str = ""
    help: str = ""
    width: int | None = None


def _with_interval(name: str, stem: str, column: Column, how: str = "") -> Iterator[tuple[str, Column]]:
    """A column, and those of the two ends of its 95 % interval, named `stem`_low and `stem`_high. how: it was made."""
    yield name, column
    title = column.title.partition(",")[0]
    for end, said in (("low", "from"), ("high", "to")):
        yield (
            f"{stem}_{end}",
            Column(
                f"{title}, {CONFIDENCE} {said}{how}", column.pattern, f"Bound of the {CONFIDENCE} interval of {title}"
            ),
        )


def _of_states() -> Iterator[tuple[str, Column]]:
    """The columns of each state."""
    for state in STATES:
        name, score, summary = STATE_NAMES[state], SCORE_NAMES[state], SUMMARY_NAMES[state]
        yield state, Column(name, "%.2f")
        yield from _with_interval(summary, summary, Column(score, "%.2f", f"Mean of the {name} score over the layers"))
        gap = Column(f"{name} gap, points", "%+.1f", "P@1 from the language minus P@1 back, mean over the layers")
        yield from _with_interval(f"{state}_gap", state, gap)
        yield f"{state}_peak", Column(f"{name} peak", "%.2f", "Score of the best layer")
        yield f"{state}_peak_layer", Column(f"Layer of the {name} peak", "%d")
        depth = "Relative depth of the best layer, from 0 (first) to 1 (last), mean over the languages"
        yield f"{state}_peak_depth", Column(f"Depth of the {name} peak", "%.2f", depth)
        yield f"{state}_adjusted", Column(f"{score}, adjusted", "%.2f", "Score times the accuracy in English")
        for each in TABLED:
            yield f"{state}_{each.name}", Column(f"{name} {each.label}", "%.3f", f"{each.help} Mean over the layers.")
        yield f"{state}_cosine", Column(f"{name} cosine", "%.3f")
        yield f"{state}_margin", Column(f"{name} margin", "%.3f", "Cosine minus that of the strongest rival")
        for way, arrow, others in (("source_to_target", "→", "target"), ("target_to_source", "←", "source")):
            rank = f"Rank of the translation among all {others} sentences"
            yield f"{state}_{way}", Column(f"{name} P@1 {arrow}", "%.2f")
            yield f"{state}_rank_{way}", Column(f"{name} rank {arrow}", "%d", rank)


COLUMNS: Mapping[str, Column] = {
    **{name: Column(title, "%.2f") for name, title in NUMBER_NAMES.items()},
    "state": Column("State"),
    "layer": Column("Layer", "%d"),
    "depth": Column("Relative depth", "%.2f", "0 is the token embedding, 1 the last layer"),
    "score": Column("Score", "%.2f", "Share of pairs that are each other's only nearest neighbour"),
    "ci_low": Column(f"{CONFIDENCE} from", "%.2f", f"Lower end of the {CONFIDENCE} interval"),
    "ci_high": Column(f"{CONFIDENCE} to", "%.2f", f"Upper end of the {CONFIDENCE} interval"),
    "source_to_target": Column("P@1 source → target", "%.2f", "Share of source sentences nearest to their translation"),
    "target_to_source": Column("P@1 target → source", "%.2f", "Share of target sentences nearest to their translation"),
    **dict(_with_interval("gap", "gap", Column("Gap, points", "%+.1f", "P@1 source → target minus target → source"))),
    **dict(_of_states()),
    "name": Column("Language"),
    "language": Column("Language"),
    "code": Column("Code"),
    "source": Column("Source language"),
    "target": Column("Target language"),
    "own name": Column("Own name"),
    "family": Column("Family"),
    "script": Column("Script"),
    "direction": Column("Direction"),
    "resources": Column("Resources", help="Head languages are those XLM-R was trained on; all others are long-tail."),
    "level": Column("Resources", help="Head languages are those XLM-R was trained on; all others are long-tail."),
    "languages": Column("Languages", "%d"),
    "sentences": Column("Sentences", "%d"),
    "characters": Column("Characters", "%.0f", "Per sentence, mean over the pairs in use"),
    "tokens": Column("Tokens", "%.1f", "Per sentence, special tokens included"),
    "fertility": Column("Fertility", "%.2f", "Tokens per English token on the same sentences"),
    "unknown": Column("Unknown tokens", "%.3f", "Share of tokens for which the tokenizer has no entry"),
    "gain": Column("NAS minus embedding", "%+.2f"),
    **dict(_with_interval("mean", "mean", Column("Mean", "%.2f"))),
    "measure": Column("Measure"),
    "pairs": Column("Pairs", "%d"),
    "rank_correlation": Column("Rank correlation", "%.2f", "Spearman, with the ranking by all pairs"),
    "change": Column("Choice"),
    "variant": Column("Variant"),
    "reference": Column("Score of the reference", "%.2f"),
    **dict(_with_interval("difference", "difference", Column("Difference", "%+.2f"))),
    "benchmark": Column("Benchmark"),
    "accuracy": Column("Accuracy", "%.3f"),
    **{
        name: column
        for method in ("pearson", "spearman")
        for stem, how in ((method, " (resampled)"), (f"{method}_fisher", " (Fisher)"))
        for name, column in _with_interval(method, stem, Column(method.capitalize(), "%.2f"), how)
    },
    **dict(
        _with_interval("over_mexa", "over_mexa", Column("Minus MEXA", "%+.2f", "Pearson's r minus that of MEXA")),
    ),
    "slope": Column("Slope", "%.2f", "Of the least-squares line"),
    "intercept": Column("Intercept", "%.2f", "Of the least-squares line"),
    "all": Column("Active in all", "%.3f", "Share of the layer's neurons"),
    "some": Column("Active in some", "%.3f", "Share of the layer's neurons"),
    "one": Column("Active in one", "%.3f", "Share of the layer's neurons"),
    "none": Column("Active in none", "%.3f", "Share of the layer's neurons"),
    "overlap": Column("Overlap", "%.2f", "Neurons active in both languages over those active in either"),
    "place": Column("Token no.", "%d", "Place in the sentence, from 1"),
    "token": Column("Token"),
    "activation": Column("Activation", "%.3f"),
    "neuron": Column("Neuron", "%d", "Index in the layer, from 0"),
    "lape": Column("LAPE", "%.3f", "Entropy of the rates over the languages; 0 if active in one language only"),
    "rate": Column("Rate", "%.3f", "Share of the language's tokens on which the neuron is active"),
    "neurons_of": Column("Neurons of"),
    "measured_in": Column("Measured in"),
    "neurons": Column("Neurons", "%d"),
    "control": Column("Random", "%+.3f", "Mean change under random neurons of the same number in the same layers"),
    "rate_elsewhere": Column("Rate elsewhere", "%.3f", "Mean rate in the other languages"),
    "role": Column("Role"),
    "pivot": Column("Pivot"),
    "probability": Column("Probability", "%.4f", "Of the answer's first tokens, mean over the words"),
    "baseline": Column("Baseline", "%.4f", "Mean over the other words' answers"),
    "entropy": Column("Entropy, bits", "%.1f", "Of the prediction, mean over the words"),
    "row": Column("Row", "%d", "In the word list"),
    "used": Column("Used"),
    "reason": Column("Why not"),
    "prompt": Column("Prompt"),
    "words": Column("Words", "%d", "Used, of the word list"),
    **dict(_with_interval("pivot_share", "pivot_share", Column("Pivot's share", "%.2f"))),
    **dict(_with_interval("overtaking", "overtaking", Column("Overtaking layer", "%d"))),
    "nasca": Column("NASCA", "%.2f", "Of target and pivot, on the study's corpus"),
    "rank": Column("Rank", "%d"),
    "nasca_half": Column("NASCA, one half", "%.2f", "Of the 1st, 3rd, 5th … pair"),
    "nasca_other_half": Column("NASCA, other half", "%.2f", "Of the 2nd, 4th, 6th … pair"),
    "candidate": Column("Next token"),
    **{
        name: column
        for each in MEASURES
        for name, column in _with_interval(each.name, each.name, Column(each.label, "%.3f", each.help))
    },
}
"""Columns by their name in the exports. A table with another meaning for a name overrides it."""

_STATES: dict[str, str] = {state: STATE_NAMES[state] for state in STATES}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "state": dict(_STATES),
    "measure": {**_STATES, "gain": "NAS minus embedding"},
    "direction": {"ltr": "Left to right", "rtl": "Right to left"},
    "resources": {"head": "Head", "long-tail": "Long-tail"},
    "level": {"head": "Head", "long-tail": "Long-tail"},
}
_LANGUAGES = ("language", "source", "target", "neurons_of", "measured_in")
_CODE = re.compile("[a-z]{3}_[A-Z][a-z]{3}")


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table with codes spelled out: NAS for `nas`, French for `fra_Latn`. Column names are unchanged.

    If there is a column of language names, codes are kept, for column_config to hide.
    """
    shown = table.copy()
    for name in map(str, shown.columns):
        if name in _WORDS:
            shown[name] = [_WORDS[name].get(value, value) for value in shown[name]]
        elif name in _LANGUAGES and (name in ("neurons_of", "measured_in") or "name" not in shown):
            shown[name] = [_language(value) for value in shown[name]]
    return shown


def _language(value: object) -> object:
    return language(value).name if isinstance(value, str) and _CODE.fullmatch(value) else value


def text_of(column: Column) -> Callable[[Any], str] | None:
    """The text of a number in the column; None for a column of text.

    Of `%.2f` and `%+.2f`, digits and sign count: the text itself is written as `numbers` writes it everywhere.
    """
    found = _PATTERN.fullmatch(column.pattern)
    if not found:
        return None
    digits = int(found["digits"] or 0)
    if found["kind"] == "d":
        return lambda value: f"{value:.0f}"
    if found["sign"]:
        return partial(signed, digits=digits)
    return partial(score if digits > 1 else decimal, digits=digits)


_PATTERN = re.compile(r"%(?P<sign>\+?)(\.(?P<digits>\d))?(?P<kind>[df])")


def known(names: Iterable[str], own: Mapping[str, Column] | None = None) -> dict[str, Column]:
    """What is known of these columns, by name. own: columns with another meaning than in COLUMNS."""
    found = {name: (own or {}).get(name) or COLUMNS.get(name) for name in names}
    return {name: column for name, column in found.items() if column}


def texts(columns: Mapping[str, Column]) -> dict[str, Callable[[Any], str]]:
    """`text_of` of the columns that have numbers."""
    found = {name: text_of(column) for name, column in columns.items()}
    return {name: text for name, text in found.items() if text}


def html_table(table: pd.DataFrame) -> str:
    """The table as people read it, in HTML: titles for column names, words for codes, a dash for what is missing."""
    shown = readable(table)
    if {"language", "name"} <= set(shown):
        shown = shown.drop(columns="language")
    columns = known(map(str, shown))
    for name, text in texts(columns).items():
        shown[name] = [MISSING if pd.isna(value) else text(value) for value in shown[name]]
    titled = shown.rename(columns={name: column.title for name, column in columns.items()})
    return str(titled.to_html(index=False, border=0, na_rep=MISSING))
