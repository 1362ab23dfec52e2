"""Whether the dashboard holds out: sessions come and go for half an hour, and memory stays flat. Run by hand:

    python -m tests.benchmarks.soak [--minutes 30] [--clients 40] [--pause 20] [--studies 6] [--pairs 20]

Each client opens a page, now and then runs a study of its own draw, loses its connection and comes back with the
address that it had, or as somebody new, with a pause after each; a longer pause leaves the cores to others. Server and
worker are real, over websockets, with the demo's weights. The table has their memory minute by minute; the drift is
between the first and the last third of what follows the first third, which counts as warm-up.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from tests.benchmarks.conditions import heading
from tests.benchmarks.load import WALK, Study, run, server, studies
from tests.benchmarks.phones import Phone

ALLOWED = 0.05
"""Drift of memory after the warm-up that counts as flat."""


@dataclass
class Visits:
    """What the clients did, and what they waited for and saw."""

    pages: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    returns: int = 0
    errors: list[str] = field(default_factory=list)
    lost: int = 0
    """Returns to a study that did not find its curve."""


async def client(
    address: str, asked: list[Study], drawn: random.Random, pause: float, end: float, seen: Visits
) -> None:
    """One visitor until the end, with about so many seconds between two steps."""
    await asyncio.sleep(pause * drawn.random())
    phone = Phone(address)
    await phone.connect()
    while time.monotonic() < end:
        step = drawn.random()
        if step < 0.6:
            seen.pages.append(await phone.open(drawn.choice(WALK)))
        elif step < 0.8:
            await come_back(phone, drawn.choice(asked), pause * drawn.random(), seen)
        else:
            seen.errors += phone.errors
            await phone.sleep()
            phone = Phone(address)
            await phone.connect()
            seen.pages.append(await phone.open(""))
        await asyncio.sleep(pause * (0.5 + drawn.random()))
    seen.errors += phone.errors
    await phone.sleep()


async def come_back(phone: Phone, study: Study, away: float, seen: Visits) -> None:
    """Runs a study, loses the connection, and comes back to the same page for the curve."""
    await phone.sleep()
    seen.runs.append(await run(phone, study))
    await phone.sleep()
    await asyncio.sleep(away)
    await phone.connect()
    seen.pages.append(await phone.open("alignment", **study))
    seen.returns += 1
    seen.lost += not phone.charts


async def soak(address: str, asked: list[Study], clients: int, seconds: float, pause: float, seed: int) -> Visits:
    """What came of so many clients in so many seconds."""
    found, end = Visits(), time.monotonic() + seconds
    draws = [random.Random(seed + number) for number in range(clients)]
    await asyncio.gather(*(client(address, asked, drawn, pause, end, found) for drawn in draws))
    return found


async def asleep(address: str, asked: list[Study], seconds: float) -> str:
    """What a phone finds that asked for the last of the studies after others, and slept for so long."""
    others, phone = [Phone(address) for _ in asked[:-1]], Phone(address)
    for each, study in zip([*others, phone], asked, strict=True):
        await each.connect()
        await each.open("alignment", **study)
        await each.press("Run")
    address_bar = dict(parse_qsl(phone.query))
    await phone.sleep()
    await asyncio.sleep(seconds)
    await phone.connect()
    took = await phone.open("alignment", **address_bar)
    state = "its curve" if phone.charts else "its run" if "Cancel" in phone.buttons else "an invitation to run"
    await phone.chart()
    for each in (*others, phone):
        await each.sleep()
    return f"{state} {took:.1f} s after {seconds:.0f} s away, with {len(address_bar.get('ticket', ''))} signs of ticket"


def by_minute(seen: list[int]) -> list[float]:
    """The median of each minute, in MB. seen: bytes, twice a second."""
    return [statistics.median(seen[start : start + 120]) / 1e6 for start in range(0, len(seen), 120)]


def drift(seen: list[int]) -> float:
    """The relative growth from the first to the last third of what follows the warm-up, itself the first third."""
    after = seen[len(seen) // 3 :]
    third = max(1, len(after) // 3)
    return statistics.median(after[-third:]) / statistics.median(after[:third]) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = {"minutes": 30, "clients": 40, "pause": 20, "studies": 6, "pairs": 20, "seed": 0}
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("--asleep", type=float, metavar="SECONDS", help="only a phone that sleeps for so long")
    asked = parser.parse_args()
    of = studies(asked.studies, asked.pairs)
    if asked.asleep:
        with server() as (address, _):
            print(heading(), asyncio.run(asleep(address, of, asked.asleep)), sep="\n")
        return
    with server() as (address, memory):
        found = asyncio.run(soak(address, of, asked.clients, 60 * asked.minutes, asked.pause, asked.seed))
    grown = drift(memory.seen)
    print(f"{heading(f'{asked.clients} clients, {asked.minutes} minutes')}\n| what | measured |\n|---|---|")
    for what, measured in {
        "pages opened": f"{len(found.pages):,}, median {statistics.median(found.pages):.2f} s",
        "the slowest": f"{max(found.pages):.2f} s",
        "runs asked for": f"{len(found.runs):,}, the slowest {max(found.runs, default=0):.1f} s",
        "returns after a lost connection": f"{found.returns:,}, {found.lost} without their curve",
        "memory of server and worker, minute by minute": ", ".join(f"{each:,.0f}" for each in by_minute(memory.seen)),
        "drift after the warm-up": f"{grown:+.1%}",
        "errors on any page": str(len(found.errors)),
    }.items():
        print(f"| {what} | {measured} |")
    for error in sorted(set(found.errors)):
        print(f"error: {error}")
    sys.exit(1 if found.errors or found.lost or grown > ALLOWED else 0)


if __name__ == "__main__":
    main()
