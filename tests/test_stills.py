import asyncio
import base64
import json
import re
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import plotly.graph_objects as go
import pytest

from neuronxa_core.errors import FigureError
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.gallery import read
from neuronxa_core.gallery.read import gallery_results, precomputed
from neuronxa_core.stills import build
from neuronxa_core.stills import read as stills
from neuronxa_core.stills.opening import OPENING_FILE, opening
from neuronxa_core.stills.overview import first_page
from neuronxa_core.stills.read import STEPS_FILE, STILLS_FILE, fingerprint, still_of
from neuronxa_core.stills.steps import steps_pictured
from neuronxa_core.study import bundled
from pages.shared import opening as travelling
from pages.shared.ahead import read_ahead
from pages.shared.lesson import shelf
from pages.shared.study_link import DEFAULT


@pytest.fixture(scope="module")
def stored() -> pd.DataFrame:
    return pd.read_parquet(bundled.GALLERY / STILLS_FILE)


def test_every_still_shows_what_the_page_would_draw_now(stored):
    """After a change of a figure on the first page: python -m neuronxa_core gallery --only stills."""
    rows = stored.set_index(["name", "theme"]).drop(columns=["width", "svg"])
    expected = {}
    for shown in first_page(precomputed(DEFAULT), list(gallery_results().values())):
        for theme in PALETTES:
            figure = shown.draw(theme)
            expected[shown.name, theme] = (figure.layout.height, shown.alt(figure), fingerprint(figure))
    assert len(expected) == 16  # eight figures in two themes
    assert {
        key: tuple(row) for key, row in rows[["height", "alt", "figure"]].groupby(level=[0, 1]).first().iterrows()
    } == (expected)


@pytest.mark.slow
def test_every_step_of_a_lesson_has_the_picture_that_its_page_would_draw_now():
    """After a change of a figure or a lesson: python -m neuronxa_core gallery --only stills."""
    pictured = steps_pictured()
    lessons = (each for each in shelf().lessons.values() if each.kind == "lesson")
    assert set(pictured) == {(each.slug, step) for each in lessons for step in range(1, len(each.steps) + 1)}
    rows = pd.read_parquet(bundled.GALLERY / STEPS_FILE).groupby(["lesson", "step", "theme"]).first()
    drawn = {id(each): fingerprint(each.draw("light")) for each, _ in pictured.values()}
    for place, (exportable, said) in pictured.items():
        row = rows.loc[(*place, "light")]
        assert (row["said"], row["figure"]) == (said, drawn[id(exportable)]), place


def test_what_index_html_opens_with_is_what_the_build_writes_now(stored):
    """After a change of the first page's head or picture: python -m neuronxa_core gallery --only stills."""
    text = opening(stored)
    assert text == (bundled.GALLERY / OPENING_FILE).read_text(encoding="utf-8")
    assert re.findall(r"{{.+?}}", text) == ["{{font}}"]
    beside = next(
        each for each in first_page(precomputed(DEFAULT), list(gallery_results().values())) if "beside" in each.name
    )
    assert all(still_of(beside, theme).packed in text for theme in PALETTES)


INDEX = b'<html><link href="./static/face.woff2" as="font"><div id="root"></div></html>'


def answered(path: str) -> tuple[dict[bytes, bytes], bytes, dict[bytes, bytes]]:
    """(headers and body of the answer to a browser, the headers of what it asked Streamlit for)."""
    sent, asked = [], {}

    async def streamlit(scope, receive, send):
        asked.update(scope["headers"])
        headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % len(INDEX)), (b"etag", b'"1"')]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": INDEX[:40], "more_body": True})
        await send({"type": "http.response.body", "body": INDEX[40:]})

    async def send(message):
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"accept-encoding", b"gzip"), (b"if-none-match", b'"1"')]
    scope = {"type": "http", "method": "GET", "path": path, "headers": headers}
    with ThreadPoolExecutor(1) as thread:  # a browser test may have left a loop running in this one
        thread.submit(lambda: asyncio.run(travelling.Opening(streamlit)(scope, None, send))).result()
    return dict(sent[0]["headers"]), b"".join(each["body"] for each in sent[1:]), asked


def test_the_first_page_comes_with_its_picture_and_every_other_as_it_is(monkeypatch):
    headers, body, asked = answered("/")
    assert body.count(b'id="nx-opening"') == 1
    assert b'url("./static/face.woff2")' in body
    assert body.index(b"nx-opening") < body.index(b'<div id="root">')
    assert headers == {b"content-type": b"text/html", b"content-length": b"%d" % len(body)}
    assert asked == {b"host": b"localhost"}
    assert answered("/alignment")[1] == INDEX
    monkeypatch.setattr(bundled, "GALLERY", bundled.GALLERY / "absent")
    travelling.opening.cache_clear()
    assert answered("/")[:2] == ({**headers, b"content-length": b"%d" % len(INDEX), b"etag": b'"1"'}, INDEX)
    travelling.opening.cache_clear()


def test_no_still_has_small_letters_and_none_refers_into_another(stored):
    sizes = {float(size) for svg in stored["svg"] for size in re.findall(r"font-size: ?([\d.]+)px", svg)}
    assert min(sizes) >= 12
    for _, svgs in stored.groupby("theme")["svg"]:
        names = [set(re.findall(r'\bid="(.+?)"', svg)) for svg in svgs]
        assert sum(map(len, names)) == len(set().union(*names))


def test_a_still_comes_in_every_width_narrowest_first():
    shown = next(first_page(precomputed(DEFAULT), list(gallery_results().values())))
    found = still_of(shown, "dark")
    svgs = json.loads(zlib.decompress(base64.b64decode(found.packed)))
    assert [width for width, _ in svgs] == [358, 604, 776]
    assert all(f'width="{width}" height="{found.height}"' in svg for width, svg in svgs)
    assert found.alt.startswith("Line chart. Alignment")


def test_what_is_drawn_decides_the_fingerprint_and_the_last_decimals_do_not():
    figure = go.Figure(go.Scatter(y=[0.1, 0.25]))
    assert fingerprint(go.Figure(figure).update_traces(y=[0.1 + 1e-9, 0.25])) == fingerprint(figure)
    assert fingerprint(go.Figure(figure).update_traces(y=[0.1, 0.26])) != fingerprint(figure)
    assert fingerprint(go.Figure(figure).update_layout(title="Other")) != fingerprint(figure)


def test_reading_ahead_leaves_nothing_to_read_for_the_first_page(monkeypatch):
    for cached in (read.gallery_results, read._gallery_matrix, read._stored_projection, stills._stills):
        cached.cache_clear()
    read_ahead()
    monkeypatch.setattr(pd, "read_parquet", None)
    shown = list(first_page(precomputed(DEFAULT), list(gallery_results().values())))
    assert len(shown) == 8
    assert all(still_of(each, theme) for each in shown for theme in PALETTES)


def test_reading_ahead_in_a_checkout_without_its_gallery_is_silent(monkeypatch):
    monkeypatch.setattr(bundled, "GALLERY", bundled.GALLERY / "absent")
    read.gallery_results.cache_clear()
    read_ahead()
    assert gallery_results() == {}
    read.gallery_results.cache_clear()


def test_without_a_browser_the_build_says_what_to_install(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FigureError, match=r"no Chromium or Chrome.*Install one"):
        build.draw([])
