"""The dashboard in a real browser, from a server of its own: open, run, reload the link, cancel, phone and dark."""

import json
import re
import struct
import zipfile
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect

from neuronxa_core.analyses.space import MEASURES
from neuronxa_core.figures.printing import DPI
from tests.browser.conftest import WAIT, serving
from tests.conftest import needs_chromium

pytestmark = needs_chromium


def curves(page: Page) -> Locator:
    """The points of every curve on the page."""
    return page.locator(".js-plotly-plot .points path")


def test_a_link_into_a_page_opens_it_on_a_fresh_server(page: Page, tmp_path: Path):
    """Only the first session of a server could go wrong."""
    with serving(tmp_path) as fresh:
        page.goto(f"{fresh}/alignment?model=demo&corpus=everyday&source=fra_Latn&target=eng_Latn")
        expect(page.get_by_role("heading", name="Alignment by layer")).to_be_visible()
        expect(curves(page).first).to_be_visible()
        expect(page.get_by_text("French → English")).to_be_visible()
        assert page.get_by_text("Page not found").count() == 0


_SHIFTS = """() => {
  window.shifted = 0;
  new PerformanceObserver(list => list.getEntries().forEach(each => window.shifted += each.value))
    .observe({type: 'layout-shift'});
}"""


_OPENING = """(function look() {
  const opening = document.getElementById("nx-opening");
  if (opening?.querySelector("svg")) {
    const found = {svg: "svg", h1: "h1", p: "h1 ~ p:not([class])"};
    window.opened = Object.fromEntries(Object.entries(found).map(([name, selector]) => {
      const each = opening.querySelector(selector), {x, y, width} = each.getBoundingClientRect();
      return [name, {x, y, width, text: each.innerText}];
    }));
  }
  requestAnimationFrame(look);
})()"""
"""Notes where the parts of what index.html opens with stand."""


def test_the_first_page_stands_without_plotly_and_a_picture_is_live_once_touched(page: Page, server: str):
    page.add_init_script(_OPENING)
    page.goto(server)
    stills = page.locator(".nx-still > svg")
    expect(stills).to_have_count(8)
    expect(page.locator("#nx-opening")).to_have_count(0)
    opened = page.evaluate("window.opened")
    for name, selector in {"svg": ".nx-still > svg", "h1": "h1", "p": ".st-key-welcome p"}.items():
        box = page.locator(f"[data-testid='stMain'] {selector}").first.bounding_box()
        assert all(abs(box[side] - opened[name][side]) < 1 for side in ("x", "y", "width")), name
    assert opened["p"]["text"] == page.locator(".st-key-welcome p").inner_text()
    expect(page.get_by_text("precomputed")).to_be_visible()
    expect(page.get_by_text("German and English are best aligned")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    loaded = "performance.getEntriesByType('resource').some(each => each.name.includes('Plotly'))"
    assert page.evaluate(loaded) is False
    page.evaluate(_SHIFTS)
    before = stills.first.bounding_box()
    page.locator(".nx-still").first.hover()
    expect(curves(page).first).to_be_visible()
    expect(stills.first).not_to_be_visible()
    live = page.locator(".js-plotly-plot").bounding_box()
    assert [live[side] for side in ("y", "height")] == [before[side] for side in ("y", "height")]
    assert abs(live["x"] - before["x"]) < 1
    assert page.evaluate("window.shifted") == 0
    page.locator(".st-key-still_overview_layers").scroll_into_view_if_needed()
    expect(page.locator(".st-key-still_overview_layers .heatmaplayer image")).to_be_visible()
    assert page.evaluate("window.shifted") == 0


def test_hovering_a_point_tells_layer_score_interval_and_both_directions(page: Page, server: str):
    page.goto(f"{server}/alignment")
    expect(curves(page).first).to_be_visible()
    page.wait_for_timeout(500)
    curves(page).nth(curves(page).count() // 2).hover(force=True)
    hover = page.locator(".hoverlayer").first
    expect(hover).to_contain_text(
        re.compile(r"layer \d+.*score 0\.\d\d.*\[0\.\d\d to [01]\.\d\d\].*deu → eng.*eng → deu", re.S)
    )


def test_a_run_draws_the_curve_and_its_link_shows_it_again(page: Page, server: str, tiny_query: str):
    page.goto(f"{server}/alignment?{tiny_query}")
    expect(page.get_by_text("Not computed yet")).to_be_visible()
    page.get_by_role("button", name="Run").click()
    expect(curves(page).first).to_be_visible()
    expect(page.get_by_text("fresh", exact=True)).to_be_visible()
    link = page.url
    assert "pairs=8" in link
    page.goto("about:blank")
    page.goto(link)
    expect(curves(page).first).to_be_visible()
    expect(page.get_by_text("cached", exact=True)).to_be_visible()
    assert page.get_by_text("Not computed yet").count() == 0


def test_a_run_can_be_cancelled_and_started_again(page: Page, server: str):
    page.goto(f"{server}/alignment?source=fra_Latn&target=deu_Latn&pairs=100&site=product")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text(re.compile(r"Extracting · \d+ of 200 sentences"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Not computed yet")).to_be_visible()
    assert curves(page).count() == 0
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("Not computed yet")).to_be_visible()


def test_choosing_another_language_changes_picture_and_link(page: Page, server: str):
    page.goto(f"{server}/alignment")
    expect(curves(page).first).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("combobox", name=re.compile("Source language")).click()
    page.keyboard.type("Spanish")
    page.get_by_role("option").first.click()
    expect(page.get_by_text("Spanish → English")).to_be_visible()
    expect(page).to_have_url(re.compile("source=spa_Latn"))


def test_clicking_a_cell_shows_both_sentences_and_the_link_holds_the_view(page: Page, server: str):
    page.goto(f"{server}/similarity?source=fra_Latn&target=eng_Latn&sim_layer=4")
    expect(page.get_by_text(re.compile("^Layer 4. NAS: "))).to_be_visible()
    plane = page.locator(".js-plotly-plot").nth(1).locator(".nsewdrag")
    expect(plane).to_be_visible()
    page.wait_for_timeout(1500)
    box = plane.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.455, box["y"] + box["height"] * 0.205)  # row 21, column 46 of 100
    expect(page.get_by_text("source sentence 21 and target sentence 46")).to_be_visible()
    expect(page.get_by_text("Ice floats because water becomes lighter")).to_be_visible()
    expect(page).to_have_url(re.compile("sim_source=21&sim_target=46|sim_target=46&sim_source=21"))
    page.get_by_role("slider", name="Layer").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(re.compile("^Layer 5. NAS: "))).to_be_visible()
    expect(page).to_have_url(re.compile("sim_layer=5"))
    page.get_by_role("spinbutton", name="French sentence").fill("46")  # from the keyboard alone
    page.keyboard.press("Enter")
    expect(page.get_by_text("These sentences are translations of each other.")).to_be_visible()
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_text(re.compile("^Layer 5. NAS: "))).to_be_visible()
    expect(page.get_by_text("French 46")).to_be_visible()


def test_copy_link_copies_the_study_and_the_view(browser: Browser, server: str):
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{server}/alignment?source=fra_Latn&target=eng_Latn")
    page.get_by_role("button", name="Copy link").click(timeout=WAIT)
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.url
    assert "source=fra_Latn" in copied
    context.close()


def test_copy_link_says_where_a_link_with_a_path_opens(page: Page, server: str, tiny_query: str):
    page.goto(f"{server}/alignment?{tiny_query}")
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("button", name="Copied, opens only on this computer")).to_be_visible()


def test_a_question_on_the_first_page_leads_to_its_answer(page: Page, server: str):
    page.goto(server)
    page.get_by_role("link", name="Open Asymmetry").click()
    expect(page.get_by_role("heading", name="Asymmetry")).to_be_visible()
    expect(page.get_by_role("strong").filter(has_text="German → English")).to_be_visible()


def test_the_first_page_shows_a_stored_pair_where_the_study_is_not_and_its_links_lead_to_that(
    page: Page, server: str, tiny_query: str
):
    page.goto(f"{server}/?{tiny_query}")
    expect(page.get_by_text("shows German and English instead")).to_be_visible()
    page.get_by_role("button", name="Open Similarity").click()
    expect(page.get_by_role("heading", name="Similarity")).to_be_visible()
    expect(page.get_by_role("strong").filter(has_text="German → English")).to_be_visible()
    expect(page.get_by_text("precomputed", exact=True)).to_be_visible()


def test_a_picture_is_saved_as_png_svg_and_pdf_of_the_width_that_is_chosen(page: Page, server: str):
    page.goto(f"{server}/similarity?sim_layer=9")
    expect(page.locator(".js-plotly-plot .heatmaplayer image").first).to_be_visible()
    page.wait_for_timeout(1500)
    page.locator(".st-key-save_sim_matrix_nas").get_by_role("button", name="Save this picture").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".js-plotly-plot .heatmaplayer image")).to_be_visible()
    saved = {}
    for format in ("PNG", "SVG", "PDF"):
        with page.expect_download() as download:
            dialog.get_by_role("button", name=format, exact=True).click()
        name = download.value.suggested_filename
        assert name.endswith(f".layer9.nas.similarity.{format.lower()}")
        saved[format] = Path(download.value.path()).read_bytes()
    width, height = struct.unpack(">II", saved["PNG"][16:24])
    assert width == round(84 / 25.4 * DPI)
    assert height > width
    assert b"pHYs" in saved["PNG"][:100]
    svg = saved["SVG"].decode()
    assert 'width="84mm"' in svg
    assert "Cosine similarity by NAS at layer 9" in svg
    assert "deu_Latn → eng_Latn" in svg
    assert "float32" in svg
    assert {b"SourceSans3-Regular", b"SourceSans3-Bold"} <= set(
        re.findall(rb"/FontName\s*/\w+\+([\w-]+)", saved["PDF"])
    )


def test_the_export_menu_gives_the_report_and_the_summary(page: Page, server: str):
    page.goto(f"{server}/asymmetry?source=fra_Latn&target=eng_Latn")
    page.get_by_role("button", name="Export").click()
    files = {}
    for label in ("Summary and provenance, JSON", "Report with all figures, HTML", "Papers to cite, BibTeX"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label).click()
        files[label] = Path(download.value.path()).read_text(encoding="utf-8")
        assert download.value.suggested_filename.startswith("demo_everyday_fra_Latn-eng_Latn_100_gate")
    summary, report, papers = files.values()
    assert json.loads(summary)["study"]["source"] == "fra_Latn"
    assert report.count("<figure>") == 14 + sum(measure.drawn for measure in MEASURES)
    assert "10.18653/v1/2025.findings-acl.1385" in papers


def test_the_paper_kit_is_one_zip_with_the_chosen_figures(page: Page, server: str):
    page.goto(f"{server}/alignment?source=fra_Latn&target=eng_Latn")
    expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    page.get_by_role("button", name="Export").click()
    page.get_by_role("button", name="Paper kit, ZIP").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("We measured how well French (fra_Latn)")).to_be_visible()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Save the kit, ZIP").click()
    stem = "demo_everyday_fra_Latn-eng_Latn_100_gate_position_float32"
    assert download.value.suggested_filename == f"{stem}.paper.zip"
    archive = zipfile.ZipFile(download.value.path())
    assert archive.read(f"figures/{stem}.alignment.pdf").startswith(b"%PDF-")
    assert {"table.tex", "table.md", "methods.tex", "references.bib", "scores.csv"} <= set(archive.namelist())


def test_a_link_is_told_which_of_its_values_do_not_fit(page: Page, server: str):
    page.goto(f"{server}/similarity?sim_layer=99&sim_order=Best+aligned+first&source=fra_Latn&target=eng_Latn")
    expect(page.get_by_test_id("stToast")).to_contain_text("sim_layer = 99")
    assert "sim_order" not in page.get_by_test_id("stToast").inner_text()
    expect(page.get_by_role("combobox", name="Order")).to_have_value("Best aligned first")
    expect(page).not_to_have_url(re.compile("sim_layer"))
