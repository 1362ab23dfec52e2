"""The Data page: sentences, check, languages in numbers, and bringing one's own text."""

import os
import resource
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.uploads import keep_upload
from neuronxa_core.figures.report import study_report
from neuronxa_core.gallery.report import gather
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from pages.shared import columns, look
from tests.confined import confined
from tests.conftest import set_settings
from tests.pages.app import html, open_page, said

DAMAGED = {
    "deu_Latn": ["Hund", "", "Brot", "Hund", "Нож", "Fluss", "Berg", "Tal"],
    "eng_Latn": ["dog", "cat", "bread", "a dog", "knife", "river", "mountain", "valley"],
}


@pytest.fixture
def damaged(tmp_path: Path) -> str:
    for code, lines in DAMAGED.items():
        (tmp_path / f"{code}.txt").write_text("\n".join(lines))
    return str(tmp_path)


def statistics(app: AppTest) -> pd.DataFrame:
    return next(table.value for table in app.dataframe if "fertility" in table.value.columns).set_index("code")


def test_the_bundled_corpus_is_clean_and_says_how_far_to_trust_it():
    app = open_page("data")
    assert not app.exception
    assert "no problems found" in app.success[0].value
    assert "No native speaker has reviewed them" in app.warning[0].value
    assert "**In use:** all 100 lines" in said(app)
    assert statistics(app).loc["arb_Arab", "direction"] == "Right to left"


def test_a_link_with_ten_million_line_numbers_opens_in_a_process_of_three_gigabytes(demo_cache: Path):
    said = confined(
        """
        from tests.pages.app import open_page
        app = open_page("data", leave_out="51-10000000", pairs="50")
        print(app.session_state.study.leave_out, *[each.value for each in app.markdown if "In use" in each.value])
        """,
        what=resource.RLIMIT_DATA,
    )
    assert said.strip() == "51-10000000 **In use:** the first 50 of 100 lines; left out: 50 by number."


def test_each_finding_can_be_left_out_and_taken_back(damaged: str):
    app = open_page("data", corpus=damaged, source="deu_Latn", target="eng_Latn", pairs="4")
    assert "Line 2 of deu\\_Latn" not in said(app)
    for words in (
        "Line 2 of deu_Latn is empty",
        "Line 4 of deu_Latn repeats",
        "Line 5 of deu_Latn is not in the script of",
    ):
        assert words in said(app)
    assert "Line 2 of deu_Latn in" in app.error[0].value
    app.button(key="leave_empty_deu_Latn").click().run()
    assert app.session_state.study.leave_out == "empty"
    assert app.query_params["leave_out"] == "empty"
    assert not app.error
    assert "**In use:** the first 4 of 8 lines; left out: 1 empty" in said(app)
    app.button(key="leave_all").click().run()
    assert app.session_state.study.leave_out == "empty,duplicate,script"
    assert "no further problems found" in app.success[0].value
    app.button(key="leave_nothing").click().run()
    assert app.session_state.study.leave_out == ""
    assert "leave_out" not in app.query_params


def test_the_pairs_that_are_left_bound_what_can_be_asked_for(damaged: str):
    app = open_page(corpus=damaged, source="deu_Latn", target="eng_Latn", pairs="8", leave_out="empty,duplicate")
    assert app.number_input(key="study_pairs").value == 6
    assert any("has 6 pairs left; using 6 instead of 8" in toast.value for toast in app.toast)


def test_a_sample_is_part_of_the_link_and_of_what_is_in_use(damaged: str):
    app = open_page("data", sample="7", pairs="10")
    assert "**In use:** a sample of 10 of 100 lines, seed 7" in said(app)
    app.number_input(key="study_sample").set_value(0).run()
    assert "**In use:** the first 10 of 100 lines" in said(app)
    assert "sample" not in app.query_params
    refused = open_page(sample="-3", leave_out="blank")
    assert "sample = -3" in refused.toast[0].value
    assert "leave_out = blank" in refused.toast[0].value


def test_a_search_finds_on_both_sides(damaged: str):
    app = open_page(
        "data", corpus=damaged, source="deu_Latn", target="eng_Latn", pairs="4", leave_out="empty,duplicate,script"
    )
    app.text_input(key="data_search").set_value("BREAD").run()
    assert "Brot" in html(app)
    assert "Hund" not in html(app)
    app.text_input(key="data_search").set_value("нож").run()
    assert "No sentence contains this text." in [info.value for info in app.info]
    app.segmented_control(key="data_which").set_value("All lines").run()
    assert "Нож" in html(app)


def test_tokens_per_english_token_stand_beside_each_language(tiny_model, tiny_corpus: Path):
    app = open_page("data", model=str(tiny_model("llama")), corpus=str(tiny_corpus), source="fra_Latn", pairs="4")
    corpus = open_corpus(str(tiny_corpus))
    tokens = {
        code: sum(len(sentence.encode()) + 1 for sentence in corpus.sentences(code)[:4]) for code in corpus.languages
    }
    table = statistics(app)
    for code in corpus.languages:
        assert table.loc[code, "tokens"] == pytest.approx(tokens[code] / 4)
        assert table.loc[code, "fertility"] == pytest.approx(tokens[code] / tokens["eng_Latn"])
        assert table.loc[code, "unknown"] == 0


def test_a_sentence_beyond_the_models_context_is_named_and_left_out_by_its_number(tiny_model, tmp_path: Path):
    lines = ["a b", "c d", "e f " * 200, "g h"]
    for code in ("deu", "eng"):
        (tmp_path / f"{code}.txt").write_text("\n".join(f"{line} {code}" for line in lines))
    app = open_page(
        "data", model=str(tiny_model("llama")), corpus=str(tmp_path), source="deu_Latn", target="eng_Latn", pairs="3"
    )
    assert "Line 3 of deu_Latn is longer than the model's context" in said(app)
    app.button(key="leave_long_deu_Latn").click().run()
    assert app.session_state.study.leave_out == "3"
    assert "longer than the model" not in said(app)


def test_an_upload_becomes_the_studys_corpus_and_can_be_deleted():
    app = open_page("data")
    table = "de,en\n" + "\n".join(f"Satz {i},sentence {i}" for i in range(30))
    app.file_uploader(key="bring_files").set_value(("mine.csv", table.encode(), "text/csv")).run()
    app.button(key="bring_upload").click().run()
    study = app.session_state.study
    assert study.corpus.startswith("upload:mine-")
    assert (study.source, study.target, study.pairs) == ("deu_Latn", "eng_Latn", 30)
    assert "all 30 lines" in said(app)
    assert any(each.startswith("mine (uploaded, ") for each in app.selectbox(key="study_corpus").options)
    app.button(key="bring_delete").click().run()
    assert app.session_state.study.corpus == "everyday"
    assert not any(each.startswith("mine (uploaded") for each in app.selectbox(key="study_corpus").options)


def test_pasted_lines_become_the_studys_corpus():
    app = open_page("data")
    app.selectbox(key="bring_Left_code").set_value("fra_Latn").run()
    app.text_area(key="bring_Left_lines").set_value("un\ndeux\ntrois\n")
    app.text_area(key="bring_Right_lines").set_value("one\ntwo").run()
    assert "3 lines in the first box, 2 in the second" in said(app)
    app.button(key="bring_pasted").click().run()
    assert "fra_Latn has 3 lines and eng_Latn has 2" in app.error[0].value
    app.button(key="leave_unpaired_fra_Latn").click().run()
    assert "**In use:** the first 2 of 3 lines; left out: 1 unpaired" in said(app)


def test_what_is_no_corpus_is_refused_in_place_and_the_study_stays():
    app = open_page("data")
    app.file_uploader(key="bring_files").set_value(("notes.txt", b"some words", "text/plain")).run()
    app.button(key="bring_upload").click().run()
    assert "no header with two or more language codes" in app.error[0].value
    assert app.session_state.study.corpus == "everyday"


def test_the_template_is_a_corpus():
    from pages.learn.data_upload import _template

    name = keep_upload({"template.csv": _template().encode()})
    assert open_corpus(name).languages == ("deu_Latn", "eng_Latn", "hin_Deva")


def test_others_uploads_are_not_listed_in_a_shared_dashboard_but_their_links_work(monkeypatch: pytest.MonkeyPatch):
    name = keep_upload({"secret.csv": b"de,en\nHund,dog\nBrot,bread\nMaus,mouse\n"})
    assert any(
        each.startswith("secret (uploaded, ") for each in open_page("data").selectbox(key="study_corpus").options
    )
    set_settings(monkeypatch, mode="shared")
    assert not any(
        each.startswith("secret (uploaded") for each in open_page("data").selectbox(key="study_corpus").options
    )
    app = open_page("data", corpus=name, source="deu_Latn", target="eng_Latn", pairs="3")
    assert app.session_state.study.corpus == name
    assert "bring_delete" not in [button.key for button in app.button]


HOSTILE = ["=HYPERLINK(1)", "<script>alert(1)</script>", "**bold** [x](http://x)", "$a$ :red[b]", "@SUM(A1)", "-1+2"]


def test_text_stays_text_in_the_page_and_is_no_formula_in_a_spreadsheet(tmp_path: Path):
    for code in ("deu", "eng"):
        (tmp_path / f"{code}.txt").write_text("\n".join(f"{line} {code}" for line in HOSTILE))
    app = open_page("data", corpus=str(tmp_path), source="deu_Latn", target="eng_Latn", pairs="6")
    assert not app.exception
    assert "<script>alert" not in html(app)
    assert "&lt;script&gt;" in html(app)
    csv = columns.table_csv(pd.DataFrame({"line": [-1, 2], "text": ["=1", "a"], "other": ["@x", "-y"]}))
    assert csv == "line,text,other\n-1,'=1,'@x\n2,a,'-y\n"


def test_a_name_with_markup_is_shown_as_it_is():
    assert look.plain("[click](http://x) `a` $b$ :red[c] deu_Latn: *d*") == (
        "\\[click\\](http\\://x) \\`a\\` \\$b\\$ \\:red\\[c\\] deu_Latn: \\*d\\*"
    )
    app = open_page("data", corpus="/no/[click](http://x)")
    assert "\\[click\\]" in app.error[0].value


def test_hostile_sentences_do_nothing_on_any_page_or_in_a_report(tiny_model, tmp_path: Path):
    lines = [f"{HOSTILE[i % len(HOSTILE)]} <img src=x onerror=alert({i})> %{{x}} {i}" for i in range(8)]
    for code in ("deu", "eng"):
        (tmp_path / f"{code}.txt").write_text("\n".join(f"{line} {code}" for line in lines))
    study = Study(str(tiny_model("llama")), str(tmp_path), "deu", "eng", pairs=8)
    result = run_study(study, keep_states=True)
    query = {"model": study.model, "corpus": study.corpus, "source": "deu_Latn", "target": "eng_Latn", "pairs": "8"}
    for page in ("alignment", "similarity", "asymmetry", "data"):
        app = open_page(page, **query)
        assert not app.exception
        assert "<img" not in html(app).replace("nx-", "")
        assert "onerror" not in "".join(str(part.value) for part in (*app.markdown, *app.caption, *app.error))
    report = study_report(result, gather(result))
    assert "<img src=x" not in report
    assert "&lt;img src=x" in report or "\\u003cimg" in report or "&lt;img" in report


@pytest.mark.parametrize("mode", ["local", "shared"])
def test_a_corpus_that_cannot_be_read_is_named_and_pages_of_every_kind_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
):
    root = tmp_path / "corpora"
    root.mkdir()
    (root / "sound.csv").write_text("de,en\nHund,dog\nBrot,bread\n")
    (root / "torn_file.parquet").write_bytes(b"PAR1 not really")
    os.mkfifo(root / "pipe.tsv")
    set_settings(monkeypatch, corpora=str(root), mode=mode)
    where = f"{root}/" if mode == "local" else ""
    for name in ("overview", "alignment", "languages", "data") if mode == "local" else ("data",):
        app = open_page(name)
        assert "sound" in app.selectbox(key="study_corpus").options
        assert not any(str(root) in option for option in app.selectbox(key="study_corpus").options)
        if name == "data":
            said = app.warning[0].value
            assert said.startswith("2 corpora in NEURONXA_CORPORA cannot be read and are not offered:")
            assert f"- **{look.plain(where)}torn_file.parquet**: torn_file.parquet cannot be read as Parquet." in said
            assert f"- **{look.plain(where)}pipe.tsv**: pipe.tsv is neither a file nor a folder." in said
            assert (str(tmp_path) in said) == (mode == "local")


def test_the_table_of_languages_names_scripts():
    app = open_page("data")
    scripts = next(table.value["script"] for table in app.dataframe if "script" in table.value)
    assert {"Latin", "Arabic", "Cyrillic", "Devanagari"} <= set(scripts)
    assert not {"Latn", "Arab"} & set(scripts)
