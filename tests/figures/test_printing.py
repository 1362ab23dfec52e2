"""A drawn figure as a file: its width in millimetres, its density, its fonts, and what it refuses."""

import base64
import re
import struct
import zlib

import pytest

from neuronxa_core.errors import FigureError
from neuronxa_core.figures.printing import Picture, drawn_width, png_file, svg_file, with_dpi
from tests.figures.examples import EXAMPLES

SVG = (
    '<svg class="main-svg" xmlns="http://www.w3.org/2000/svg" width="400" height="200" style="" viewBox="0 0 400 200">'
    '<rect width="400" height="200" fill="#FFFFFF"/><text x="20" y="60" style="font-family: \'Source Sans\', '
    '\'Source Sans 3\', sans-serif; font-size: 14px;">NAS → NAV<tspan style="font-weight:bold">bold</tspan></text>'
    "</svg>"
)
PICTURE = Picture(SVG, 84, 'A "title" \\ # of German', "A caption with $dollars$")


def chunks(png: bytes) -> dict[str, bytes]:
    """The chunks of a PNG by name; fails if a checksum does not fit."""
    found: dict[str, bytes] = {}
    at = 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert zlib.crc32(name + body) == struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0]
        found.setdefault(name.decode(), body)
        at += 12 + length
    return found


@pytest.mark.parametrize("dpi", [300, 600])
def test_a_png_has_the_pixels_of_its_width_and_states_its_density(dpi: int):
    found = chunks(png_file(PICTURE, dpi))
    width, height = struct.unpack(">II", found["IHDR"][:8])
    assert width == pytest.approx(84 / 25.4 * dpi, abs=1)
    assert height == pytest.approx(42 / 25.4 * dpi, abs=1)
    assert struct.unpack(">IIB", found["pHYs"]) == (round(dpi / 0.0254), round(dpi / 0.0254), 1)


def test_a_density_replaces_another():
    png = png_file(PICTURE, 300)
    assert with_dpi(with_dpi(png, 72), 300) == png
    assert len(with_dpi(png, 72)) == len(png)
    with pytest.raises(ValueError, match="not a PNG"):
        with_dpi(b"GIF89a", 300)


def test_a_pdf_has_the_size_in_points_and_subsets_of_the_two_faces_that_it_uses():
    pdf = PICTURE.file("pdf")
    assert pdf.startswith(b"%PDF-")
    (box,) = set(re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf))
    assert [float(side) for side in box] == pytest.approx([84 / 25.4 * 72, 42 / 25.4 * 72], abs=0.01)
    fonts = {name.decode() for name in re.findall(rb"/FontName\s*/([\w+-]+)", pdf)}
    assert {name.split("+")[1] for name in fonts} == {"SourceSans3-Regular", "SourceSans3-Bold"}
    assert all(re.fullmatch(r"[A-Z]{6}\+.*", name) for name in fonts)  # a tag of six letters: a subset


def test_an_svg_has_its_size_in_millimetres_and_the_faces_that_it_uses():
    svg = svg_file(PICTURE).decode()
    root = svg[: svg.index(">")]
    assert 'width="84mm"' in root
    assert 'height="42.0000mm"' in root
    assert root.count("viewBox") == root.count("width=") == 1
    faces = re.findall(r'font-weight:(\d+);font-style:(\w+);src:url\("data:font/woff2;base64,([^"]+)"', svg)
    assert [face[:2] for face in faces] == [("400", "normal"), ("700", "normal")]
    assert all(base64.b64decode(face[2]).startswith(b"wOF2") for face in faces)


def test_what_an_svg_links_to_on_this_machine_stays_out(tmp_path):
    (tmp_path / "secret.svg").write_text(SVG.replace("NAS", "SECRET").replace("#FFFFFF", "#FF0000"))
    linked = SVG.replace("<text", f'<image href="{tmp_path}/secret.svg" width="400" height="200"/><text')
    try:
        made = Picture(linked, 84).file("png")
    except FigureError:
        return
    assert chunks(made)["IDAT"] == chunks(Picture(SVG, 84).file("png"))["IDAT"]


@pytest.mark.parametrize("svg", ["", "<html></html>", "<svg>" + "x" * 40_000_001], ids=["empty", "html", "too large"])
def test_what_is_no_picture_is_refused(svg: str):
    with pytest.raises(FigureError, match="no picture"):
        Picture(svg, 84)
    with pytest.raises(FigureError, match="without a size"):
        _ = Picture('<svg width="100%">', 84).height


@pytest.mark.parametrize(
    ("name", "millimetres", "pixels"),
    [
        ("exportable_curves", 174, 680),  # its own width, printed at 97 %
        ("exportable_curves", 84, 423),  # no smaller than 75 %
        ("exportable_matrix", 84, 400),
        ("exportable_matrix", 174, 658),  # no larger than 100 %
    ],
)
def test_text_is_printed_at_75_to_100_percent(name: str, millimetres: float, pixels: int):
    assert drawn_width(EXAMPLES[name]().exportable, millimetres) == pixels
