"""The sentences under the pictures of the Models page. Markdown without links."""

import pandas as pd

from neuronxa_core.figures.palette import SCORE_NAMES
from neuronxa_core.states.sentences import State
from neuronxa_core.study.result import SUMMARY_NAMES


def comparison_finding(summary: pd.DataFrame, state: State) -> str:
    """Which variant aligns best on average over the languages. summary: as comparison.variant_summary gives it."""
    name = SUMMARY_NAMES[state]
    best = summary.loc[summary[name].idxmax()]
    languages = int(best["languages"])
    over = f"over {languages} languages" if languages > 1 else "in this language"
    interval = "" if pd.isna(best[f"{name}_low"]) else f" [{best[f'{name}_low']:.2f}, {best[f'{name}_high']:.2f}]"
    others = ", ".join(
        f"{row['variant']} {row[name]:.2f}" for _, row in summary.iterrows() if row["variant"] != best["variant"]
    )
    return f"{best['variant']} aligns best by {SCORE_NAMES[state]} {over}: {best[name]:.2f}{interval}; {others}."


def difference_finding(table: pd.DataFrame, variant: str, reference: str) -> str:
    """How many languages gain and lose for certain, and who gains most. table: as comparison.language_differences gives it."""
    gained, lost = int((table["ci_low"] > 0).sum()), int((table["ci_high"] < 0).sum())
    first, last = table.iloc[0], table.iloc[-1]
    text = f"With {variant} instead of {reference}, {gained} of {len(table)} languages gain and {lost} lose beyond their intervals"
    if len(table) == 1:
        return f"{text} ({first['difference']:+.2f})."
    return f"{text}; {first['name']} gains most ({first['difference']:+.2f}), {last['name']} least ({last['difference']:+.2f})."
