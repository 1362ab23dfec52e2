"""Corpora on the hub, against a stand-in of its HTTP interface on loopback, in the layouts that they have or had."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from huggingface_hub import constants

from neuronxa_core.corpora import hub_texts
from neuronxa_core.corpora.bounds import Bound, Budget
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.errors import CorpusError
from neuronxa_core.settings import settings
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.hub_stand_in import StandIn, running

FLORES, NTREX, TATOEBA = (text.repository for text in hub_texts.HUB_TEXTS.values())
GERMAN, ENGLISH = ["Hund", "Brot", "Fluss", "Berg"], ["dog", "bread", "river", "mountain"]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with running() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.address)
        files = server.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        hub_texts._FAILED.clear()
        hub_texts._rows.cache_clear()
        for repository in (FLORES, NTREX, TATOEBA):
            server.models[repository] = tmp_path / "held" / repository
            server.models[repository].mkdir(parents=True)
        yield server


def hold(hub: StandIn, repository: str, name: str, frame: pd.DataFrame) -> None:
    path = hub.models[repository] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".parquet"):
        frame.to_parquet(path, index=False)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress(frame.to_json(orient="records", lines=True).encode()))
    else:
        frame.to_json(path, orient="records", lines=True)


def hold_flores(hub: StandIn, suffix: str = "parquet") -> None:
    for split in ("dev", "devtest"):
        for code, lines in (("deu_Latn", GERMAN), ("eng_Latn", ENGLISH)):
            mixed = pd.DataFrame({"id": [2, 0, 1, 3], "text": [lines[2], lines[0], lines[1], f"{lines[3]} {split}"]})
            hold(hub, FLORES, f"{split}/{code}.{suffix}", mixed)
    hub.gated.add(FLORES)
    hub.readers.add("hf_reader")


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_flores_is_read_one_language_at_a_time_in_the_order_of_its_numbers(
    hub: StandIn, suffix: str, monkeypatch: pytest.MonkeyPatch
):
    hold_flores(hub, suffix)
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    corpus = open_corpus("hub:flores+")
    assert corpus.languages == ("deu_Latn", "eng_Latn")
    assert corpus.sentences("de") == ("Hund", "Brot", "Fluss", "Berg devtest")
    fetched = {path.split("/")[-1] for method, path, _ in hub.asked if "/resolve/" in path and method == "GET"}
    assert fetched == {f"deu_Latn.{suffix}"}


def test_a_gated_corpus_says_how_to_get_in(hub: StandIn):
    hold_flores(hub)
    said = r"FLORES\+ devtest is gated\. Accept its terms on the page of openlanguagedata/flores_plus and set HF_TOKEN"
    with pytest.raises(CorpusError, match=said):
        open_corpus("hub:flores+").sentences("deu")


def test_a_table_with_a_column_for_each_language(hub: StandIn):
    hold(hub, NTREX, "data/test-00000-of-00001.parquet", pd.DataFrame({"eng_Latn": ENGLISH, "deu_Latn": GERMAN}))
    corpus = open_corpus("hub:ntrex")
    assert corpus.bitext("de", "en", 4).source_sentences == tuple(GERMAN)
    assert corpus.contents.source == "ntrex"


PAIRS = pd.DataFrame({"sentence1": GERMAN, "sentence2": ENGLISH})
FRENCH = pd.DataFrame({"sentence1": ["chat", "pain"], "sentence2": ["cat", "loaf"]})


@pytest.mark.parametrize("layout", ["{}/test-00000-of-00001.parquet", "test/{}.jsonl.gz", "test/{}.jsonl"])
def test_tatoeba_has_a_file_for_each_pair(hub: StandIn, layout: str):
    hold(hub, TATOEBA, layout.format("deu-eng"), PAIRS)
    hold(hub, TATOEBA, layout.format("fra-eng"), FRENCH)
    corpus = open_corpus("hub:tatoeba")
    assert corpus.pairwise
    assert corpus.languages == ("deu_Latn", "eng_Latn", "fra_Latn")
    assert corpus.sentences("eng", "fra") == ("cat", "loaf")
    assert corpus.sentences("eng", "deu") == tuple(ENGLISH)


def test_tatoeba_in_one_table_that_names_the_pairs(hub: StandIn):
    both = pd.concat([PAIRS.assign(lang="deu-eng"), FRENCH.assign(lang="fra-eng")])
    hold(hub, TATOEBA, "test.jsonl.gz", both)
    assert open_corpus("hub:tatoeba").bitext("fra", "eng", 2).target_sentences == ("cat", "loaf")


def test_the_commit_of_the_first_contact_stays_and_is_in_the_provenance(hub: StandIn, tiny_model):
    hold(hub, NTREX, "test.parquet", pd.DataFrame({"eng_Latn": ENGLISH, "deu_Latn": GERMAN}))
    study = Study(str(tiny_model("llama")), "hub:ntrex", "deu", "eng", pairs=4)
    first = run_study(study)
    commit = hub.commit(NTREX)
    assert first.provenance["corpus_commit"] == commit
    hub.status = 500  # from here on without the hub
    hub_texts._rows.cache_clear()
    assert run_study(study, use_cache=False).scores.equals(first.scores)
    assert open_corpus("hub:ntrex").contents.commit == commit


def test_without_a_network_it_says_so_in_one_sentence_and_does_not_ask_with_every_click(hub: StandIn):
    hub.status = 503
    said = "The hub answered 503 for NTREX-128. Try again later, or give the path of a folder"
    with pytest.raises(CorpusError, match=said):
        open_corpus("hub:ntrex")
    asked = len(hub.asked)
    with pytest.raises(CorpusError, match=said):
        open_corpus("hub:ntrex")
    assert len(hub.asked) == asked


def test_a_port_where_nobody_listens(hub: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CorpusError, match="NTREX-128 is not on this machine, and the hub cannot be reached"):
        open_corpus("hub:ntrex")


def test_a_token_that_cannot_be_one_is_refused_and_not_shown(hub: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret word")
    with pytest.raises(CorpusError, match=r"HF_TOKEN contains characters that no token can have\.") as refused:
        open_corpus("hub:ntrex")
    assert "hf_secret" not in str(refused.value)
    assert not hub.asked


def test_offline_a_corpus_says_which_setting_keeps_it_away(hub: StandIn, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(CorpusError, match="NTREX-128 is not complete in the local cache, and HF_HUB_OFFLINE is set"):
        open_corpus("hub:ntrex")


def test_a_revision_can_be_asked_for(hub: StandIn):
    hold(hub, NTREX, "test.parquet", pd.DataFrame({"eng_Latn": ENGLISH, "deu_Latn": GERMAN}))
    commit = hub.commit(NTREX)
    assert open_corpus(f"hub:ntrex@{commit}").contents.commit == commit
    with pytest.raises(CorpusError, match="NTREX-128 has no revision nowhere"):
        open_corpus("hub:ntrex@nowhere")


def test_a_layout_that_nobody_knows_is_refused(hub: StandIn):
    (hub.models[NTREX] / "README.md").write_text("nothing")
    with pytest.raises(CorpusError, match="has an unknown layout"):
        open_corpus("hub:ntrex")


def test_a_listing_cut_off_is_asked_for_again(hub: StandIn):
    hold(hub, NTREX, "test.parquet", pd.DataFrame({"eng_Latn": ENGLISH, "deu_Latn": GERMAN}))
    open_corpus("hub:ntrex")
    (written,) = (settings().cache_dir / "hub_texts").glob("*.json")
    written.write_text(json.dumps({"commit": 1})[:-3])
    assert open_corpus("hub:ntrex").languages == ("deu_Latn", "eng_Latn")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("test.jsonl.gz", gzip.compress(b" " * 20_000_000, mtime=0), r"has a line of more than 16 million characters"),
        (
            "test.jsonl.gz",
            gzip.compress(b'{"eng_Latn": "a", "deu_Latn": "b"}\n' * 9, mtime=0)[:-12],
            r"is truncated\. Download it again",
        ),
        ("test.jsonl", b'{"eng_Latn": ' + b"[" * 100_000, r"Line 1 of test\.jsonl of NTREX-128 is nested too deeply"),
        ("test.tsv", b"eng_Latn\tdeu_Latn\na\n", r"Row 2 of test\.tsv of NTREX-128 has 1 columns"),
        ("test.parquet", b"PAR1 not really", r"test\.parquet .*cannot be read as Parquet"),
    ],
)
def test_a_file_on_the_hub_that_bursts_or_is_damaged_is_refused(hub: StandIn, name: str, content: bytes, said: str):
    (hub.models[NTREX] / name).write_bytes(content)
    with pytest.raises(CorpusError, match=said):
        open_corpus("hub:ntrex")


@pytest.mark.parametrize(("suffix", "mark"), [("csv", ","), ("tsv", "\t")])
def test_a_table_on_the_hub_that_is_text(hub: StandIn, suffix: str, mark: str):
    rows = [("eng_Latn", "topic", "deu_Latn"), ("a dog", "x", '"ein Hund"'), ("bread", "", "Brot")]
    (hub.models[NTREX] / f"test.{suffix}").write_text("\n".join(mark.join(row) for row in rows) + "\n")
    corpus = open_corpus("hub:ntrex")
    assert corpus.languages == ("deu_Latn", "eng_Latn")
    assert corpus.sentences("de") == ("ein Hund", "Brot")


def test_rows_on_the_hub_are_counted_before_they_are_held(hub: StandIn, monkeypatch: pytest.MonkeyPatch):
    hold(hub, NTREX, "test.jsonl", pd.DataFrame({"eng_Latn": ENGLISH, "deu_Latn": GERMAN}))
    monkeypatch.setattr(hub_texts, "Budget", lambda name: Budget(name, Bound(rows=3)))
    with pytest.raises(CorpusError, match=r"test\.jsonl of NTREX-128 has more than 3 rows"):
        open_corpus("hub:ntrex")
