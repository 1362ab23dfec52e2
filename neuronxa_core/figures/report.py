"""One study as one self-contained HTML file: its figures, findings, numbers and provenance, to keep or to send."""

import html
import json
from collections.abc import Iterator, Sequence

import pandas as pd

from neuronxa_core.analyses.asymmetry import direction_gaps, largest_gap
from neuronxa_core.analyses.report import Material
from neuronxa_core.analyses.similarity import drawn_measures
from neuronxa_core.figures import alignment, asymmetry, projection, similarity
from neuronxa_core.figures.export import ExportableFigure, pair_name, standing
from neuronxa_core.states.sentences import STATES, first_layer
from neuronxa_core.study.result import StudyResult

BIBTEX = """@inproceedings{huang-etal-2025-neurons,
  title = {From Neurons to Semantics: Evaluating Cross-Linguistic Alignment Capabilities of Large Language Models
           via Neurons Alignment},
  author = {Huang, Chongxuan and Ye, Yongshi and Fu, Biao and Su, Qifeng and Shi, Xiaodong},
  booktitle = {Proceedings of the 63rd Annual Meeting of the Association for Computational Linguistics
               (Volume 1: Long Papers)},
  year = {2025},
  address = {Vienna, Austria},
  publisher = {Association for Computational Linguistics},
  pages = {28956--28974},
  doi = {10.18653/v1/2025.acl-long.1406}
}

@inproceedings{kargaran-etal-2025-mexa,
  title = {{MEXA}: Multilingual Evaluation of {E}nglish-Centric {LLM}s via Cross-Lingual Alignment},
  author = {Kargaran, Amir Hossein and Modarressi, Ali and Nikeghbal, Nafiseh and Diesner, Jana and
            Yvon, Fran{\\c{c}}ois and Schuetze, Hinrich},
  booktitle = {Findings of the Association for Computational Linguistics: ACL 2025},
  year = {2025},
  address = {Vienna, Austria},
  publisher = {Association for Computational Linguistics},
  pages = {27001--27023},
  doi = {10.18653/v1/2025.findings-acl.1385}
}
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 "Source Sans 3", "Source Sans", "Noto Sans", sans-serif; color: #1b1f24; }}
body {{ max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.15rem 0.8rem; text-align: right; border-bottom: 1px solid #e6e8eb; }}
th:first-child, td:first-child {{ text-align: left; }}
pre {{ background: #f4f6f8; padding: 0.8rem; overflow-x: auto; }}
figure {{ margin: 1.6rem 0; min-width: 0; overflow: hidden; }}
figcaption, .caption {{ color: #5b6470; font-size: 0.95rem; }}
.row {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; }}
.wide {{ overflow-x: auto; }}
</style></head><body>
<h1>{title}</h1><p class="caption">{caption}</p>
{sections}
<h2>Summary and provenance</h2><pre>{summary}</pre>
<h2>Cite</h2><pre>{bibtex}</pre>
</body></html>
"""
_ABSENT = (
    "These figures need the states of this pair, which were not on the machine that wrote this report. Open the "
    "Similarity page once and export the report again."
)


def study_report(result: StudyResult, material: Material | None = None) -> str:
    """The page as text: a few megabytes, mostly plotly's own code, so that it opens without a network.

    Every figure of the study shows the layer where NAS peaks. Everything that a user typed (paths, names) is escaped.
    """
    page = _Page()
    sections = [*_alignment(page, result), *_directions(page, result)]
    if material:
        sections += [*_similarity(page, result, material), *_projection(page, result, material)]
    else:
        sections += ["<h2>Similarity and projection</h2>", _said(_ABSENT)]
    return _PAGE.format(
        title=html.escape(f"Inside the model: {pair_name(result.study)}"),
        caption=html.escape(result.study.caption),
        sections="\n".join(sections),
        summary=html.escape(json.dumps(result.summary, indent=2, ensure_ascii=False)),
        bibtex=html.escape(BIBTEX),
    )


class _Page:
    """Turns figures into HTML; plotly's code goes with the first."""

    def __init__(self) -> None:
        self.begun = False

    def figure(self, exportable: ExportableFigure) -> str:
        drawn = standing(exportable).to_html(
            full_html=False, include_plotlyjs=not self.begun, config={"displaylogo": False, "responsive": True}
        )
        self.begun = True
        caption = f"<b>{html.escape(exportable.title)}.</b> {html.escape(exportable.note)}"
        return f"<figure>{drawn}<figcaption>{caption}</figcaption></figure>"

    def row(self, exportables: Sequence[ExportableFigure]) -> str:
        return f"<div class='row'>{''.join(self.figure(exportable) for exportable in exportables)}</div>"


def _table(table: pd.DataFrame) -> str:
    body = table.to_html(index=False, border=0, float_format=lambda value: f"{value:.4f}")
    return f"<details><summary>The numbers</summary><div class='wide'>{body}</div></details>"


def _said(finding: str) -> str:
    return f"<p>{html.escape(finding)}</p>"


def _alignment(page: _Page, result: StudyResult) -> Iterator[str]:
    yield "<h2>Alignment by layer</h2>"
    yield page.figure(alignment.exportable_curves(result))
    yield _said(alignment.alignment_finding(result))
    yield _table(result.scores)


def _directions(page: _Page, result: StudyResult) -> Iterator[str]:
    yield "<h2>Asymmetry</h2>"
    for state in STATES:
        yield page.figure(asymmetry.exportable_direction(result, state, largest_gap(result, state)[0]))
        yield _said(asymmetry.direction_finding(result, state))
    yield _table(direction_gaps(result))


def _similarity(page: _Page, result: StudyResult, material: Material) -> Iterator[str]:
    study, layer = result.study, result.peak("nas")[0]
    yield f"<h2>Similarity at layer {layer}</h2>"
    matrices = {state: material.layers.similarity(state, layer) for state in STATES if layer >= first_layer(state)}
    order = range(min(study.pairs, similarity.MOST_SHOWN))
    yield page.row(
        [similarity.exportable_matrix(study, matrix, state, layer, order) for state, matrix in matrices.items()]
    )
    yield _said(similarity.similarity_finding(result, matrices, layer))
    yield page.figure(similarity.exportable_distribution(study, matrices, layer))
    shown = drawn_measures(material.measures)
    yield page.row([similarity.exportable_measure(study, material.measures, measure, layer) for measure in shown])
    yield from map(
        _said, filter(None, (similarity.absence(material.measures), similarity.space_finding(material.measures)))
    )
    yield _table(material.measures)


def _projection(page: _Page, result: StudyResult, material: Material) -> Iterator[str]:
    layer = result.peak("nas")[0]
    yield f"<h2>Sentences as points at layer {layer}</h2>"
    yield page.row([projection.exportable_projection(each, material.bitext, layer) for each in material.projections])
    yield _said(projection.projection_finding(material.projections, layer))
    yield page.row(
        [
            projection.exportable_numbers(material.projections, number, layer)
            for number in ("foreign_neighbours", "silhouette")
        ]
    )
    yield _table(pd.concat([each.table for each in material.projections], ignore_index=True))
