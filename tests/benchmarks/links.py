"""Opens every page by links whose values are odd, and names each that ends in an exception or is refused in silence.

    python -m tests.benchmarks.links --tries 300 --seed 7

A value that a link asks for is either in effect or named in a toast. Prints what went wrong, and the link.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence

from streamlit.testing.v1 import AppTest

from pages.shared.frame import menu
from pages.shared.link import NO_WIDGETS, STUDY
from tests.pages.app import FRAME, PARAMETERS, page_file

ODD = (
    *("", " ", "0", "1", "2", "-1", "3.5", "1e9", "nan", "inf", "9" * 5_000, "true", "None", "none", "[]", "{}", "\0"),
    *("~nosuchuser/x", "~root/x", "/etc/passwd", "../../x", "a/b", "x" * 300, "<script>alert(1)</script>", "**b**"),
    *("deu_Latn", "eng_Latn", "German", "DEU_LATN", "xxx_Xxxx", "nas", "nav", "embedding", "product", "auto", "demo"),
    *("everyday", "upload:x-0123456789ab", "s3://nobody/x", "http://127.0.0.1:9/", "a=b&c=d", "🙂", "שלום", "\u202ex"),
    *("١", "½", "²", "١٢", "0x10", "1_000", "+1", "1-2", "all layers", "bits", "mean", "max", "last", "5", "18", "19"),
)


def links(seed: int) -> Iterator[tuple[str, dict[str, str | list[str]]]]:
    """Pages with a link each, without end: up to six parameters of any page, one value or several."""
    chance = random.Random(seed)
    pages = [page.address or "overview" for each in menu().values() for page in each]
    names = sorted({*PARAMETERS, *STUDY, *NO_WIDGETS} - {"embed", "embed_options"})
    while True:
        page = chance.choice(pages)
        own = [name for name in names if name.startswith(page[:3])] or names
        chosen = {*chance.sample(own, min(len(own), chance.randint(0, 4))), *chance.sample(names, chance.randint(0, 3))}
        yield (
            page,
            {
                name: chance.choice(ODD) if chance.random() < 0.8 else chance.sample(ODD, chance.randint(2, 4))
                for name in sorted(chosen)
            },
        )


def tried(page: str, link: dict[str, str | list[str]]) -> str:
    """What is wrong with how a page opens by a link; empty if nothing is."""
    app = AppTest.from_file(FRAME, default_timeout=120)
    app.query_params.update(link)
    if page != "overview":
        app.switch_page(page_file(page))
    app.run()
    if app.exception:
        return "\n".join(each.value + "\n".join(each.stack_trace[-3:]) for each in app.exception)
    toasts = " ".join(toast.value for toast in app.toast)
    told = {name for name in link if name in NO_WIDGETS or f"{name} = " in toasts}
    silent = [name for name in link if name not in told and not _stands(app, name, link[name])]
    return f"neither in effect nor named: {', '.join(silent)}" if silent else ""


def _stands(app: AppTest, name: str, asked: str | list[str]) -> bool:
    """Whether the address still has what was asked for, or a widget has it."""
    texts = [asked] if isinstance(asked, str) else asked
    now = dict(app.query_params).get(name, [])
    state = app.session_state
    held = state[name] if name in state else None  # noqa: SIM401 - it has no `get`
    values = [str(each).lower() for each in (held if isinstance(held, list) else [held])]
    return [now] == texts or now == texts or sorted(values) == sorted(text.lower() for text in texts)


def main(arguments: Sequence[str] | None = None) -> int:
    """The number of links that something is wrong with, 125 at most."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    wrong, began = 0, time.monotonic()
    for (page, link), number in zip(links(options.seed), range(1, options.tries + 1), strict=False):
        try:
            said = tried(page, link)
        except Exception as error:  # what AppTest itself cannot do counts as well
            said = f"{type(error).__name__}: {error}"
        if said:
            wrong += 1
            print(f"{number}: {page} {link!r}\n{said[:1_500]}\n", flush=True)
    print(f"{options.tries} links, {wrong} wrong, {time.monotonic() - began:.0f} s")
    return min(wrong, 125)


if __name__ == "__main__":
    raise SystemExit(main())
