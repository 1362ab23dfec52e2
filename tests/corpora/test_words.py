from pathlib import Path

import pytest

from neuronxa_core.corpora.uploads import keep_upload
from neuronxa_core.corpora.words import open_words, read_words
from neuronxa_core.errors import CorpusError
from tests.conftest import set_settings


def kept(folder: Path, text: str | bytes, name: str = "list.tsv") -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_a_list_has_a_column_for_each_language_under_its_full_code(tmp_path: Path):
    file = kept(tmp_path, "eng_Latn\tde\tnote\tfra\r\nwater\t Wasser \tcommon\teau\r\n\r\ntree\t\t\tarbre\r\n")
    words = open_words(str(file))
    assert words.words == {
        "eng_Latn": ("water", "tree"),
        "deu_Latn": ("Wasser", ""),
        "fra_Latn": ("eau", "arbre"),
    }
    assert words.definitions == {}
    assert (words.name, len(words)) == ("list.tsv", 2)


def test_definitions_stand_beside_the_words_and_csv_is_read_too(tmp_path: Path):
    text = 'eng_Latn,eng_Latn definition,deu\nwater,"We drink ___, cold or warm.",Wasser\n'
    words = read_words(kept(tmp_path, text, "list.csv"))
    assert words.words == {"eng_Latn": ("water",), "deu_Latn": ("Wasser",)}
    assert words.definitions == {"eng_Latn": ("We drink ___, cold or warm.",)}


def test_letters_are_composed_so_that_equal_words_are_equal(tmp_path: Path):
    words = read_words(kept(tmp_path, "eng\tfra\nschool\te\u0301cole\n"))
    assert words.words["fra_Latn"] == ("école",)


def test_its_digest_changes_with_the_words_that_are_asked_for_alone(tmp_path: Path):
    one = read_words(kept(tmp_path, "eng\tdeu\tfra\nwater\tWasser\teau\n"))
    other = read_words(kept(tmp_path, "eng\tdeu\tfra\nwater\tWasser\tonde\n"))
    assert one.digest(["eng_Latn", "deu_Latn"]) == other.digest(["eng_Latn", "deu_Latn"])
    assert one.digest(["eng_Latn", "fra_Latn"]) != other.digest(["eng_Latn", "fra_Latn"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names fewer than two languages"),
        ("water\tWasser\ntree\tBaum\n", "names fewer than two languages"),
        ("eng\tdeu\n", "has no words"),
        ("eng\tdeu\tde\nwater\tWasser\tWasser\n", "two columns for deu_Latn"),
        ("eng\tdeu\nwater\tWasser\tagua\n", "Line 2 of list.tsv has 3 cells, but its header has 2"),
        ("eng\tdeu\nwater\t" + 501 * "w" + "\n", "Line 2 of list.tsv has a cell of more than 500 characters"),
        (b"eng\tdeu\nwater\tWasser\n" + b"tree\tB\xe4um\n", "Line 3 of list.tsv is not valid UTF-8"),
        ("eng\tdeu\n" + 2001 * "water\tWasser\n", "more than 2,000 rows"),
        (b"PK\x03\x04 and so on", "is an archive"),
    ],
)
def test_what_is_no_word_list_is_told_in_a_sentence(text: str | bytes, said: str, tmp_path: Path):
    with pytest.raises(CorpusError, match=said):
        read_words(kept(tmp_path, text))


def test_a_language_that_the_list_lacks_and_a_file_that_is_not_there(tmp_path: Path):
    words = read_words(kept(tmp_path, "eng\tdeu\nwater\tWasser\n"))
    with pytest.raises(
        CorpusError, match=r"list\.tsv has no swh_Latn\. Choose one of its languages: eng_Latn, deu_Latn"
    ):
        words.of("swh_Latn")
    with pytest.raises(CorpusError, match=r"nowhere\.tsv cannot be read"):
        open_words(str(tmp_path / "nowhere.tsv"))


def test_an_uploaded_table_is_a_word_list(tmp_path: Path):
    name = keep_upload({"mine.tsv": b"eng\tdeu\nwater\tWasser\ntree\tBaum\n"})
    assert open_words(name).words["deu_Latn"] == ("Wasser", "Baum")
    with pytest.raises(CorpusError, match="no upload gone-000000000000"):
        open_words("upload:gone-000000000000")


def test_a_shared_dashboard_opens_no_path_of_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = kept(tmp_path, "eng\tdeu\nwater\tWasser\n")
    set_settings(monkeypatch, mode="shared")
    with pytest.raises(CorpusError, match="does not offer"):
        open_words(str(file))
