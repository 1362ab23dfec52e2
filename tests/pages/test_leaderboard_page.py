"""The Leaderboard page: the gallery, a store, and a store that is not on offer."""

from pathlib import Path

import pytest

from neuronxa_core.errors import ModelError
from neuronxa_core.sweep.plan import Plan
from neuronxa_core.sweep.store import Store
from tests.conftest import set_settings
from tests.pages.app import chart_count, open_page, said
from tests.sweep.examples import task_and_result


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Two models on three languages, one of them without the third; a fourth task failed, a fifth waits."""
    store = Store(str(tmp_path / "sweep"), create=True)
    tasks = []
    for model, rate in (("org/good", 0.9), ("org/poor", 0.4)):
        for code in ("deu_Latn", "fra_Latn", "yor_Latn", "mlt_Latn"):
            task, result = task_and_result(f"{model}{code}", code, model=model, rate=rate)
            tasks.append(task)
            if code != "mlt_Latn":
                store.add(task, result)
    store.add_failure(tasks[3], ModelError("It is gated.", "Ask for access."))
    store.note_plan(Plan(tuple(tasks)))
    return store.url


def test_the_gallery_is_shown_where_no_store_is_given():
    app = open_page("leaderboard")
    assert "Gemma 3 270M (base), Activation (gate), float32 is first by NASCA over 30 languages" in said(app)
    app.text_input(key="board_search").set_value("yoruba").run()
    assert not app.exception
    assert "over 1 language" in said(app)


def test_a_store_is_ranked_filtered_and_watched_and_its_cells_open(store: str):
    app = open_page("leaderboard", board_store="Other", board_address=store)
    assert "org/good is first by NASCA over 3 languages that all have" in said(app)
    assert app.get("progress")[0].proto.text.startswith("7 of 8 tasks")
    assert [frame.value["reason"][0] for frame in app.dataframe if "reason" in frame.value] == [
        "It is gated. Ask for access."
    ]
    app.multiselect(key="board_region").set_value(["Western Africa"]).run()
    assert "over 1 language that all have" in said(app)
    app.multiselect(key="board_region").set_value([]).run()
    app.session_state["board_open"] = ("org/poor", "yor_Latn")
    app.run()
    assert not app.exception
    assert chart_count(app) == 2  # the board and the pair's curves, which only the store has
    app.selectbox(key="moved_store").set_value("Another model or revision here").run()
    assert not app.exception
    assert chart_count(app) == 3
    assert "0 up and 3 down; fewer than one would if nothing had changed. Most: German, from" in said(app)
    app.selectbox(key="moved_store").set_value("Other").run()
    app.text_input(key="moved_address").set_value(store).run()
    assert "None of the 6 NASCA scores moved" in said(app)
    app.selectbox(key="moved_store").set_value("Gallery").run()
    assert not app.exception
    assert any("no result in common" in each.value for each in app.info)
    assert any("Yoruba" in header.value for header in app.header)


def test_shared_mode_opens_the_stores_on_offer_by_name_and_no_other(store: str, tmp_path: Path, monkeypatch):
    set_settings(monkeypatch, mode="shared", stores=store)
    app = open_page("leaderboard", board_store="sweep")
    assert "org/good is first" in said(app)
    assert store not in said(app)
    assert "1 task failed." in said(app)  # without its reason, which may name a path
    assert "gated" not in said(app)
    assert app.selectbox(key="board_store").options == ["Gallery", "sweep"]
    for path in (store, str(tmp_path / "nowhere")):
        app = open_page("leaderboard", board_store="Other", board_address=path)
        assert "org/good" not in said(app)  # the gallery is shown
