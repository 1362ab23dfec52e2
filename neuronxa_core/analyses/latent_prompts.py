"""Prompts whose answer is one known word: translation, repetition or cloze, with examples before the question.

A template is one line of a prompt. Every example is a line with its answer, and the question is the same line, cut off
before the answer:

    English: "dog" - Français: "chien"
    English: "water" - Français: "
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.words import GAP, WordList
from neuronxa_core.errors import CorpusError, StudyError
from neuronxa_core.numbers import count

Task = Literal["translation", "repetition", "cloze"]
TASKS: tuple[Task, ...] = get_args(Task)
Role = Literal["target", "pivot", "source"]
ROLES: tuple[Role, ...] = get_args(Role)
TEMPLATES: Mapping[Task, str] = {
    "translation": '{source}: "{word}" - {target}: "{answer}"',
    "repetition": '{target}: "{answer}" - {target}: "{answer}"',
    "cloze": '{definition} - {target}: "{answer}"',
}
_PLACE = re.compile(r"\{(\w*)\}")
_PLACES = ("source", "target", "word", "definition", "answer")
LONGEST_TEMPLATE = 500


@dataclass(frozen=True)
class Question:
    """One row of a word list. words: by role; prompt: empty if the row cannot be asked; reason: why not."""

    row: int
    words: Mapping[Role, str]
    prompt: str = ""
    reason: str = ""


def template_of(task: Task, template: str) -> str:
    """The template of a task, unless another is given. Raises StudyError for one that cannot be filled in."""
    template = template or TEMPLATES[task]
    named = Counter(_PLACE.findall(template))
    if unknown := set(named) - set(_PLACES):
        raise StudyError(
            f"The template has the unknown place {{{min(unknown)}}}.",
            f"Use {', '.join(f'{{{place}}}' for place in _PLACES)}.",
        )
    if not named["answer"]:
        raise StudyError("The template has no {answer}.", "Write {answer} where the answer stands.")
    if len(template) > LONGEST_TEMPLATE or "\n" in template:
        raise StudyError(
            f"The template is longer than one line of {LONGEST_TEMPLATE} characters.",
            "Give one line; the examples repeat it.",
        )
    if not template.rpartition("{answer}")[0].strip():
        raise StudyError("Nothing stands before the answer in the template.", "Put the question before {answer}.")
    return template


def questions(
    words: WordList, codes: Mapping[Role, str], task: Task, template: str, shots: int, seed: int
) -> tuple[Question, ...]:
    """One question per row of the list, each with its own examples, which are drawn from the other rows.

    The same seed gives the same prompts. Raises CorpusError if the list lacks a language or has too few words, and
    StudyError for a template that cannot be filled in.
    """
    template = template_of(task, template)
    columns = {role: words.of(code) for role, code in codes.items()}
    definitions = _definitions(words, codes, template)
    reasons = _reasons(columns, codes, definitions)
    usable = [row for row, reason in enumerate(reasons) if not reason]
    if len(usable) < shots + 1:
        raise CorpusError(
            f"{len(usable)} of {count(len(reasons), 'word')} of {words.name} can be used, but {shots} examples and a "
            f"question need {shots + 1}.",
            "Use a longer list, or fewer examples.",
        )
    names = {"source": _autonym(codes["source"]), "target": _autonym(codes["target"])}
    lines = [
        _filled(template, names | {"word": source, "definition": definition, "answer": answer})
        for source, definition, answer in zip(
            columns["source"], definitions or columns["source"], columns["target"], strict=True
        )
    ]
    return tuple(
        Question(
            row + 1,
            {role: column[row] for role, column in columns.items()},
            "" if reason else _prompt(lines, row, usable, shots, seed),
            reason,
        )
        for row, reason in enumerate(reasons)
    )


def _autonym(code: str) -> str:
    """The language's own name, with a capital letter, as at the beginning of a line."""
    name = language(code).autonym
    return name[:1].upper() + name[1:]


def _prompt(lines: Sequence[tuple[str, str]], row: int, usable: Sequence[int], shots: int, seed: int) -> str:
    """Examples from other rows, drawn by seed and row, and the row's own question."""
    others = [each for each in usable if each != row]
    chosen = np.random.default_rng([seed, row]).permutation(len(others))[:shots]
    examples = ["".join(lines[others[place]]) for place in chosen]
    return "\n".join([*examples, lines[row][0]])


def _filled(template: str, values: Mapping[str, str]) -> tuple[str, str]:
    """The line up to its last answer, and the answer with what follows it."""
    before, _, behind = template.rpartition("{answer}")

    def put(text: str) -> str:
        return _PLACE.sub(lambda place: values[place[1]], text)

    return put(before), values["answer"] + put(behind)


def _definitions(words: WordList, codes: Mapping[Role, str], template: str) -> tuple[str, ...] | None:
    """The definitions in the target language, or else in the source; None if the template asks for none."""
    if "{definition}" not in template:
        return None
    for code in (codes["target"], codes["source"]):
        if code in words.definitions:
            return words.definitions[code]
    raise CorpusError(
        f"The word list {words.name} has no definitions in {codes['target']} or {codes['source']}, which cloze needs.",
        f"Use a list with a column '{codes['target']} definition', or another task.",
    )


def _reasons(
    columns: Mapping[Role, Sequence[str]], codes: Mapping[Role, str], definitions: Sequence[str] | None
) -> list[str]:
    """Why each row cannot be asked; empty if it can. Of rows that share a word in a language the first is kept."""
    seen: dict[Role, dict[str, int]] = {role: {} for role in columns}
    reasons = []
    for row in range(len(columns["target"])):
        reason = ""
        for role, column in columns.items():
            name, word = language(codes[role]).name, column[row]
            if not word:
                reason = reason or f"no word in {name}"
            elif '"' in word:
                reason = reason or f"a quotation mark in the {name} word"
            elif word.casefold() in seen[role]:
                reason = reason or f"the same {name} word as in row {seen[role][word.casefold()]}"
        if definitions is not None and GAP not in definitions[row]:
            reason = reason or f"no definition with {GAP}"
        if not reason:
            for role, column in columns.items():
                seen[role][column[row].casefold()] = row + 1
        reasons.append(reason)
    return reasons
