"""The claims as a report that fits an appendix: table, verdicts with what was measured, figures, provenance."""

import html
import json
from collections.abc import Iterator

import pandas as pd

from neuronxa_core.analyses.claim_rules import SOURCE, VERDICTS, Judged
from neuronxa_core.analyses.claims import PAPERS_TABLE, ClaimsAnswer
from neuronxa_core.figures.claims import claim_figures, claims_finding, measured_in_words, verdict_in_words
from neuronxa_core.figures.document import document, drawn, folded_table, said
from neuronxa_core.figures.palette import STATE_NAMES
from neuronxa_core.numbers import CONFIDENCE, MISSING, interval, percent
from neuronxa_core.study.latex import markdown

TITLE = "Do the claims of NeuronXA hold here?"
_TABLE_HEAD = ("Claim", "The paper", "Verdict", "Measured")
RETRIEVAL_HEAD = (
    *("Corpus", "State", "Languages", "Layer"),
    *("P@1 from the target", "P@1 to the target", "Mean of both", f"Interval, {CONFIDENCE}"),
)


def claims_table(answer: ClaimsAnswer) -> list[tuple[str, ...]]:
    """A row per claim: number and title, the paper's figure, the verdict, and what was measured."""
    return [
        (
            f"{each.claim.number}. {each.claim.title}",
            each.claim.figure,
            VERDICTS[each.verdict],
            "; ".join(measured_in_words(rule, found) for rule, found, _ in each.conditions),
        )
        for each in answer.judged
    ]


def retrieval_rows(answer: ClaimsAnswer) -> list[tuple[str, ...]]:
    """The retrieval table in the paper's form, this study's rows first, then the paper's own."""
    corpus = answer.study.names["corpus"]
    rows = [
        (
            *(corpus, STATE_NAMES[row.state], f"{row.level} ({row.languages})", row.layer),
            *(percent(value, 2) for value in (row.target_to_source, row.source_to_target, row.mean)),
            MISSING if pd.isna(row.mean_low) else interval(row.mean_low, row.mean_high, lambda each: percent(each, 2)),
        )
        for row in answer.retrieval.itertuples()
    ]
    for (paper, state, level), value in PAPERS_TABLE.items():
        blank = (MISSING, MISSING, percent(value, 2), MISSING)
        rows.append((f"{paper} (paper)", STATE_NAMES[state], level, MISSING, *blank))
    return rows


def _verdicts(each: Judged) -> Iterator[str]:
    for rule, found, verdict in each.conditions:
        yield f"{measured_in_words(rule, found)}: {VERDICTS[verdict].lower()}. {rule.text}"


def claims_markdown(answer: ClaimsAnswer) -> str:
    """The report in Markdown: everything but the figures."""
    parts = [f"# {TITLE}", markdown(answer.study.caption), claims_finding(answer)]
    parts += ["## Verdicts", _markdown_table(_TABLE_HEAD, claims_table(answer))]
    for each in answer.judged:
        claim = each.claim
        parts += [
            f"## {claim.number}. {claim.title}",
            f"{claim.statement} {claim.figure} ({SOURCE})",
            f"**Test.** {claim.test}",
            f"**{verdict_in_words(each)}**",
            "\n".join(f"- {line}" for line in _verdicts(each)),
            f"**What would mislead.** {claim.caution}",
        ]
    parts += ["## Retrieval", _markdown_table(RETRIEVAL_HEAD, retrieval_rows(answer))]
    told = json.dumps(answer.summary, indent=2, ensure_ascii=False)
    parts += ["## Summary and provenance", f"```json\n{told}\n```"]
    return "\n\n".join(parts) + "\n"


def _markdown_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *(tuple(markdown(cell) for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def claims_report(answer: ClaimsAnswer) -> str:
    """The report as self-contained HTML."""
    return document(TITLE, answer.study, answer.summary, _sections(answer))


def _sections(answer: ClaimsAnswer) -> Iterator[str]:
    yield said(claims_finding(answer))
    yield _html_table(_TABLE_HEAD, claims_table(answer))
    figures = claim_figures(answer)
    for each in answer.judged:
        claim = each.claim
        yield f"<h2>{claim.number}. {html.escape(claim.title)}</h2>"
        yield said(f"{claim.statement} {claim.figure} ({SOURCE})")
        yield said(f"Test: {claim.test}")
        yield f"<p><b>{html.escape(verdict_in_words(each))}</b></p>"
        yield f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in _verdicts(each))}</ul>"
        if claim.number in figures:
            yield drawn(figures[claim.number])
        yield said(f"What would mislead: {claim.caution}")
    yield "<h2>Retrieval</h2>"
    yield _html_table(RETRIEVAL_HEAD, retrieval_rows(answer))
    if len(answer.languages):
        yield folded_table(answer.languages)


def _html_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    def line(cells: tuple[str, ...], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<div class='wide'><table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table></div>"
