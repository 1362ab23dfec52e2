import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from neuronxa_core.analyses.language_matrix import LanguageMatrix, from_frame, read_matrix, write_matrix
from neuronxa_core.analyses.language_order import LANGUAGE_ORDERS, LEVELS, arrange, level_summary, pivot_scores
from neuronxa_core.analyses.languages import find_language_matrix, run_language_matrix
from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import Cancelled, StudyError
from neuronxa_core.metrics import languages as metrics_languages
from neuronxa_core.metrics.languages import score_languages
from neuronxa_core.metrics.scoring import pair_outcomes
from neuronxa_core.metrics.similarity import cosine_similarity
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.recipe import Recipe
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.conftest import Recorder

CODES = ("deu_Latn", "eng_Latn", "fra_Latn")


def synthetic(codes: tuple[str, ...], scores: dict[tuple[str, str], float], default: float = 0.1) -> LanguageMatrix:
    """A matrix of one neuron layer; NAS as given, NAV half of it, embedding a tenth."""
    nas = np.full((1, len(codes), len(codes)), default)
    for (source, target), score in scores.items():
        row, column = codes.index(source), codes.index(target)
        nas[0, row, column] = nas[0, column, row] = score
    np.fill_diagonal(nas[0], np.nan)
    both: dict[State, NDArray[np.float64]] = {"nas": nas, "nav": nas / 2, "embedding": np.repeat(nas / 10, 2, axis=0)}
    return LanguageMatrix(Study("demo", "everyday", codes[0], codes[1]), codes, both, both, {"device": "cpu"})


def same(ours: LanguageMatrix, theirs: LanguageMatrix) -> bool:
    return ours.codes == theirs.codes and all(
        np.array_equal(getattr(ours, name)[state], getattr(theirs, name)[state], equal_nan=True)
        for name in ("mutual", "precision")
        for state in STATES
    )


def test_every_pair_scores_what_its_own_study_gives(study: Study):
    matrix = run_language_matrix(study, CODES)
    for (row, source), (column, target) in itertools.permutations(enumerate(CODES), 2):
        result = run_study(replace(study, source=source, target=target), use_cache=False)
        for state in STATES:
            rows = result.of(state).set_index("layer")
            assert matrix.score(state)[row, column] == pytest.approx(result.mean(state))
            for layer in matrix.layers(state):
                assert matrix.score(state, layer)[row, column] == rows.loc[layer, "score"]
                assert matrix.direction(state, layer)[row, column] == rows.loc[layer, "source_to_target"]
                assert matrix.direction(state, layer)[column, row] == rows.loc[layer, "target_to_source"]


def test_each_language_is_extracted_once_and_counted_as_one_piece_of_work(study: Study, monkeypatch):
    extracted = []
    extract = Recipe._extract

    def counted(*args, **how):
        extracted.append(args[1])
        return extract(*args, **how)

    monkeypatch.setattr(Recipe, "_extract", counted)
    watcher = Recorder()
    run_language_matrix(study, CODES, watcher=watcher)
    assert len(extracted) == len(set(extracted)) == 3
    counts = [(done, total) for phase, done, total in watcher.reports if phase == "extracting"]
    assert {total for _, total in counts} == {24}
    assert counts == sorted(counts)
    assert counts[-1] == (24, 24)
    run_language_matrix(study, CODES[:2])
    assert len(extracted) == 3


def test_scores_are_symmetric_and_a_language_is_not_compared_with_itself(study: Study):
    matrix = run_language_matrix(study, CODES)
    for state in STATES:
        scores = matrix.mutual[state]
        assert np.array_equal(scores, scores.transpose(0, 2, 1), equal_nan=True)
        assert np.isnan(scores[:, range(3), range(3)]).all()
        least = np.minimum(matrix.precision[state], matrix.precision[state].transpose(0, 2, 1))
        off = ~np.eye(3, dtype=bool)
        assert (scores[:, off] <= least[:, off]).all()


def test_the_cache_answers_in_any_order_without_a_model(study: Study, cache, monkeypatch):
    assert find_language_matrix(study, CODES) is None
    fresh = run_language_matrix(study, CODES)
    monkeypatch.setattr(Recipe, "_extract", lambda *args: pytest.fail("extracted"))
    found = find_language_matrix(study, CODES)
    assert same(found, fresh)
    assert found.provenance == fresh.provenance
    assert same(find_language_matrix(study, CODES[::-1]), fresh.take(CODES[::-1]))
    assert find_language_matrix(study, CODES[:2]) is None
    assert find_language_matrix(replace(study, pairs=7), CODES) is None
    file = next((cache / "results").glob("*.matrix.parquet"))
    file.write_bytes(file.read_bytes()[:-40])
    assert find_language_matrix(study, CODES) is None
    assert not file.exists()


def test_cancelling_leaves_no_matrix(study: Study):
    class Impatient(Recorder):
        def check(self) -> None:
            if any(phase == "scoring" for phase, _, _ in self.reports):
                raise Cancelled

    with pytest.raises(Cancelled):
        run_language_matrix(study, CODES, watcher=Impatient())
    assert find_language_matrix(study, CODES) is None


@pytest.mark.parametrize("codes", [("deu_Latn",), ("deu_Latn", "deu_Latn")])
def test_fewer_than_two_languages_are_refused(study: Study, codes):
    with pytest.raises(StudyError, match="two languages"):
        run_language_matrix(study, codes)


def test_rows_give_back_the_matrix_in_any_order(tmp_path):
    matrix = synthetic(CODES, {("deu_Latn", "eng_Latn"): 0.9})
    assert matrix.scores.columns.tolist() == [
        "source",
        "target",
        "state",
        "layer",
        "score",
        "source_to_target",
        "target_to_source",
    ]
    assert len(matrix.scores) == 3 * (1 + 1 + 2)
    again = from_frame(matrix.to_frame().sample(frac=1, random_state=0))
    assert same(again, matrix)
    assert (again.study, again.provenance) == (matrix.study, matrix.provenance)
    write_matrix(matrix, tmp_path / "matrix.parquet")
    assert same(read_matrix(tmp_path / "matrix.parquet"), matrix)
    assert "3-languages" in matrix.stem


ORDERED = ("swh_Latn", "rus_Cyrl", "eng_Latn", "ukr_Cyrl", "deu_Latn", "yor_Latn")


@pytest.mark.parametrize("order", LANGUAGE_ORDERS)
def test_every_order_holds_every_language_once_and_its_groups_cover_them(order):
    found = arrange(synthetic(ORDERED, {}), order)
    assert sorted(found.codes) == sorted(ORDERED)
    assert (found.linkage is not None) == (order == "similarity")
    assert sum(count for _, count in found.groups) in (0, len(ORDERED))
    assert len({name for name, _ in found.groups}) == len(found.groups)


def test_languages_stand_with_their_kin():
    matrix = synthetic(ORDERED, {})
    families = [language(code).family for code in arrange(matrix, "family").codes]
    assert families == sorted(families)
    assert arrange(matrix, "script").groups == (("Cyrl", 2), ("Latn", 4))
    levels = [LEVELS.index(language(code).resource_level) for code in arrange(matrix, "resources").codes]
    assert levels == sorted(levels)
    assert [language(code).name for code in arrange(matrix, "name").codes] == [
        "English",
        "German",
        "Russian",
        "Swahili",
        "Ukrainian",
        "Yoruba",
    ]


def test_clustering_puts_like_beside_like_and_its_forks_are_mean_distances():
    matrix = synthetic(ORDERED, {("eng_Latn", "deu_Latn"): 0.9, ("rus_Cyrl", "ukr_Cyrl"): 0.8})
    found = arrange(matrix, "similarity")
    place = {code: number for number, code in enumerate(found.codes)}
    assert abs(place["eng_Latn"] - place["deu_Latn"]) == 1
    assert abs(place["rus_Cyrl"] - place["ukr_Cyrl"]) == 1
    assert found.linkage[:, 2].tolist() == pytest.approx([0.1, 0.2, 0.9, 0.9, 0.9])


def test_a_pivots_list_is_sorted_and_its_gain_is_the_difference():
    scores = pivot_scores(synthetic(CODES, {("deu_Latn", "eng_Latn"): 0.9, ("fra_Latn", "eng_Latn"): 0.5}), "eng_Latn")
    assert scores["code"].tolist() == ["deu_Latn", "fra_Latn"]
    assert scores["nas"].tolist() == [0.9, 0.5]
    assert scores["gain"].tolist() == pytest.approx([0.81, 0.45])


def test_layer_zero_has_an_embedding_and_no_neurons():
    matrix = synthetic(CODES, {})
    scores = pivot_scores(matrix, "eng_Latn", layer=0)
    assert scores["nas"].isna().all()
    assert level_summary(scores)["measure"].tolist() == ["embedding"]
    with pytest.raises(IndexError, match="nas has no layer 0"):
        matrix.score("nas", 0)


def test_head_and_long_tail_are_means_over_their_languages_and_few_have_no_interval():
    codes = ("eng_Latn", "deu_Latn", "fra_Latn", "spa_Latn", "yor_Latn")
    against = dict(zip(codes[1:], (0.9, 0.6, 0.3, 0.2), strict=True))
    matrix = synthetic(codes, {("eng_Latn", code): score for code, score in against.items()})
    summary = level_summary(pivot_scores(matrix, "eng_Latn")).set_index(["level", "measure"])
    head, tail = summary.loc[("head", "nas")], summary.loc[("long-tail", "nas")]
    assert head["mean"] == pytest.approx(0.6)
    assert head["ci_low"] < 0.6 < head["ci_high"]
    assert summary.loc[("head", "gain"), "mean"] == pytest.approx(0.54)
    assert tail["mean"] == 0.2
    assert np.isnan(tail["ci_low"])


@pytest.mark.parametrize("cells", [2**24, 1, 2 * 2 * 30 * 30, 3 * 30 * 30])
@pytest.mark.parametrize("spread", [1.0, 1e-3, 1e-5, 1e-7])
def test_the_scores_of_a_layer_are_those_of_the_exact_cosines(spread: float, cells: int, monkeypatch):
    """Also where float32 cannot tell the sentences apart, where two are equal, and where one is all zeros.

    cells: in memory at a time, for all languages at once, for two by one, for three by one, or for one by one.
    """
    monkeypatch.setattr(metrics_languages, "_CELLS", cells)
    random = np.random.default_rng(0)
    meaning = 1 + spread * random.standard_normal((30, 64))
    vectors = (meaning + 0.5 * spread * random.standard_normal((4, 30, 64))).astype(np.float32)
    vectors[:, 7] = vectors[:, 8]
    vectors[2, 3] = 0
    scores = score_languages([*vectors])
    for row in range(4):
        for column in range(4):
            if row != column:
                outcomes = pair_outcomes(cosine_similarity(vectors[row], vectors[column]))
                assert scores[0, row, column] == outcomes.mutual.mean()
                assert scores[1, row, column] == outcomes.source_to_target.mean()
    assert np.isnan(scores[:, range(4), range(4)]).all()
