"""A figure as a file for a paper: SVG, PDF or PNG of a width in millimetres, with its fonts inside.

A browser draws the SVG; what is here needs none. typst makes PDF and PNG of it. Text is set in Source Sans 3, which
comes along; a script that it lacks takes a font of the machine that makes the PDF, or of the reader of the SVG.
"""

import base64
import re
import struct
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from neuronxa_core.errors import FigureError
from neuronxa_core.figures.export import ExportableFigure, caption
from neuronxa_core.settings import ASSETS

DPI = 300
WIDTHS = (84, 174)
"""Millimetres of one column and of two in the journals of the field."""
NARROWEST, WIDEST = 40, 400
FORMATS = ("png", "svg", "pdf")
_PER_INCH = 25.4
_PIXELS = 96 / _PER_INCH
"""CSS pixels of a millimetre."""
_SMALLEST = 0.75
"""The scale down to which a figure is drawn larger than it is printed: a letter of 12 px is then 6.75 pt high."""
_LARGEST_SVG = 40_000_000
_FONTS = ASSETS / "fonts"
FACES = (
    ("Regular", 400, "normal", ""),
    ("Bold", 700, "normal", r"font-weight:\s*(bold|[6-9]00)"),
    ("It", 400, "italic", r"font-style:\s*italic"),
)
"""File, weight, style, and what in an SVG asks for it."""
_PAGE = """#set page(width: {width:.4f}mm, height: {height:.4f}mm, margin: 0pt, fill: none)
#set document(title: sys.inputs.title, description: sys.inputs.caption, date: none)
#image("figure.svg", width: 100%, alt: sys.inputs.title)
"""


@dataclass(frozen=True)
class Picture:
    """An SVG as a browser drew it, with the width that it is printed at and what it shows."""

    svg: str
    millimetres: float
    title: str = ""
    caption: str = ""

    def __post_init__(self) -> None:
        if len(self.svg) > _LARGEST_SVG or not re.match(r"\s*<svg\b", self.svg):
            raise FigureError("The browser sent no picture that can be saved.", "Reload the page and try again.")

    @property
    def height(self) -> float:
        """In millimetres."""
        width, height = _size(self.svg)
        return self.millimetres * height / width

    def file(self, suffix: str) -> bytes:
        """The picture as `svg`, `pdf` or `png`. Raises FigureError if the SVG is damaged."""
        return {"svg": svg_file, "pdf": pdf_file, "png": png_file}[suffix](self)


def picture_of(exportable: ExportableFigure, svg: str, millimetres: float) -> Picture:
    """The drawn figure, with its title and its whole caption. Raises FigureError if `svg` is none."""
    return Picture(svg, millimetres, exportable.title, caption(exportable))


def drawn_width(exportable: ExportableFigure, millimetres: float) -> int:
    """CSS pixels to draw a figure at: its own width where that is printed at 75 to 100 percent, else the nearest."""
    printed = millimetres * _PIXELS
    return round(min(max(exportable.width, printed), printed / _SMALLEST))


def svg_file(picture: Picture) -> bytes:
    """SVG of the width in millimetres, with the faces that it uses of Source Sans 3 inside."""
    root, rest = _split(picture.svg)
    width, height = _size(picture.svg)
    root = re.sub(r"""\s(width|height|viewBox)=(["']).*?\2""", "", root)[:-1]
    root += f' width="{picture.millimetres:g}mm" height="{picture.height:.4f}mm" viewBox="0 0 {width:g} {height:g}">'
    faces = "".join(face(file, weight, style) for file, weight, style, asks in FACES if re.search(asks, rest))
    return f"{root}<style>{faces}</style>{rest}".encode()


def pdf_file(picture: Picture) -> bytes:
    """One page of the picture's size; text stays text, in subsets of the fonts that it uses."""
    return _typeset(picture, "pdf")


def png_file(picture: Picture, dpi: int = DPI) -> bytes:
    """Pixels of the width at `dpi`, which the file states too."""
    return with_dpi(_typeset(picture, "png", dpi), dpi)


def with_dpi(png: bytes, dpi: int) -> bytes:
    """The PNG with a pHYs chunk of this density behind its header, in place of any other.

    Raises ValueError unless it is a PNG.
    """
    if not png.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError("not a PNG")
    per_metre = round(dpi / _PER_INCH * 1000)
    body = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    chunk = struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body))
    start = 8 + 25  # the signature, and IHDR, which comes first
    rest, at = png[start:], png[start:].find(b"pHYs")
    if 0 <= at < rest.find(b"IDAT"):
        rest = rest[: at - 4] + rest[at + 17 :]
    return png[:start] + chunk + rest


def _typeset(picture: Picture, suffix: Literal["pdf", "png"], dpi: float | None = None) -> bytes:
    """typst reads nothing but the picture: its root is a folder with that alone."""
    import typst

    with tempfile.TemporaryDirectory(prefix="neuronxa-figure-") as folder:
        Path(folder, "figure.svg").write_text(picture.svg, encoding="utf-8")
        page = Path(folder, "page.typ")
        page.write_text(_PAGE.format(width=picture.millimetres, height=picture.height), encoding="utf-8")
        inputs = {"title": picture.title or "Figure", "caption": picture.caption}
        try:
            made: bytes = typst.compile(
                str(page), root=folder, font_paths=[str(_FONTS)], format=suffix, ppi=dpi, sys_inputs=inputs
            )
        except RuntimeError as error:
            raise FigureError(
                f"The picture cannot be written as {suffix.upper()} ({str(error)[:120]}).", "Save it as SVG instead."
            ) from error
    return made


def face(file: str, weight: int, style: str) -> str:
    font = base64.b64encode((_FONTS / f"SourceSans3-{file}.ttf.woff2").read_bytes()).decode()
    return (
        f'@font-face{{font-family:"Source Sans";font-weight:{weight};font-style:{style};'
        f'src:url("data:font/woff2;base64,{font}") format("woff2")}}'
    )


def _split(svg: str) -> tuple[str, str]:
    """The opening tag of the root, and what follows."""
    end = svg.index(">") + 1
    return svg[:end].strip(), svg[end:]


def _size(svg: str) -> tuple[float, float]:
    """Width and height in CSS pixels. Raises FigureError if the root does not give them."""
    root, _ = _split(svg)
    found = [re.search(rf"""\s{name}=["']([\d.]+)(px)?["']""", root) for name in ("width", "height")]
    values = [float(each[1]) for each in found if each]
    if len(values) < 2 or min(values) <= 0:
        raise FigureError("The browser sent a picture without a size.", "Reload the page and try again.")
    return values[0], values[1]
