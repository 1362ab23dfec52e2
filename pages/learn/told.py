"""The words of Learn's pages, from assets/texts: sections, and steps with a question whose answer is hidden."""

import html
import re
from dataclasses import dataclass

import streamlit as st

from pages.shared import look


def question(words: str) -> None:
    """Draws the question that a page answers, below its title."""
    st.html(f"<p class='nx-question'>{html.escape(words)}</p>")


@dataclass(frozen=True)
class Told:
    """A step: what it says, its formula if it has one, and a question with its answer."""

    title: str
    text: str
    formula: str
    question: str
    answer: str


def sections(name: str) -> list[tuple[str, str]]:
    """(title, Markdown) of every section of a text."""
    parts = re.split(r"^## (.+)$", look.text(name), flags=re.M)[1:]
    return [(title, words.strip()) for title, words in zip(parts[::2], parts[1::2], strict=True)]


def steps(name: str) -> list[Told]:
    """Every step of a text, each part on one line."""
    return [_step(title, words) for title, words in sections(name)]


def _step(title: str, words: str) -> Told:
    parts = [" ".join(part.split()) for part in words.split("\n\n")]
    formula = "".join(part for part in parts if part.startswith("$$"))
    question = next(part for part in parts if part.startswith("**Question.** "))
    answer = next(part for part in parts if part.startswith("**Answer.** "))
    return Told(title, parts[0], formula, question.removeprefix("**Question.** "), answer.removeprefix("**Answer.** "))
