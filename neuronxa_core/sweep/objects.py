"""Whole files in any place that fsspec opens: a folder, memory, S3. A file is there in full or not at all."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from neuronxa_core.errors import SweepError, shown

_Answer = TypeVar("_Answer")
_WHOLE = frozenset({"memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "adl", "oss"})
"""Protocols in which a file appears when all of it has arrived. Elsewhere it is written aside and renamed."""
WAITS = (0.1, 0.3, 1.0, 3.0, 8.0, 15.0, 30.0)
"""Seconds before each further attempt to reach a place that has answered before."""
_FIRST = 2
"""How many of them are waited for where nothing has answered yet: the address may be wrong."""
_ASIDE = ".part"


class Objects:
    """The files below one address. Names have `/` between their parts. Raises SweepError where it cannot be reached."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs

        self.url, self.reached = url, False
        try:
            self.fs, root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise SweepError(
                f"The store {shown(url)} cannot be opened ({error}).",
                "Use a folder, or an address such as s3://bucket/name.",
            ) from error
        self.root = str(root).rstrip("/")
        protocol = self.fs.protocol if isinstance(self.fs.protocol, str) else self.fs.protocol[0]
        self.whole = protocol in _WHOLE

    def put(self, name: str, content: bytes) -> None:
        """Writes a file, in place of one of the same name."""
        path = self._path(name)
        folder, _, last = path.rpartition("/")

        def write() -> None:
            self.fs.makedirs(folder, exist_ok=True)
            if self.whole:
                self.fs.pipe_file(path, content)
                return
            aside = f"{folder}/.{last}.{os.getpid()}.{os.urandom(4).hex()}{_ASIDE}"
            try:
                self.fs.pipe_file(aside, content)
                self.fs.mv(aside, path)
            except BaseException:
                if self.fs.exists(aside):
                    self.fs.rm_file(aside)
                raise

        self._again(write)

    def get(self, name: str) -> bytes:
        """The content of a file. Raises FileNotFoundError if it is not there."""
        content: bytes = self._again(lambda: self.fs.cat_file(self._path(name)))
        return content

    def get_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """The contents of several files by name, those that are there; read at the same time where that is possible."""
        paths = {self._path(name): name for name in names}
        if not self.fs.async_impl:
            found = {}
            for name in paths.values():
                try:
                    found[name] = self.get(name)
                except FileNotFoundError:
                    continue
            return found

        def read() -> dict[str, bytes]:
            answers = self.fs.cat(list(paths), on_error="return") if paths else {}
            for answer in answers.values():
                if isinstance(answer, Exception) and not isinstance(answer, FileNotFoundError):
                    raise answer
            return {paths[path]: answer for path, answer in answers.items() if isinstance(answer, bytes)}

        return self._again(read)

    def names(self, below: str = "") -> list[str]:
        """The names of all files below a folder, sorted; empty if it is not there."""
        folder = self._path(below) if below else self.root

        def find() -> list[str]:
            self.fs.invalidate_cache()
            return [str(path) for path in self.fs.find(folder)]

        try:
            paths = self._again(find)
        except FileNotFoundError:
            return []
        names = (path.removeprefix(self.root).lstrip("/") for path in paths)
        return sorted(name for name in names if not name.endswith(_ASIDE))

    def delete(self, name: str) -> None:
        """Deletes a file; one that is not there is no error."""

        def remove() -> None:
            try:
                self.fs.rm_file(self._path(name))
            except FileNotFoundError:
                return

        self._again(remove)

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def _again(self, ask: Callable[[], _Answer]) -> _Answer:
        """The answer, asked for several times if the place cannot be reached."""
        for wait in (*(WAITS if self.reached else WAITS[:_FIRST]), None):
            try:
                answer = ask()
                self.reached = True
                return answer
            except (FileNotFoundError, NotImplementedError):
                self.reached = True
                raise
            except Exception as error:  # every kind of place has errors of its own
                if wait is None or isinstance(error, PermissionError | NotADirectoryError | IsADirectoryError):
                    raise self._unreachable(error) from error
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _unreachable(self, error: Exception) -> SweepError:
        told: Any = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return SweepError(
            f"The store {shown(self.url)} cannot be used ({shown(str(told))}).",
            "Check its address and your rights there, then start again: what is done is kept.",
        )
