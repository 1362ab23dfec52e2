from neuronxa_core.alignment.direction import one_way_pairs
from neuronxa_core.gallery import precomputed
from pages.shared.picker import DEFAULT
from tests.pages.test_pages import ROOT, open_page, table_rows


def open_asymmetry(**query: str):
    app = open_page("overview", **query)
    app.switch_page(str(ROOT / "pages" / "explore" / "asymmetry.py")).run()
    assert not app.exception
    return app


def test_it_shows_the_pair_and_every_language():
    app = open_asymmetry()
    assert len(app.get("plotly_chart")) == 2
    assert any("30.73" in text.value for text in app.markdown)


def test_the_pairs_found_one_way_are_those_of_the_layer_with_who_took_their_place():
    app = open_asymmetry()
    app.slider(key="asym_layer_nas").set_value(4).run()
    expected = one_way_pairs(precomputed(DEFAULT), "nas", 4)
    rows = table_rows(app)
    assert [int(row[0]) for row in rows] == expected["pair"].tolist()
    assert all(row[4] != row[0] for row in rows)  # taken by another sentence


def test_another_state_has_its_own_layers():
    app = open_asymmetry()
    app.get("button_group")[0].set_value("embedding").run()
    assert app.slider(key="asym_layer_embedding").min == 0
    assert not app.exception
