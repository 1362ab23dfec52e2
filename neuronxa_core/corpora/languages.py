"""What is known of a language: its FLORES-200 code and everything a page says or sorts by.

The table is `languages.tsv` beside this file. "Head" are the languages XLM-R was trained on, as Glot500 (Imani et
al. 2023, arXiv:2305.12182) divides them; all others are "long-tail".
"""

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_TABLE = Path(__file__).with_name("languages.tsv")
_FLORES_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}(-[A-Za-z0-9]+)?")
_RIGHT_TO_LEFT = {"Arab", "Hebr", "Thaa", "Syrc", "Nkoo"}


@dataclass(frozen=True)
class Language:
    """One written language. `known` is False for a code the table lacks; name and autonym are then the code itself."""

    code: str
    name: str
    autonym: str
    script: str
    direction: str
    family: str
    head: bool
    known: bool = True

    @property
    def resource_level(self) -> str:
        return "head" if self.head else "long-tail" if self.known else "unknown"


def language(code: str) -> Language:
    """The language that `code` means: a FLORES-200 code, an NTREX-128 spelling, or ISO 639-1/-3.

    A code the table lacks is not an error: it comes back marked as unknown.
    """
    table, spellings = _languages()
    known = table.get(spellings.get(code.lower(), code))
    if known:
        return known
    script = code[4:8] if _FLORES_CODE.fullmatch(code) else ""
    direction = "rtl" if script in _RIGHT_TO_LEFT else "ltr"
    return Language(code, code, code, script, direction, "unknown", head=False, known=False)


def looks_like_a_language(name: str) -> bool:
    """Whether a file stem or a column header names a language: one of the table, or of the form `xxx_Xxxx`."""
    return language(name).known or bool(_FLORES_CODE.fullmatch(name))


@lru_cache(maxsize=1)
def _languages() -> tuple[dict[str, Language], dict[str, str]]:
    """The table by code, and every other spelling, in lower case, with the code it stands for."""
    table: dict[str, Language] = {}
    exact: dict[str, str] = {}
    by_iso639_3: dict[str, str] = {}
    with _TABLE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            code = row["code"]
            table[code] = Language(
                code, row["name"], row["autonym"], row["script"], row["direction"], row["family"], row["head"] == "yes"
            )
            exact |= {spelling.lower(): code for spelling in (code, row["iso639_1"], row["ntrex"]) if spelling}
            by_iso639_3.setdefault(code[:3], code)
    return table, by_iso639_3 | exact
