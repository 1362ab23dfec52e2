"""Models ranked over languages: by eye, and what the intervals say."""

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.analyses.leaderboard import Board, Filters, board_of, ranking, texts_of
from neuronxa_core.figures.leaderboard import board_finding
from tests.sweep.examples import made_up

HEAD, LONG = ["deu_Latn", "fra_Latn", "hin_Deva"], ["yor_Latn", "mlt_Latn"]


def rows(scores: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Rows of a store with these scores for all three states."""
    made = []
    for model, by_language in scores.items():
        for code, value in by_language.items():
            means = dict.fromkeys(("nasca", "navca", "mexa"), value)
            ends = {f"{name}_{end}": value for name in means for end in ("low", "high")}
            made.append({**vars(made_up(code, model)), **means, **ends})
    return pd.DataFrame(made)


def test_ranks_and_means_are_over_the_languages_that_all_models_have():
    easy = {"easy": {"deu_Latn": 0.9}, "whole": {"deu_Latn": 0.95, "yor_Latn": 0.1}}
    table = ranking(Board(rows(easy)), "nas")
    assert table["variant"].tolist() == ["whole", "easy"]
    assert table["nasca"].tolist() == [0.95, 0.9]  # Yoruba does not count against the one that has it
    assert table["languages"].tolist() == [2, 1]
    assert table["rank_low"].isna().all()  # one language is too few
    assert "whole is first by NASCA over 1 language that all have: 0.95" in board_finding(
        table, Board(rows(easy)), "nas"
    )


def test_head_and_long_tail_are_told_apart_and_equal_scores_share_a_rank():
    scores = dict.fromkeys(HEAD, 0.8) | dict.fromkeys(LONG, 0.2)
    table = ranking(Board(rows({"a": scores, "b": scores, "c": dict.fromkeys(scores, 0.1)})), "nas")
    assert table["rank"].tolist() == [1, 1, 3]
    assert table["head"].tolist() == pytest.approx([0.8, 0.8, 0.1])
    assert table["long_tail"].tolist() == pytest.approx([0.2, 0.2, 0.1])
    assert (table["rank_low"].tolist(), table["rank_high"].tolist()) == ([1, 1, 3], [1, 1, 3])
    assert board_finding(table, Board(rows({"a": scores, "b": scores})), "nas").startswith(
        "a and b share the first place"
    )


def test_a_models_rank_is_sure_only_if_it_leads_whatever_the_languages():
    codes = [*HEAD, *LONG]
    steady = {code: 0.5 + 0.01 * place for place, code in enumerate(codes)}
    mixed = {code: value + (0.2 if place % 2 else -0.15) for place, (code, value) in enumerate(steady.items())}
    below = {code: value - 0.4 for code, value in steady.items()}
    board = Board(rows({"steady": steady, "mixed": mixed, "below": below}))
    table = ranking(board, "nas").set_index("variant")
    assert table.loc["below", ["rank", "rank_low", "rank_high"]].tolist() == [3, 3, 3]
    assert table.loc["steady", ["rank_low", "rank_high"]].tolist() == [1, 2]
    assert table.loc["mixed", ["rank_low", "rank_high"]].tolist() == [1, 2]
    low, high = table.loc["steady", ["nasca_low", "nasca_high"]]
    assert table.loc["steady", "nasca"] == pytest.approx(0.52)
    assert low < 0.52 < high
    assert "one other model is within reach" in board_finding(table.reset_index(), board, "nas")


def test_results_on_other_sentences_are_never_mixed():
    few = rows({"a": {"deu_Latn": 0.5, "fra_Latn": 0.4}})
    many = rows({"a": {"deu_Latn": 0.2}}).assign(pairs=100)
    both = pd.concat([few, many], ignore_index=True)
    assert [text[2] for text in texts_of(both)] == [11, 100]
    scores = board_of(both, texts_of(both)[0]).scores("nas")
    assert scores.to_numpy().tolist() == [[0.5, 0.4]]


def test_filters_keep_what_fits_all_of_them_and_nothing_named_keeps_all():
    codes = [*HEAD, *LONG]
    assert Filters().matching(codes) == codes
    assert Filters(scripts=["Deva"]).matching(codes) == ["hin_Deva"]
    assert Filters(scripts=["Latn", "Deva"], levels=["long-tail"]).matching(codes) == LONG
    assert Filters(regions=["Southern Europe", "Western Africa"]).matching(codes) == LONG
    assert Filters(families=["Romance"], regions=["Southern Asia"]).matching(codes) == []
    assert np.isnan(Board(rows({"a": {"deu_Latn": 0.5}, "b": {"fra_Latn": 0.5}})).scores("nas").to_numpy()).sum() == 2
