"""Every page drawn by Streamlit itself, without a browser."""

import itertools
import tempfile
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from neuronxa_core import fairness
from neuronxa_core.analyses.alignment import Alignment
from neuronxa_core.corpora.languages import language
from neuronxa_core.fairness import Caller
from neuronxa_core.gallery.answers import settle
from neuronxa_core.jobs import shared_queue
from neuronxa_core.models.families import FAMILIES
from neuronxa_core.monitoring import events
from neuronxa_core.progress import Watcher
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from pages.shared.frame import entries
from pages.shared.link import NO_WIDGETS
from tests import tiny
from tests.conftest import set_settings
from tests.pages.app import (
    PARAMETERS,
    ROOT,
    chart_count,
    open_page,
    page_file,
    raw_words,
    run_until,
    said,
    table_rows,
    wait_for_charts,
)

HEADINGS = {"Overview": "Inside a multilingual language model", "Alignment": "Alignment by layer", "Data": "The data"}
"""The headings of pages that have another name in the menu."""
TEXTS = {"cmp_models", "int_list", "lat_template", "lat_words"}
"""Parameters that take any text: what they name is looked for, and told by the page."""
PAGES = {page.address or "overview": HEADINGS.get(page.title, page.title) for page in entries()}


@pytest.mark.parametrize(("name", "title"), PAGES.items())
def test_every_page_opens_with_the_default_study_and_names_each_value_of_its_link_that_does_not_fit(
    name: str, title: str
):
    odd = dict.fromkeys(sorted({*PARAMETERS} - NO_WIDGETS - TEXTS), "~nobody/\u00bd")
    app = open_page(name, **odd)
    assert app.title[0].value == title
    assert not app.error
    assert raw_words(app) == []
    told = " ".join(toast.value for toast in app.toast)
    mine = [key for key in odd if key in app.session_state]
    assert [key for key in mine if f"{key} = ~nobody" not in told.replace("\\", "")] == []


def test_a_number_without_end_in_a_link_is_one_that_does_not_fit():
    app = open_page("steering", ste_controls="inf", ste_prompts="-1e999", ste_layer="7")
    assert app.number_input(key="ste_controls").value == 5
    assert app.number_input(key="ste_layer").value == 7
    assert "ste_controls = inf; ste_prompts = -1e999" in app.toast[0].value.replace("\\", "")


def test_a_control_whose_value_the_link_leaves_out_has_its_first():
    app = AppTest.from_string(
        "from pages.shared import bound, look\n"
        "chosen = bound.one_of('One', {'a': 'A', 'b': 'B'}, 'one'), look.state_control({}, 'state')\n"
        "look.st.text(chosen)"
    )
    app.query_params.update({"one": "", "state": ""})
    assert app.run().text[0].value == "('a', 'nas')"
    assert not app.exception


def test_what_a_line_of_a_page_returns_is_not_written_on_it():
    assert not AppTest.from_string("1 if True else 2").run().main.children


def test_app_py_as_a_script_draws_the_same_page():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert not app.exception
    assert app.title[0].value == PAGES["overview"]


def test_the_first_page_stands_as_stills_and_loads_no_model():
    app = open_page()
    stills = app.get("bidi_component")  # the curves, two models, four questions, and two of all languages
    assert (len(stills), chart_count(app)) == (8, 0)
    assert "at layer" in " ".join(text.value for text in app.markdown)


def test_figures_of_a_study_without_stills_are_live_at_once():
    app = open_page("overview", source="jpn_Jpan", target="eng_Latn")
    assert chart_count(app) == 2  # its curves and its directions; what the gallery lacks of it shows the default study
    assert len(app.get("bidi_component")) == 6


def test_a_precomputed_pair_is_there_at_once_and_says_so_to_whoever_listens_once():
    heard: list[events.Event] = []
    deaf = events.listen(heard.append)
    app = open_page("alignment").run()
    deaf()
    assert chart_count(app) == 1
    assert any("precomputed" in text.value for text in app.markdown)
    assert [(event.kind, event.run, event.source) for event in heard] == [("answer", "alignment", "precomputed")]


def test_the_study_is_the_link_and_the_link_is_the_study():
    app = open_page("overview", source="fra_Latn", target="spa_Latn", pairs="40", pooling="mean")
    assert app.selectbox(key="study_source").value == "fra_Latn"
    assert app.number_input(key="study_pairs").value == 40
    app.selectbox(key="study_pooling").set_value("last").run()
    assert dict(app.query_params)["pooling"] in ("last", ["last"])


def test_a_link_may_start_from_english():
    app = open_page("overview", source="eng_Latn", target="fra_Latn")
    assert app.selectbox(key="study_source").value == "eng_Latn"
    assert app.selectbox(key="study_target").value == "fra_Latn"
    assert not app.toast


def test_values_in_a_link_that_do_not_fit_are_refused_one_by_one():
    app = open_page("overview", source="fra_Latn", site="nowhere", pairs="many")
    assert app.selectbox(key="study_source").value == "fra_Latn"
    assert app.selectbox(key="study_site").value == "gate"
    assert "site = nowhere" in app.toast[0].value
    assert "pairs = many" in app.toast[0].value


def test_swap_changes_places():
    app = open_page("alignment")
    next(button for button in app.button if button.label == "Swap").click().run()
    assert app.selectbox(key="study_source").value == "eng_Latn"
    assert app.selectbox(key="study_target").value == "deu_Latn"
    assert chart_count(app) == 1


def test_a_run_draws_the_curve_and_a_second_visit_is_answered_from_the_cache(tiny_model, tiny_corpus):
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    app = open_page("alignment", **query, pairs="8")
    assert chart_count(app) == 0
    assert any("16 sentences" in text.value for text in app.markdown)
    app.button(key="run").click().run()
    wait_for_charts(app, 1)
    assert any("fresh" in text.value for text in app.markdown)
    again = open_page("alignment", **query, pairs="8")
    assert chart_count(again) == 1
    assert any("cached" in text.value for text in again.markdown)


def test_a_page_waits_for_a_run_that_is_under_way_until_the_viewer_cancels(tiny_model, tiny_corpus):
    """As after a lost connection: the ticket is gone, the run is not."""
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    request = settle(Alignment(Study(query["model"], query["corpus"], "deu_Latn", "eng_Latn", pairs=8)))
    over = Event()

    def work(watcher: Watcher) -> None:
        while not over.wait(0.01):
            watcher.check()

    ticket = shared_queue().submit(request, work)
    try:
        app = open_page("alignment", **query, pairs="8")
        assert [button.label for button in app.button if button.key in ("cancel", "run")] == ["Cancel"]
        app.button(key="cancel").click().run()
        assert [button.label for button in app.button if button.key in ("cancel", "run")] == ["Run"]
        assert shared_queue().is_active(request)  # for the other
    finally:
        over.set()
        shared_queue().cancel(ticket)


def test_a_phone_that_slept_for_minutes_comes_back_to_its_run(tiny_model, tiny_corpus, monkeypatch):
    """Its session is forgotten and its run was given up for others; the address has its ticket."""
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "fra_Latn"}
    request = settle(Alignment(Study(query["model"], query["corpus"], "deu_Latn", "fra_Latn", pairs=8)))
    over, queue = Event(), shared_queue()
    other = queue.submit("other", lambda watcher: over.wait(60))
    clock = itertools.count(100, 100)
    monkeypatch.setattr(queue, "_attendance", fairness.Attendance())
    monkeypatch.setattr(fairness, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    try:
        ticket = queue.submit(request, lambda watcher: None, Caller("asleep", lambda: False))
        for _ in range(3):
            queue.look(ticket)
        assert not queue.is_active(request)
        stranger = open_page("alignment", **query, pairs="8")
        assert [button.label for button in stranger.button if button.key in ("cancel", "run")] == ["Run"]
        app = open_page("alignment", **query, pairs="8", ticket=ticket)
        assert [button.label for button in app.button if button.key in ("cancel", "run")] == ["Cancel"]
        assert queue.is_active(request)
        own = "".join(app.query_params["ticket"])
        assert own not in ("", ticket)
        app.button(key="cancel").click().run()
        assert "ticket" not in app.query_params
        assert not app.toast
    finally:
        over.set()
        queue.cancel(other)


def run_and_wait_for_an_error(app: AppTest) -> str:
    """What the page says went wrong, pressing Run first where it invites to."""
    if not app.error:
        app.button(key="run").click().run()
    run_until(app, lambda: app.error)
    return " ".join(error.value for error in app.error)


@pytest.fixture
def bad_input(tmp_path: Path, tiny_model, tiny_corpus) -> dict[str, dict[str, str]]:
    """Queries of links, each with one thing that does not fit."""
    (tiny_corpus / "spa_Latn.txt").write_text("uno\ndos\n")
    lines = (tiny_corpus / "deu_Latn.txt").read_text().split("\n")
    (tiny_corpus / "ita_Latn.txt").write_text("\n".join([*lines[:3], "", *lines[4:]]))
    (tmp_path / "empty").mkdir()
    good = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "target": "eng_Latn", "pairs": "8"}
    return {
        "no corpus at": good | {"corpus": "/no/such/corpus"},
        "no model at": good | {"model": "/no/such/model"},
        "has no weights": good | {"model": str(tmp_path / "empty")},
        "are not aligned": good | {"source": "spa_Latn", "pairs": "2"},
        "Line 4 of ita_Latn": good | {"source": "ita_Latn"},
    }


@pytest.mark.parametrize(
    "words", ["no corpus at", "no model at", "has no weights", "are not aligned", "Line 4 of ita_Latn"]
)
def test_bad_input_is_a_sentence_and_the_picker_stays(bad_input: dict[str, dict[str, str]], words: str):
    app = open_page("alignment", **bad_input[words])
    assert words in run_and_wait_for_an_error(app)
    assert not app.exception
    assert app.selectbox(key="study_model").value


def test_a_cache_that_cannot_be_written_costs_no_result(tmp_path: Path, bad_input, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    set_settings(monkeypatch, cache_dir=str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    query = bad_input["no model at"] | {"model": bad_input["no corpus at"]["model"], "source": "deu_Latn"}
    app = open_page("alignment", **query)
    app.button(key="run").click().run()
    wait_for_charts(app, 1)
    (told,) = (warning.value for warning in app.warning)
    assert "cannot be written to (Not a directory)" in told.replace("\\", "")
    assert told.endswith("Export it before you leave.")
    assert "no-cache" not in said(app)
    app.switch_page(page_file("similarity")).run()  # which reads states where they lie
    run_until(app, lambda: chart_count(app))


def test_a_language_that_the_corpus_lacks_is_said_and_replaced():
    app = open_page("overview", source="xho_Latn")
    chosen = app.selectbox(key="study_source").value
    assert chosen not in ("xho_Latn", app.selectbox(key="study_target").value)
    told = f"everyday has no Xhosa; using {language(chosen).name} instead."
    assert told in [toast.value for toast in app.toast]
    app.switch_page(page_file("alignment")).run()
    assert told in [warning.value for warning in app.warning]
    app.run()
    assert told in [warning.value for warning in app.warning]
    app.selectbox(key="study_source").set_value("fra_Latn").run()
    assert not app.warning


def test_a_sentence_is_text_and_nothing_else(tiny_corpus, tiny_model):
    """HTML, Markdown and formulas in a corpus do nothing."""
    hostile = "<script>alert(1)</script> **bold** =1+1"
    lines = (tiny_corpus / "deu_Latn.txt").read_text().split("\n")
    (tiny_corpus / "deu_Latn.txt").write_text("\n".join([hostile, *lines[1:]]))
    query = {"model": str(tiny_model("llama")), "corpus": str(tiny_corpus), "source": "deu_Latn", "target": "eng_Latn"}
    app = open_page("data", **query, pairs="8")
    assert table_rows(app)[0][1] == "&lt;script&gt;alert(1)&lt;/script&gt; **bold** =1+1"


def test_the_worker_of_this_process_is_one():
    assert shared_queue() is shared_queue()


def test_the_overview_of_a_study_that_is_not_stored_says_what_stands_there(tiny_model, tiny_corpus):
    app = open_page("overview", model=str(tiny_model("llama")), corpus=str(tiny_corpus), pairs="8")
    assert len(app.get("bidi_component")) == 8
    assert any("shows German and English instead" in text.value for text in app.info)


def test_more_pairs_than_the_corpus_has_become_all_it_has_and_the_page_says_so():
    app = open_page("overview", pairs="5000")
    assert app.number_input(key="study_pairs").value == 100
    assert any("has 100 pairs; using 100 instead of 5000" in toast.value for toast in app.toast)


def computed_study(folder: Path, corpus: Path) -> AppTest:
    """The Alignment page of a study that lies in the cache."""
    study = Study(str(folder), str(corpus), "deu_Latn", "eng_Latn", pairs=8)
    run_study(study, keep_states=True)
    return open_page("alignment", model=study.model, corpus=study.corpus, pairs="8")


def test_an_encoder_is_pooled_by_mean_and_the_study_line_says_so(tiny_model, tiny_corpus: Path):
    app = computed_study(tiny_model("bert"), tiny_corpus)
    assert [line.value for line in app.markdown if "pooling mean" in line.value], [line.value for line in app.markdown]
    assert chart_count(app) == 1
    assert not app.info


def test_what_was_guessed_is_said_on_the_page(tmp_path: Path, tiny_corpus: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(FAMILIES, "helium", raising=False)  # a family that no table has
    app = computed_study(tiny.save_tiny_model(tmp_path / "helium", "helium", head_dim=8), tiny_corpus)
    assert "reads its neurons from: output of mlp.act_fn" in app.info[0].value
    assert "More in the sidebar" in app.info[0].value
    assert chart_count(app) == 1
