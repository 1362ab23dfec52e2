"""A plan as it is written, in YAML: values with their lines. Every fault is a sentence that names the line."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import yaml

from neuronxa_core.errors import SweepError, shown

KEYS: Mapping[str, str] = {
    "models": "",
    "corpora": "",
    "languages": "all",
    "pivot": "eng_Latn",
    "pairs": "100",
    "site": "gate",
    "pooling": "auto",
    "dtype": "auto",
}
"""Every key of a plan with its default; empty for those that a plan must have."""


class Entry(NamedTuple):
    """One value and its line, from 1. A default has the line 1."""

    value: str
    line: int


Entries = Mapping[str, Sequence[Entry]]


def refuse(line: int, problem: str, next_step: str) -> NoReturn:
    """Raises SweepError with a sentence that names a line of the plan."""
    raise SweepError(f"Line {line} of the plan: {problem}", next_step)


def read_entries(path: Path) -> tuple[Entries, str]:
    """(the values of a plan's keys, its text). Raises SweepError if it cannot be read or is not a plan."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SweepError(f"The plan {path.name} is not UTF-8.", "Save it as UTF-8.") from error
    except OSError as error:
        raise SweepError(f"The plan {path} cannot be read ({error.strerror or error}).", "Check its path.") from error
    return entries_of(text), text


def entries_of(text: str) -> Entries:
    """The values of every key of a plan, the defaults where it has none. Raises SweepError."""
    found: dict[str, list[Entry]] = {}
    for key, value in _pairs_of(text):
        name, line = str(key.value), _line(key)
        if not isinstance(key, yaml.ScalarNode) or name not in KEYS:
            close = difflib.get_close_matches(name, KEYS, 1)
            hint = f"Did you mean {close[0]}? " if close else ""
            refuse(line, f"there is no key {shown(name)!r}.", f"{hint}The keys are {', '.join(KEYS)}.")
        if name in found:
            refuse(line, f"{name} is there twice.", "Put the values of both into one list.")
        found[name] = _values(name, value, line)
    for name, default in KEYS.items():
        if name not in found and not default:
            refuse(1, f"the plan has no key {name}.", f"Add one, such as `{name}: {_EXAMPLES[name]}`.")
        found.setdefault(name, [Entry(default, 1)])
    return found


_EXAMPLES = {"models": "[demo]", "corpora": "[everyday]"}


def _pairs_of(text: str) -> list[tuple[Any, Any]]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        refuse(mark.line + 1 if mark else 1, f"this is not valid YAML ({error.problem}).", "Correct it.")
    except RecursionError:
        refuse(1, "this is not valid YAML (it is nested too deeply).", "Correct it.")
    except yaml.YAMLError as error:
        refuse(1, f"this is not valid YAML ({shown(str(error))}).", "Correct it.")
    if not isinstance(root, yaml.MappingNode):
        refuse(1, "a plan consists of lines `key: value`.", f"The keys are {', '.join(KEYS)}.")
    return list(root.value)


def _values(name: str, node: Any, line: int) -> list[Entry]:
    """The values under a key: one, or those of a list, each once. All of them are text: `no` is Norwegian."""
    if isinstance(node, yaml.MappingNode):
        refuse(_line(node), f"{name} takes a value or a list of values, not keys.", "Write them as [a, b].")
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    entries: dict[str, Entry] = {}
    for each in nodes:
        if not isinstance(each, yaml.ScalarNode):
            refuse(_line(each), f"{name} has a list in its list.", "Write all values into one list.")
        if not str(each.value).strip() or each.tag == "tag:yaml.org,2002:null":
            refuse(_line(each), f"{name} has an empty value.", "Fill it in, or delete it.")
        entries.setdefault(str(each.value), Entry(str(each.value).strip(), _line(each)))
    if not entries:
        refuse(line, f"{name} is empty.", "Fill it in, or delete the line for the default.")
    return list(entries.values())


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
