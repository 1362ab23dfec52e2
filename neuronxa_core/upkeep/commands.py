"""The commands `doctor` and `cache`: what this machine lacks, and what lies in its cache folder."""

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any

from neuronxa_core.errors import Cancelled, StudyError
from neuronxa_core.numbers import count
from neuronxa_core.progress import Watcher
from neuronxa_core.settings import settings
from neuronxa_core.upkeep import cache
from neuronxa_core.upkeep.doctor import examine, size

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[Any]
_DAY, _MB = 86_400, 1_000_000


def add_upkeep(commands: "_Commands") -> None:
    """Adds the two commands to the command line."""
    doctor = commands.add_parser("doctor", help="check what studies need of this machine, and say what to do")
    doctor.add_argument("--repair", action="store_true", help="delete damaged cache files and mend the demo's weights")
    doctor.set_defaults(command=_doctor)
    parser = commands.add_parser("cache", help="list or delete what lies in the cache folder")
    parser.add_argument(
        "action", metavar="ACTION", choices=("ls", "clear"), help="ls to list, clear to delete after asking"
    )
    parser.add_argument("--kind", nargs="+", choices=cache.KINDS, default=[], help="only these kinds")
    parser.add_argument("--older-than", type=float, metavar="DAYS", help="only what was not used for so many days")
    parser.add_argument("--larger-than", type=float, metavar="MB", help="only files and models larger than this")
    parser.add_argument("--each", action="store_true", help="list every file or folder instead of sums")
    parser.add_argument("--yes", action="store_true", help="delete without asking")
    parser.add_argument("--uploads", action="store_true", help="delete uploads and accuracy files as well")
    parser.set_defaults(command=_cache)


def _doctor(options: argparse.Namespace, terminal: Watcher) -> int:
    """The exit code: 1 if something has to be done, else 0."""
    steps = 0
    for finding in examine(options.repair, terminal):
        print(finding, flush=True)
        steps += bool(finding.step)
    return 1 if steps else 0


def _cache(options: argparse.Namespace, terminal: Watcher) -> None:
    for name in ("older_than", "larger_than"):
        if (getattr(options, name) or 0) < 0:
            raise StudyError(f"--{name.replace('_', '-')} is negative.", "Give a number from 0 on.")
    kinds = tuple(options.kind or cache.KINDS)
    if options.action == "clear" and not options.uploads:
        if only := [kind for kind in options.kind if kind in cache.BROUGHT]:
            raise StudyError(f"{only[0]} are kept, since nothing can bring them back.", "Add --uploads to delete them.")
        kinds = tuple(kind for kind in kinds if kind not in cache.BROUGHT)
    larger = -1 if options.larger_than is None else int(options.larger_than * _MB)
    found = cache.Choice(kinds, (options.older_than or 0) * _DAY, larger).of(cache.entries())
    (_clear if options.action == "clear" else _list)(found, options)


def _list(found: list[cache.Entry], options: argparse.Namespace) -> None:
    print(settings().cache_dir)
    if options.each:
        for entry in found:
            print(f"{entry.kind:<10}  {size(entry.bytes):>9}  {_age(entry):>12}  {entry.path.name}")
    else:
        for kind in cache.KINDS:
            if of_kind := [entry for entry in found if entry.kind == kind]:
                print(
                    f"{kind:<10}  {_told(of_kind)}  unused for up to {_age(min(of_kind, key=lambda each: each.used))}"
                )
    print(f"{'all':<10}  {_told(found)}")


def _clear(found: list[cache.Entry], options: argparse.Namespace) -> None:
    if not found:
        print("There is nothing to delete.")
        return
    if not options.yes:
        _ask(found)
    gone = [entry for entry in found if cache.delete(entry)]
    print(f"Deleted {count(len(gone), 'entry', 'entries')}, {size(sum(entry.bytes for entry in gone))}.")
    if left := len(found) - len(gone):
        raise StudyError(
            f"{count(left, 'entry', 'entries')} could not be deleted.", "Check who may write to the cache folder."
        )


def _ask(found: list[cache.Entry]) -> None:
    """Returns if the answer is yes. Raises StudyError where nobody can answer, and Cancelled for any other answer."""
    if not sys.stdin or not sys.stdin.isatty():
        raise StudyError("Nothing was deleted, since nobody can be asked.", "Add --yes to delete without asking.")
    kinds = ", ".join(dict.fromkeys(entry.kind for entry in found))
    amount = f"{count(len(found), 'entry', 'entries')}, {size(sum(entry.bytes for entry in found))}"
    if input(f"Delete {amount} ({kinds}) from {settings().cache_dir}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Cancelled


def _told(found: list[cache.Entry]) -> str:
    return f"{count(len(found), 'entry', 'entries'):>14}  {size(sum(entry.bytes for entry in found)):>9}"


def _age(entry: cache.Entry) -> str:
    hours = max(0.0, time.time() - entry.used) / 3600
    return count(round(hours / 24), "day") if hours >= 48 else count(round(hours), "hour")
