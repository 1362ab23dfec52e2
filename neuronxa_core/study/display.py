"""How an answer shows itself: its figures and its finding, drawn by a room that this one does not import."""

from collections.abc import Callable
from typing import Any, Literal, Protocol


class Painter(Protocol):
    """What can draw an answer of any kind; figures.notebook is one."""

    def figures_of(self, answer: Any, theme: Literal["light", "dark"] = "light") -> dict[str, Any]:
        """The answer's figures by name, as plotly figures."""

    def finding_of(self, answer: Any) -> str:
        """What the answer shows, in a sentence or a few."""

    def html_of(self, answer: Any) -> str:
        """The answer as HTML that needs nothing from outside."""

    def bundle_of(self, answer: Any) -> dict[str, Any]:
        """The answer by media type, for a notebook to choose from."""


_load: list[Callable[[], Painter]] = []


def drawn_by(load: Callable[[], Painter]) -> None:
    """Registers who draws answers. It is loaded when the first answer is drawn."""
    _load[:] = [load]


class Shown:
    """An answer that draws itself: `figures()`, `finding`, and what a notebook asks for."""

    def figures(self, theme: Literal["light", "dark"] = "light") -> dict[str, Any]:
        """The figures by name, as plotly figures; the first is the one that a notebook shows."""
        return _load[0]().figures_of(self, theme)

    @property
    def finding(self) -> str:
        """What the answer shows, in a sentence or a few."""
        return _load[0]().finding_of(self)

    def _repr_html_(self) -> str:
        return _load[0]().html_of(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return _load[0]().bundle_of(self)
