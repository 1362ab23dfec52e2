"""Sentences typed on a page: two are enough, one needs others beside it, and the link opens them again."""

import pytest

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.study.study import Study
from pages.shared.typed import is_typed
from tests.pages.app import open_page, query_of, said


def type_lines(app, german: str, english: str) -> None:
    app.text_area(key="typed_deu_Latn").set_value(german)
    app.text_area(key="typed_eng_Latn").set_value(english).run()


def test_two_typed_pairs_become_the_study_and_its_link_opens_them(study: Study):
    app = open_page("alignment", **query_of(study))
    type_lines(app, "Guten Tag\n\n Es regnet ", "Hello\nIt rains")
    assert "chance alone aligns 1/(2n - 1) = 0.33 of them, and a single pair moves the score by 0.5" in said(app)
    app.button(key="typed_use").click().run()
    asked = app.session_state.study
    assert is_typed(asked.corpus)
    assert asked.pairs == 2
    assert asked.bitext().source_sentences == ("Guten Tag", "Es regnet")
    assert asked.bitext().target_sentences == ("Hello", "It rains")
    assert "Look at sentences here rather than at scores" in said(app)
    again = open_page("alignment", **query_of(asked))
    assert again.session_state.study == asked
    app.button(key="typed_back").click().run()
    assert app.session_state.study.corpus == study.corpus
    assert app.session_state.study.pairs == 8


def test_sentences_typed_after_others_stay_the_study(study: Study):
    for lines in (("Guten Tag\nEs regnet", "Hello\nIt rains"), ("Das Haus\nDer Hund", "The house\nThe dog")):
        app = open_page("alignment", **query_of(study))
        type_lines(app, *lines)
        app.button(key="typed_use").click().run()
        asked = app.session_state.study
        app.run()  # in which the browser answers with the label of the corpus
        assert app.session_state.study == asked
        assert asked.bitext().source_sentences == tuple(lines[0].splitlines())


def test_one_pair_is_found_among_those_of_the_study(study: Study):
    app = open_page("alignment", **query_of(study))
    type_lines(app, "Es regnet", "It rains")
    assert app.button(key="typed_use").disabled
    assert "One pair alone has no rival" in said(app)
    app.toggle(key="typed_among").set_value(True).run()
    app.button(key="typed_use").click().run()
    asked = app.session_state.study
    assert asked.pairs == 9
    assert open_corpus(asked.corpus).sentences("deu_Latn") == ("Es regnet", *study.bitext().source_sentences)


@pytest.mark.parametrize(
    ("german", "english", "told"),
    [
        ("eins\nzwei", "one", "German has 2, English has 1"),
        ("\n".join("abcdef"), "\n".join("ghijkl"), "6 pairs; at most 5 can be typed"),
    ],
)
def test_lines_that_are_no_pairs_are_told_so(german: str, english: str, told: str, study: Study):
    app = open_page("alignment", **query_of(study))
    type_lines(app, german, english)
    assert told in said(app)
    assert app.button(key="typed_use").disabled
