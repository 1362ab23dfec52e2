"""What an assertion about a list says when it fails: which file gets which line."""

from collections.abc import Iterable


def amends(told: Iterable[str], wanted: Iterable[str], where: str) -> str:
    """The lines to add to a list that is kept by hand, and those to take off it; or, if it has all, their order.

    told: what stands there. wanted: what has to. where: the file, and the list or section in it.
    """
    told, wanted = [*told], [*wanted]
    add = [each for each in wanted if each not in told]
    off = [each for each in told if each not in wanted]
    parts = [f"{verb} {', '.join(map(repr, lines))}" for verb, lines in (("add", add), ("take off", off)) if lines]
    return f"{where}: {' and '.join(parts) or f'bring into this order: {wanted}'}."
