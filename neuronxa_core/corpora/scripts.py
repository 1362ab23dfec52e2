"""Which letters of a text are in the script of a language, by Unicode's script property."""

from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped]

from neuronxa_core.corpora.languages import language

LETTERS = regex.compile(r"[\p{L}\p{Mc}]+")
_UNICODE = {"Hans": "Hani", "Hant": "Hani", "Jpan": "Hani Hira Kana", "Hang": "Hang Hani", "Kore": "Hang Hani"}


def scripts_of(code: str) -> frozenset[str]:
    """The scripts that a language is written in, as Unicode names them; empty for a code that names none."""
    script = language(code).script or code[4:8]
    return frozenset(_UNICODE.get(script, script).split())


@lru_cache(maxsize=256)
def pattern_of(code: str) -> Any:
    """What matches a run of a language's letters; None if Unicode does not define its script."""
    try:
        names = "".join(rf"\p{{sc={name}}}" for name in sorted(scripts_of(code)))
        return regex.compile(rf"[{names}\p{{sc=Zyyy}}\p{{sc=Zinh}}]+") if names else None
    except regex.error:
        return None


def letters_in_script(text: str, code: str) -> tuple[int, int]:
    """How many letters of a text are in the script of a language, and how many letters it has."""
    letters, ours = "".join(LETTERS.findall(text)), pattern_of(code)
    return sum(map(len, ours.findall(letters))) if ours else 0, len(letters)
