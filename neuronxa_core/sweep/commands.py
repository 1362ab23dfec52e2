"""The commands `neuronxa sweep` and `neuronxa store`."""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from neuronxa_core.errors import SweepError
from neuronxa_core.models.hardware import DEVICES

COLUMNS = ["model", "corpus", "source", "target", "state", "layer", "score", "source_to_target", "target_to_source"]
"""The columns of the exported scores.csv."""
ENGINES = ("local", "ray")


def add_sweep(commands: Any) -> None:
    """Adds the command `sweep`."""
    sweep = commands.add_parser("sweep", help="run a plan of models, corpora and languages, and keep all in a store")
    sweep.add_argument("plan", type=Path, metavar="PLAN.yaml", help="the plan, see the guide")
    sweep.add_argument("--store", metavar="URL", help="folder or address (s3://bucket/name) that keeps the results")
    sweep.add_argument("--engine", choices=ENGINES, default="local", help="default: local, in this process")
    sweep.add_argument("--address", default="", help="the Ray cluster to join; without it, one is started here")
    sweep.add_argument("--workers", type=int, default=0, metavar="N", help="of Ray; default: see the guide")
    sweep.add_argument("--device", choices=DEVICES, default="auto", help="default: auto")
    sweep.add_argument("--states", action="store_true", help="also keep the pooled states in the store (safetensors)")
    sweep.add_argument("--dry-run", action="store_true", help="only tell what the plan would take")
    sweep.set_defaults(command=_sweep)


def add_store(commands: Any) -> None:
    """Adds the command `store` with its own commands."""
    store = commands.add_parser("store", help="look at, check, merge or export the results of sweeps")
    of_store = store.add_subparsers(required=True, metavar="command", parser_class=type(store))
    for name, run, told in (
        ("check", _check, "verify every file of a store"),
        ("merge", _merge, "merge the files of a store, and take the results of others into it"),
        ("ls", _ls, "list what a store has, what is missing, and what failed and why"),
        ("export", _export, "write scores.csv"),
        ("diff", _diff, "tell what moved from a store to another one, and write differences.csv"),
    ):
        parser = of_store.add_parser(name, help=told, description=f"{told.capitalize()}.")
        parser.add_argument("store", metavar="STORE", help="folder or address of the store")
        parser.set_defaults(command=run)
        if name == "merge":
            parser.add_argument(
                "stores", nargs="*", default=[], metavar="OTHER", help="stores whose results are taken over"
            )
        if name == "diff":
            parser.add_argument("other", metavar="OTHER", help="the later store")
        if name in ("export", "diff"):
            parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the output files")


def _sweep(options: argparse.Namespace, terminal: Any) -> None:
    from neuronxa_core.sweep.local import run_here
    from neuronxa_core.sweep.plan import read_plan
    from neuronxa_core.sweep.ray_engine import run_on_ray
    from neuronxa_core.sweep.store import Store
    from neuronxa_core.sweep.terminal import Terminal, summary

    plan = read_plan(options.plan)
    if options.dry_run:
        _dry_run(options, plan)
        return
    if not options.store:
        raise SweepError("A sweep needs a place for its results.", "Name a folder or an address with --store.")
    if options.engine == "local" and (options.address or options.workers):
        raise SweepError("--address and --workers are for Ray.", "Add --engine ray, or leave them out.")
    store = Store(options.store, create=True)
    if options.engine == "local":
        tally = run_here(plan, store, options.device, Terminal(), options.states)
    else:
        tally = run_on_ray(plan, store, options.device, Terminal(), options.address, options.workers, options.states)
    print(summary(tally, options.store))
    if tally.why:
        raise SweepError(
            f"{tally.failed:,} of {tally.total:,} tasks failed, the first because: {tally.why.problem}",
            f"`neuronxa store ls {options.store}` lists all; a second start tries them again.",
        )


def _dry_run(options: argparse.Namespace, plan: Any) -> None:
    from neuronxa_core.sweep.estimate import estimate, lines
    from neuronxa_core.sweep.plan import Plan
    from neuronxa_core.sweep.run import missing_tasks
    from neuronxa_core.sweep.store import Store

    todo = plan.tasks
    if options.store:
        try:
            todo = tuple(missing_tasks(plan, Store(options.store), options.states))
        except SweepError:  # there is none yet, and a dry run makes none
            todo = plan.tasks
    for line in lines(estimate(list(Plan(todo).by_model.values()), options.device), len(plan.tasks)):
        print(line)


def _check(options: argparse.Namespace, terminal: Any) -> None:
    from neuronxa_core.sweep.store import Store

    store = Store(options.store)
    problems = store.problems()
    for problem in problems:
        print(problem)
    if problems:
        raise SweepError(
            f"{len(problems)} files of the store are damaged.",
            "Delete them and start the sweep again: it computes what they held.",
        )
    print(f"{len(store.rows()):,} results, nothing wrong")


def _merge(options: argparse.Namespace, terminal: Any) -> None:
    from neuronxa_core.sweep.store import Store

    store = Store(options.store, create=bool(options.stores))
    for url in options.stores:
        print(f"{store.take_from(Store(url)):,} results taken from {url}")
    print(f"{store.merge_files():,} files merged; {len(store.rows(['key'])):,} results in {options.store}")


def _ls(options: argparse.Namespace, terminal: Any) -> None:
    from neuronxa_core.sweep.listing import listing
    from neuronxa_core.sweep.store import Store

    for line in listing(Store(options.store)):
        print(line)


def _export(options: argparse.Namespace, terminal: Any) -> None:
    from neuronxa_core.sweep.listing import scores
    from neuronxa_core.sweep.store import Store

    _write(scores(Store(options.store))[COLUMNS], options.out, "scores.csv")


def _diff(options: argparse.Namespace, terminal: Any) -> None:
    from neuronxa_core.sweep.diff import differences, lines
    from neuronxa_core.sweep.store import Store

    table = differences(Store(options.store), Store(options.other))
    for line in lines(table):
        print(line)
    _write(table, options.out, "differences.csv")


def _write(frame: pd.DataFrame, folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_csv(folder / name, index=False)
    except OSError as error:
        raise SweepError(
            f"{folder} cannot be written to ({error.strerror or error}).", "Choose another folder with --out."
        ) from error
    print(f"{len(frame):,} rows in {folder / name}")
