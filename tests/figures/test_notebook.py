"""Every answer shows itself: its figures hold its numbers, its finding is the page's, and a notebook can draw both."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import plotly.io
import pytest

from neuronxa_core import Found, Study, figures
from neuronxa_core.analyses.downstream import Downstream
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.analyses.latent_languages import LatentLanguages
from neuronxa_core.analyses.lens_grid import Lens
from neuronxa_core.analyses.method import Method
from neuronxa_core.analyses.neurons import Tokens
from neuronxa_core.analyses.projections import Project
from neuronxa_core.analyses.umap import ProjectionSettings
from neuronxa_core.figures.alignment import alignment_finding
from neuronxa_core.figures.notebook import figures_of
from neuronxa_core.figures.palette import PALETTES
from neuronxa_core.figures.shown import exportables_of, finding_of
from neuronxa_core.metrics.cosines import Cosines
from neuronxa_core.study.display import Shown
from tests.analyses.test_analysis import MADE, OTHERS
from tests.words import WORDS

ASKED = MADE | {
    "tokens": lambda study: Tokens(study, 3, 2),
    "method": lambda study: Method(replace(study, pairs=4)),
    "downstream without bits": lambda study: Downstream(study, OTHERS, bits=False),
    "latent language": lambda study: latent(study),
    "latent languages": lambda study: LatentLanguages(latent(study).study, latent(study), ("fra_Latn",)),
    "lens": lambda study: Lens(study, "Der Hund"),
    "embeddings": lambda study: Project(study, ("embedding",), ProjectionSettings("pca")),
}


def latent(study: Study) -> LatentLanguage:
    return LatentLanguage(replace(study, target="fra_Latn"), words=str(WORDS), shots=2)


FIGURES = {
    "alignment": ["alignment", "directions"],
    "similarity": [
        *("matrix_nas", "matrix_nav", "matrix_embedding", "distribution", "plane"),
        *("anisotropy", "effective_rank", "hubness", "separability", "discriminability", "anc", "cka"),
    ],
    "asymmetry": ["gaps", "ranking"],
    "projection": ["points_nas", "points_embedding", "foreign_neighbours", "silhouette"],
    "embeddings": ["points_embedding", "foreign_neighbours", "silhouette"],
    "languages": ["matrix", "pivot", "levels"],
    "neurons": ["sharing", "overlap", "specific"],
    "interventions": ["effects", "own"],
    "with_without": ["nas", "nav", "embedding"],
    "steering": ["language", "cost"],
    "tokens": ["source", "target"],
    "models": ["depth", "difference"],
    "settings": ["choices", "pairs"],
    "pairs_needed": ["ranks"],
    "downstream": ["scatter_nas", "scatter_nav", "scatter_embedding"],
    "downstream without bits": ["ranking"],
    "claims": [f"claim_{number}" for number in range(1, 6)],
    "items": ["target", "source"],
    "choices": ["phi"],
    "latent language": ["latent"],
    "latent languages": ["targets"],
    "lens": ["lens"],
    "method": ["cosines", "tokens", "gate", "firing", "pooling", "score", "curves"],
}
FINDINGS = {
    "latent language": "5 words of 7 count",
    "lens": "After the last token the model puts",
    "similarity": "Layer ",
    "asymmetry": "Tatoeba",
    "projection": "By NAS, German and English",
    "languages": "By NAS over all layers",
    "neurons": "in all 3 languages",
    "interventions": "diagonal",
    "with_without": "NASCA of German and English is ",
    "steering": "German",
    "tokens": "Layer 2. ",
    "models": "By NASCA over 2 languages, both variants align equally well",
    "settings": "NASCA is ",
    "pairs_needed": " languages",
    "downstream": "2 languages have both a score and an accuracy",
    "items": "arXiv:2504.09378",
    "choices": "Of 8 questions, the model prefers",
    "claims": "None of the paper's seven claims can be told",
    "downstream without bits": "both languages are equally close to English",
}


@pytest.fixture
def study(tiny_model, tiny_corpus: Path) -> Study:
    return Study(str(tiny_model("llama")), str(tiny_corpus), "deu", "eng", pairs=8, dtype="float32")


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_gives_its_figures_its_finding_and_both_to_a_notebook(name: str, study: Study, monkeypatch):
    monkeypatch.setattr(plotly.io.renderers, "default", "plotly_mimetype")
    answer = ASKED[name](study).run()
    drawn = answer.figures("dark")
    assert list(drawn) == FIGURES[name]
    assert {each.layout.paper_bgcolor for each in drawn.values()} == {PALETTES["dark"].ground}
    assert FINDINGS.get(name, "") in answer.finding
    bundle = answer._repr_mimebundle_()
    assert bundle["text/html"].startswith("<p>")
    title = bundle["application/vnd.plotly.v1+json"]["layout"]["title"]["text"]
    assert answer.finding.split()[-1] in title
    assert len(str(bundle)) < 1_000_000


def test_every_kind_of_answer_has_figures_and_a_finding():
    kinds = {*Shown.__subclasses__(), Found}
    assert len(kinds) == 25
    assert kinds == set(exportables_of.registry) - {object}, "Add figures of the answer to figures/notebook.py."
    assert kinds == set(finding_of.registry) - {object}, "Add a finding of the answer to figures/notebook.py."
    with pytest.raises(TypeError, match="int has no figures"):
        figures_of(3)
    with pytest.raises(TypeError, match="int has no finding"):
        finding_of(3)


def test_a_result_shows_its_curves_in_one_piece_of_html(study: Study):
    result = ASKED["alignment"](study).run()
    curve = next(trace for trace in result.figures()["alignment"].data if trace.name == "NAS")
    assert np.asarray(curve.y).tolist() == result.of("nas")["score"].tolist()
    page = result._repr_html_()
    assert result.finding == alignment_finding(result)
    assert page.startswith(f"<p>{result.finding.replace('<', '&lt;')}</p><figure>")
    assert "Plotly.newPlot" in page
    assert not re.search(r"<(script|link)[^>]* (src|href)=", page)  # nothing from outside
    assert figures.finding_of(Found(result, "fresh")) == result.finding
    assert list(figures.figures_of(Found(result, "fresh"))) == FIGURES["alignment"]


def test_without_a_notebook_there_is_the_finding_alone(study: Study, monkeypatch):
    monkeypatch.setattr(plotly.io.renderers, "default", "browser")
    result = ASKED["alignment"](study).run()
    assert result._repr_mimebundle_() == {"text/html": f"<p>{result.finding}</p>"}


class Aligned:
    """Cosines in which as many pairs of three find each other as it is told for each layer."""

    def __init__(self, *aligned: int) -> None:
        self.aligned = aligned

    def similarity(self, state: str, layer: int) -> np.ndarray:
        found = self.aligned[layer - 1] if layer else 0
        cosines = np.diag([0.9] * found + [-0.9] * (3 - found)) + 0.1
        return cosines / np.linalg.norm(cosines, axis=0)

    def cosines(self, state: str, layer: int) -> Cosines:
        return Cosines(np.eye(3, dtype=np.float32), self.similarity(state, layer).T.astype(np.float32))


def test_the_matrix_of_a_pair_is_that_of_the_first_layer_where_most_are_aligned(study: Study):
    layers = Aligned(1, 3, 0, 3)
    answer = replace(ASKED["similarity"](study).run(), study=replace(study, pairs=3), layers=layers, last_layer=4)
    heat = answer.figures()["matrix_nas"].data[0]
    np.testing.assert_allclose(heat.z, layers.similarity("nas", 2), atol=1e-6)
    assert answer.finding.startswith("Layer 2. NAS: 3 of 3 pairs aligned")


def test_tokens_count_the_neurons_that_are_on_in_both_sentences(study: Study):
    answer = ASKED["tokens"](study).run()
    on, also = answer.source.nas >= 0.5, answer.target.nas >= 0.5
    assert answer.finding.startswith(f"Layer 2. {sum(on & also)} of {len(on)} neurons")
    assert f"{sum(on & ~also)} in the German one alone and {sum(~on & also)} in the English one" in answer.finding
    assert "pair 4 of the study" in exportables_of(answer)["source"].title
    loudest = answer.strongest(2)
    assert loudest == sorted(range(len(on)), key=lambda each: -(answer.source.nav + answer.target.nav)[each])[:2]
