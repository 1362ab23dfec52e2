"""The states that a store keeps on request: one safetensors file per model and language, and who uses which.

    states/MODEL/CORPUS/CODE-DIGEST.safetensors   pooled states of one language's sentences, as the cache has them
    states/MODEL/CORPUS/KEY.json                  which two files a task compared

The name of a file of states follows from what it holds, so English is stored once, whoever writes it.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from neuronxa_core.errors import SweepError
from neuronxa_core.states import mapped
from neuronxa_core.states.sentences import SentenceStates
from neuronxa_core.study.layers import StudyLayers
from neuronxa_core.sweep.objects import Objects

FOLDER = "states"
_FILE, _USE = ".safetensors", ".json"


def put_states(objects: Objects, folder: str, key: str, codes: Sequence[str], layers: StudyLayers) -> None:
    """Stores the states of both languages of a task, then which they are. folder: of its model and corpus."""
    names = [
        f"{folder}/{code}-{path.stem}{_FILE}" for code, path in zip(codes, (layers.source, layers.target), strict=True)
    ]
    there = set(objects.names(folder))
    for name, path in zip(names, (layers.source, layers.target), strict=True):
        if name not in there:
            objects.put(name, path.read_bytes())
    objects.put(f"{folder}/{key}{_USE}", json.dumps(dict(zip(("source", "target"), names, strict=True))).encode())


def tasks_with_states(objects: Objects) -> dict[str, Mapping[str, str]]:
    """By key of a task, the files of its two sides, `source` and `target`, if both are there."""
    names = objects.names(FOLDER)
    there, told = set(names), objects.get_all(name for name in names if name.endswith(_USE))
    sides = {PurePosixPath(name).stem: _sides(content) for name, content in told.items()}
    return {key: files for key, files in sides.items() if files and there.issuperset(files.values())}


def _sides(content: bytes) -> Mapping[str, str]:
    """Which files of states a task compared; empty if the note is damaged."""
    try:
        note = json.loads(content)
        return {side: str(note[side]) for side in ("source", "target")}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}


def states_of(objects: Objects, key: str) -> tuple[SentenceStates, SentenceStates] | None:
    """(source states, target states) of a task; None if the store has none. Raises SweepError if they are damaged."""
    names = objects.names(FOLDER)
    note = next((name for name in names if PurePosixPath(name).name == key + _USE), None)
    told = _sides(objects.get_all([note]).get(note, b"")) if note else {}
    if not told or not set(names).issuperset(told.values()):
        return None
    source, target = (_read(objects, told[side]) for side in ("source", "target"))
    return source, target


def _read(objects: Objects, name: str) -> SentenceStates:
    with tempfile.TemporaryDirectory(prefix="neuronxa-") as folder:
        path = Path(folder) / "states.safetensors"
        try:
            path.write_bytes(objects.get(name))
            return SentenceStates(**mapped.read(path)[0])
        except Exception as error:  # a damaged file fails in many ways
            raise SweepError(
                f"The states in {name} are missing or damaged.", "Delete the file, and sweep again with --states."
            ) from error


def damaged_states(objects: Objects) -> list[str]:
    """The files of states that are not what was written, one line each."""
    found = []
    for name in objects.names(FOLDER):
        if name.endswith(_FILE):
            try:
                _read(objects, name)
            except SweepError:
                found.append(f"{name} is damaged")
    return found


def copy_states(objects: Objects, other: Objects) -> None:
    """Takes over all states of another store that are not here, those before the files that name them."""
    here = set(objects.names(FOLDER))
    for name in sorted(other.names(FOLDER), key=lambda each: each.endswith(_USE)):
        if name not in here:
            objects.put(name, other.get(name))
