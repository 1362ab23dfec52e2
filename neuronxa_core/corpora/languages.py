"""Languages: FLORES-200 code, name, script, family, region and resource level.

The table is `languages.tsv` beside this file. "Head" languages are those XLM-R was trained on, following Glot500
(Imani et al. 2023, arXiv:2305.12182); all others are "long-tail". The region is the one of the UN's M49 standard that
holds the country which CLDR's likely subtags give for the language and script, or for the code's own country.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ENGLISH = "eng_Latn"
"""The pivot, as in the paper, and the baseline of token counts, see analyses.tokenization."""
_TABLE = Path(__file__).with_name("languages.tsv")
_FLORES_CODE = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}(-[A-Za-z0-9]+)?")
_TAGGED = re.compile(r"(?P<base>[A-Za-z]{2,3})[-_](?:(?P<script>[A-Z][a-z]{3})|(?P<region>[A-Za-z]{2}|[0-9]{3}))")
_RIGHT_TO_LEFT = {"Arab", "Hebr", "Thaa", "Syrc", "Nkoo"}

_ALIASES = """
    ara=arb_Arab aze=azj_Latn ori=ory_Orya yid=ydd_Hebr nor=nob_Latn no=nob_Latn kur=kmr_Latn ful=fuv_Latn que=quy_Latn
    aym=ayr_Latn iw=heb_Hebr jw=jav_Latn fil=tgl_Latn fil_latn=tgl_Latn cmn=zho_Hans cmn_hans=zho_Hans chi=zho_Hans
    cmn_hant=zho_Hant ekk=est_Latn ekk_latn=est_Latn sat_beng=sat_Olck alb=als_Latn arm=hye_Armn baq=eus_Latn
    bur=mya_Mymr cze=ces_Latn dut=nld_Latn fre=fra_Latn geo=kat_Geor ger=deu_Latn gre=ell_Grek ice=isl_Latn
    mac=mkd_Cyrl mao=mri_Latn may=zsm_Latn per=pes_Arab rum=ron_Latn slo=slk_Latn tib=bod_Tibt wel=cym_Latn
"""
"""Macrolanguages and the member they stand for, codes that FLORES+ changed, and ISO 639-2/B codes."""


@dataclass(frozen=True)
class Language:
    """One written language. `known` is False for a code that is not in the table."""

    code: str
    name: str
    autonym: str
    script: str
    direction: str
    family: str
    head: bool
    known: bool = True
    region: str = "unknown"
    """Of the world: `Western Africa`; `worldwide` for Esperanto."""

    @property
    def resource_level(self) -> str:
        return "head" if self.head else "long-tail" if self.known else "unknown"

    @property
    def tag(self) -> str:
        """Its name in BCP 47, which a web page's `lang` takes: `de`, `zh-Hans`, `sw` for Swahili; `und` without one."""
        return _tag(self.code)


@lru_cache
def script_name(code: str) -> str:
    """The English name of a script, from its ISO 15924 code: `Latin` for `Latn`; the code where it has none."""
    from langcodes import Language as Tagged

    return Tagged.make(script=code).script_name() if code else ""


def language(code: str) -> Language:
    """The language that `code` stands for.

    code: FLORES-200, NTREX-128 or ISO 639-1/-2/-3, with or without script or region, or an English name.
    A code that is not in the table is not an error: it comes back marked as unknown, with its name if it is ISO.
    """
    table, spellings = _languages()
    for spelling in _readings(code):
        known = table.get(spellings.get(spelling, ""))
        if known:
            return known
    script = code[4:8] if _FLORES_CODE.fullmatch(code) else ""
    direction = "rtl" if script in _RIGHT_TO_LEFT else "ltr"
    name, autonym = _named(code) if len(code) < 40 else (code, code)  # keep the cache small
    return Language(code, name, autonym, script, direction, "unknown", head=False, known=False)


def _readings(code: str) -> Iterator[str]:
    """Spellings to look up, most specific first: the code itself, with script (zh-Hant), without region (pt-BR)."""
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
def _tag(code: str) -> str:
    import langcodes

    if not _FLORES_CODE.fullmatch(code) or not (known := langcodes.Language.get(code[:8])).is_valid():
        return "und"
    return known.prefer_macrolanguage().simplify_script().to_tag()


@lru_cache(maxsize=1024)
def _named(code: str) -> tuple[str, str]:
    """Name and autonym of an ISO code that is not in the table; for anything else the code itself, twice."""
    import langcodes

    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z][a-z]{3})?", code):
        return code, code
    known = langcodes.Language.get(code[:3])
    if not known.is_valid():
        return code, code
    script = f" ({code[4:]})" if len(code) > 3 else ""
    return known.display_name() + script, known.autonym() + script


def search_terms(code: str) -> str:
    """Name, autonym and code, the text that a picker searches."""
    known = language(code)
    return " · ".join(dict.fromkeys((known.name, known.autonym, known.code)))


def known_languages() -> tuple[str, ...]:
    """All codes of the table, sorted by English name."""
    table = _languages()[0]
    return tuple(sorted(table, key=lambda code: table[code].name))


def looks_like_a_language(name: str) -> bool:
    """Whether a file stem or column header names a language: one in the table, or a code of the form `xxx_Xxxx`."""
    return language(name).known or bool(_FLORES_CODE.fullmatch(name))


@lru_cache(maxsize=1)
def _languages() -> tuple[dict[str, Language], dict[str, str]]:
    """The table by code, and a lookup from every spelling, in lower case, to its code."""
    table: dict[str, Language] = {}
    exact: dict[str, str] = {}
    by_iso639_3: dict[str, str] = {}
    with _TABLE.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
            code = row["code"]
            said = (row["name"], row["autonym"], row["script"], row["direction"], row["family"])
            table[code] = Language(code, *said, row["head"] == "yes", region=row["region"] or "worldwide")
            exact |= {spelling.lower(): code for spelling in (code, row["iso639_1"], row["ntrex"]) if spelling}
            by_iso639_3.setdefault(code[:3], code)
    names = {known.name.lower(): code for code, known in table.items()}
    aliases = dict(alias.split("=") for alias in _ALIASES.split())
    return table, names | by_iso639_3 | aliases | exact
