from collections.abc import Mapping
from pathlib import Path

import pytest

from neuronxa_core.corpora.catalogue import Corpus, open_corpus
from neuronxa_core.errors import CorpusError
from tests.conftest import NTREX, needs_ntrex


def corpus(folder: Path, files: Mapping[str, str | bytes]) -> Corpus:
    """A folder that holds these files, opened as a corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_corpus(str(folder))


@pytest.mark.parametrize("suffix", ["devtest", "dev", "txt"])
def test_line_aligned_files_are_named_by_code(tmp_path: Path, suffix: str):
    there = corpus(tmp_path, {f"deu_Latn.{suffix}": "Hund\nBrot\n", f"eng_Latn.{suffix}": "dog\nbread\n"})
    assert there.languages == ("deu_Latn", "eng_Latn")
    bitext = there.bitext("deu_Latn", "eng_Latn", 2)
    assert list(zip(bitext.source_sentences, bitext.target_sentences, strict=True)) == [
        ("Hund", "dog"),
        ("Brot", "bread"),
    ]


def test_devtest_is_preferred_to_dev_and_dev_to_txt(tmp_path: Path):
    splits = ("devtest", "dev", "txt")
    for number, best in enumerate(splits):
        files = {f"{code}.{split}": split for code in ("deu_Latn", "eng_Latn") for split in splits[number:]}
        there = corpus(tmp_path / best, files)
        assert there.sentences("deu_Latn") == there.sentences("eng_Latn") == (best,)


def test_the_flores_folder_is_read_through_its_devtest_folder(tmp_path: Path):
    for split in ("dev", "devtest"):
        corpus(tmp_path / "flores" / split, {f"deu_Latn.{split}": split, f"eng_Latn.{split}": split})
    assert open_corpus(str(tmp_path / "flores")).sentences("deu_Latn") == ("devtest",)


def test_ntrex_names_answer_to_flores_codes_and_a_second_reference_is_no_language(tmp_path: Path):
    names = ["src.eng", "ref.deu", "ref.zho-CN", "ref-2.spa"]
    for name in names:
        (tmp_path / f"newstest2019-{name}.txt").write_text(name)
    there = open_corpus(str(tmp_path))
    assert {code: there.sentences(code)[0] for code in there.languages} == {
        "deu_Latn": "ref.deu",
        "eng_Latn": "src.eng",
        "zho_Hans": "ref.zho-CN",
    }
    assert there.sentences("zho-CN") == ("ref.zho-CN",)


def test_iso_codes_name_files_too(tmp_path: Path):
    there = corpus(tmp_path, {"de.txt": "Hund", "eng.txt": "dog", "README.txt": "not a language"})
    assert there.languages == ("deu_Latn", "eng_Latn")
    assert there.sentences("deu") == there.sentences("de") == there.sentences("deu_Latn") == ("Hund",)


def test_a_language_that_the_table_lacks_is_read_all_the_same(tmp_path: Path):
    assert corpus(tmp_path, {"xyz_Latn.txt": "blub", "eng_Latn.txt": "dog"}).sentences("xyz_Latn") == ("blub",)


def test_tsv_columns_are_the_languages_of_its_header_and_others_are_passed_over(tmp_path: Path):
    file = tmp_path / "pairs.tsv"
    file.write_text('number\tdeu_Latn\ten\n1\tHund\tthe "dog"\n2\tBrot\tbread\n', encoding="utf-8")
    there = open_corpus(str(file))
    assert there.languages == ("deu_Latn", "eng_Latn")
    assert there.sentences("deu_Latn") == ("Hund", "Brot")
    assert there.sentences("eng_Latn") == ('the "dog"', "bread")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "not ended"])
def test_byte_order_marks_and_line_ends_change_nothing(tmp_path: Path, mark: bytes, end: bytes, last: bool):
    lines = mark + end.join([b"Hund", b"Brot"]) + end * last
    assert corpus(tmp_path, {"deu_Latn.txt": lines}).sentences("deu_Latn") == ("Hund", "Brot")
    table = tmp_path / "pairs.tsv"
    table.write_bytes(mark + end.join([b"deu_Latn\teng_Latn", b"Hund\tdog", b"Brot\tbread"]) + end * last)
    assert open_corpus(str(table)).sentences("deu_Latn") == ("Hund", "Brot")
    assert open_corpus(str(table)).sentences("eng_Latn") == ("dog", "bread")


@pytest.mark.parametrize("stray", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, stray: str):
    there = corpus(tmp_path, {"deu_Latn.txt": f"der{stray}Hund\nBrot\n", "eng_Latn.txt": "dog\nbread\n"})
    assert there.bitext("deu_Latn", "eng_Latn", 2).source_sentences == (f"der{stray}Hund", "Brot")


def test_white_space_around_a_sentence_is_no_part_of_it(tmp_path: Path):
    assert corpus(tmp_path, {"deu_Latn.txt": " Hund \t\n\u3000Brot\n"}).sentences("deu_Latn") == ("Hund", "Brot")


@pytest.mark.parametrize(
    ("german", "pairs", "said"),
    [
        (
            b"Hund\nBr\xf6tchen\nFluss\n",
            2,
            "is not UTF-8, or has the wrong number of columns. Save the file as UTF-8 (files from Windows are often "
            "Windows-1252)",
        ),
        ("Hund\n", 2, "deu_Latn has 1 lines and eng_Latn has 3"),
        ("", 2, "deu_Latn has 0 lines and eng_Latn has 3"),
        ("Hund\n \nFluss\n", 2, "Line 2 of deu_Latn"),
        ("Hund\nBrot\nFluss\n", 1, "1 pair cannot be scored"),
        ("Hund\nBrot\nFluss\n", 0, "0 pairs cannot be scored"),
        ("Hund\nBrot\nFluss\n", -3, "-3 pairs cannot be scored"),
        ("Hund\nBrot\nFluss\n", 4, "deu_Latn-eng_Latn has 3 pairs, fewer than the 4 requested. Ask for 3 pairs"),
    ],
)
def test_sentences_that_cannot_be_paired_are_refused(tmp_path: Path, german: str | bytes, pairs: int, said: str):
    there = corpus(tmp_path, {"deu_Latn.txt": german, "eng_Latn.txt": "dog\nbread\nriver\n"})
    with pytest.raises(CorpusError) as error:
        there.bitext("deu_Latn", "eng_Latn", pairs)
    assert said in str(error.value)


def test_an_empty_line_beyond_the_pairs_in_use_does_no_harm(tmp_path: Path):
    there = corpus(tmp_path, {"deu_Latn.txt": "Hund\nBrot\n\n", "eng_Latn.txt": "dog\nbread\nriver\n"})
    assert there.bitext("deu_Latn", "eng_Latn", 2).source_sentences == ("Hund", "Brot")


def test_a_language_that_the_corpus_lacks_is_named_beside_those_it_has(tmp_path: Path):
    there = corpus(tmp_path, {"deu_Latn.txt": "Hund\nBrot\n", "eng_Latn.txt": "dog\nbread\n"})
    with pytest.raises(CorpusError, match=r"has no fra_Latn\. Choose one of its languages: deu_Latn, eng_Latn"):
        there.bitext("fra", "eng_Latn", 2)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("everyman", "There is no corpus called 'everyman'. Use everyday"),
        ("/no/such/folder", "There is no corpus at /no/such/folder. Check the path"),
        ("{there}", "is named by language. Name its files by language code"),
        ("{there}/notes.txt", "notes.txt has no header with two or more language codes"),
        ("{there}/one.tsv", "one.tsv has no header with two or more language codes"),
        ("{there}/empty.tsv", "empty.tsv has no header with two or more language codes"),
        ("{there}/short.tsv", "Line 2 of short.tsv has 1 columns, but its header has 2. Give every line"),
        ("{there}/long.tsv", "Line 2 of long.tsv has 3 columns, but its header has 2. Give every line"),
        ("{there}/packed.zip", "packed.zip is an archive, and archives are not unpacked. Unpack it"),
        ("{there}/sheet.xlsx", "sheet.xlsx is a spreadsheet. Save it as CSV"),
    ],
)
def test_what_is_no_corpus_is_refused_with_a_next_step(tmp_path: Path, name: str, said: str):
    header = b"deu_Latn\teng_Latn\n"
    corpus_files = {
        "notes.txt": b"some words\n",
        "one.tsv": b"deu_Latn\nHund\n",
        "empty.tsv": b"",
        "short.tsv": header + b"Hund\nBrot\tbread\nFluss\n",
        "long.tsv": header + b"Hund\tdog\tchien\n",
        "packed.zip": b"PK",
        "sheet.xlsx": b"PK",
    }
    for file, content in corpus_files.items():
        (tmp_path / file).write_bytes(content)
    with pytest.raises(CorpusError) as error:
        open_corpus(name.format(there=tmp_path))
    assert said in str(error.value)


def test_two_columns_of_one_language_are_not_chosen_between_in_silence(tmp_path: Path):
    file = tmp_path / "twice.tsv"
    file.write_text("deu_Latn\tde\teng_Latn\nHund\tKatze\tdog\n")
    with pytest.raises(CorpusError, match="deu_Latn"):
        open_corpus(str(file))


def test_two_files_of_one_language_are_not_chosen_between_in_silence(tmp_path: Path):
    with pytest.raises(CorpusError, match="deu_Latn"):
        corpus(tmp_path, {"deu_Latn.txt": "Hund", "de.txt": "Katze", "eng_Latn.txt": "dog"})


def test_the_bundled_corpus_has_a_hundred_different_sentences_in_every_language():
    there = open_corpus("everyday")
    assert "eng_Latn" in there.languages
    for code in there.languages:
        assert len(set(there.sentences(code))) == len(there.sentences(code)) == 100
        assert "" not in there.sentences(code)


@needs_ntrex
def test_the_real_ntrex_folder_reads_line_by_line_in_every_language():
    there = open_corpus(str(NTREX))
    assert len(there.languages) >= 128
    assert {code: len(there.sentences(code)) for code in there.languages} == dict.fromkeys(there.languages, 200)
    files = {"deu_Latn": "ref.deu", "eng_Latn": "src.eng", "spa_Latn": "ref.spa", "eng_Latn-GB": "ref.eng-GB"}
    for code, name in files.items():
        lines = (NTREX / f"newstest2019-{name}.txt").read_bytes().decode().split("\n")
        assert there.sentences(code)[122] == lines[122].strip()
