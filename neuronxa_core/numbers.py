"""Numbers as people read them: one rounding for each quantity, a true minus, and no line break before a unit.

Everything that is shown goes through here; files (CSV, Parquet, JSON) keep the numbers as they are. What is not 0 never
reads as 0, and what is not 1 never as 1: `<0.01`, `>0.99`. A missing number is a dash.
"""

import math
import re
from collections.abc import Callable

MINUS, SPACE, MISSING = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}", "–"
CONFIDENCE = f"95{SPACE}%"
FEW = 10
"""Below so many pairs or languages an interval comes with a caution."""
_EXACT = 1e-9


_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|[kMG]B|m?s|mm|px|dpi|points|TFLOP)(?![\w/]))")
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.S)


def unbroken(markdown: str) -> str:
    """A text in which no line ends between a number and its unit; code in it stays as it is."""
    parts = _CODE.split(markdown)  # what matches stands at the odd places
    return "".join(part if place % 2 else _BEFORE_UNIT.sub(SPACE, part) for place, part in enumerate(parts))


def decimal(value: float | None, digits: int = 2) -> str:
    """A number of any size: `1.25`, `−0.12`, `0`, and `<0.01` or `>−0.01` for what would round to 0."""
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) < _EXACT:
        return "0"
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        least = f"{10.0**-digits:.{digits}f}"
        return f"<{least}" if value > 0 else f">{MINUS}{least}"
    return text if value > 0 else f"{MINUS}{text}"


def score(value: float | None, digits: int = 2) -> str:
    """A number from -1 to 1, such as a score, a cosine or a correlation: as `decimal`, and `>0.99` next to 1."""
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(abs(value) - 1) < _EXACT:
        return "1" if value > 0 else f"{MINUS}1"
    if abs(value) < 1 and round(abs(value), digits) == 1:
        most = f"{1 - 10.0**-digits:.{digits}f}"
        return f">{most}" if value > 0 else f"<{MINUS}{most}"
    return decimal(value, digits)


def signed(value: float | None, digits: int = 2) -> str:
    """A difference: `+0.12`, `−0.12`, `0`, and `<+0.01` or `>−0.01` for what would round to 0."""
    text = decimal(value, digits)
    if value is None or text in ("0", MISSING) or value < 0:
        return text
    return f"<+{text[1:]}" if text.startswith("<") else f"+{text}"


def tenths(value: float | None) -> str:
    """A difference in percentage points without its unit: `+12.3`."""
    return signed(value, 1)


def points(value: float | None) -> str:
    """A difference in percentage points: `+12.3 points`."""
    return with_unit(tenths(value), "points")


def percent(share: float | None, digits: int = 0) -> str:
    """A share, 0 to 1, in percent: `12 %`, `0 %`, `100 %`, and `<1 %` or `>99 %` for what would round to these."""
    if share is None or not math.isfinite(share):
        return MISSING
    if abs(share - 1) < _EXACT:
        return with_unit("100", "%")
    if share < 1 and float(f"{100 * share:.{digits}f}") == 100:
        return with_unit(f">{100 - 10.0**-digits:.{digits}f}", "%")
    return with_unit(decimal(100 * share, digits), "%")


def signed_percent(share: float) -> str:
    """A relative change, a fraction, in percent with its sign: `+53 %`."""
    return with_unit(signed(100 * share, 0), "%")


def chance(value: float | None) -> str:
    """What a random matrix would give: one digit more than a score, since it is small."""
    return score(value, 3)


def count(number: int, one: str, several: str = "") -> str:
    """`1 language`, `2,000 languages`."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def every(number: int, several: str) -> str:
    """`both languages`, `all 5 languages`."""
    return f"both {several}" if number == 2 else f"all {number:,} {several}"


def with_unit(number: str, unit: str) -> str:
    """A number and its unit, which stay on one line."""
    return f"{number}{SPACE}{unit}"


def interval(low: float, high: float, form: Callable[[float], str] = score) -> str:
    """Both ends: `0.41 to 0.52`. If both would read as nothing, what they lie below, above or within."""
    one, two = form(low), form(high)
    if one == two and one.startswith("<"):
        return f"below {one[1:]}"
    if one == two and one.startswith(">"):
        return f"above {one[1:]}"
    if one.startswith(f">{MINUS}") and two.startswith("<"):
        return f"within ±{two[1:].lstrip('+')}"
    return f"{one} to {two}"


def confidence(low: float, high: float, form: Callable[[float], str] = score, of: str = "pairs", unit: str = "") -> str:
    """`95 % interval 0.41 to 0.52`, or why there is none. of: what is resampled. unit: after both ends."""
    if math.isnan(low) or math.isnan(high):
        return f"too few {of} for an interval"
    if high - low < _EXACT:
        return f"no interval, since all {of} agree"
    ends = interval(low, high, form)
    return f"{CONFIDENCE} interval {with_unit(ends, unit) if unit else ends}"
