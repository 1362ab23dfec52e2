"""Method: seven steps at once for the precomputed pairs, a guess, a count that is checked, and pairs of one's own."""

import re

from neuronxa_core.gallery.method import method_request, precomputed_method
from pages.learn.method_steps import texts
from tests.pages.app import chart_count, html, open_page, said, wait_for_charts


def test_each_step_has_sixty_words_at_most_a_formula_and_a_question_with_its_answer():
    steps = texts()
    assert len(steps) == 7
    for title, told in steps.items():
        assert len(told.text.split()) <= 60, title
        assert re.fullmatch(r"\$\$.+\$\$", told.formula), title
        assert told.question.endswith("?"), title
        assert len(told.answer.split()) > 10, title


def test_a_reader_guesses_counts_and_is_told_what_is_right():
    app = open_page("method")
    worked = precomputed_method(method_request())
    assert chart_count(app) == 7
    assert "precomputed" in said(app)
    assert "Meine" in html(app)
    assert f"= **{worked.result.mean('nas'):.2f}**" in said(app)
    assert app.button(key="met_check").disabled
    app.button_group(key="met_guess").select(2).run()
    app.button(key="met_show").click().run()
    nearest = int(worked.matrix("nas", 3)[0].argmax()) + 1
    assert f"The nearest is sentence {nearest}" in said(app)
    app.button_group(key="met_ticks").set_value([1]).run()
    app.button(key="met_check").click().run()
    assert "Not yet." in app.warning[0].value
    aligned = [pair + 1 for pair in worked.outcomes("nas", 3).mutual.nonzero()[0].tolist()]
    app.button_group(key="met_ticks").set_value(aligned).run()
    assert "so the score of layer 3 is 4/5 = 0.80" in app.success[0].value
    app.select_slider(key="met_layer").set_value(9).run()
    assert not app.exception
    assert not app.success  # the count of another layer


def test_the_numbers_of_the_chosen_neuron_stand_in_the_formula():
    app = open_page("method", met_layer="9", met_token="4", met_pair="2")
    worked = precomputed_method(method_request())
    neuron = app.selectbox(key="met_neuron").value
    place = worked.neurons[8].tolist().index(neuron)
    value = worked.sides[0][1].activation[8, 3, place]
    told = next(each.value for each in app.markdown if each.value.startswith(f"Neuron {neuron} at"))
    assert f"**{abs(value):.3f}**".replace("**", "") in told
    assert ("on: NAS 1" in told) == (value > 0)


def test_other_pairs_of_the_corpus_run_and_are_scored(tiny_model, tiny_corpus):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    app = open_page("method", pairs="8", met_pairs="2", **query)
    assert "Choose at least two pairs" in said(app)
    app.multiselect(key="met_pairs").set_value([2, 5, 8]).run()
    assert chart_count(app) == 0
    app.button(key="run").click().run()
    wait_for_charts(app, 7)
    assert "3 pairs" in said(app)
    assert "/ (3 layers × 3 pairs)" in said(app)
