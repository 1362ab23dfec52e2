"""What a leaderboard reads: the rows of a store, or of the gallery in the same form, and how far a sweep is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from neuronxa_core.corpora.languages import ENGLISH
from neuronxa_core.errors import SweepError, shown
from neuronxa_core.gallery.models import STORE
from neuronxa_core.settings import settings
from neuronxa_core.study import bundled
from neuronxa_core.study.naming import corpus_name, model_name
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.rows import MANIFEST, RESULTS, from_bytes, newest, result_of
from neuronxa_core.study.study import Study
from neuronxa_core.sweep.diff import moved
from neuronxa_core.sweep.store import Failure, Store


@dataclass(frozen=True)
class Progress:
    """How far the sweeps of a store are. planned: tasks that any plan asked for; newest: when a result came last."""

    done: int
    planned: int
    failures: Mapping[str, Failure]
    newest: str

    @property
    def left(self) -> int:
        """Planned tasks that are neither done nor failed."""
        return max(0, self.planned - self.done - len(self.failures))


def offered_stores() -> dict[str, str]:
    """The addresses in NEURONXA_STORES by name: their last part, numbered where several have the same."""
    found: dict[str, str] = {}
    for url in settings().stores:
        name = url.rstrip("/").rpartition("/")[2] or url
        again = sum(each.partition(" (")[0] == name for each in found)
        found[f"{name} ({again + 1})" if again else name] = url
    return found


def store_address(text: str) -> str:
    """The address of the store of this name, or in local mode the text itself.

    Raises SweepError in shared mode for everything that is not on offer, in the same words, and looks at nothing.
    """
    offered = offered_stores()
    if text in offered:
        return offered[text]
    if settings().mode == "shared":
        some = f"Choose one of: {', '.join(offered)}." if offered else "Ask whoever runs it to set NEURONXA_STORES."
        raise SweepError(f"This shared dashboard does not offer {shown(text)}: there is no such store.", some)
    return text


def gallery_rows() -> pd.DataFrame:
    """The rows of the gallery's store against English; empty if it has not been built."""
    rows = _gallery_rows(bundled.GALLERY / STORE)
    return rows[rows["target"] == ENGLISH].reset_index(drop=True) if len(rows) else rows


@lru_cache(maxsize=2)
def _gallery_rows(store: Path) -> pd.DataFrame:
    """All rows of the gallery's store, but for those of damaged files."""
    files = sorted((store / RESULTS).glob("*/*/*.parquet")) if bundled.is_whole(store / MANIFEST) else []
    frames = [bundled.read(file, lambda path: from_bytes(path.read_bytes())) for file in files]
    there = [frame for frame in frames if frame is not None]
    return newest(there) if there else pd.DataFrame()


def store_rows(store: Store) -> pd.DataFrame:
    """The rows of a store, read again only if its files have changed."""
    return _rows(store.url, store.stamp())


@lru_cache(maxsize=4)
def _rows(url: str, stamp: str) -> pd.DataFrame:
    return Store(url).rows()


def progress(store: Store) -> Progress:
    """How far the sweeps of a store are."""
    rows = store_rows(store)
    done = set(rows["key"])
    planned = store.planned()
    newest = str(rows["written"].max()) if len(rows) else ""
    return Progress(len(done & planned), len(planned), _failures(store.url, store.stamp(), frozenset(done)), newest)


@lru_cache(maxsize=4)
def _failures(url: str, stamp: str, done: frozenset[str]) -> dict[str, Failure]:
    return Store(url).failures(done)


def what_moved(before: Store | None, after: Store | None, board: pd.DataFrame) -> pd.DataFrame:
    """The rows of diff.differences from one store to another that concern the rows of a board. None: the gallery."""
    stores = [store or Store(str(bundled.GALLERY / STORE)) for store in (before, after)]
    table = _moved(*(part for store in stores for part in (store.url, store.stamp())))
    names = board["model"].map(model_name), board["corpus"].map(corpus_name)
    shown = set(zip(*names, *(board[name] for name in _QUESTION), strict=True))
    asked = zip(*(table[name] for name in ("model", "corpus", *_QUESTION)), strict=True)
    return table[[each in shown for each in asked]].reset_index(drop=True)


_QUESTION = ("source", "target", "pairs", "site", "pooling", "dtype")


@lru_cache(maxsize=2)
def _moved(before: str, stamp: str, after: str, other_stamp: str) -> pd.DataFrame:
    gallery = bundled.GALLERY / STORE
    whole = [
        _gallery_rows(gallery) if url == str(gallery) else _rows(url, at)
        for url, at in ((before, stamp), (after, other_stamp))
    ]
    return moved(*whole)


def result_in(rows: pd.DataFrame, study: Study) -> StudyResult | None:
    """The result of a study among the rows, or None."""
    fields = {name: value for name, value in study.fields.items() if name in rows}
    found = rows
    for name, value in fields.items():
        found = found[found[name] == value]
    return result_of(found.iloc[0].to_dict()) if len(found) else None
