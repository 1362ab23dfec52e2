"""What axe-core finds on a page, and what of it Streamlit causes."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from playwright.sync_api import Page, ViewportSize

from pages.shared.frame import entries

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
PAGES = tuple(page.address for page in entries())
SIZES: dict[str, ViewportSize] = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
KNOWN = {"list": "stSidebarNavItems", "listitem": "stSidebarNavItems"}
"""Rules that Streamlit 1.67.0 breaks itself, each with the test id of the element in which it does: the navigation's
list holds its headings beside its items."""
COLOURS = ("color-contrast",)
"""The rules that a colour scheme can break."""
_STANDS = """steady => {
  const since = (name, holds) => holds ? (window[name] ??= performance.now()) : (window[name] = undefined);
  const stands = () => {
    const app = document.querySelector('[data-testid=stApp]');
    if (!app || app.dataset.testScriptState === 'running' || !document.querySelector('h1')) return false;
    if (document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')) return false;
    const charts = [...document.querySelectorAll('[data-testid=stPlotlyChart]')].filter(each => each.offsetParent);
    return charts.every(chart => chart.querySelector('.js-plotly-plot .main-svg'));
  };
  return performance.now() - (since('nxStands', stands()) ?? Infinity) > steady;
}"""
_RUN = """([known, rules]) => axe.run(document, {
  resultTypes: ['violations'],
  elementRef: true,
  ...(rules.length ? {runOnly: rules} : {rules: {'target-size': {enabled: true}}}),
}).then(found =>
  found.violations.flatMap(rule => rule.nodes.map(node => ({
    rule: rule.id,
    html: node.html.slice(0, 160),
    reason: node.failureSummary,
    known: rule.id in known && !!node.element.closest(`[data-testid=${known[rule.id]}]`),
  }))))"""


@dataclass(frozen=True)
class Violation:
    """A rule, the element that breaks it, and axe's reason; known: Streamlit is to blame."""

    rule: str
    html: str
    reason: str
    known: bool


def stand(page: Page, steady: int = 500) -> None:
    """Waits until the script has run and every figure is drawn, and that has held for `steady` milliseconds."""
    page.evaluate("window.nxStands = undefined")
    page.wait_for_function(_STANDS, arg=steady, polling=50)


def violations(page: Page, *rules: str) -> Iterator[Violation]:
    """What axe finds on the page as it stands, element by element, by these rules; by all if none is named."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(_RUN, [KNOWN, list(rules)])
    for each in found:
        yield Violation(**each)
