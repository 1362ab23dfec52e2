"""Problems in single lines of a bitext, found in the text alone, without a model."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from neuronxa_core.corpora.findings import Finding
from neuronxa_core.corpora.scripts import LETTERS, letters_in_script, pattern_of, scripts_of
from neuronxa_core.corpora.selection import LEAVE_OUT

Side = Sequence[str]

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\ufeff\ufffd\ufffe\uffff]")
"""Control characters except tab, line and paragraph separators, directional overrides, traces of failed decoding."""
_NOT_DECODED = re.compile("[\ud800-\udfff]")  # both halves of a surrogate pair: a damaged JSON escape gives the first


@lru_cache(maxsize=64)
def line_findings(source: str, target: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> tuple[Finding, ...]:
    """Problems in single lines, in the order of LEAVE_OUT. `ours` is in `source`, `theirs` in `target`."""
    paired = min(len(ours), len(theirs))
    found: list[Finding] = []
    longer = source if len(ours) > len(theirs) else target
    found.append(Finding("unpaired", tuple(range(paired + 1, max(len(ours), len(theirs)) + 1)), longer))
    sides = ((source, ours[:paired]), (target, theirs[:paired]))
    for kind, check in _CHECKS.items():
        found += [Finding(kind, check(code, side), code) for code, side in sides]
    found.append(Finding("same", _untranslated(ours[:paired], theirs[:paired])))
    return tuple(sorted((each for each in found if each.lines), key=lambda each: LEAVE_OUT.index(each.kind)))


def _untranslated(ours: Side, theirs: Side) -> tuple[int, ...]:
    """Lines with letters in them that are identical on both sides."""
    both = enumerate(zip(ours, theirs, strict=True), 1)
    return tuple(number for number, (one, two) in both if one == two and LETTERS.search(one))


def is_decoded(text: str) -> bool:
    """Whether a line could be read; `formats` keeps invalid UTF-8 and malformed rows as lone surrogates."""
    return text.isascii() or not _NOT_DECODED.search(text)


def _not_decoded(code: str, side: Side) -> tuple[int, ...]:
    return tuple(number for number, text in enumerate(side, 1) if not is_decoded(text))


def _empty(code: str, side: Side) -> tuple[int, ...]:
    return tuple(number for number, text in enumerate(side, 1) if not text)


def _repeated(code: str, side: Side) -> tuple[int, ...]:
    seen: set[str] = {""}
    repeated = []
    for number, text in enumerate(side, 1):
        if text in seen and text:
            repeated.append(number)
        seen.add(text)
    return tuple(repeated)


def _other_script(code: str, side: Side) -> tuple[int, ...]:
    """Lines in which at least three letters, and more than half of them, are not in the script of the code."""
    if pattern_of(code) is None:  # no script, or one that Unicode does not define
        return ()
    latin = "Latn" in scripts_of(code)
    found = []
    for number, text in enumerate(side, 1):
        if latin and text.isascii():
            continue
        ours, letters = letters_in_script(text, code)
        others = letters - ours
        if others >= 3 and 2 * others > letters:
            found.append(number)
    return tuple(found)


def _control(code: str, side: Side) -> tuple[int, ...]:
    return tuple(number for number, text in enumerate(side, 1) if _CONTROL.search(text))


_CHECKS: Mapping[str, Callable[[str, Side], tuple[int, ...]]] = {
    "unreadable": _not_decoded,
    "empty": _empty,
    "duplicate": _repeated,
    "script": _other_script,
    "control": _control,
}
