"""As much of an answer as is at hand, what is missing of it, and a run that computes only that."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neuronxa_core.analyses.asymmetry import Asymmetry
from neuronxa_core.analyses.downstream import Downstream
from neuronxa_core.analyses.languages import Languages, find_largest_matrix, run_language_matrix
from neuronxa_core.analyses.models import Models
from neuronxa_core.analyses.neurons import Neurons
from neuronxa_core.analyses.pairs_needed import PairsNeeded
from neuronxa_core.analyses.settings import Settings
from neuronxa_core.gallery import answers, parts
from neuronxa_core.progress import SILENT
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.runner import run_against_target, run_study
from neuronxa_core.study.study import Study
from tests.conftest import Recorder

FOUR = ("deu_Latn", "fra_Latn", "ita_Latn", "spa_Latn")


@pytest.fixture
def study(tiny_model: Callable[[str], Path], tiny_corpus: Path) -> Study:
    """German to English, with Italian, Spanish and Catalan beside them."""
    for code in ("ita_Latn", "spa_Latn", "cat_Latn"):
        lines = [f"{code} {letter * 2} {number}" for number, letter in enumerate("abcdefgh")]
        (tiny_corpus / f"{code}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Study(str(tiny_model("llama")), str(tiny_corpus), "deu_Latn", "eng_Latn", pairs=8, dtype="float32")


def same(one: Any, other: Any) -> None:
    assert one.tables.keys() == other.tables.keys()
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)


MADE: dict[str, Callable[[Study, tuple[str, ...]], Any]] = {
    "asymmetry": Asymmetry,
    "downstream": Downstream,
    "pairs_needed": PairsNeeded,
    "languages": Languages,
    "neurons": Neurons,
    "settings": Settings,
    "models": lambda study, codes: Models((study, replace(study, site="product")), codes),
}


def items(request: Any) -> tuple[str, ...]:
    found: tuple[str, ...] = request.pivots if isinstance(request, Settings) else request.languages
    return found


@pytest.mark.parametrize("name", MADE)
def test_one_more_language_keeps_the_answer_and_names_what_is_missing(name: str, study: Study):
    before, asked = (MADE[name](study, codes) for codes in (FOUR[1:], (*FOUR[1:], "cat_Latn")))
    assert parts.part(before) is None
    answer = before.run()
    found = parts.part(asked)
    assert found is not None
    assert found.request == before
    same(found.answer, answer)
    assert parts.there(asked) == items(before)
    assert parts.remaining(asked).languages == ("cat_Latn",)
    sentences = parts.remaining(asked).sentences
    assert any("cat_Latn" in sentence for sentence in sentences)
    assert not any("ita_Latn" in sentence for sentence in sentences)


@pytest.mark.parametrize("name", MADE)
def test_a_run_of_what_is_missing_gives_what_a_run_of_all_gives(name: str, study: Study, cache: Path):
    before, asked = (MADE[name](study, codes) for codes in (FOUR[1:], (*FOUR[1:], "cat_Latn")))
    whole = asked.run()
    shutil.rmtree(cache)
    before.run()
    same(parts.run(asked, SILENT), whole)
    same(answers.cached(asked), whole)
    assert parts.remaining(asked).sentences == () or name == "settings"


@pytest.mark.parametrize("name", ["asymmetry", "downstream", "neurons", "models"])
def test_only_what_is_missing_is_extracted(name: str, study: Study):
    MADE[name](study, FOUR[1:]).run()
    recorder = Recorder()
    parts.run(MADE[name](study, (*FOUR[1:], "cat_Latn")), recorder)
    extracted = [done for phase, done, total in recorder.reports if phase == "loading"]
    assert len(extracted) <= 2  # one language, at one or two sites


def test_a_run_begins_with_the_languages_that_come_first(study: Study):
    request = Models((study, replace(study, site="product")), FOUR)
    seen: list[tuple[str, ...]] = []

    class Looks(Recorder):
        def report(self, phase: str, done: int = 0, total: int = 0, detail: str = "") -> None:
            if (there := parts.there(request)) not in seen:
                seen.append(there)

    parts.run(request, Looks(), first=("ita_Latn", "eng_Latn"))
    assert seen[:2] == [(), ("ita_Latn",)]


def test_a_variant_more_keeps_the_comparison_of_the_others(study: Study):
    both = (study, replace(study, site="product"))
    for each in both:
        run_against_target(each, FOUR)
    third = replace(study, site="attention")
    run_against_target(third, FOUR[:1])
    asked = Models((*both, third), FOUR)
    found = parts.part(asked)
    assert found is not None
    assert found.request == Models(both, FOUR)  # eight results rather than three
    rest = parts.remaining(asked)
    assert rest.variants == ("attention",)
    assert rest.languages == FOUR[1:]
    run_against_target(third, FOUR)
    assert parts.part(asked).request == asked
    assert parts.remaining(asked).languages == ()


def test_one_variant_alone_is_no_comparison(study: Study):
    run_against_target(study, FOUR)
    assert parts.part(Models((study, replace(study, site="product")), FOUR)) is None


def test_fewer_languages_of_a_cached_matrix_need_no_run(study: Study):
    whole = run_language_matrix(study, (*FOUR, "eng_Latn"))
    fewer = Languages(study, ("spa_Latn", "eng_Latn", "deu_Latn"))
    assert fewer.cached() is None
    same(answers.cached(fewer), whole.take(fewer.languages))
    same(answers.cached(fewer), fewer.run())


def test_a_matrix_of_other_sentences_or_choices_is_not_taken(study: Study, tmp_path: Path):
    run_language_matrix(study, FOUR)
    assert find_largest_matrix(study, FOUR[:3]) is not None
    for other in ({"pairs": 7}, {"site": "product"}, {"pooling": "mean"}):
        assert find_largest_matrix(replace(study, **other), FOUR[:3]) is None
    file = Path(study.corpus) / "deu_Latn.txt"
    file.write_text(file.read_text(encoding="utf-8").replace("nun", "da"), encoding="utf-8")
    assert find_largest_matrix(study, FOUR[:3]) is None


def test_a_pivot_needs_only_its_study(study: Study):
    base = Settings(study).run()
    asked = Settings(study, ("fra_Latn", "ita_Latn"))
    result = run_study(replace(study, target="fra_Latn"))
    found = parts.part(asked)
    assert found is not None
    assert found.request.pivots == ("fra_Latn",)
    table = found.answer.tables["choices"]
    pd.testing.assert_frame_equal(table.iloc[:-3], base.table)
    for (_, row), state in zip(table.iloc[-3:].iterrows(), STATES, strict=True):
        own = base.table[(base.table["choice"] == "as it is") & (base.table["state"] == state)]["score"].iloc[0]
        assert row["score"] == pytest.approx(result.mean(state))
        assert row["difference"] == pytest.approx(result.mean(state) - own)
        assert np.isnan(row["difference_low"])


def test_every_bundled_language_is_a_pivot_at_once():
    study = Study("demo", "everyday", "deu_Latn", "eng_Latn", dtype="float32")
    found = answers.stored(Settings(study, ("fra_Latn", "yor_Latn")))
    assert found is not None
    assert found.tables["choices"]["value"].tolist()[-6:] == ["fra_Latn"] * 3 + ["yor_Latn"] * 3


def test_any_bundled_languages_are_ranked_at_once():
    study = Study("demo", "everyday", "deu_Latn", "eng_Latn", dtype="float32")
    found = answers.stored(PairsNeeded(study, ("deu_Latn", "swh_Latn", "jpn_Jpan", "yor_Latn")))
    assert found is not None
    last = found.tables["pairs_needed"].groupby("state")["rank_correlation"].last()
    assert last.tolist() == pytest.approx([1, 1, 1])
