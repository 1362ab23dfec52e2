"""A corpus that cannot be read is passed over and named; what lies beside it is offered as before."""

import csv
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from neuronxa_core.corpora import configured as module
from neuronxa_core.corpora import formats, readers
from neuronxa_core.corpora.catalogue import is_offered, open_corpus
from neuronxa_core.corpora.configured import Skipped, configured, skipped
from neuronxa_core.corpora.readers import read_path
from neuronxa_core.corpora.uploads import open_accuracies
from neuronxa_core.corpora.words import open_words
from neuronxa_core.errors import CorpusError, ModelError, NeuronXAError, shown
from neuronxa_core.models.locate import ModelRef, find_checkpoint
from neuronxa_core.settings import ASSETS, settings
from neuronxa_core.study.study import Study
from tests.conftest import set_settings

TABLE = b"de,en\nHund,dog\nBrot,bread\n"


def offer(monkeypatch: pytest.MonkeyPatch, *roots: Path) -> None:
    monkeypatch.setenv("NEURONXA_CORPORA", ",".join(map(str, roots)))
    settings.cache_clear()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a sound table among everything that is not."""
    root = tmp_path / "corpora"
    root.mkdir()
    (root / "sound.csv").write_bytes(TABLE)
    (root / "README.md").write_text("What lies here.")
    (root / "torn.parquet").write_bytes(b"PAR1 not really PAR1")
    (root / "undecodable.tsv").write_bytes(b"\xff\xfed\x00e")
    (root / "nowhere").symlink_to(tmp_path / "gone")
    (root / "circle").symlink_to(root / "circle")
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.tsv")
    (root / ".hidden.csv").write_bytes(b"nothing")
    offer(monkeypatch, root, tmp_path / "missing")
    return root


def test_what_cannot_be_read_is_named_with_its_reason_and_the_rest_is_offered(root: Path):
    assert configured() == (str(root / "sound.csv"),)
    assert open_corpus(configured()[0]).sentences("de") == ("Hund", "Brot")
    assert {each.path.name: each.reason for each in skipped()} == {
        "circle": "circle is a broken link.",
        "loop": "No file in loop is named by language.",
        "nowhere": "nowhere is a broken link.",
        "pipe.tsv": "pipe.tsv is neither a file nor a folder.",
        "torn.parquet": "torn.parquet cannot be read as Parquet.",
        "undecodable.tsv": "undecodable.tsv is truncated UTF-16.",
        "missing": f"There is no corpus at {root.parent}/missing.",
    }


def test_others_see_the_name_alone():
    each = Skipped(Path("/srv/corpora/loop"), "No file in /srv/corpora/loop is named by language.")
    assert each.told(whole=True) == ("/srv/corpora/loop", "No file in /srv/corpora/loop is named by language.")
    assert each.told(whole=False) == ("loop", "No file in loop is named by language.")


def test_each_is_logged_once(root: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            configured()
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(set(said)) == 7
    assert f"{root}/torn.parquet in NEURONXA_CORPORA is skipped: torn.parquet cannot be read as Parquet." in said


def test_an_unchanged_path_is_opened_once_and_a_changed_one_again(root: Path, monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []

    def counted(path: Path) -> object:
        opened.append(path.name)
        return read_path(path)

    monkeypatch.setattr(module, "read_path", counted)
    for _ in range(3):
        configured()
    assert sorted(opened) == sorted(set(opened))
    (root / "undecodable.tsv").write_bytes(TABLE.replace(b",", b"\t"))
    opened.clear()
    assert configured() == (str(root / "sound.csv"), str(root / "undecodable.tsv"))
    assert "undecodable.tsv" in opened
    assert "sound.csv" not in opened


def test_a_folder_is_looked_at_again_when_a_file_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "texts" / "devtest").mkdir(parents=True)
    offer(monkeypatch, tmp_path / "texts")
    assert configured() == ()
    for code in ("deu_Latn", "eng_Latn"):
        (tmp_path / "texts" / "devtest" / f"{code}.devtest").write_text("a\n")
    assert configured() == (str(tmp_path / "texts"),)


def test_what_the_system_refuses_is_tried_again_after_a_while(root: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(path: Path) -> object:
        raise CorpusError("refused.", "Wait.") from PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "read_path", refused)
    module._seen.clear()
    assert configured() == ()
    assert (root / "README.md", "refused.") in [(each.path, each.reason) for each in skipped()]
    monkeypatch.setattr(module, "read_path", read_path)
    assert configured() == ()
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    assert configured() == (str(root / "sound.csv"),)


RAISED = {
    "PermissionError": (
        PermissionError(13, "Permission denied"),
        r"a\.csv cannot be read \(Permission denied\)\. Check",
    ),
    "MemoryError": (MemoryError(), r"a\.csv does not fit in memory\. Use only part"),
    "RecursionError": (
        RecursionError("deep"),
        r"a\.csv cannot be read \(RecursionError, error id [0-9a-f]{8}\)\. Save",
    ),
    "OverflowError": (OverflowError("large"), r"a\.csv cannot be read \(OverflowError, error id"),
    "UnicodeError": (UnicodeError("odd"), r"a\.csv cannot be read \(UnicodeError, error id"),
    "csv": (csv.Error("odd"), r"a\.csv cannot be read \(Error, error id"),
    "arrow": (pa.ArrowInvalid("odd"), r"a\.csv cannot be read \(ArrowInvalid, error id"),
    "KeyError": (KeyError("odd"), r"a\.csv cannot be read \(KeyError, error id"),
}


@pytest.mark.parametrize("name", RAISED)
def test_whatever_a_reader_raises_is_one_sentence_and_the_unexpected_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
):
    raised, said = RAISED[name]

    def read(file: Path, bound: object) -> object:
        raise raised

    (tmp_path / "a.csv").write_bytes(TABLE)
    monkeypatch.setitem(formats._BY_SUFFIX, ".csv", read)
    readers._kept.clear()
    with pytest.raises(CorpusError, match=said) as error:
        open_corpus(str(tmp_path / "a.csv"))
    logged = caplog.text
    if "error id" in said:
        error_id = str(error.value).partition("error id ")[2][:8]
        assert f"error id {error_id}\nTraceback" in logged
        assert type(raised).__name__ in logged
    else:
        assert not logged


def test_a_language_that_is_read_later_is_told_in_one_sentence_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for code in ("deu_Latn", "eng_Latn"):
        (tmp_path / f"{code}.txt").write_text("a\n")
    corpus = open_corpus(str(tmp_path))

    def read(*_: object) -> object:
        raise KeyError("odd")

    monkeypatch.setattr(readers, "lines_of", read)
    with pytest.raises(CorpusError, match=r"cannot be read \(KeyError, error id"):
        corpus.sentences("deu")


@pytest.mark.parametrize(
    "path", ["~nobody-of-that-name/texts", "/" + "x" * 5_000, "/a\0b", "{root}/circle", "{root}/pipe.tsv"]
)
def test_no_path_that_is_typed_raises_anything_else(root: Path, monkeypatch: pytest.MonkeyPatch, path: str):
    with pytest.raises(CorpusError):
        open_corpus(path.format(root=root))
    monkeypatch.setenv("NEURONXA_MODE", "shared")
    settings.cache_clear()
    with pytest.raises(CorpusError):
        open_corpus(path.format(root=root))
    assert not is_offered("/a\0b")


def test_a_root_that_is_a_circle_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "table.csv").write_bytes(TABLE)
    offer(monkeypatch, tmp_path / "circle", tmp_path / "table.csv")
    monkeypatch.setenv("NEURONXA_MODE", "shared")
    settings.cache_clear()
    assert configured() == (str(tmp_path / "table.csv"),)
    assert open_corpus(str(tmp_path / "table.csv")).languages == ("deu_Latn", "eng_Latn")


NO_SUCH = ("~nosuchuser/x", "~root/x", "/etc/passwd", "/etc/nothing", "a\0b", "x" * 300, "/" + "y" * 300, "\ud800/x")


@pytest.mark.parametrize("open_it", [open_corpus, open_words, lambda name: find_checkpoint(ModelRef(name))])
def test_a_shared_dashboard_says_the_same_of_every_path_and_looks_at_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, open_it: Callable[[str], object]
):
    set_settings(monkeypatch, mode="shared", corpora=str(tmp_path))
    assert settings().mode == "shared"
    asked: list[str] = []
    for owner, name in ((os, "stat"), (os, "lstat"), (Path, "resolve"), (Path, "expanduser")):
        there = getattr(owner, name)

        def look(path: object, *more: object, there: Callable[..., object] = there, **how: object) -> object:
            asked.append(str(path))
            return there(path, *more, **how)

        monkeypatch.setattr(owner, name, look)
    said = set()
    for name in NO_SUCH:
        with pytest.raises(NeuronXAError) as error:
            open_it(name)
        said.add(str(error.value).replace(shown(name), "it"))
    assert len(said) == 1
    assert "does not offer it: there is no such" in said.pop()
    assert not [path for path in asked if not str(tmp_path).startswith(path)]


@pytest.mark.parametrize("name", NO_SUCH)
def test_a_name_that_no_path_has_is_told_locally_too(name: str):
    """Everything that takes a path; the same where it is asked for while a page is drawn."""
    for open_it in (open_corpus, open_words, lambda name: find_checkpoint(ModelRef(name))):
        with pytest.raises(NeuronXAError):
            open_it(name)
    with pytest.raises(ModelError):
        find_checkpoint(ModelRef(str(ASSETS), adapter=name))
    study = Study(name, name, "deu_Latn", "eng_Latn", adapter=name)
    assert study.names["model"]
    assert open_accuracies(name) is None


def test_a_link_inside_a_configured_corpus_that_leads_out_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "secret.txt").write_text("root\n")
    offered = tmp_path / "corpora"
    for folder, link in (("out", tmp_path / "secret.txt"), ("within", offered / "out" / "eng_Latn.txt")):
        (offered / folder).mkdir(parents=True)
        (offered / folder / "eng_Latn.txt").write_text("dog\n")
        (offered / folder / "deu_Latn.txt").symlink_to(link)
    (offered / "table.tsv").symlink_to(tmp_path / "secret.txt")
    offer(monkeypatch, offered)
    assert configured() == (str(offered / "out"), str(offered / "within"))
    set_settings(monkeypatch, mode="shared")
    assert configured() == (str(offered / "within"),)
    assert {each.path.name: each.reason for each in skipped()} == {
        "out": "out has a link that leads out of NEURONXA_CORPORA.",
        "table.tsv": "table.tsv has a link that leads out of NEURONXA_CORPORA.",
    }
    assert open_corpus(str(offered / "within")).sentences("deu") == ("dog",)
    for path in (offered / "out", offered / "table.tsv", offered / "out" / "deu_Latn.txt"):
        with pytest.raises(CorpusError):
            open_corpus(str(path))


def test_no_error_of_a_shared_dashboard_tells_where_things_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    model, cache = str(tmp_path / "models" / "mine"), settings().cache_dir
    ref = ModelRef(model)
    with pytest.raises(ModelError, match=f"{model} has no weights"):
        find_checkpoint(ref)
    set_settings(monkeypatch, mode="shared", models=f"demo,{model}", corpora=str(tmp_path / "corpora"))
    with pytest.raises(ModelError) as error:
        find_checkpoint(ref)
    assert str(error.value).startswith("mine has no weights.")
    told = str(CorpusError(f"{cache}/x and {tmp_path}/corpora/a.tsv.", f"See {Path.home()}/notes."))
    assert told == "the cache folder/x and corpora/a.tsv. See ~/notes."
