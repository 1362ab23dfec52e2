"""Answers that display themselves, through a painter registered from outside, since `figures` is not imported here."""

from collections.abc import Callable
from typing import Any, Literal, Protocol


class Painter(Protocol):
    """Draws answers of any kind; figures.notebook is one."""

    def figures_of(self, answer: Any, theme: Literal["light", "dark"] = "light") -> dict[str, Any]:
        """The answer's figures by name, as plotly figures."""

    def finding_of(self, answer: Any) -> str:
        """The main finding, in one to three sentences."""

    def html_of(self, answer: Any) -> str:
        """The answer as self-contained HTML."""

    def bundle_of(self, answer: Any) -> dict[str, Any]:
        """The answer by media type, for a notebook to choose from."""


_load: list[Callable[[], Painter]] = []


def drawn_by(load: Callable[[], Painter]) -> None:
    """Registers the painter, which is loaded when the first answer is drawn."""
    _load[:] = [load]


class Shown:
    """An answer with `figures()`, `finding` and a display in notebooks."""

    def figures(self, theme: Literal["light", "dark"] = "light") -> dict[str, Any]:
        """Its plotly figures by name; a notebook shows the first."""
        return _load[0]().figures_of(self, theme)

    @property
    def finding(self) -> str:
        """The main finding, in one to three sentences."""
        return _load[0]().finding_of(self)

    def _repr_html_(self) -> str:
        return _load[0]().html_of(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return _load[0]().bundle_of(self)
