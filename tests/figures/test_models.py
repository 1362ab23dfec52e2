from dataclasses import replace

import pytest

from neuronxa_core.analyses.models import depth_curves, language_differences, variant_summary
from neuronxa_core.figures.models import comparison_finding, depth_figure, difference_figure, difference_finding
from neuronxa_core.gallery.read import gallery_results, variant_results


@pytest.fixture(scope="module")
def variants():
    gate = tuple(gallery_results().values())
    return {"gate": gate, "product": tuple(variant_results()[replace(each.study, site="product")] for each in gate)}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_figures_hold_the_numbers(variants, theme):
    figure = depth_figure(depth_curves(variants, "deu_Latn"), "nas", theme)
    assert [trace.name for trace in figure.data] == ["gate", "product"]
    table = language_differences(variants["product"], variants["gate"], "nas")
    (points,) = difference_figure(table, "nas", theme).data
    assert sorted(points.x) == sorted(table["difference"])
    assert f"of {len(table)} languages score higher" in difference_finding(table, "product", "gate")


def test_the_finding_names_the_best_variant_and_how_many_languages_it_is_of(variants):
    summary = variant_summary({name: results[:2] for name, results in variants.items()})
    best = summary.loc[summary["nasca"].idxmax()]
    text = comparison_finding(summary, "nas")
    assert text.startswith(f"{best['variant']} aligns best by NASCA over 2 languages: {best['nasca']:.2f}; ")
