"""Accuracies per language that users bring: result files of lm-evaluation-harness as they are, or a CSV.

Everything ends as rows of model, benchmark, language (FLORES-200 code), accuracy (fraction in [0, 1]) and metric.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from neuronxa_core.corpora.bounds import told_in_one_sentence
from neuronxa_core.corpora.languages import language
from neuronxa_core.corpora.uploads import MOST_ACCURACIES
from neuronxa_core.errors import StudyError

_MOST_ROWS = 200_000
COLUMNS = ("model", "benchmark", "language", "accuracy", "metric")

_METRICS = ("acc", "acc_norm", "exact_match", "exact", "f1")
"""The first of these that a task has is its accuracy; `acc,none` counts as `acc`."""
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
"""Benchmark, and how lm-evaluation-harness names its tasks."""
_ENGLISH = {"arc_challenge": "m-ARC", "mmlu": "m-MMLU", "hellaswag": "m-HellaSwag"}
"""Tasks without a language in their name that are the English part of a benchmark."""


@dataclass(frozen=True)
class Accuracies:
    """rows: as COLUMNS. notes: what was left out or changed, a sentence each."""

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_accuracies(files: Mapping[str, bytes]) -> Accuracies:
    """The accuracies in files by name: harness results as JSON, anything else as CSV. Raises StudyError for what is neither."""
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    if sum(map(len, files.values())) > MOST_ACCURACIES * 1_000_000:
        raise StudyError(f"These files have more than {MOST_ACCURACIES} MB.", "Bring fewer of them.")
    for name, content in files.items():
        text = content.decode("utf-8-sig", "replace")
        with told_in_one_sentence(name, StudyError):
            found, said = _read_harness(name, text) if text.lstrip()[:1] == "{" else _read_table(name, text)
        rows += found
        if len(rows) > _MOST_ROWS:
            raise StudyError(f"{name} has more than {_MOST_ROWS:,} accuracies.", "Bring a part of them.")
        notes += said
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    twice = frame.duplicated(["model", "benchmark", "language"], keep="last")
    if twice.any():
        notes.append(
            f"{int(twice.sum())} figures stand twice for the same model, benchmark and language; the last one counts."
        )
    return Accuracies(frame[~twice].reset_index(drop=True), tuple(notes))


def task_language(task: str) -> tuple[str, str] | None:
    """Benchmark and language code of a task of lm-evaluation-harness; None for a task of no known benchmark or of no language."""
    if task in _ENGLISH:
        return _ENGLISH[task], "eng_Latn"
    for benchmark, pattern in _TASKS:
        found = re.fullmatch(pattern, task)
        if found and language(_written(found["language"])).known:
            return benchmark, language(_written(found["language"])).code
    return None


def _written(code: str) -> str:
    """`zh_cn`, `pt-br` and `fra_latn` as the language table reads them."""
    base, _, rest = code.replace("-", "_").partition("_")
    base = "ja" if base == "jp" else base  # XWinograd writes the country
    return base if not rest else f"{base}_{rest.title()}" if len(rest) == 4 else f"{base}-{rest.upper()}"


def _read_harness(name: str, text: str) -> tuple[list[dict[str, Any]], list[str]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StudyError(
            f"{name} is no JSON that can be read ({error}).", "Upload it as the harness wrote it."
        ) from error
    groups = content.get("groups")
    results = (
        {**(groups if isinstance(groups, dict) else {}), **content["results"]}
        if isinstance(content.get("results"), dict)
        else None
    )
    if results is None:
        raise StudyError(f"{name} holds no results of lm-evaluation-harness.", "Upload its results_*.json, or a CSV.")
    rows, strange = [], []
    for task, numbers in results.items():
        known = task_language(task)
        metric, value = _accuracy(numbers)
        if known is None or value is None:
            strange.append(task)
            continue
        rows.append(dict(zip(COLUMNS, (_model_of(content, name), *known, value, metric), strict=True)))
    notes = [f"{name}: {len(strange)} tasks were passed over ({', '.join(sorted(strange)[:4])}{' ...' if len(strange) > 4 else ''})."] if strange else []  # fmt: skip
    if not rows:
        raise StudyError(f"{name} holds no task whose language can be told.", "Its tasks must be named like belebele_fra_Latn or xnli_fr.")  # fmt: skip
    return rows, notes


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
    return str(content.get("model_name") or named or config.get("model") or name)


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
            "Its header is: model, language, benchmark, accuracy.",
        )
    rows: list[dict[str, Any]] = []
    empty, strange = 0, []
    for row in _table_rows(name, reader):
        if len(rows) > _MOST_ROWS:
            break  # which read_accuracies says
        cell = {column: str(row.get(header[column]) or "").strip() for column in header}
        value = _number(cell["accuracy"])
        known = language(cell["language"])
        if value is None:
            empty += 1
        elif not known.known and not re.fullmatch(r"[a-z]{3}_[A-Z][a-z]{3}", cell["language"]):
            strange.append(cell["language"])
        else:
            filled = (cell.get("model") or "", cell.get("benchmark") or "accuracy", known.code, value, "accuracy")
            rows.append(dict(zip(COLUMNS, filled, strict=True)))
    notes = [f"{name}: {empty} rows have no accuracy that is a number."] if empty else []
    if strange:
        notes.append(f"{name}: no language is called {', '.join(dict.fromkeys(strange[:6]))}.")
    if not rows:
        raise StudyError(
            f"{name} holds no accuracy of a known language.", "Its header is: model, language, benchmark, accuracy."
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
    """Benchmark by benchmark: figures above 1 are percent."""
    percent = {(row["model"], row["benchmark"]) for row in rows if row["accuracy"] > 1}
    for row in rows:
        if (row["model"], row["benchmark"]) in percent:
            row["accuracy"] /= 100
    if percent:
        notes.append(f"{name}: {', '.join(_named(percent))} in percent, taken as fractions.")
    if any(not 0 <= row["accuracy"] <= 1 for row in rows):
        raise StudyError(f"{name} holds accuracies below 0 or above 100.", "Give fractions from 0 to 1, or percent.")
    return rows, notes


def _named(benchmarks: Iterable[tuple[str, str]]) -> list[str]:
    return sorted({benchmark for _, benchmark in benchmarks})
