"""What a store has, as text and as one table of scores."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from neuronxa_core.numbers import count
from neuronxa_core.study.naming import corpus_name, model_name
from neuronxa_core.study.rows import SCORES, layer_scores
from neuronxa_core.sweep.store import Failure, Store

SETTINGS = ("revision", "adapter", "neurons", "pairs", "site", "pooling", "dtype")
"""In what the results of a model on a corpus may differ, besides the languages."""


def listing(store: Store) -> list[str]:
    """One line per model, corpus and settings with its number of results; then what is missing, and what failed."""
    rows = store.rows(["model", "corpus", "source", "target", *SETTINGS, *SCORES])
    found = []
    if len(rows):
        for values, group in rows.groupby(["model", "corpus", *SETTINGS], sort=True):
            row = dict(zip(("model", "corpus", *SETTINGS), values, strict=True))
            about = ", ".join(str(row[name]) for name in SETTINGS if row[name] and name != "pairs")
            found.append(
                f"{model_name(row['model'])}, {corpus_name(row['corpus'])}, {row['pairs']} pairs, {about}: "
                f"{count(len(group), 'result')}, {count(group['source'].nunique(), 'language')}, "
                f"mean NASCA {group['nasca'].mean():.4f}"
            )
    failures = store.failures(rows["key"])
    left = store.planned() - set(rows["key"])
    found.append(f"{count(len(rows), 'result')}, {len(left):,} of the planned tasks missing, {len(failures):,} failed")
    return [*found, *_failed(failures.values())]


def _failed(failures: Iterable[Failure]) -> list[str]:
    """One line per model, corpus and reason, in the order of time."""
    alike: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for failure in sorted(failures, key=lambda each: each.when):
        names = model_name(failure.study["model"]), corpus_name(failure.study["corpus"])
        alike.setdefault((*names, f"{failure.problem} {failure.next_step}"), []).append(failure.study)
    lines = []
    for (model, corpus, why), studies in alike.items():
        more = f" and {count(len(studies) - 1, 'other pair')}" if len(studies) > 1 else ""
        lines.append(f"failed: {model}, {corpus}, {studies[0]['source']} -> {studies[0]['target']}{more}: {why}")
    return lines


def scores(store: Store) -> pd.DataFrame:
    """Every state and layer of every task, see rows.layer_scores; models of the same name are numbered."""
    rows = store.rows()
    if rows.empty:
        return pd.DataFrame(columns=["model", "corpus", *_KEYS])
    rows = rows.sort_values(["model", "corpus", *SETTINGS, "source", "target"], kind="stable")
    models, corpora = _names(rows["model"], model_name), _names(rows["corpus"], corpus_name)
    frames = [
        layer_scores(row, {"model": models[row["model"]], "corpus": corpora[row["corpus"]]})
        for row in rows.to_dict("records")
    ]
    return pd.concat(frames, ignore_index=True)


_KEYS = ("source", "target", "state", "layer", "score", "source_to_target", "target_to_source")


def _names(values: Any, named: Any) -> dict[str, str]:
    """A name for every model or corpus; those of the same name are numbered."""
    names: dict[str, str] = {}
    for value in dict.fromkeys(values):
        name = named(value)
        again = sum(each.partition(" (")[0] == name for each in names.values())
        names[value] = f"{name} ({again + 1})" if again else name
    return names
