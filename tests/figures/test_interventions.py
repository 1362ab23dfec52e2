"""The matrix of effects and its finding, from three languages by hand and from the gallery."""

from dataclasses import replace

import numpy as np
import pytest

from neuronxa_core.analyses.effects import Cell
from neuronxa_core.figures.interventions import effects_figure, effects_finding, own_figure
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.gallery.interventions import INTERVENED, gallery_request, precomputed_effects
from tests.figures.examples import three_effects


@pytest.mark.parametrize("theme", PALETTES)
def test_each_row_has_its_changes_and_beside_them_the_mean_of_its_controls(theme):
    cells, random, numbers = effects_figure(three_effects(), theme).data
    np.testing.assert_allclose(cells.z[1], [0.2, 0.15, -0.02], atol=1e-9)
    np.testing.assert_allclose(random.z, [[0.075], [0.175], [0.03]], atol=1e-9)
    assert list(numbers.text[:4]) == ["+50", "+10", "+5", "+8"]
    assert "random: +8" in cells.hovertext[0][0]
    assert "mean of 2" in random.hovertext[1][0]
    assert cells.zmax == 2.0
    assert cells.zmin == 0


def test_the_finding_says_for_how_many_the_diagonal_stands_out():
    said = effects_finding(three_effects()).replace("\u00a0", " ")
    assert said.startswith("For 2 of 3 languages the diagonal stands out beyond the controls")
    assert "most for Hindi (+200 %; +197 % beyond the mean of its controls" in said
    assert "least for German (+50 %; +42 % beyond" in said
    assert "It does not for French." in said
    assert "The neurons of 2 of 3 languages change their own language most." in said


def test_the_finding_says_so_if_the_diagonal_does_not_stand_out():
    effects = three_effects()
    alike = {cell: bits if cell.control == 0 else np.full(4, 40.0) for cell, bits in effects.bits.items()}
    assert effects_finding(replace(effects, bits=alike)).startswith("The diagonal does not stand out")
    assert "No neuron is selected" in effects_finding(replace(effects, sizes=dict.fromkeys(effects.sizes, 0)))


def test_a_set_that_no_language_owns_has_its_controls_in_a_row_of_their_own():
    codes = ("deu_Latn", "fra_Latn")
    bits = {Cell("", 0, code): np.full(4, 10.0) for code in codes}
    bits |= {Cell("shared", 0, code): np.full(4, 12.0) for code in codes}
    bits |= {Cell("shared", number, code): np.full(4, 10.0 + number) for code in codes for number in (1, 2)}
    effects = replace(three_effects(), codes=codes, sizes={"shared": 9}, bits=bits)
    cells = effects_figure(effects).data[0]
    np.testing.assert_allclose(cells.z, [[0.2, 0.2], [0.15, 0.15]])
    assert "shared (9 neurons): bits per byte change by +20" in effects_finding(effects)


def test_cells_that_a_cancelled_run_lacks_stay_empty():
    effects = three_effects()
    part = {cell: bits for cell, bits in effects.bits.items() if cell.measured_in == "deu_Latn"}
    cells = effects_figure(replace(effects, bits=part)).data[0]
    assert np.isnan(cells.z[0][1:3]).all()
    assert cells.z[0][0] == pytest.approx(0.5)
    assert cells.hovertext[0][1].endswith("not measured")
    assert len(own_figure(replace(effects, bits=part)).data[1].x) == 1


def test_the_gallery_holds_an_effect_of_every_language_beyond_its_controls():
    effects = precomputed_effects(replace(gallery_request(), study=replace(gallery_request().study, dtype="auto")))
    assert effects is not None
    assert len(effects.effects) == len(INTERVENED) ** 2
    assert effects.finished == len(gallery_request().cells)
    own = effects.effects.query("neurons_of == measured_in").set_index("neurons_of")["change"]
    assert 0.3 < own["deu_Latn"] < 0.8
    assert own["hin_Deva"] > 1
    assert precomputed_effects(replace(gallery_request(), share=0.01)) is None
