"""Many models on many languages, ranked: from one row per model and language, as a store of sweeps has them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from neuronxa_core.analyses.models import FEWEST, variant_names
from neuronxa_core.corpora.languages import Language, language
from neuronxa_core.metrics.bootstrap import percentile_interval, resampled_means
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.result import SUMMARY_NAMES
from neuronxa_core.study.study import Study, study_of

TEXT = ("corpus", "target", "pairs", "sample", "leave_out")
"""What must be the same for scores to be compared: the sentences."""
_VARIANT = ("model", "revision", "adapter", "neurons", "site", "pooling", "dtype")


def texts_of(rows: pd.DataFrame) -> list[tuple[str, str, int, int, str]]:
    """The sentences on which there are results, as values of TEXT; those with most results first."""
    counted = rows.groupby(list(TEXT), sort=True).size().sort_values(ascending=False, kind="stable")
    return [tuple(values) for values in counted.index]


@dataclass(frozen=True)
class Board:
    """The scores of several models or variants on the same sentences.

    rows: the study's fields, NASCA, NAVCA and MEXA with their intervals; a variant and a language have one row at most.
    """

    rows: pd.DataFrame

    @cached_property
    def studies(self) -> dict[str, Study]:
        """By name of the variant, the study of its first language."""
        first = self.rows.drop_duplicates(list(_VARIANT)).sort_values(list(_VARIANT), kind="stable")
        studies = [study_of(row) for row in first.to_dict("records")]
        return dict(zip(variant_names(studies), studies, strict=True))

    @cached_property
    def named(self) -> pd.DataFrame:
        """The rows with the name of their variant."""
        names = {_variant_of(study): name for name, study in self.studies.items()}
        values = self.rows[list(_VARIANT)].itertuples(index=False, name=None)
        return self.rows.assign(variant=[names[each] for each in values])

    def scores(self, state: State, end: str = "") -> pd.DataFrame:
        """(variants, languages): the mean over layers, NaN where there is no result. end: `_low` or `_high`."""
        table = self.named.pivot(index="variant", columns="source", values=f"{SUMMARY_NAMES[state]}{end}")
        return table.reindex(index=list(self.studies))

    @cached_property
    def common(self) -> tuple[str, ...]:
        """The languages that all variants have, sorted."""
        shared = set.intersection(*(set(rows["source"]) for _, rows in self.named.groupby("variant")))
        return tuple(sorted(shared))

    def only(self, codes: Collection[str], variants: Collection[str] | None = None) -> "Board":
        """The board of some languages, and some variants."""
        keep = self.named["source"].isin(codes)
        if variants is not None:
            keep &= self.named["variant"].isin(variants)
        return Board(self.rows[keep.to_numpy()].reset_index(drop=True))

    def study(self, variant: str, code: str) -> Study:
        """The study of one cell. Raises KeyError if there is no result for it."""
        rows = self.named[(self.named["variant"] == variant) & (self.named["source"] == code)]
        if rows.empty:
            raise KeyError(f"{variant}, {code}")
        return study_of(rows.iloc[0].to_dict())


def _variant_of(study: Study) -> tuple[str, ...]:
    return tuple(getattr(study, name) for name in _VARIANT)


def board_of(rows: pd.DataFrame, text: tuple[object, ...]) -> Board:
    """The board of the rows on the same sentences. text: their values of TEXT."""
    keep = np.logical_and.reduce([rows[name] == value for name, value in zip(TEXT, text, strict=True)])
    return Board(rows[keep].reset_index(drop=True))


def ranking(board: Board, state: State) -> pd.DataFrame:
    """One row per variant, best first: rank with its interval, means with theirs, head and long-tail means.

    Means and ranks are over the languages that all variants have (`common`), or where there are none over each
    variant's own. Intervals resample languages, the same for all variants, and are NaN for fewer than three.
    head, long_tail: means of the state's score.
    """
    common = board.common
    values = {each: board.scores(each)[list(common)] if common else board.scores(each) for each in STATES}
    table = pd.DataFrame({"variant": list(board.studies)})
    for each in STATES:
        name = SUMMARY_NAMES[each]
        table[name] = values[each].mean(axis=1).to_numpy()
        table[f"{name}_low"], table[f"{name}_high"] = _mean_interval(values[each], len(common)).T
    heads = np.array([language(code).head for code in values[state].columns], dtype=bool)
    table["head"] = values[state].loc[:, heads].mean(axis=1).to_numpy()
    table["long_tail"] = values[state].loc[:, ~heads].mean(axis=1).to_numpy()
    table["languages"] = board.scores(state).notna().sum(axis=1).to_numpy()
    score = table[SUMMARY_NAMES[state]].to_numpy()
    table.insert(0, "rank", 1 + (score[None, :] > score[:, None]).sum(axis=1))
    low, high = _rank_interval(values[state], len(common)).T
    table.insert(1, "rank_low", low)
    table.insert(2, "rank_high", high)
    return table.sort_values(["rank", "variant"], kind="stable", ignore_index=True)


def _mean_interval(values: pd.DataFrame, languages: int) -> NDArray[np.float64]:
    if languages < FEWEST:
        return np.full((len(values), 2), np.nan)
    return percentile_interval(resampled_means(values.to_numpy()))


def _rank_interval(values: pd.DataFrame, languages: int) -> NDArray[np.float64]:
    """95 percent interval of each variant's rank, from its rank in every resample of the languages."""
    if languages < FEWEST:
        return np.full((len(values), 2), np.nan)
    means = resampled_means(values.to_numpy()).round(12)  # equal scores differ by rounding, and are no rank apart
    ranks = 1 + (means[None, :, :] > means[:, None, :]).sum(axis=1)
    return np.stack([np.floor(percentile_interval(ranks)[:, 0]), np.ceil(percentile_interval(ranks)[:, 1])], axis=-1)


@dataclass(frozen=True)
class Filters:
    """Which languages to keep; nothing named is no restriction."""

    families: Collection[str] = ()
    scripts: Collection[str] = ()
    levels: Collection[str] = ()
    regions: Collection[str] = ()

    def matching(self, codes: Iterable[str]) -> list[str]:
        """The languages of these families, scripts, resource levels and regions."""
        known = [language(code) for code in codes]
        return [each.code for each in known if all(not few or own in few for few, own in self._asked(each))]

    def _asked(self, known: Language) -> tuple[tuple[Collection[str], str], ...]:
        return (
            (self.families, known.family),
            (self.scripts, known.script),
            (self.levels, known.resource_level),
            (self.regions, known.region),
        )
