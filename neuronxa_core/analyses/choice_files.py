"""Questions with two to four choices in several languages: an own table, or Belebele's layout.

The own table has the columns language, item, question, choice1 to choice4 and correct (from 1). Belebele's files, as
JSON lines or CSV, have flores_passage, question, mc_answer1 to mc_answer4, correct_answer_num, dialect, link and
question_number.
Source of the layout: Bandarkar et al. 2024, arXiv:2308.16884.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from neuronxa_core.corpora.languages import language
from neuronxa_core.errors import StudyError
from neuronxa_core.foreign import told_in_one_sentence

MOST_MEGABYTES = 20
_MOST_ITEMS = 2_000
_MOST_CHOICES = 4


class ChoiceItem(NamedTuple):
    """A question in one language. correct: place of the right choice, from 0."""

    language: str
    item: str
    prompt: str
    choices: tuple[str, ...]
    correct: int


def read_choices(files: Mapping[str, bytes]) -> tuple[ChoiceItem, ...]:
    """The items of all files, by name. Raises StudyError, naming file and row, for what is no such file."""
    if sum(map(len, files.values())) > MOST_MEGABYTES * 1_000_000:
        raise StudyError(f"These files have more than {MOST_MEGABYTES} MB.", "Use fewer items.")
    found: dict[tuple[str, str], ChoiceItem] = {}
    for name, content in files.items():
        with told_in_one_sentence(name, StudyError):
            for number, row in enumerate(_rows(name, content.decode("utf-8-sig")), 1):
                item = _item(name, number, row)
                found[item.language, item.item] = item
    return tuple(found.values())


def paired(items: tuple[ChoiceItem, ...], source: str, target: str) -> tuple[tuple[ChoiceItem, ChoiceItem], ...]:
    """The items that both languages have, with as many choices and the same right one, in the source's order.

    Raises StudyError if there are none, or too many.
    """
    sides: dict[str, dict[str, ChoiceItem]] = {code: {} for code in (source, target)}
    for each in items:
        sides.get(each.language, {})[each.item] = each
    both = [(one, sides[target][name]) for name, one in sides[source].items() if name in sides[target]]
    fitting = tuple(
        (one, other) for one, other in both if (len(one.choices), one.correct) == (len(other.choices), other.correct)
    )
    if not fitting:
        there = ", ".join(dict.fromkeys(each.language for each in items)) or "none"
        raise StudyError(
            f"No question is there in both {source} and {target}; the languages are: {there}.",
            "Give files with the same items, choices and right answer in both languages.",
        )
    if len(fitting) > _MOST_ITEMS:
        raise StudyError(f"There are more than {_MOST_ITEMS:,} questions.", "Use fewer items.")
    return fitting


def _rows(name: str, text: str) -> Iterator[Mapping[str, Any]]:
    if text.lstrip()[:1] == "{":
        for number, line in enumerate(filter(str.strip, text.splitlines()), 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise StudyError(f"Line {number} of {name} is not valid JSON.", "Save it as JSON lines.") from error
            if not isinstance(row, dict):
                raise StudyError(f"Line {number} of {name} is not a JSON object.", "Save it as JSON lines.")
            yield row
        return
    first = text.partition("\n")[0]
    try:
        yield from csv.DictReader(io.StringIO(text, newline=""), delimiter=max("\t,;", key=first.count), strict=True)
    except csv.Error as error:
        raise StudyError(f"{name} is not valid CSV ({error}).", "Save it again.") from error


def _item(name: str, number: int, row: Mapping[str, Any]) -> ChoiceItem:
    cells = {str(key).strip().lower(): str(value or "").strip() for key, value in row.items()}
    belebele = "mc_answer1" in cells
    stem, right = ("mc_answer", "correct_answer_num") if belebele else ("choice", "correct")
    code = cells.get("dialect" if belebele else "language", "")
    item = f"{cells.get('link', '')} {cells.get('question_number', '')}".strip() if belebele else cells.get("item", "")
    question = "\n".join(filter(None, (cells.get("flores_passage", ""), cells.get("question", ""))))
    choices = tuple(filter(None, (cells.get(f"{stem}{place}", "") for place in range(1, _MOST_CHOICES + 1))))
    correct = int(cells[right]) if cells.get(right, "").isdecimal() else 0
    if not (code and item and question and 2 <= len(choices) <= _MOST_CHOICES and 1 <= correct <= len(choices)):
        raise StudyError(
            f"Row {number} of {name} is no question with two to four choices.",
            "Use the columns language, item, question, choice1, choice2 ... and correct (from 1), or Belebele's.",
        )
    return ChoiceItem(language(code).code, item, question, choices, correct - 1)
