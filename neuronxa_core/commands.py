"""One command per analysis, with the options of `run`; writes each table as CSV and Parquet, and a JSON summary."""

import argparse
import json
import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuronxa_core.analyses.asymmetry import Asymmetry
from neuronxa_core.analyses.claims import Claims
from neuronxa_core.analyses.downstream import Downstream, Measured
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.analyses.items import Items
from neuronxa_core.analyses.languages import Languages
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.analyses.models import Models
from neuronxa_core.analyses.neurons import Neurons
from neuronxa_core.analyses.projections import Project
from neuronxa_core.analyses.revisions import Revisions
from neuronxa_core.analyses.settings import Settings
from neuronxa_core.analyses.similarity import Similarity
from neuronxa_core.analyses.umap import METHODS, METRICS, ProjectionSettings
from neuronxa_core.command_options import (
    add_accuracies,
    add_choices,
    add_claims_options,
    add_intervention_options,
    add_revisions,
    add_steering_options,
    add_words,
    choices_from,
    claims_files,
    claims_from,
    interventions_from,
    steering_from,
    tables_with_space,
    with_accuracies,
    with_without_table,
)
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.errors import NeuronXAError, StudyError
from neuronxa_core.paths import write_whole
from neuronxa_core.progress import Watcher
from neuronxa_core.states import store
from neuronxa_core.states.sentences import SITES, STATES
from neuronxa_core.study.analysis import Analysis, Answer
from neuronxa_core.study.study import CHOICES, Study


@dataclass(frozen=True)
class Command:
    """An analysis on the command line.

    pair: it takes two languages, not many against one target. corpus: it takes a corpus, not the model alone.
    own_files: its tables are files of their own names (effects.csv), without the command's in front.
    texts: other files by name, such as a report; one of the summary's name takes its place.
    """

    help: str
    request: Callable[[argparse.Namespace], Analysis[Answer]]
    pair: bool = False
    options: Callable[[argparse.ArgumentParser], None] = lambda parser: None
    corpus: bool = True
    own_files: bool = False
    texts: Callable[[Answer], Mapping[str, str]] = lambda answer: {}


def study_from(options: argparse.Namespace, **changed: Any) -> Study:
    """The study that the options describe."""
    names = ("model", "corpus", "source", "target", "pairs", "revision", "adapter", "neurons", "sample", "leave_out")
    return Study(**{name: getattr(options, name) for name in (*names, *CHOICES)} | changed)


def languages_from(options: argparse.Namespace) -> tuple[str, ...]:
    """Codes of the requested languages: those named, or all of the corpus except the target."""
    if options.languages != "all":
        named = [language(name).code for name in options.languages.split(",") if name.strip()]
        return tuple(dict.fromkeys(named))
    corpus, target = open_corpus(options.corpus), language(options.target).code
    return tuple(code for code in corpus.languages if code != target)


def _against_target(options: argparse.Namespace) -> tuple[Study, tuple[str, ...]]:
    codes = tuple(code for code in languages_from(options) if code != language(options.target).code)
    if not codes:
        raise StudyError("No language besides the target is named.", "Name some with --languages.")
    return study_from(options, source=codes[0]), codes


def _all_languages(options: argparse.Namespace) -> tuple[Study, tuple[str, ...]]:
    """The study, and its languages with the target among them if it was named or all are requested."""
    study, codes = _against_target(options)
    target = language(options.target).code
    asked = options.languages == "all" or target in languages_from(options)
    return study, (*codes, target) if asked else codes


def _languages(options: argparse.Namespace) -> Languages:
    return Languages(*_all_languages(options))


def _neurons(options: argparse.Namespace) -> Neurons:
    return Neurons(*_all_languages(options))


def _asymmetry(options: argparse.Namespace) -> Asymmetry:
    return Asymmetry(*_against_target(options))


def _downstream(options: argparse.Namespace) -> Downstream:
    study, codes = _against_target(options)
    return Downstream(study, codes, bits=not options.accuracies)


def _models(options: argparse.Namespace) -> Models:
    study, codes = _against_target(options)
    models = [study.model, *filter(None, options.models.split(","))]
    sites = [site for site in options.sites.split(",") if site] or [study.site]
    variants = [
        study_from(options, source=codes[0], model=model, site=site)
        for model in dict.fromkeys(models)
        for site in dict.fromkeys(sites)
    ]
    if len(variants) < 2:
        raise StudyError("There is nothing to compare.", "Name other models with --models, or several --sites.")
    return Models(tuple(variants), codes)


def _projection(options: argparse.Namespace) -> Project:
    states = tuple(state for state in STATES if state in options.states.split(","))
    if not states or set(options.states.split(",")) - set(STATES):
        raise StudyError(f"--states cannot be {options.states!r}.", f"Choose from: {','.join(STATES)}.")
    settings = ProjectionSettings(
        options.method, options.neighbours, options.min_dist, options.metric, options.umap_seed
    )
    return Project(study_from(options), states, settings)


def _settings(options: argparse.Namespace) -> Settings:
    pivots = [language(name).code for name in options.pivots.split(",") if name.strip()]
    return Settings(study_from(options), tuple(dict.fromkeys(pivots)))


def _revisions(options: argparse.Namespace) -> Revisions:
    return Revisions(*_against_target(options), tuple(options.revisions.split(",")))


def _claims(options: argparse.Namespace) -> Claims:
    return claims_from(options, study_from(options, source="und"), lambda: languages_from(options))


def _more_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", default="", metavar="M,...", help="comma-separated; other models to compare with --model"
    )
    parser.add_argument("--sites", default="", metavar="SITE,...", help=f"several of {', '.join(SITES)}")


def _projection_options(parser: argparse.ArgumentParser) -> None:
    usual = ProjectionSettings()
    parser.add_argument("--states", default="nas,embedding", help=f"some of {','.join(STATES)}")
    parser.add_argument("--method", choices=METHODS, default=usual.method, help=f"default: {usual.method}")
    parser.add_argument("--neighbours", type=int, default=usual.neighbours, help=f"default: {usual.neighbours}")
    parser.add_argument("--min-dist", type=float, default=usual.min_dist, help=f"default: {usual.min_dist}")
    parser.add_argument("--metric", choices=METRICS, default=usual.metric, help=f"default: {usual.metric}")
    parser.add_argument("--umap-seed", type=int, default=usual.seed, help=f"default: {usual.seed}")


def _pivots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pivots", default="", metavar="CODE,...", help="comma-separated; other targets to score the source against"
    )


def _latent_language(options: argparse.Namespace) -> LatentLanguage:
    asked = (options.pivot, options.task, options.shots, options.words, options.seed, options.template)
    return LatentLanguage(study_from(options), *asked)


COMMANDS: Mapping[str, Command] = {
    "similarity": Command(
        "cosines, margins and ranks of every pair, and how the space is used",
        lambda o: Similarity(study_from(o)),
        True,
    ),
    "asymmetry": Command("the gap between the two directions, for each language against the target", _asymmetry),
    "projection": Command("every sentence as a point, by UMAP or PCA", _projection, True, _projection_options),
    "languages": Command("every language against every other", _languages),
    "neurons": Command("which neurons languages share, and which are specific to one", _neurons),
    "latent-language": Command(
        "which language a model leans to on its way to a word", _latent_language, True, add_words, False, True
    ),
    "models": Command("several models or sites on the same sentences", _models, False, _more_models),
    "settings": Command("the score when one choice of the method is changed at a time", _settings, True, _pivots),
    "interventions": Command(
        "what switching off a language's neurons does to every language",
        lambda o: interventions_from(o, *_all_languages(o)),
        False,
        add_intervention_options,
        own_files=True,
    ),
    "steering": Command(
        "whether adding a direction between two languages changes which one comes out",
        lambda o: steering_from(o, study_from(o)),
        True,
        add_steering_options,
        own_files=True,
    ),
    "downstream": Command(
        "alignment against accuracies or bits per byte, language by language", _downstream, False, add_accuracies
    ),
    "claims": Command(
        "the paper's seven claims, tested by rules that are written down",
        _claims,
        False,
        add_claims_options,
        texts=claims_files,
    ),
    "revisions": Command("one model over its training", _revisions, False, add_revisions),
    "items": Command("margins of single pairs against bits per byte", lambda o: Items(*_against_target(o))),
    "choices": Command(
        "questions with choices: whether the aligned choice is the right one",
        lambda o: choices_from(o, study_from(o)),
        True,
        add_choices,
        corpus=False,
    ),
}
"""The commands, by the name of their page."""


def add_languages(parser: argparse.ArgumentParser) -> None:
    """Adds `--languages` and `--target`, for commands on many languages."""
    parser.add_argument("--languages", default="all", metavar="CODE,...", help="default: all of the corpus")
    parser.add_argument("--target", default=ENGLISH, help=f"the language they are compared with (default: {ENGLISH})")
    parser.set_defaults(source="")


def run_command(name: str, options: argparse.Namespace, watcher: Watcher) -> list[str]:
    """The names of the tables that a command wrote to `options.out`. Raises NeuronXAError."""
    request = COMMANDS[name].request(options)
    with store.apart() if options.no_cache else nullcontext():
        answer = request.run(watcher, options.device)
        tables = dict(answer.tables)
        if name == "downstream" and options.accuracies and isinstance(answer, Measured):
            tables = with_accuracies(answer, options.accuracies)
        tables |= tables_with_space(answer, watcher, options.device)
        if isinstance(request, Interventions):
            tables |= with_without_table(options, request, watcher)
        write_answer(name, tables, answer, options.out)
    return list(tables)


def write_answer(name: str, tables: Mapping[str, pd.DataFrame], answer: Answer, folder: Path) -> None:
    """Writes NAME.TABLE.csv and NAME.TABLE.parquet for each table, and NAME.json. Raises StudyError if that fails.

    A command with files of its own names writes TABLE.csv and TABLE.parquet.
    """
    try:
        for table, frame in tables.items():
            stem = table_stem(name, table)
            write_whole(folder / f"{stem}.csv", partial(frame.to_csv, index=False))
            write_whole(folder / f"{stem}.parquet", partial(frame.to_parquet, compression="zstd", index=False))
        text = json.dumps(_plain(answer.summary), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        for file, content in {f"{name}.json": text, **COMMANDS[name].texts(answer)}.items():
            write_whole(folder / file, partial(Path.write_text, data=content, encoding="utf-8"))
    except OSError as error:
        raise cannot_write(folder, error) from error


def table_stem(name: str, table: str) -> str:
    """The name of the file of a command's table, without its suffix."""
    return table if COMMANDS[name].own_files else f"{name}.{table}"


def _plain(value: Any) -> Any:
    """The value as JSON can store it: NumPy numbers as Python numbers, NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def cannot_write(folder: Path, error: OSError) -> NeuronXAError:
    """The error for a folder that cannot be written to."""
    return StudyError(
        f"{folder} cannot be written to ({error.strerror or error}).", "Choose another folder with --out."
    )
