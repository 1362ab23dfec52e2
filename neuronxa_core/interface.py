"""The language of the interface: texts from gettext catalogues, numbers and lists as the language writes them.

A text is looked up by its English words in assets/texts/locale/LANGUAGE.po; what is missing there stays English, one by
one. Whoever shows pages says which language is asked for, see `follow`; everywhere else it is English.
"""

import gettext
import io
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from neuronxa_core.settings import ASSETS

ENGLISH = "en"
LANGUAGES = {
    ENGLISH: "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "zh": "中文",
    "hi": "हिन्दी",
    "ar": "العربية",
}
"""What the interface is offered in, by code, each under its own name."""
LOCALES = {ENGLISH: "en_GB", "zh": "zh_Hans"}
"""Where Babel's locale is not simply the code."""
RIGHT_TO_LEFT = ("ar",)
FOLDER = ASSETS / "texts" / "locale"
TEXTS = ("glossary", "method", "embeddings", "traps", "typed")
"""The files of assets/texts that are translated, block by block."""
_asked: list[Callable[[], str]] = []


def follow(asked: Callable[[], str]) -> None:
    """Registers who knows the language that is asked for."""
    _asked[:] = [asked]


def current() -> str:
    """The code of the language that texts are shown in."""
    code = _asked[0]() if _asked else ENGLISH
    return code if code in LANGUAGES else ENGLISH


def tr(text: str, /, **values: object) -> str:
    """The text in the current language; `values` take the place of the names in braces.

    Babel finds the texts by this function's name, so call it with a literal.
    """
    found = translated(text)
    return found.format(**values) if values else found


def translated(text: str) -> str:
    """The text in the current language, or itself if the catalogue lacks it."""
    code = current()
    return text if code == ENGLISH or not text else catalogue(code).gettext(text)


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(code: str) -> gettext.NullTranslations:
    """The catalogue of a language, compiled in memory; an empty one if there is no file."""
    path = FOLDER / f"{code}.po"
    return compiled(path) if path.is_file() else gettext.NullTranslations()


def compiled(path: Path) -> gettext.GNUTranslations:
    """The catalogue in a .po file, without its fuzzy entries."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    file = io.BytesIO()
    with path.open("rb") as lines:
        write_mo(file, read_po(lines, locale=path.stem))
    file.seek(0)
    return gettext.GNUTranslations(file)


_MARK = re.compile(r"(?P<mark>#+ |\*\*(?:Question|Answer)\.\*\* )?(?P<words>.+)", re.S)
_KEPT = re.compile(r"\$\$|\*\*(Picture|Source)\.\*\*|```|\|")
"""Blocks without words: formulas, names of pictures, sources, code, tables."""


def blocks(markdown: str) -> Iterator[tuple[str, str]]:
    """(mark, words) of every paragraph, heading and list: what is translated is the words, each line end a space.

    mark: the signs of a heading, or the bold word that begins a question or an answer. A block without words
    is all mark.
    """
    for block in re.split(r"\n\s*\n", markdown.strip()):
        if _KEPT.match(block):
            yield block, ""
        else:
            one_line = re.sub(r"\s*\n(?!- )\s*", " ", block)
            found = _MARK.fullmatch(one_line)
            assert found is not None
            yield found["mark"] or "", found["words"]


def translated_markdown(markdown: str) -> str:
    """The text, block by block, in the current language."""
    if current() == ENGLISH:
        return markdown
    return "\n\n".join(mark + translated(words) for mark, words in blocks(markdown)) + "\n"


def local(number: str) -> str:
    """A number that `numbers` wrote, with the decimal and group signs of the current language, in Western digits."""
    signs = dict(zip(".,", separators(), strict=True))
    return re.sub(r"(?<=\d)[.,](?=\d)", lambda sign: signs[sign[0]], number)


def separators() -> str:
    """The decimal sign of the current language and the one between groups of digits: `.,` in English."""
    code = current()
    if code == ENGLISH:
        return ".,"
    from babel.numbers import get_decimal_symbol, get_group_symbol

    signs = get_decimal_symbol, get_group_symbol
    return "".join(sign(_locale(code), numbering_system="latn") for sign in signs)


def listed(items: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`, as the current language lists them."""
    from babel.lists import format_list

    return format_list(list(items), locale=_locale(current()))


def language_named(code: str, name: str) -> str:
    """A language's name in the current language. code: its tag, such as `zh-Hans`; name: in English, the fallback."""
    from babel import Locale

    if current() == ENGLISH:
        return name
    names = Locale.parse(_locale(current())).languages
    return str(names.get(code.replace("-", "_")) or names.get(code.partition("-")[0], name))


def _locale(code: str) -> str:
    return LOCALES.get(code, code)
