"""What is known of a language: its FLORES-200 code and everything a page says or sorts by.

The table is `languages.tsv` beside this file. "Head" are the languages XLM-R was trained on, as Glot500 (Imani et
al. 2023, arXiv:2305.12182) divides them; all others are "long-tail".
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ENGLISH = "eng_Latn"
"""The pivot of the paper, and what tokens are counted against, see analyses.tokenization."""
_TABLE = Path(__file__).with_name("languages.tsv")
_FLORES_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}(-[A-Za-z0-9]+)?")
_TAGGED = re.compile(r"(?P<base>[A-Za-z]{2,3})[-_](?:(?P<script>[A-Z][a-z]{3})|(?P<region>[A-Za-z]{2}|[0-9]{3}))")
_RIGHT_TO_LEFT = {"Arab", "Hebr", "Thaa", "Syrc", "Nkoo"}

_ALIASES = {
    "ara": "arb_Arab", "aze": "azj_Latn", "ori": "ory_Orya", "yid": "ydd_Hebr", "nor no": "nob_Latn", "kur": "kmr_Latn",
    "ful": "fuv_Latn", "que": "quy_Latn", "aym": "ayr_Latn", "iw": "heb_Hebr", "jw": "jav_Latn", "fil fil_latn": "tgl_Latn",
    "cmn cmn_hans chi": "zho_Hans", "cmn_hant": "zho_Hant", "ekk ekk_latn": "est_Latn", "sat_beng": "sat_Olck",
    "alb": "als_Latn", "arm": "hye_Armn", "baq": "eus_Latn", "bur": "mya_Mymr", "cze": "ces_Latn", "dut": "nld_Latn",
    "fre": "fra_Latn", "geo": "kat_Geor", "ger": "deu_Latn", "gre": "ell_Grek", "ice": "isl_Latn", "mac": "mkd_Cyrl",
    "mao": "mri_Latn", "may": "zsm_Latn", "per": "pes_Arab", "rum": "ron_Latn", "slo": "slk_Latn", "tib": "bod_Tibt",
    "wel": "cym_Latn",
}  # fmt: skip
"""Macrolanguages and the one of them that is meant, names that FLORES+ changed, and ISO 639-2/B."""


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
    """The language that `code` means: a FLORES-200 code, an NTREX-128 spelling, ISO 639-1/-2/-3, with script or region, or its
    English name.

    A code the table lacks is not an error: it comes back marked as unknown, with its name if it is an ISO code.
    """
    table, spellings = _languages()
    for spelling in _readings(code):
        known = table.get(spellings.get(spelling, ""))
        if known:
            return known
    script = code[4:8] if _FLORES_CODE.fullmatch(code) else ""
    direction = "rtl" if script in _RIGHT_TO_LEFT else "ltr"
    name, autonym = _named(code) if len(code) < 40 else (code, code)  # what is remembered is short
    return Language(code, name, autonym, script, direction, "unknown", head=False, known=False)


def _readings(code: str) -> Iterator[str]:
    """What a code may mean, the nearest first: itself, with its script (zh-Hant), without its region (pt-BR)."""
    spellings = _languages()[1]
    yield code.lower()
    tagged = _TAGGED.fullmatch(code)
    if tagged:
        base, script = spellings.get(tagged["base"].lower(), ""), tagged["script"]
        if script and base:
            yield f"{base[:3]}_{script}".lower()
        elif base[:3] == "zho" and tagged["region"].upper() in ("TW", "HK", "MO"):
            yield "zho_hant"
        elif not script:
            yield tagged["base"].lower()


@lru_cache(maxsize=1024)
def _named(code: str) -> tuple[str, str]:
    """Name and own name of an ISO code that the table lacks; the code itself for anything else."""
    import langcodes

    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z][a-z]{3})?", code):
        return code, code
    known = langcodes.Language.get(code[:3])
    if not known.is_valid():
        return code, code
    script = f" ({code[4:]})" if len(code) > 3 else ""
    return known.display_name() + script, known.autonym() + script


def search_terms(code: str) -> str:
    """By what a picker finds a language: its name, its own name and its code."""
    known = language(code)
    return " · ".join(dict.fromkeys((known.name, known.autonym, known.code)))


def known_languages() -> tuple[str, ...]:
    """The codes of the table, by English name."""
    table = _languages()[0]
    return tuple(sorted(table, key=lambda code: table[code].name))


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
    names = {known.name.lower(): code for code, known in table.items()}
    aliases = {spelling: code for spellings, code in _ALIASES.items() for spelling in spellings.split()}
    return table, names | by_iso639_3 | aliases | exact
