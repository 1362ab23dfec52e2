"""The command line: `neuronxa run ...` and the other commands, and `neuronxa app`, which opens the dashboard.

Without the package installed, use `python -m neuronxa_core` instead of `neuronxa`.
The exit code is 0, or 2 with one line on standard error if something is wrong that the user can fix. `doctor` ends in 1
where its list has something to do.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from neuronxa_core import spare
from neuronxa_core.commands import (
    COMMANDS,
    add_languages,
    cannot_write,
    run_command,
    study_from,
    table_stem,
)
from neuronxa_core.corpora.catalogue import EVERYDAY
from neuronxa_core.corpora.selection import LEAVE_OUT
from neuronxa_core.errors import Cancelled, NeuronXAError, StudyError
from neuronxa_core.models import demo
from neuronxa_core.models.hardware import DEVICES
from neuronxa_core.monitoring.commands import ToldError, told_as_event
from neuronxa_core.paths import write_whole
from neuronxa_core.progress import Meter, Phase, Watcher
from neuronxa_core.settings import DASHBOARD, PASSIVE
from neuronxa_core.states import store
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import CHOICES
from neuronxa_core.sweep.commands import add_store, add_sweep
from neuronxa_core.upkeep.commands import add_upkeep
from neuronxa_core.version import __version__


class _Terminal(Watcher):
    """Shows progress in one line on standard error, overwritten in place; silent unless that is a terminal."""

    def __init__(self) -> None:
        self.shown, self.meter, self.phases = 0.0, Meter(), set[Phase]()
        self.watched = sys.stderr.isatty()

    def report(self, phase: Phase, done: int = 0, total: int = 0, detail: str = "") -> None:
        self.phases.add(phase)
        now = self.meter.read(phase, done, total, detail)
        if self.watched and time.monotonic() - self.shown > 0.2:
            self.shown = time.monotonic()
            print(f"\r\033[K{now}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self.watched:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """Raises StudyError, whose message is one line, instead of printing the whole usage."""
        raise StudyError(f"{message[:1].upper()}{message[1:]}.", f"See: {self.prog} --help")


def main(arguments: Sequence[str] | None = None, program: str = "neuronxa") -> int:
    """The exit code, after running one command. program: the name it was called by, for messages."""
    os.environ.setdefault(*PASSIVE)  # before anything imports torch
    terminal = _Terminal()
    try:
        options = _parsed(_parser(program), arguments)
        with told_as_event(options, terminal.phases):
            code: int = options.command(options, terminal) or 0
    except NeuronXAError as error:
        terminal.clear()
        print(f"neuronxa: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Cancelled):
        terminal.clear()
        print("neuronxa: stopped.", file=sys.stderr)
        return 130
    except ToldError:
        terminal.clear()
        print("neuronxa: something in the program broke. Look up the error id in the log.", file=sys.stderr)
        return 1
    return code


def _parsed(parser: _Parser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options. Unknown ones are an error, except for `app`, which passes them on to Streamlit."""
    options, others = parser.parse_known_args(arguments)
    if others and options.command is not _app:
        parser.error(f"unrecognized arguments: {' '.join(others)}")
    options.others = others
    return options


def _parser(program: str = "neuronxa") -> _Parser:
    parser = _Parser(
        prog=program, description="Measure cross-lingual alignment in the FFN neurons of a language model."
    )
    parser.add_argument("--version", action="version", version=f"NeuronXA Explorer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command", dest="called", parser_class=_Parser)
    run = commands.add_parser("run", help="score one language pair and write scores.csv and summary.json")
    _study_options(run, pair=True)
    run.set_defaults(command=_run)
    for name, command in COMMANDS.items():
        parser_of = commands.add_parser(name, help=command.help, description=f"{command.help}.")
        _study_options(parser_of, command.pair, command.corpus)
        command.options(parser_of)
        parser_of.set_defaults(command=partial(_analysis, name))
    add_sweep(commands)
    add_store(commands)
    check = commands.add_parser("check", help="list possible problems of a parallel text, line by line and as a whole")
    check.add_argument("--corpus", required=True, help="as for run")
    check.add_argument("--source", required=True, help="FLORES-200 code, such as deu_Latn")
    check.add_argument("--target", required=True, help="FLORES-200 code, such as eng_Latn")
    check.set_defaults(command=_check)
    gallery = commands.add_parser("gallery", help="rebuild the precomputed results that the dashboard opens with")
    gallery.add_argument("--out", type=Path, metavar="DIR", help="default: assets/gallery")
    gallery.add_argument("--only", nargs="+", default=[], metavar="PART", help="rebuild only these parts")
    gallery.add_argument(
        "--models",
        nargs="+",
        default=[demo.NAME],
        metavar="MODEL",
        help="demo, and hub ids of others to add; ID=PATH names weights on this machine (default: demo)",
    )
    gallery.set_defaults(command=_gallery)
    add_upkeep(commands)
    app = commands.add_parser(
        "app",
        usage="%(prog)s [-h] [options of `streamlit run`]",
        help="open the dashboard, from any folder",
        description="Open the dashboard. Other options are passed to `streamlit run`, for example --server.port 8502.",
    )
    app.set_defaults(command=_app)
    return parser


def _study_options(parser: argparse.ArgumentParser, pair: bool, corpus: bool = True) -> None:
    """Adds the options of every command that computes. pair: for two languages, not for many against one target.

    corpus: for sentence pairs, not for the model alone.
    """
    parser.add_argument("--model", required=True, help="demo, a hub id, or a local folder (safetensors or GGUF)")
    parser.add_argument("--revision", default="", help="branch, tag or commit of a hub model")
    parser.add_argument("--adapter", default="", metavar="DIR", help="folder of a LoRA adapter to apply to the model")
    parser.add_argument(
        "--neurons",
        default="",
        metavar="PATH",
        help="module of a block to read instead of the family's: its output, or its input if PATH ends in :input",
    )
    if pair:
        parser.add_argument("--source", required=True, help="FLORES-200 code, such as deu_Latn")
        parser.add_argument("--target", required=True, help="FLORES-200 code, such as eng_Latn")
    else:
        add_languages(parser)
    parser.set_defaults(corpus=EVERYDAY.name, pairs=100, sample=0, leave_out="")
    parser.set_defaults(**{name: values[0] for name, values in CHOICES.items()})
    if corpus:
        _corpus_options(parser)
    for name, values in CHOICES.items():
        if corpus or name == "dtype":
            parser.add_argument(f"--{name}", choices=values, default=values[0], help=f"default: {values[0]}")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="default: auto")
    parser.add_argument("--no-cache", action="store_true", help="neither read nor write cached states and results")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the output files")


def _corpus_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of what is measured on sentence pairs."""
    parser.add_argument("--corpus", required=True, help="everyday, or the path of a folder or file of parallel text")
    parser.add_argument("--pairs", type=int, default=100, help="number of sentence pairs (default: 100)")
    parser.add_argument(
        "--sample",
        type=int,
        default=0,
        metavar="SEED",
        help="draw a random sample with this seed instead of the first pairs",
    )
    parser.add_argument(
        "--leave-out",
        default="",
        metavar="WHAT",
        help=f"comma-separated: line numbers (12,40-44) and kinds of lines ({', '.join(LEAVE_OUT)})",
    )


def _analysis(name: str, options: argparse.Namespace, terminal: _Terminal) -> None:
    _make_folder(options.out)
    with spare.allowed():
        tables = run_command(name, options, terminal)
    terminal.clear()
    _say_what_is_not_kept(options)
    rows = ", ".join(f"{table_stem(name, table)}.csv" for table in tables)
    print(f"{name}: {rows} and {name}.json in {options.out}")


def _say_what_is_not_kept(options: argparse.Namespace) -> None:
    """Says in one line on standard error if the cache cannot keep the result, which the files in --out hold."""
    if not options.no_cache and (problem := spare.problem(store.root())):
        print(f"Warning: {problem} The next run computes this again.", file=sys.stderr)


def _run(options: argparse.Namespace, terminal: _Terminal) -> None:
    from neuronxa_core.study.runner import run_study

    study = study_from(options)
    _make_folder(options.out)
    with spare.allowed():
        result = run_study(study, device=options.device, use_cache=not options.no_cache, watcher=terminal)
    terminal.clear()
    _say_what_is_not_kept(options)
    write_files(result, options.out)
    print(_line(result))
    if warnings := result.provenance.get("warnings"):
        print(f"Warning: {warnings}")


def _check(options: argparse.Namespace, terminal: _Terminal) -> None:
    from neuronxa_core.corpora.bitext import check
    from neuronxa_core.corpora.catalogue import open_corpus

    text = open_corpus(options.corpus).text(options.source, options.target)
    findings = check(text)
    for finding in findings:
        print(f"{finding.message} ({f'--leave-out {finding.kind}' if finding.can_be_left_out else finding.kind})")
    counts = f"{text.source}: {len(text.source_sentences)} lines, {text.target}: {len(text.target_sentences)} lines"
    print(f"{counts}; {len(findings) or 'nothing'} found")


def _gallery(options: argparse.Namespace, terminal: _Terminal) -> None:
    from neuronxa_core.gallery.build import PARTS
    from neuronxa_core.gallery.models import build_model
    from neuronxa_core.gallery.read import gallery_studies
    from neuronxa_core.stills import build as stills
    from neuronxa_core.study.bundled import GALLERY, building

    parts = (*PARTS, stills.PART)
    if unknown := set(options.only) - set(parts):
        raise StudyError(f"The gallery has no part {min(unknown)!r}.", f"Choose from: {', '.join(parts)}.")
    folder = options.out or GALLERY
    _make_folder(folder)
    for model in options.models:
        with building(folder):
            for measured in build_model(model, gallery_studies(), folder, terminal) if model != demo.NAME else ():
                terminal.clear()
                print(f"{model}: {len(measured.results)} languages", flush=True)
    for name in PARTS if demo.NAME in options.models else ():
        if not options.only or name in options.only:
            with building(folder):
                for made in PARTS[name].build(folder, terminal):
                    terminal.clear()
                    print(f"{name}: {_line(made) if isinstance(made, StudyResult) else 'written'}", flush=True)
    if demo.NAME in options.models and (not options.only or stills.PART in options.only):
        with building(folder):
            stills.build(folder)
            stills.build_steps(folder)
        print(f"{stills.PART}: written", flush=True)


def _app(options: argparse.Namespace, terminal: _Terminal) -> None:
    """Replaces this process with the dashboard's server. -P: modules of the current folder must not shadow its own."""
    script = str(DASHBOARD / "app.py")
    os.execv(sys.executable, [sys.executable, "-P", "-m", "streamlit", "run", script, *options.others])


def write_files(result: StudyResult, folder: Path) -> None:
    """Writes scores.csv and summary.json. Raises StudyError if the folder cannot be written to."""
    try:
        write_whole(folder / "scores.csv", lambda path: result.scores.to_csv(path, index=False))
        text = json.dumps(result.summary, indent=2, ensure_ascii=False) + "\n"
        write_whole(folder / "summary.json", lambda path: path.write_text(text))
    except OSError as error:
        raise cannot_write(folder, error) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _line(result: StudyResult) -> str:
    layer, score = result.peak("nas")
    nasca, navca, mexa = result.mean("nas"), result.mean("nav"), result.mean("embedding")
    return (
        f"{result.study.source} -> {result.study.target}: NASCA {nasca:.4f}, NAVCA {navca:.4f}, MEXA {mexa:.4f}; "
        f"NAS peaks at layer {layer} with {score:.2f} (chance {result.chance:.3f}); computed in {result.study.dtype}"
    )
