"""The Neurons page: precomputed for the demo, run for anything else, and a pair of sentences token by token."""

from urllib.parse import parse_qs

from neuronxa_core.gallery.read import gallery_studies
from pages.explore.neurons_taken import MOST, Taken
from tests.pages.app import chart_count, open_page, run_until, said, wait_for_charts


def test_the_demo_has_its_neurons_at_once():
    app = open_page("neurons")
    assert not app.exception
    assert "active in all 31 languages (on more than 50\u00a0% of the tokens)" in said(app)
    assert "most language-specific neurons" in said(app)
    assert chart_count(app) == 3
    app.slider(key="neu_threshold").set_value(0.95).run()
    assert "on more than 95\u00a0% of the tokens" in said(app)
    app.selectbox(key="neu_layer").set_value("18").run()
    assert not app.exception
    german = next(each for each in gallery_studies() if each.source == "deu_Latn")
    many = tuple((9, number) for number in range(MOST + 1))
    app.session_state["neu_taken"] = Taken(german, "specific", "Hindi's", many, "hin_Deva")
    app.run()
    (way,) = (link.proto for link in app.get("page_link") if "Switch off" in link.proto.label)
    query = parse_qs(way.query_string)
    assert query["int_list"][0].split(", ") == [f"9.{number}" for number in range(MOST)]
    app.multiselect(key="neu_codes").set_value(["deu_Latn"]).run()
    assert "Choose at least two languages" in said(app)
    other = open_page(
        "interventions", **{name: values if name == "int_codes" else values[0] for name, values in query.items()}
    )
    assert other.text_input(key="int_list").value == query["int_list"][0]
    assert other.multiselect(key="int_codes").value == ["hin_Deva", "deu_Latn", "eng_Latn"]
    assert "21 passes over 50 sentences each: 1 set × 3 languages" in said(other)


def test_a_pair_token_by_token_does_not_wait_for_the_rates_of_all_languages(tiny_model, tiny_corpus):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "fra_Latn", "target": "eng_Latn"}
    app = open_page("neurons", pairs="4", **query)
    assert chart_count(app) == 0
    app.button(key="run_tokens").click().run()
    wait_for_charts(app, 2)
    assert "neurons with the highest NAV summed over both sentences" in said(app)
    app.button(key="run").click().run()
    run_until(app, lambda: "active in all 3 languages" in said(app))
    assert chart_count(app) == 5
