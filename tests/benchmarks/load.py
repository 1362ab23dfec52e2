"""How the dashboard holds up when a lecture hall opens the link. Run by hand, alone:

    python -m tests.benchmarks.load [--phones 40] [--studies 10] [--pairs 100] [--visitors 2] [--within 20]

So many sessions open Alignment, all within some seconds, and press Run, each for one of the studies, no two of which
share a sentence; meanwhile visitors walk through pages with precomputed results. Before that, each study is run alone,
on a server of its own with an empty cache. All is real but the browser: servers, worker, websockets, the demo model;
only its weights are prepared before. The sessions cost processor time too, on the same cores.
"""

import argparse
import asyncio
import contextlib
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from neuronxa_core.corpora.catalogue import EVERYDAY, open_corpus
from tests.benchmarks.phones import Phone
from tests.benchmarks.runs import prepared
from tests.browser.conftest import serving

WALK = ("", "languages", "similarity", "asymmetry", "neurons", "models", "glossary", "traps")
"""Pages that a visitor goes through, again and again."""
READING = 5.0
"""Seconds that a visitor looks at a page."""
Study = dict[str, str]


def studies(number: int, pairs: int) -> list[Study]:
    """Studies of two languages each that no other has; none of them is in the gallery."""
    codes = [code for code in sorted(open_corpus(EVERYDAY.name).languages) if code not in ("eng_Latn", "deu_Latn")]
    two = zip(codes[::2], codes[1::2], strict=False)
    return [
        {"source": source, "target": target, "pairs": str(pairs), "site": "product"}
        for source, target in itertools.islice(two, number)
    ]


@dataclass
class Memory:
    """Resident memory of a server and its worker in bytes, looked at twice a second."""

    seen: list[int] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def watch(self, folder: Path) -> None:
        while not self.over.wait(0.5):
            self.seen.append(resident(folder))


def resident(folder: Path) -> int:
    """Of every process whose environment names this cache folder."""
    total = 0
    for process in processes(folder):
        with contextlib.suppress(OSError, StopIteration):  # it has ended
            lines = (process / "status").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024
    return total


def processes(folder: Path) -> list[Path]:
    """The folders in /proc of the processes whose environment names this cache folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"NEURONXA_CACHE_DIR={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append(process)
    return found


@contextmanager
def server() -> Iterator[tuple[str, Memory]]:
    """The address of a fresh server with an empty cache, and its memory."""
    with tempfile.TemporaryDirectory() as folder:
        cache, memory = prepared(folder), Memory()
        with serving(cache) as address:
            watching = threading.Thread(target=memory.watch, args=(cache,))
            watching.start()
            try:
                yield address, memory
            finally:
                memory.over.set()
                watching.join()


async def run(phone: Phone, study: Study) -> float:
    """Opens the study's page, presses Run, and waits for the curve; the seconds from the press on.

    Whoever comes after others have asked for the study finds its run under way, or its curve.
    """
    await phone.connect()
    await phone.open("alignment", **study)
    started = time.monotonic()
    if "Run" in phone.buttons:
        await phone.press("Run")
    await phone.chart()
    return time.monotonic() - started


async def alone(address: str, asked: list[Study]) -> list[float]:
    """The seconds that each study takes with nobody else there. What the first run loads is loaded before."""
    await _warm(address)
    took = []
    for study in asked:
        phone = Phone(address)
        took.append(await run(phone, study))
        await phone.sleep()
    return took


async def _warm(address: str) -> None:
    phone = Phone(address)
    await run(phone, {"source": "deu_Latn", "target": "eng_Latn", "pairs": "2", "site": "product"})
    await phone.sleep()


async def walk(phone: Phone, over: asyncio.Event) -> list[tuple[float, str]]:
    """(seconds, page) of every page that one visitor opens until it is over, READING seconds after the last."""
    await phone.connect()
    took: list[tuple[float, str]] = []
    for page in itertools.cycle(WALK):
        if over.is_set():
            return took
        took.append((await phone.open(page), page or "overview"))
        await asyncio.sleep(READING)
    return took


@dataclass
class Rush:
    """What came of it. waits: seconds from the first arrival to each result; pages: what the visitors waited for."""

    waits: list[float]
    pages: list[tuple[float, str]]
    polls: list[float]
    errors: list[str]


async def rush(address: str, asked: list[Study], phones: int, visitors: int, within: float) -> Rush:
    """Everybody opens the link within so many seconds and presses Run at once, while visitors walk around."""
    await _warm(address)
    over = asyncio.Event()
    walkers = [Phone(address) for _ in range(visitors)]
    walking = [asyncio.create_task(walk(phone, over)) for phone in walkers]
    everybody = [Phone(address) for _ in range(phones)]
    started = time.monotonic()

    async def one(phone: Phone, study: Study, late: float) -> float:
        await asyncio.sleep(late)
        await run(phone, study)
        return time.monotonic() - started

    late = (within * number / phones for number in range(phones))
    waits = await asyncio.gather(*map(one, everybody, itertools.cycle(asked), late))
    over.set()
    pages = [page for pages in await asyncio.gather(*walking) for page in pages]
    polls = [seconds for phone in everybody for seconds in phone.polls]
    errors = [error for phone in (*everybody, *walkers) for error in phone.errors]
    for phone in (*everybody, *walkers):
        await phone.sleep()
    return Rush(waits, pages, polls, errors)


def table(took: list[float], found: Rush, before: Memory, during: Memory, phones: int) -> str:
    """As the guide shows it."""
    whole, last, (slowest, page) = sum(took), max(found.waits), max(found.pages)
    usual = statistics.median(seconds for seconds, _ in found.pages)
    rows = [
        ("sessions that press Run, different studies", f"{phones}, {len(took)}"),
        ("the studies one after another, alone", f"{whole:.1f} s"),
        ("last result", f"{last:.1f} s, {last / whole:.2f} times as long"),
        ("first result", f"{min(found.waits):.1f} s"),
        (f"a page for somebody else, median of {len(found.pages)}", f"{usual:.2f} s"),
        ("the slowest of these", f"{slowest:.2f} s ({page})"),
        (f"a progress line, slowest of {len(found.polls):,}", f"{max(found.polls, default=0):.2f} s"),
        ("memory of server and worker, alone", f"{max(before.seen) / 1e6:,.0f} MB"),
        (f"memory with {phones} sessions", f"{max(during.seen) / 1e6:,.0f} MB"),
        ("errors on any page", str(len(found.errors))),
    ]
    return "\n".join(["| what | measured |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("phones", 40), ("studies", 10), ("pairs", 100), ("visitors", 2), ("within", 20)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    asked = studies(options.studies, options.pairs)
    with server() as (address, before):
        took = asyncio.run(alone(address, asked))
    with server() as (address, during):
        found = asyncio.run(rush(address, asked, options.phones, options.visitors, options.within))
    print(table(took, found, before, during, options.phones))
    for error in sorted(set(found.errors)):
        print(f"error: {error}")


if __name__ == "__main__":
    main()
