"""Traps and Embeddings: a guess first, then the numbers, which are those of the studies."""

from neuronxa_core.gallery.method import method_request, precomputed_method
from neuronxa_core.gallery.traps import precomputed_traps, traps_request
from pages.learn.told import sections, steps
from tests.pages.app import chart_count, open_page, said


def test_a_trap_is_guessed_and_then_shown():
    told, answer = steps("traps"), precomputed_traps(traps_request())
    assert all(len(each.text.split()) <= 60 and len(each.answer.split()) <= 60 for each in told)
    app = open_page("traps")
    assert chart_count(app) == 6
    assert "precomputed" in said(app)
    assert "The score falls" not in said(app)
    assert told[0].answer.split(".")[0] not in said(app)
    app.button_group(key="trap_guess_duplicates").select("rises").run()
    app.button(key="trap_show_duplicates").click().run()
    assert "Not quite." in said(app)
    first, second = answer.readings("duplicates")
    assert f"The score falls from {first.score:.2f} to {second.score:.2f}; chance is 0.005." in said(app)
    assert chart_count(app) == 6
    app.button(key="trap_show_duplicates").click().run()
    assert "The score falls" not in said(app)


def test_centring_lifts_the_score_by_as_much_as_the_example_says():
    assert len(sections("embeddings")) == 4
    app = open_page("embeddings")
    example = precomputed_method(method_request())
    assert chart_count(app) == 1
    assert not app.metric
    app.button_group(key="emb_guess").select("nas").run()
    app.button(key="emb_show").click().run()
    assert "Right." in said(app)
    assert "At layer 5, 5 of 5 pairs are aligned in NAS, 0 in Embedding." in said(app)
    assert [each.value for each in app.metric] == ["1", "0", "0.88", "0.46"]
    app.toggle(key="emb_centred").set_value(True).run()
    assert chart_count(app) == 3
    mean = {space: float(example.scores(space).mean()) for space in ("embedding", "centred")}
    assert not app.exception
    assert [each.value for each in app.metric] == ["1", "1", "0.88", f"{mean['centred']:.2f}"]
    assert app.metric[3].delta == f"+{mean['centred'] - mean['embedding']:.2f}"
    assert not app.toast
