"""Parallel text in every format that researchers have it in: whole, damaged, and the same whatever it came in."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pandas as pd
import pytest

from neuronxa_core.analyses.languages import run_language_matrix
from neuronxa_core.corpora.catalogue import Corpus, open_corpus
from neuronxa_core.corpora.validation import is_decoded
from neuronxa_core.errors import CorpusError
from neuronxa_core.study.runner import run_study
from neuronxa_core.study.study import Study
from tests.pages.app import open_page

GERMAN = ("Der Hund schläft.", 'Sie sagt: "Komm!"', "<b>Brot</b> & Butter, bitte; jetzt", "=1+1 ist zwei")
ENGLISH = ("The dog sleeps.", 'She says, "Come!"', "<b>bread</b> & butter, please; now", "=1+1 is two")
ROWS = list(zip(GERMAN, ENGLISH, strict=True))


def flores(folder: Path) -> Path:
    (folder / "devtest").mkdir(parents=True)
    for code, side in (("deu_Latn", GERMAN), ("eng_Latn", ENGLISH)):
        (folder / "devtest" / f"{code}.devtest").write_text("\n".join(side) + "\n", encoding="utf-8")
    return folder


def moses(folder: Path) -> Path:
    folder.mkdir()
    for code, side in (("de", GERMAN), ("en", ENGLISH)):
        (folder / f"train.{code}").write_text("\n".join(side) + "\n", encoding="utf-8")
    return folder


def laser(folder: Path) -> Path:
    folder.mkdir()
    for code, side in (("deu", GERMAN), ("eng", ENGLISH)):
        (folder / f"tatoeba.deu-eng.{code}").write_text("\n".join(side) + "\n", encoding="utf-8")
    return folder


def tsv(folder: Path) -> Path:
    file = folder.with_suffix(".tsv")
    lines = [f"{number}\t{german}\t{english}" for number, (german, english) in enumerate(ROWS)]
    file.write_text("\n".join(["id\tdeu\teng", *lines]), encoding="utf-8")
    return file


def written_by_csv(folder: Path, delimiter: str = ",") -> Path:
    file = folder.with_suffix(".csv")
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, delimiter=delimiter).writerows([("de", "en"), *ROWS])
    return file


def semicolons(folder: Path) -> Path:
    return written_by_csv(folder, ";")


def jsonl(folder: Path) -> Path:
    file = folder.with_suffix(".jsonl")
    file.write_text("".join(json.dumps({"id": 7, "de": german, "en": english}) + "\n" for german, english in ROWS))
    return file


def nested(folder: Path) -> Path:
    file = folder.with_suffix(".jsonl")
    file.write_text(
        "".join(json.dumps({"translation": {"de": a, "en": b}}, ensure_ascii=False) + "\n" for a, b in ROWS)
    )
    return file


def parquet(folder: Path) -> Path:
    file = folder.with_suffix(".parquet")
    pd.DataFrame({"sentence_deu_Latn": GERMAN, "sentence_eng_Latn": ENGLISH, "topic": "x"}).to_parquet(file)
    return file


def parquet_nested(folder: Path) -> Path:
    file = folder.with_suffix(".parquet")
    pd.DataFrame({"translation": [{"de": german, "en": english} for german, english in ROWS]}).to_parquet(file)
    return file


def tmx(folder: Path) -> Path:
    units = "".join(
        f'<tu><tuv xml:lang="de-DE"><seg>{escape(german)}</seg></tuv>'
        f'<tuv xml:lang="en-US"><seg>{escape(english)}</seg></tuv></tu>'
        for german, english in ROWS
    )
    file = folder.with_suffix(".tmx")
    text = (
        f'<?xml version="1.0"?><!DOCTYPE tmx SYSTEM "tmx14.dtd"><tmx version="1.4"><header/><body>{units}</body></tmx>'
    )
    file.write_text(text, encoding="utf-8")
    return file


def gettext(folder: Path) -> Path:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    file = folder.with_suffix(".po")
    header = 'msgid ""\nmsgstr "Language: de\\nContent-Type: text/plain; charset=UTF-8\\n"\n\n'
    entries = [f"msgid {quoted(english)}\nmsgstr {quoted(german)}\n" for german, english in ROWS]
    file.write_text(header + "\n".join(entries), encoding="utf-8")
    return file


FORMATS: dict[str, Callable[[Path], Path]] = {
    make.__name__: make
    for make in (
        flores,
        moses,
        laser,
        tsv,
        written_by_csv,
        semicolons,
        jsonl,
        nested,
        parquet,
        parquet_nested,
        tmx,
        gettext,
    )
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_text_comes_in_through_every_format(tmp_path: Path, name: str):
    corpus = open_corpus(str(FORMATS[name](tmp_path / "corpus")))
    assert set(corpus.languages) == {"deu_Latn", "eng_Latn"}
    bitext = corpus.bitext("deu_Latn", "eng_Latn", 4)
    assert (bitext.source_sentences, bitext.target_sentences) == (GERMAN, ENGLISH)
    back = corpus.bitext("eng_Latn", "deu_Latn", 4)
    assert (back.source_sentences, back.target_sentences) == (ENGLISH, GERMAN)


def test_the_numbers_are_the_same_whatever_a_corpus_came_in(tmp_path: Path, tiny_model):
    paths = [str(make(tmp_path / name)) for name, make in FORMATS.items()]
    studies = [Study(str(tiny_model("llama")), path, "deu_Latn", "eng_Latn", pairs=4) for path in paths]
    results = [run_study(study, use_cache=False) for study in studies[::4]] + [run_study(study) for study in studies]
    assert all(result.scores.equals(results[0].scores) for result in results)
    assert len({result.provenance["corpus_hash"] for result in results}) == 1


def tatoeba(folder: Path) -> Corpus:
    folder.mkdir()
    for pair, sides in {
        "deu-eng": {"deu": "Hund\nBrot", "eng": "dog\nbread"},
        "fra-eng": {"fra": "chat\npluie\nnuit", "eng": "cat\nrain\nnight"},
    }.items():
        for code, text in sides.items():
            (folder / f"tatoeba.{pair}.{code}").write_text(text + "\n")
    return open_corpus(str(folder))


def test_in_tatoeba_english_is_another_text_beside_each_language(tmp_path: Path):
    corpus = tatoeba(tmp_path / "tatoeba")
    assert corpus.pairwise
    assert corpus.languages == ("deu_Latn", "eng_Latn", "fra_Latn")
    assert corpus.beside("eng_Latn") == ("deu_Latn", "fra_Latn")
    assert corpus.bitext("fra", "eng", 3).target_sentences == ("cat", "rain", "night")
    assert corpus.bitext("eng", "deu", 2).source_sentences == ("dog", "bread")
    with pytest.raises(
        CorpusError,
        match=r"no text in both fra_Latn and deu_Latn\. Choose a language that it pairs with fra_Latn: eng_Latn",
    ):
        corpus.bitext("fra", "deu", 2)


def test_more_than_two_languages_are_not_compared_on_different_texts(tmp_path: Path, tiny_model):
    tatoeba(tmp_path / "tatoeba")
    study = Study(str(tiny_model("llama")), str(tmp_path / "tatoeba"), "deu_Latn", "eng_Latn", pairs=2)
    with pytest.raises(CorpusError, match="each language pair has its own text"):
        run_language_matrix(study, ("deu_Latn", "eng_Latn", "fra_Latn"))
    assert run_language_matrix(study, ("deu_Latn", "eng_Latn")).codes == ("deu_Latn", "eng_Latn")


def test_the_picker_offers_what_a_language_has_a_text_with(tmp_path: Path):
    tatoeba(tmp_path / "tatoeba")
    app = open_page("data", corpus=str(tmp_path / "tatoeba"), source="fra_Latn", target="deu_Latn", pairs="2")
    assert app.selectbox(key="study_target").value == "eng_Latn"
    assert len(app.selectbox(key="study_target").options) == 1
    assert not app.error


def test_a_memory_in_which_not_every_unit_has_every_language_gives_pairs(tmp_path: Path):
    def unit(**sides: str) -> str:
        return "<tu>" + "".join(f'<tuv lang="{code}"><seg>{text}</seg></tuv>' for code, text in sides.items()) + "</tu>"

    units = unit(de="Hund", en="dog", fr="chien") + unit(de="Brot", en="bread") + unit(en="rain", fr="pluie")
    (tmp_path / "m.tmx").write_text(f"<tmx><body>{units}</body></tmx>")
    corpus = open_corpus(str(tmp_path / "m.tmx"))
    assert corpus.bitext("de", "en", 2).source_sentences == ("Hund", "Brot")
    assert corpus.bitext("fr", "en", 2).target_sentences == ("dog", "rain")
    assert corpus.sentences("de", "fr") == ("Hund",)


def test_markup_inside_a_segment_is_left_out_and_its_text_stays(tmp_path: Path):
    segment = "<seg>Press <bpt i='1'/><hi>Save</hi><ept i='1'/>\n  now</seg>"
    units = f'<tu><tuv lang="en">{segment}</tuv><tuv lang="de"><seg>Jetzt</seg></tuv></tu>' * 2
    (tmp_path / "m.tmx").write_text(f"<tmx><body>{units}</body></tmx>")
    assert open_corpus(str(tmp_path / "m.tmx")).sentences("en")[0] == "Press Save   now"


def test_catalogues_of_several_languages_share_their_messages(tmp_path: Path):
    for code, words in (("de", ("Hund", "Brot")), ("fr", ("chien", ""))):
        lines = [f'msgid "{english}"\nmsgstr "{word}"\n' for english, word in zip(("dog", "bread"), words, strict=True)]
        lines.append('#, fuzzy\nmsgid "rain"\nmsgstr "unsure"\n')
        folder = tmp_path / "locale" / code / "LC_MESSAGES"
        folder.mkdir(parents=True)
        head = f'msgid ""\nmsgstr "Language: {code}\\n"\n\n'
        (folder / "app.po").write_text(head + "\n".join(lines))
    corpus = open_corpus(str(tmp_path / "locale"))
    assert corpus.bitext("de", "en", 2).target_sentences == ("dog", "bread")
    assert corpus.sentences("fr", "en") == ("chien",)
    assert "unsure" not in corpus.sentences("de", "en")


def test_a_line_end_inside_a_cell_becomes_a_space(tmp_path: Path):
    (tmp_path / "c.csv").write_text('de,en\n"der\nHund",dog\nBrot,bread\n')
    assert open_corpus(str(tmp_path / "c.csv")).sentences("de") == ("der Hund", "Brot")


@pytest.mark.parametrize(
    ("encoding", "right"), [("utf-8", True), ("utf-8-sig", True), ("utf-16", True), ("windows-1252", False)]
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_line_ends_of_other_systems(tmp_path: Path, encoding: str, right: bool, end: str):
    (tmp_path / "c.csv").write_bytes(end.join(["de,en", "Bär,bear", "Küche,kitchen", ""]).encode(encoding))
    corpus = lambda: open_corpus(str(tmp_path / "c.csv")).sentences("de")  # noqa: E731
    if right:
        assert corpus() == ("Bär", "Küche")
    else:
        assert not any(is_decoded(sentence) for sentence in corpus())


BROKEN: dict[str, tuple[str | bytes, str]] = {
    "a.csv": ("de,en\nHund,dog,cat\n", "Line 2 of a.csv has 3 columns, but its header has 2"),
    "b.csv": ('de,en\n"Hund,dog\n', "b.csv is not valid CSV"),
    "c.csv": ("deutsch,englisch\nHund,dog\n", "c.csv has no header with two or more language codes"),
    "d.jsonl": ('{"de": "Hund", "en": "dog"}\n{"de": \n{"de": \n', "Line 2 of d.jsonl is not JSON"),
    "e.jsonl": ('["Hund", "dog"]\n', "Line 1 of e.jsonl is not a JSON object"),
    "f.jsonl": ("", "f.jsonl has no header"),
    "g.parquet": (b"PAR1 not really", "g.parquet cannot be read as Parquet"),
    "h.tmx": ("<tmx><body><tu>", "h.tmx is not valid TMX"),
    "i.tmx": ("<tmx><body/></tmx>", "i.tmx has fewer than two languages"),
    "j.tmx": ('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><tmx>&b;</tmx>', "j.tmx is not valid TMX"),
    "k.tmx": ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><tmx>&a;</tmx>', "k.tmx is not valid TMX"),
    "l.po": ('msgid "dog"\nmsgstr "Hund"\n', "l.po does not state its language"),
    "m.po": ('msgid "dog\nmsgstr', "m.po is not a valid gettext catalogue"),
    "n.csv": ("de,ger\nHund,Hund\n", "n.csv has two columns for deu_Latn"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_damaged_ends_in_one_sentence_that_names_the_place(tmp_path: Path, name: str):
    content, said = BROKEN[name]
    (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CorpusError) as error:
        open_corpus(str(tmp_path / name))
    assert said in str(error.value)
    assert error.value.next_step.endswith(".")
    assert "\n" not in str(error.value)


def test_half_a_pair_is_named(tmp_path: Path):
    (tmp_path / "tatoeba.fra-eng.fra").write_text("chat\n")
    with pytest.raises(CorpusError, match="lacks the eng_Latn side of eng_Latn-fra_Latn"):
        open_corpus(str(tmp_path))


def test_fifty_thousand_lines_are_read(tmp_path: Path):
    lines = [f"Satz {number}\tsentence {number}" for number in range(50_000)]
    (tmp_path / "c.tsv").write_text("\n".join(["de\ten", *lines]))
    assert open_corpus(str(tmp_path / "c.tsv")).bitext("de", "en", 50_000).source_sentences[-1] == "Satz 49999"


@pytest.mark.parametrize(
    "names",
    [
        ("train.de", "train.en", "dev.de", "dev.en"),
        ("a.deu-eng.deu", "a.deu-eng.eng", "b.deu-eng.deu", "b.deu-eng.eng"),
        ("a.deu-eng.deu", "a.deu-eng.eng", "a.eng-deu.deu", "a.eng-deu.eng"),
    ],
)
def test_several_texts_in_the_same_languages_are_not_chosen_between_in_silence(tmp_path: Path, names: tuple[str, ...]):
    for name in names:
        (tmp_path / name).write_text("eins\nzwei\n")
    with pytest.raises(CorpusError, match=r"and another text in deu_Latn and eng_Latn\. Put each text in a folder"):
        open_corpus(str(tmp_path))


def test_stems_of_three_languages_give_a_text_for_each_two(tmp_path: Path):
    for name in ("a.de", "a.en", "a.fr", "b.it", "b.en"):
        (tmp_path / name).write_text(f"{name} 1\n{name} 2\n")
    corpus = open_corpus(str(tmp_path))
    assert corpus.sentences("en", "fr") == ("a.en 1", "a.en 2")
    assert corpus.sentences("en", "it") == ("b.en 1", "b.en 2")
    assert corpus.beside("deu_Latn") == ("eng_Latn", "fra_Latn")
