"""Options that a single command has, and the request that they make."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from neuronxa_core.analyses.accuracies import read_accuracies
from neuronxa_core.analyses.choice_files import read_choices
from neuronxa_core.analyses.choices import Choices
from neuronxa_core.analyses.claim_evidence import Over
from neuronxa_core.analyses.claims import Claims, ClaimsAnswer, claims_on_all, rows_of
from neuronxa_core.analyses.downstream import Measured
from neuronxa_core.analyses.interventions import CONTROL_CELLS, FEWEST_CONTROLS, ZERO, Interventions
from neuronxa_core.analyses.latent_prompts import TASKS
from neuronxa_core.analyses.models import ModelComparison
from neuronxa_core.analyses.neuron_sets import SETS, read_listed
from neuronxa_core.analyses.settings import Ablation
from neuronxa_core.analyses.space_means import (
    choices_with_space,
    measured,
    studies_compared,
    studies_of_choices,
    with_space,
)
from neuronxa_core.analyses.steering import CONTROLS, PROMPTS, STRENGTHS, Steering
from neuronxa_core.analyses.with_without import FEWEST_PAIRS, WithWithout
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.corpora.words import BUNDLED
from neuronxa_core.errors import OneLanguageError, StudyError
from neuronxa_core.gallery.claims import with_other_models
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import Watcher
from neuronxa_core.study.analysis import Answer
from neuronxa_core.study.study import Study


def interventions_from(options: argparse.Namespace, study: Study, codes: tuple[str, ...]) -> Interventions:
    """The request of the command `interventions`. Raises StudyError for options that do not fit together."""
    given = options.set in SETS and options.set != "listed"
    listed = () if given else read_listed(Path(options.set))
    return Interventions(
        study,
        codes,
        set=options.set if given else "listed",
        share=options.share,
        layers=layers_from(options.layers),
        to=options.to,
        controls=options.controls,
        control_cells=options.control_cells,
        seed=options.seed,
        listed=listed,
    )


def layers_from(text: str) -> tuple[int, int]:
    """The first and the last of a range such as 9-18; 0 and 0 for an empty one."""
    ends = text.split("-") if text else ["0"]
    if len(ends) > 2 or not all(end.strip().isdecimal() for end in ends):
        raise StudyError(f"The layers cannot be {text!r}.", "Give the first and the last, such as 9-18.")
    return int(ends[0]), int(ends[-1])


def read_accuracy_files(paths: Sequence[Path]) -> pd.DataFrame:
    """The accuracies in files, as rows of accuracies.COLUMNS. Raises StudyError."""
    return read_accuracies(_contents(paths)).rows


def with_accuracies(measured: Measured, paths: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """The correlations with every model's accuracies on every benchmark in the files."""
    rows = read_accuracy_files(paths)
    tables: dict[str, list[pd.DataFrame]] = {}
    for (model, benchmark), accuracies in rows.groupby(["model", "benchmark"], sort=True):
        for table, frame in measured.correlations(accuracies).items():
            tables.setdefault(table, []).append(frame.assign(model=model, benchmark=benchmark))
    return {table: pd.concat(frames, ignore_index=True) for table, frames in tables.items()}


def add_accuracies(parser: argparse.ArgumentParser, otherwise: str = "instead of bits per byte") -> None:
    """Adds `--accuracies`. otherwise: what the help says they are for."""
    said = f"result files of lm-evaluation-harness, or a CSV file, {otherwise}"
    parser.add_argument("--accuracies", type=Path, nargs="+", default=[], metavar="PATH", help=said)


def add_claims_options(parser: argparse.ArgumentParser) -> None:
    """Accuracies, and where P@1 is taken."""
    add_accuracies(parser, "for the claim about downstream performance")
    parser.add_argument(
        "--over",
        choices=get_args(Over),
        default="best",
        help="P@1 in the best layer, chosen on the other half of the pairs, or as mean over layers (default: best)",
    )


def claims_from(options: argparse.Namespace, study: Study, codes: Callable[[], tuple[str, ...]]) -> Claims:
    """The request of the command `claims`, on the languages that share a text with the target if all are asked for.

    codes: those of the options; a corpus with one language alone leaves none.
    """
    beside: tuple[str, ...] = ()
    try:
        if options.languages == "all":
            beside = open_corpus(study.corpus).beside(study.target)
        named = beside or codes()
    except OneLanguageError:
        named = ()
    accuracies = read_accuracy_files(options.accuracies) if options.accuracies else None
    rows = () if accuracies is None else rows_of(accuracies, study.model)
    return with_other_models(claims_on_all(study, named, over=options.over, accuracies=rows))


def claims_files(answer: Any) -> dict[str, str]:
    """The files of the command `claims` besides its tables: the verdicts, study and provenance, and the report."""
    from neuronxa_core.figures.claims_report import claims_markdown, claims_report  # plotly takes a second

    assert isinstance(answer, ClaimsAnswer)

    def as_json(content: object) -> str:
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    return {
        "claims.json": as_json(answer.told),
        "claims.provenance.json": as_json(answer.summary),
        "claims.html": claims_report(answer),
        "claims.md": claims_markdown(answer),
    }


def choices_from(options: argparse.Namespace, study: Study) -> Choices:
    """The request of the command `choices`. Raises StudyError for files that cannot be read or have no common items."""
    return Choices(study, read_choices(_contents(options.items)))


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Adds `--items`."""
    said = "questions with two to four choices in both languages: a CSV, or files in Belebele's layout"
    parser.add_argument("--items", type=Path, nargs="+", required=True, metavar="PATH", help=said)


def _contents(paths: Sequence[Path]) -> dict[str, bytes]:
    try:
        return {path.name: path.read_bytes() for path in paths}
    except OSError as error:
        raise StudyError(f"{error.filename} cannot be read ({error.strerror}).", "Check the path.") from error


def add_words(parser: argparse.ArgumentParser) -> None:
    """The pivot, the word list, and how it is asked."""
    parser.add_argument("--pivot", default=ENGLISH, help=f"the language to watch besides both (default: {ENGLISH})")
    parser.add_argument("--task", choices=TASKS, default=TASKS[0], help=f"default: {TASKS[0]}")
    parser.add_argument("--shots", type=int, default=4, help="examples before each question (default: 4)")
    parser.add_argument("--words", default=BUNDLED, metavar="PATH", help="a word list as TSV or CSV, not the bundled")
    parser.add_argument("--seed", type=int, default=0, help="seed of the examples (default: 0)")
    parser.add_argument("--template", default="", help="one line of the prompt, not the task's own")


def add_revisions(parser: argparse.ArgumentParser) -> None:
    """Adds `--revisions`."""
    said = "comma-separated, in their order: revisions of a hub model, or folders of checkpoints in the model's folder"
    parser.add_argument("--revisions", required=True, metavar="R,...", help=said)


def add_intervention_options(parser: argparse.ArgumentParser) -> None:
    """What is changed, and the controls."""
    parser.add_argument(
        "--set", default="lape", metavar="lape|shared|random|PATH", help="whose neurons, or a CSV with layer and neuron"
    )
    parser.add_argument("--share", type=float, default=0.02, help="of all neurons (default: 0.02)")
    parser.add_argument("--layers", default="", metavar="FIRST-LAST", help="only their neurons (default: all)")
    parser.add_argument(
        "--to",
        default=ZERO,
        metavar="zero|mean|CODE",
        help=f"what they are set to: zero, the mean over all languages, or the mean in one (default: {ZERO})",
    )
    parser.add_argument(
        "--controls", type=int, default=FEWEST_CONTROLS, help=f"random sets per set (default: {FEWEST_CONTROLS})"
    )
    parser.add_argument(
        "--control-cells", choices=CONTROL_CELLS, default="own", help="where controls are measured (default: own)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of what is random (default: 0)")
    parser.add_argument(
        "--pair",
        default="",
        metavar="CODE,CODE",
        help="whose alignment is measured with and without the change (default: the first language and the target)",
    )


def with_without_table(
    options: argparse.Namespace, request: Interventions, watcher: Watcher
) -> dict[str, pd.DataFrame]:
    """The alignment of a pair with and without the change: of the neurons of both its languages, or of every set.

    By its file's name; empty if nobody asked for it and the pairs are too few. Raises StudyError for a pair that cannot
    be compared.
    """
    if not options.pair and request.study.pairs < FEWEST_PAIRS:
        return {}
    pair = [each for each in options.pair.split(",") if each.strip()] or [request.study.source, request.study.target]
    if len(pair) != 2:
        raise StudyError(f"--pair cannot be {options.pair!r}.", "Give two languages, such as deu_Latn,eng_Latn.")
    study = replace(request.study, source=pair[0], target=pair[1])
    names = [name for name in (study.source, study.target) if name in request.names] or request.names
    answers = [WithWithout(study, request, name).run(watcher, options.device) for name in names]
    return {"with_without": pd.concat([each.table for each in answers], ignore_index=True)}


def tables_with_space(answer: Answer, watcher: Watcher, device: Device) -> dict[str, pd.DataFrame]:
    """The tables of models and settings that have separability, ANC and CKA beside the scores; else none."""
    if isinstance(answer, ModelComparison):
        means = measured(studies_compared(answer.results), watcher, device)
        return {"summary": with_space(answer.tables["summary"], answer.results, means.get)}
    if isinstance(answer, Ablation):
        means = measured(filter(None, studies_of_choices(answer)), watcher, device)
        return {"choices": choices_with_space(answer, means.get)}
    return {}


def add_steering_options(parser: argparse.ArgumentParser) -> None:
    """Where the direction is added and how strongly, the controls, and the prompts."""
    usual = ",".join(f"{each:g}" for each in STRENGTHS)
    parser.add_argument("--layer", type=int, default=0, help="after which it is added (default: the middle one)")
    parser.add_argument("--strengths", default=usual, metavar="X,...", help=f"comma-separated (default: {usual})")
    parser.add_argument("--controls", type=int, default=CONTROLS, help=f"random directions (default: {CONTROLS})")
    parser.add_argument("--prompts", type=int, default=PROMPTS, help=f"texts that are continued (default: {PROMPTS})")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random directions (default: 0)")


def steering_from(options: argparse.Namespace, study: Study) -> Steering:
    """The request of the command `steering`. Raises StudyError for options that do not fit together."""
    try:
        strengths = tuple(float(each) for each in options.strengths.split(",") if each.strip())
    except ValueError:
        raise StudyError(f"--strengths cannot be {options.strengths!r}.", "Give numbers, such as 0.5,1,2.") from None
    return Steering(study, options.layer, strengths, options.controls, options.prompts, options.seed)
