"""Texts that users bring: kept under a name made from their content, within limits, and never outside their folder."""

import os
import time
from pathlib import Path

import pytest

from neuronxa_core.corpora import kept, uploads
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.configured import configured
from neuronxa_core.corpora.kept import by_name
from neuronxa_core.corpora.uploads import keep_accuracies, keep_upload, open_accuracies, open_upload, remove_upload
from neuronxa_core.errors import CacheError, CorpusError
from neuronxa_core.settings import settings
from tests.conftest import set_settings

TABLE = b"de,en\nHund,dog\nBrot,bread\n"


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    set_settings(monkeypatch, mode="shared")


def test_a_file_is_found_again_by_its_name_and_the_same_file_has_the_same_name():
    name = keep_upload({"meine texte.csv": TABLE})
    assert name.startswith("upload:meine-texte-")
    assert keep_upload({"meine texte.csv": TABLE}) == name
    assert keep_upload({"meine texte.csv": TABLE + b"Katze,cat\n"}) != name
    assert open_corpus(name).bitext("de", "en", 2).source_sentences == ("Hund", "Brot")
    assert name in uploads.uploads()
    remove_upload(name)
    with pytest.raises(CorpusError, match=r"on this machine\. Upload the file on the Data page"):
        open_corpus(name)


def test_several_files_belong_together():
    name = keep_upload({"train.de": b"Hund\nBrot\n", "train.en": b"dog\nbread\n"})
    assert open_corpus(name).bitext("de", "en", 2).target_sentences == ("dog", "bread")
    pairs = {"tatoeba.fra-eng.fra": b"chat\npain\n", "tatoeba.fra-eng.eng": b"cat\nbread\n"}
    assert open_corpus(keep_upload(pairs)).pairwise


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "There is nothing to upload"),
        ({"a.csv": b"some words\n"}, "no header with two or more language codes"),
        ({"a.zip": b"PK\x03\x04"}, "a.zip is an archive, and archives are not unpacked"),
        ({"a.tmx": b'<!DOCTYPE x [<!ENTITY a "b">]><tmx>&a;</tmx>'}, "not valid TMX"),
        ({"a.txt": b"Hund\n", "b.txt": b"dog\n"}, "is named by language"),
    ],
)
def test_what_is_no_corpus_is_not_kept(files: dict[str, bytes], said: str):
    before = uploads.uploads()
    with pytest.raises(CorpusError, match=said):
        keep_upload(files)
    assert uploads.uploads() == before
    root = settings().cache_dir / "uploads"
    assert not root.exists() or not [folder for folder in root.iterdir() if folder.name.startswith(".")]


def test_a_shared_dashboard_takes_five_megabytes_and_five_thousand_lines(shared: None):
    rows = [f"Satz {i},sentence {i}" for i in range(5_001)]
    assert keep_upload({"a.csv": "\n".join(["de,en", *rows[:-1]]).encode()})
    with pytest.raises(CorpusError, match=r"has 5,001 lines; the limit for uploads is 5,000"):
        keep_upload({"a.csv": "\n".join(["de,en", *rows]).encode()})
    with pytest.raises(CorpusError, match=r"have 5\.0 MB; the limit for uploads is 5 MB\."):
        keep_upload({"a.csv": TABLE, "b.csv": b"x" * 5_000_000})


def test_more_is_taken_locally():
    rows = [f"Satz {i}\tsentence {i}" for i in range(50_000)]
    name = keep_upload({"a.tsv": "\r\n".join(["\ufeffde\ten", *rows, ""]).encode()})
    assert open_corpus(name).bitext("de", "en", 50_000).source_sentences[-1] == "Satz 49999"


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "a/../b.csv", "C:\\texts\\b.csv", ".hidden.csv", "x\0.csv"])
def test_no_name_leads_out_of_the_folder(name: str):
    kept = keep_upload({name if name.endswith("csv") else f"{name}/t.csv": TABLE})
    folder = settings().cache_dir / "uploads" / kept.removeprefix("upload:")
    (file,) = folder.iterdir()
    assert file.parent == folder
    assert not file.name.startswith(".")


@pytest.mark.parametrize("name", ["upload:..", "upload:../../etc", "upload:/etc-0123456789ab", "upload:"])
def test_no_link_leads_out_of_the_folder(name: str):
    with pytest.raises(CorpusError, match="There is no upload"):
        open_upload(name)
    remove_upload(name)
    assert settings().cache_dir.parent.is_dir()


def test_a_folder_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    set_settings(monkeypatch, cache_dir=str(tmp_path / "file"))
    with pytest.raises(CacheError, match=r"cannot be stored in .* Free some disk space, or set NEURONXA_CACHE_DIR"):
        keep_upload({"a.csv": TABLE})


@pytest.mark.parametrize(
    "files",
    [
        {"a.txt": b"Hund\n", "b.txt": b"dog\n"},
        {"train.fra-eng.fra": b"chien\n"},
        {f"{stem}.{code}": b"x\n" for stem in "abcd" for code in ("de", "en")} | {"a.b.de": b"x\n", "a.b.en": b"x\n"},
        {"deu_Latn.txt": b"Hund\n", "de.txt": b"Hund\n"},
        {"deu_Latn.txt": b"PK\x03\x04", "eng_Latn.txt": b"dog\n"},
    ],
)
def test_no_message_about_an_upload_tells_where_it_is_kept_or_by_which_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]
):
    with pytest.raises(CorpusError) as refused:
        keep_upload(files)
    (tmp_path / "file").write_text("in the way")
    set_settings(monkeypatch, cache_dir=str(tmp_path / "file"))
    with pytest.raises(CacheError) as unkept:
        keep_upload({"a.csv": TABLE})
    with pytest.raises(CacheError) as accuracies:
        keep_accuracies({"a.csv": TABLE})
    for error in (refused, unkept, accuracies):
        assert str(tmp_path) not in str(error.value)
        assert str(os.getpid()) not in str(error.value)


def test_two_files_of_one_name_are_told_and_none_is_lost():
    for files in (
        [("a/x.csv", TABLE), ("b/x.csv", TABLE + b"Katze,cat\n")],
        [("x?.csv", TABLE), ("x*.csv", TABLE + b"Katze,cat\n")],
    ):
        with pytest.raises(CorpusError, match=r"Two of these files are called x-?\.csv\. Rename one of them"):
            keep_upload(by_name(files))
    assert by_name([("a/x.csv", TABLE), ("b/x.csv", TABLE)]) == {"x.csv": TABLE}


def test_another_text_under_a_name_that_is_taken_is_told(monkeypatch: pytest.MonkeyPatch):
    """As somebody can bring about on purpose: a digest of twelve digits is short."""
    monkeypatch.setattr(kept, "content_name", lambda *_: "a-0123456789ab")
    keep_upload({"a.csv": TABLE})
    with pytest.raises(CorpusError, match="Another upload has the name of this one"):
        keep_upload({"a.csv": TABLE + b"Katze,cat\n"})
    assert open_corpus("upload:a-0123456789ab").sentences("de") == ("Hund", "Brot")


def table(letter: str) -> dict[str, bytes]:
    """A table of 1,000 bytes."""
    return {f"{letter}.csv": f"de,en\n{letter},{letter}\n".encode().ljust(1_000, b" ")}


@pytest.fixture
def quota(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for three such tables, of which no page has any open yet."""
    set_settings(monkeypatch, uploads_gb="3.5e-6")
    monkeypatch.setattr(kept, "_OPEN", {})


def age(kind: str, name: str, seconds: float) -> None:
    folder = settings().cache_dir / kind / name.removeprefix("upload:")
    for file in folder.iterdir():
        os.utime(file, (time.time() - seconds,) * 2)


def test_the_upload_unused_for_longest_makes_room_whatever_its_kind(quota: None):
    used, accuracies, unused = keep_upload(table("a")), keep_accuracies(table("b")), keep_upload(table("c"))
    age("uploads", used, 4_000)
    age("accuracies", accuracies, 3_000)
    age("uploads", unused, 2_000)
    open_corpus(used)  # the oldest, but now it is the one used last
    new = keep_upload(table("d"))
    assert open_accuracies(accuracies) is None
    assert set(uploads.uploads()) == {used, unused, new}
    keep_upload(table("e"))
    assert unused not in uploads.uploads()


def test_what_a_page_has_open_stays_until_the_page_is_gone(quota: None):
    here = True
    names = [keep_upload(table(letter)) for letter in "abc"]
    kept.hold("one", [names[0].removeprefix("upload:")], lambda: here)
    for place, name in enumerate(names):
        age("uploads", name, 4_000 - place)
    keep_upload(table("d"))
    assert names[0] in uploads.uploads()
    assert names[1] not in uploads.uploads()
    kept.hold("two", [name.removeprefix("upload:") for name in uploads.uploads()], lambda: True)
    before = uploads.uploads()
    with pytest.raises(CorpusError, match=r"There is no room for this upload: .* 0 MB.* NEURONXA_UPLOADS_GB"):
        keep_upload(table("e"))
    assert uploads.uploads() == before
    kept.hold("two", [], lambda: True)
    here = False
    keep_upload(table("e"))
    assert names[0] not in uploads.uploads()


def test_an_upload_that_is_refused_costs_nobody_theirs(quota: None):
    names = {keep_upload(table(letter)) for letter in "abc"}
    with pytest.raises(CorpusError, match="no header"):
        keep_upload({"d.csv": b"nothing".ljust(1_000)})
    assert set(uploads.uploads()) == names


def test_what_a_killed_process_left_behind_goes_first(quota: None):
    left = settings().cache_dir / "uploads" / ".1.0123abcd"
    (left / "this upload").mkdir(parents=True)
    (left / "this upload" / "a.csv").write_bytes(bytes(1_000))
    os.utime(left, (time.time() - 4_000,) * 2)
    names = {keep_upload(table(letter)) for letter in "abc"}
    assert set(uploads.uploads()) == names
    assert not left.exists()


def test_a_shared_dashboard_opens_configured_folders_and_nothing_beside_them(
    tiny_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = tmp_path / "root"
    (root / "empty").mkdir(parents=True)
    (root / "mine").symlink_to(tiny_corpus)
    (root / "table.csv").write_bytes(TABLE)
    (tmp_path / "beside.csv").write_bytes(TABLE)
    set_settings(monkeypatch, mode="shared", corpora=f"{root}, {tiny_corpus}")
    assert set(configured()) == {str(root / "mine"), str(root / "table.csv"), str(tiny_corpus)}
    for path in (*configured(), str(root / "empty" / ".." / "table.csv")):
        assert open_corpus(path).languages
    for outside in (tmp_path / "beside.csv", root / ".." / "beside.csv", "/etc"):
        with pytest.raises(CorpusError, match="does not offer"):
            open_corpus(str(outside))
    set_settings(monkeypatch, corpora=str(root))
    with pytest.raises(CorpusError, match="does not offer"):
        open_corpus(str(root / "mine"))  # a link that leads out of the folder
