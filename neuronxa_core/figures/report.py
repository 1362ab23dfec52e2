"""One study as one self-contained HTML file: its figure, finding, numbers and provenance, to keep or to send."""

import html
import json

from neuronxa_core.alignment.result import StudyResult
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.findings import alignment_finding
from neuronxa_core.figures.layers import layer_curves

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
body {{ font: 16px/1.5 "Source Sans 3", "Source Sans", "Noto Sans", sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
th, td {{ padding: 0.15rem 0.8rem; text-align: right; border-bottom: 1px solid #e6e8eb; }}
th:first-child, td:first-child {{ text-align: left; }}
pre {{ background: #f4f6f8; padding: 0.8rem; overflow-x: auto; }}
.caption {{ color: #5b6470; }}
</style></head><body>
<h1>{title}</h1><p class="caption">{caption}</p>
{figure}
<p>{finding}</p>
<h2>Scores</h2>{table}
<h2>Summary and provenance</h2><pre>{summary}</pre>
<h2>Cite</h2><pre>{bibtex}</pre>
</body></html>
"""


def study_report(result: StudyResult) -> str:
    """The page as text, some five megabytes, most of them plotly's own code, so that it opens without a network.

    Everything that a user typed (paths, names) is escaped.
    """
    names = f"{language(result.study.source).name} and {language(result.study.target).name}"
    return _PAGE.format(
        title=html.escape(f"Alignment by layer: {names}"),
        caption=html.escape(result.study.caption),
        figure=layer_curves(result).to_html(full_html=False, include_plotlyjs=True, config={"displaylogo": False}),
        finding=html.escape(alignment_finding(result)),
        table=result.scores.to_html(index=False, border=0, float_format=lambda value: f"{value:.4f}"),
        summary=html.escape(json.dumps(result.summary, indent=2, ensure_ascii=False)),
        bibtex=html.escape(BIBTEX),
    )
