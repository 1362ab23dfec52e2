"""The offline identifier on lines it has not seen, and letters by script."""

import numpy as np
import pytest

from neuronxa_core.corpora.identifier import MARGIN, Identifier, identifier
from neuronxa_core.corpora.scripts import letters_in_script, scripts_of


def test_a_language_leads_by_the_logarithms_of_its_smoothed_counts():
    made = Identifier({"one": ["ab"], "two": ["b"]})
    # n-grams of one: a, b, " a", ab, "b ", " ab", "ab "; of two: b, " b", "b ", " b ". Those of "ab" once each:
    share = lambda count, total, kinds: (count + 0.3) / (total + 0.3 * kinds)  # noqa: E731
    one = [share(1, 2, 2), share(1, 2, 2), *3 * [share(1, 3, 4)], *2 * [share(1, 2, 3)]]
    two = [share(0, 1, 2), share(1, 1, 2), *2 * [share(0, 2, 4)], share(1, 2, 4), *2 * [share(0, 1, 3)]]
    guess = made.guess("ab ab AB!")
    assert guess.margin == pytest.approx(np.log(one).sum() - np.log(two).sum())
    assert guess.code == ("one" if guess.margin >= MARGIN else "")


def test_lines_that_did_not_train_it_are_told_and_short_ones_less_surely():
    _, table = identifier()
    rows = table.set_index("language")
    assert len(rows) == 31
    assert (rows["lines"] == 50).all()
    assert rows["right"].mean() > 0.98
    assert 0.9 < rows["right_short"].mean() < rows["right"].mean()
    assert rows["cannot_tell_short"].mean() > rows["cannot_tell"].mean()
    assert (rows["right"] + rows["cannot_tell"] <= 1 + 1e-9).all()
    assert rows.loc["ast_Latn", "right_short"] < rows.loc["rus_Cyrl", "right_short"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (" und die Kinder spielten den ganzen Tag im Garten hinter dem Haus.", "deu_Latn"),
        (" et les enfants ont joué toute la journée dans le jardin.", "fra_Latn"),
        ("孩子们整天都在花园里玩。", "zho_Hans"),
        ("子供たちは一日中庭で遊んでいました。", "jpn_Jpan"),
        ("1984: 3.14", ""),
        ("", ""),
        ("ok", ""),
    ],
)
def test_a_text_has_its_language_or_cannot_be_told(text: str, code: str):
    assert identifier()[0].guess(text).code == code


def test_a_word_said_often_is_no_more_evidence_than_once_or_twice():
    made = identifier()[0]
    assert made.guess("Haus " * 30).margin == pytest.approx(made.guess("Haus Haus").margin)


def test_a_language_with_lines_of_its_own_joins():
    lines = tuple(f"qwx zzk {vowel}q xkw" for vowel in "aeiou")
    made, table = identifier((("xxx_Latn", (lines[:3], lines[3:])),))
    assert made.guess("zzk aq xkw qwx").code == "xxx_Latn"
    assert table.iloc[-1].tolist() == ["xxx_Latn", 2, 1.0, 0.0, 1.0, 0.0]


def test_letters_are_counted_by_script():
    assert letters_in_script("Haus и дом, 12", "rus_Cyrl") == (4, 8)
    assert letters_in_script("ラーメン食べる", "jpn_Jpan") == (7, 7)
    assert letters_in_script("食べる", "zho_Hans") == (1, 3)
    assert letters_in_script("12 !", "deu_Latn") == (0, 0)
    assert letters_in_script("Haus", "xyz") == (0, 4)
    assert scripts_of("jpn_Jpan") & scripts_of("zho_Hans") == {"Hani"}
    assert not scripts_of("xyz")
