"""Accuracies by language from uploaded files: results of lm-evaluation-harness, or a CSV.

Both become rows of model, benchmark, language (FLORES-200 code), accuracy (fraction in [0, 1]) and metric.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.corpora.uploads import MOST_ACCURACIES
from neuronxa_core.errors import StudyError, shown
from neuronxa_core.foreign import told_in_one_sentence
from neuronxa_core.models import demo

_MOST_ROWS = 200_000
COLUMNS = ("model", "benchmark", "language", "accuracy", "metric")

UNNAMED = "accuracy"
"""The benchmark of a file that names none."""
_METRICS = ("acc", "acc_norm", "exact_match", "exact", "f1")
"""Metrics read as accuracy, in order of preference; `acc,none` counts as `acc`."""
_LANGUAGE = r"(?P<language>[a-z]{2,3}(?:[_-](?:[A-Z][a-z]{3}|[A-Z]{2}|[a-z]{4}))?)"
_TASKS: tuple[tuple[str, str], ...] = (
    ("Belebele", rf"belebele_{_LANGUAGE}"),
    ("global_mmlu full", rf"global_mmlu_full_{_LANGUAGE}"),
    ("global_mmlu", rf"global_mmlu_{_LANGUAGE}"),
    ("m-MMLU", rf"m_mmlu_{_LANGUAGE}"),
    ("m-ARC", rf"(?:m_)?arc_{_LANGUAGE}"),
    ("ARC, machine-translated", rf"arc_challenge_mt_{_LANGUAGE}"),
    ("LAMBADA", rf"lambada_openai_mt_{_LANGUAGE}"),
    ("XNLI", rf"xnli_{_LANGUAGE}"),
    ("XCOPA", rf"xcopa_{_LANGUAGE}"),
    ("XStoryCloze", rf"xstorycloze_{_LANGUAGE}"),
    ("XWinograd", rf"xwinograd_{_LANGUAGE}"),
    ("PAWS-X", rf"paws_{_LANGUAGE}"),
    ("m-HellaSwag", rf"hellaswag_{_LANGUAGE}"),
    ("MGSM", rf"mgsm_(?:direct|en_cot|native_cot)_{_LANGUAGE}"),
)
"""Benchmarks, with the pattern of their task names in lm-evaluation-harness."""
_ENGLISH = {"arc_challenge": "m-ARC", "mmlu": "m-MMLU", "hellaswag": "m-HellaSwag"}
"""Tasks that are the English part of a benchmark and name no language."""


@dataclass(frozen=True)
class Accuracies:
    """Accuracies with the columns COLUMNS, and one sentence for whatever was skipped or changed."""

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_accuracies(files: Mapping[str, bytes]) -> Accuracies:
    """The accuracies in files, by name: JSON is read as harness results, anything else as CSV.

    Raises StudyError for a file that is neither, or too large.
    """
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    if sum(map(len, files.values())) > MOST_ACCURACIES * 1_000_000:
        raise StudyError(f"These files have more than {MOST_ACCURACIES} MB.", "Upload fewer files.")
    for name, content in files.items():
        text = content.decode("utf-8-sig", "replace")
        with told_in_one_sentence(name, StudyError):
            found, said = _read_harness(name, text) if text.lstrip()[:1] == "{" else _read_table(name, text)
        rows += found
        if len(rows) > _MOST_ROWS:
            raise StudyError(f"{name} has more than {_MOST_ROWS:,} accuracies.", "Upload only part of them.")
        notes += said
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    twice = frame.duplicated(["model", "benchmark", "language"], keep="last")
    if twice.any():
        notes.append(
            f"{int(twice.sum())} accuracies are given twice for a model, benchmark and language; the last one counts."
        )
    return Accuracies(frame[~twice].reset_index(drop=True), tuple(notes))


def are_of(named: str, model: str) -> bool:
    """Whether the model that a file names is the study's: by the last part of its name, the demo by its hub id too."""
    names = {model, _DEMO} if model == demo.NAME else {model}
    return named.split("/")[-1].lower() in {name.rstrip("/").split("/")[-1].lower() for name in names}


_DEMO = "google/gemma-3-270m"


def task_language(task: str) -> tuple[str, str] | None:
    """(benchmark, language code) of a task of lm-evaluation-harness; None if the task is unknown or has no language."""
    if task in _ENGLISH:
        return _ENGLISH[task], ENGLISH
    for benchmark, pattern in _TASKS:
        found = re.fullmatch(pattern, task)
        if found and language(_written(found["language"])).known:
            return benchmark, language(_written(found["language"])).code
    return None


def _written(code: str) -> str:
    """Codes such as `zh_cn`, `pt-br` and `fra_latn` in the spelling of the language table."""
    base, _, rest = code.replace("-", "_").partition("_")
    base = "ja" if base == "jp" else base  # XWinograd uses the country code
    return base if not rest else f"{base}_{rest.title()}" if len(rest) == 4 else f"{base}-{rest.upper()}"


def _read_harness(name: str, text: str) -> tuple[list[dict[str, Any]], list[str]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StudyError(f"{name} is not valid JSON ({error}).", "Upload it as the harness wrote it.") from error
    groups = content.get("groups")
    results = (
        {**(groups if isinstance(groups, dict) else {}), **content["results"]}
        if isinstance(content.get("results"), dict)
        else None
    )
    if results is None:
        raise StudyError(
            f"{name} has no results of lm-evaluation-harness.", "Upload the harness's results_*.json, or a CSV."
        )
    rows, skipped = [], []
    for task, numbers in results.items():
        known = task_language(task)
        metric, value = _accuracy(numbers)
        if known is None or value is None:
            skipped.append(shown(task))
            continue
        rows.append(dict(zip(COLUMNS, (_model_of(content, name), *known, value, metric), strict=True)))
    if not rows:
        raise StudyError(
            f"{name} has no task with a known language.", "Tasks must have names such as belebele_fra_Latn or xnli_fr."
        )
    if not skipped:
        return rows, []
    some = ", ".join(sorted(skipped)[:4]) + (" ..." if len(skipped) > 4 else "")
    count = f"{len(skipped)} task{'s were' if len(skipped) > 1 else ' was'}"
    return rows, [f"{name}: {count} skipped ({some})."]


def _accuracy(numbers: object) -> tuple[str, float | None]:
    if not isinstance(numbers, Mapping):
        return "", None
    plain = {str(key).split(",")[0]: value for key, value in numbers.items()}
    for metric in _METRICS:
        if isinstance(plain.get(metric), int | float) and not isinstance(plain[metric], bool):
            return metric, float(plain[metric]) if abs(plain[metric]) < 1e300 else None
    return "", None


def _model_of(content: Mapping[str, Any], name: str) -> str:
    config = content.get("config")
    config = config if isinstance(config, Mapping) else {}
    arguments = config.get("model_args") or ""
    if isinstance(arguments, Mapping):
        named = arguments.get("pretrained")
    else:
        found = re.search(r"pretrained=([^,]+)", str(arguments))
        named = found[1] if found else None
    return shown(str(content.get("model_name") or named or config.get("model") or name), 300)


def _table_rows(name: str, reader: "csv.DictReader[str]") -> Iterator[dict[str, Any]]:
    try:
        yield from reader
    except csv.Error as error:
        line = reader.line_num + 1
        raise StudyError(f"{name} is not valid CSV from line {line} on ({error}).", "Save it again.") from error


def _read_table(name: str, text: str) -> tuple[list[dict[str, Any]], list[str]]:
    lines = text.splitlines()
    delimiter = max(",;\t", key=(lines[0] if lines else "").count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = {str(column).strip().lower(): column for column in reader.fieldnames or ()}
    header = {_SYNONYMS.get(name, name): column for name, column in header.items()}
    missing = [column for column in ("language", "accuracy") if column not in header]
    if missing:
        raise StudyError(
            f"{name} has no column {' and no column '.join(missing)}.",
            "Use the header: model, language, benchmark, accuracy.",
        )
    rows: list[dict[str, Any]] = []
    empty, strange = 0, []
    for row in _table_rows(name, reader):
        if len(rows) > _MOST_ROWS:
            break  # read_accuracies reports it
        cell = {column: str(row.get(header[column]) or "").strip() for column in header}
        value = _number(cell["accuracy"])
        known = language(cell["language"])
        if value is None:
            empty += 1
        elif not known.known and not re.fullmatch(r"[a-z]{3}_[A-Z][a-z]{3}", cell["language"]):
            strange.append(cell["language"])
        else:
            filled = (cell.get("model") or "", cell.get("benchmark") or UNNAMED, known.code, value, "accuracy")
            rows.append(dict(zip(COLUMNS, filled, strict=True)))
    notes = [f"{name}: {empty} rows have no numeric accuracy."] if empty else []
    if strange:
        notes.append(f"{name}: unknown languages: {', '.join(dict.fromkeys(strange[:6]))}.")
    if not rows:
        raise StudyError(
            f"{name} has no accuracy of a known language.", "Use the header: model, language, benchmark, accuracy."
        )
    return _as_fractions(name, rows, notes)


_SYNONYMS = {"lang": "language", "code": "language", "acc": "accuracy", "score": "accuracy", "task": "benchmark"}


def _number(text: str) -> float | None:
    try:
        value = float(text.removesuffix("%").strip().replace(",", "."))
    except ValueError:
        return None
    value = value / 100 if text.endswith("%") else value
    return value if value == value and abs(value) != float("inf") else None


def _as_fractions(name: str, rows: list[dict[str, Any]], notes: list[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows and notes with accuracies as fractions; a benchmark with a value above 1 is in percent."""
    percent = {(row["model"], row["benchmark"]) for row in rows if row["accuracy"] > 1}
    for row in rows:
        if (row["model"], row["benchmark"]) in percent:
            row["accuracy"] /= 100
    if percent:
        notes.append(f"{name}: {', '.join(_named(percent))} converted from percent to fractions.")
    if any(not 0 <= row["accuracy"] <= 1 for row in rows):
        raise StudyError(f"{name} has accuracies below 0 or above 100.", "Use fractions from 0 to 1, or percent.")
    return rows, notes


def _named(benchmarks: Iterable[tuple[str, str]]) -> list[str]:
    return sorted({benchmark for _, benchmark in benchmarks})
