"""Titles, number formats and help texts for the columns of tables."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from neuronxa_core.analyses.space import MEASURES
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.palette import SCORE_NAMES, STATE_NAMES
from neuronxa_core.numbers import CONFIDENCE
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.result import SUMMARY_NAMES


@dataclass(frozen=True)
class Column:
    """How a column is shown. title: heading. pattern: printf format of its numbers, empty for text. help: tooltip."""

    title: str
    pattern: str = ""
    help: str = ""


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
        yield f"{state}_cosine", Column(f"{name} cosine", "%.3f")
        yield f"{state}_margin", Column(f"{name} margin", "%.3f", "Cosine minus that of the strongest rival")
        for way, arrow, others in (("source_to_target", "→", "target"), ("target_to_source", "←", "source")):
            rank = f"Rank of the translation among all {others} sentences"
            yield f"{state}_rank_{way}", Column(f"{name} rank {arrow}", "%d", rank)


COLUMNS: Mapping[str, Column] = {
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
    "mean": Column("Mean", "%.2f"),
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
    "candidate": Column("Next token"),
    **{
        name: column
        for each in MEASURES
        for name, column in _with_interval(each.name, each.name, Column(each.label, "%.3f", each.help))
    },
}
"""Columns by their name in the exports. A table with another meaning for a name overrides it, see look.table."""

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
    for name in shown.columns:
        if name in _WORDS:
            shown[name] = [_WORDS[name].get(value, value) for value in shown[name]]
        elif name in _LANGUAGES and (name in ("neurons_of", "measured_in") or "name" not in shown):
            shown[name] = [_language(value) for value in shown[name]]
    return shown


def _language(value: object) -> object:
    return language(value).name if isinstance(value, str) and _CODE.fullmatch(value) else value


def column_config(names: Iterable[str], own: Mapping[str, Column]) -> dict[str, object]:
    """Streamlit's `column_config` for the columns that have a title; None hides one. own: overrides COLUMNS."""
    offered = list(names)
    known = {name: own.get(name) or COLUMNS.get(name) for name in offered}
    config = {name: _config(column) for name, column in known.items() if column}
    return config | ({"language": None} if {"language", "name"} <= set(offered) else {})


def _config(column: Column) -> object:
    if column.pattern:
        return st.column_config.NumberColumn(column.title, format=column.pattern, help=column.help or None)
    return st.column_config.Column(column.title, help=column.help or None)
