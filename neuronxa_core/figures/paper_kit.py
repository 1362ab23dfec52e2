"""What a paper needs of a study, as one ZIP: figures, table, caption, methods, BibTeX and the numbers in full."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence

from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import pair_name
from neuronxa_core.figures.palette import SCORE_NAMES, STATE_NAMES
from neuronxa_core.figures.printing import Picture
from neuronxa_core.metrics.bootstrap import RESAMPLES
from neuronxa_core.states.sentences import STATES
from neuronxa_core.study.citations import MEXA, NEURONXA, SOFTWARE, bibliography, corpus_entries, model_entries
from neuronxa_core.study.latex import latex, markdown
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study

DECIMALS = 3
_STARTED = (2026, 1, 1, 0, 0, 0)
"""The date of every file in the ZIP, so that the same study gives the same bytes."""
_SITES = {
    "gate": "at the output of the FFN's activation function",
    "product": "at the input of the FFN's down-projection",
    "attention": "at the output of the attention heads",
}
_POOLINGS = {
    "position": "averaged over its tokens with weights proportional to their position",
    "mean": "averaged over its tokens",
    "last": "taken at its last token",
}
Cite = Callable[[Sequence[str]], str]


def paper_kit(result: StudyResult, pictures: Mapping[str, Picture], suffixes: Sequence[str] = ("pdf",)) -> bytes:
    """The ZIP. pictures: by file stem; suffixes: of their files. Raises FigureError if a picture is damaged."""
    files: dict[str, str | bytes] = {
        "table.tex": latex_table(result),
        "table.md": markdown_table(result),
        "caption.tex": caption_of(result, latex) + "\n",
        "caption.txt": caption_of(result, str) + "\n",
        "methods.tex": methods(result, latex, latex_cite) + "\n",
        "methods.txt": methods(result, str, plain_cite) + "\n",
        "references.bib": bibliography(result.study),
        "scores.csv": result.scores.to_csv(index=False),
        "summary.json": json.dumps(result.summary, indent=2, ensure_ascii=False),
    }
    for stem, picture in pictures.items():
        files |= {f"figures/{stem}.{suffix}": picture.file(suffix) for suffix in suffixes}
        files[f"figures/{stem}.txt"] = f"{picture.title}. {picture.caption}\n"
    files["README.txt"] = _contents(files)
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, _STARTED), content, zipfile.ZIP_DEFLATED)
    return kept.getvalue()


def _contents(files: Mapping[str, object]) -> str:
    return (
        "table.tex needs \\usepackage{booktabs}; all .tex files are UTF-8. Tables are rounded to "
        f"{DECIMALS} decimals; scores.csv has every number in full.\n\n" + "\n".join(sorted(files)) + "\n"
    )


def _rows(result: StudyResult) -> list[tuple[str, list[tuple[float, float, float] | None]]]:
    """Layers, and last the mean over them: score and interval of each state, None where a state lacks the layer."""
    by_layer = {state: result.of(state).set_index("layer") for state in STATES}
    rows: list[tuple[str, list[tuple[float, float, float] | None]]] = []
    for layer in range(result.last_layer + 1):
        cells: list[tuple[float, float, float] | None] = []
        for state in STATES:
            table = by_layer[state]
            found = table.loc[layer, ["score", "ci_low", "ci_high"]] if layer in table.index else None
            cells.append(None if found is None else (float(found.iloc[0]), float(found.iloc[1]), float(found.iloc[2])))
        rows.append((str(layer), cells))
    rows.append(("Mean", [(result.mean(state), *result.mean_interval(state)) for state in STATES]))
    return rows


def _cell(values: tuple[float, float, float] | None, dash: str, nothing: str) -> str:
    if values is None:
        return nothing
    score, low, high = (f"{value:.{DECIMALS}f}" for value in values)
    return f"{score} [{low}{dash}{high}]"


def latex_table(result: StudyResult) -> str:
    """A table environment: a row per layer and the mean over layers, a column per state, each with its interval."""
    *layers, (_, means) = [(name, [_cell(each, "--", "--") for each in cells]) for name, cells in _rows(result)]
    label = latex_label(result.study)
    head = " & ".join(["Layer", *(STATE_NAMES[state] for state in STATES)])
    names = " & ".join(["", *(SCORE_NAMES[state] for state in STATES)])
    body = "\n".join(f"    {' & '.join([name, *cells])} \\\\" for name, cells in layers)
    return (
        "\\begin{table}\n  \\centering\n  \\begin{tabular}{rlll}\n    \\toprule\n"
        f"    {head} \\\\\n    \\midrule\n{body}\n    \\midrule\n    {names} \\\\\n"
        f"    {' & '.join(['Mean', *means])} \\\\\n    \\bottomrule\n  \\end{{tabular}}\n"
        f"  \\caption{{{caption_of(result, latex)}}}\n  \\label{{tab:{label}}}\n\\end{{table}}\n"
    )


def latex_label(study: Study) -> str:
    """A label that LaTeX takes: letters, digits and hyphens."""
    return f"alignment-{study.source}-{study.target}".replace("_", "-").lower()


def markdown_table(result: StudyResult) -> str:
    """As `latex_table`, in Markdown."""
    *layers, (_, means) = [(name, [_cell(each, "–", "–") for each in cells]) for name, cells in _rows(result)]
    names = [f"**{SCORE_NAMES[state]}** {mean}" for state, mean in zip(STATES, means, strict=True)]
    lines = [["Layer", *(STATE_NAMES[state] for state in STATES)], ["---:", ":---", ":---", ":---"]]
    lines += [[name, *cells] for name, cells in layers] + [["Mean", *names]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{caption_of(result, markdown)}\n"


def caption_of(result: StudyResult, escape: Callable[[str], str]) -> str:
    """What the table and the curves show, in two sentences."""
    study = result.study
    return escape(
        f"Share of {study.pairs} sentence pairs of {pair_name(study)} that are each other's only nearest neighbour by "
        f"cosine similarity, by layer of {_model(study)}, with 95% bootstrap intervals. Layer 0 is the token "
        f"embedding; chance is {result.chance:.4f}."
    )


def methods(result: StudyResult, escape: Callable[[str], str], cite: Cite) -> str:
    """A paragraph that says what was measured, in which model, on what, how and with which versions."""
    study, provenance = result.study, result.provenance
    source, target = (f"{language(code).name} ({code})" for code in (study.source, study.target))
    versions = [
        f"{name} {provenance[key]}"
        for key, name in (("torch", "PyTorch"), ("transformers", "Transformers"))
        if provenance.get(key)
    ]
    with_versions = f" with {' and '.join(versions)}" if versions else ""
    parts = [
        escape(f"We measured how well {source} and {target} are aligned inside {_model(study)}{_adapted(study)}"),
        cite([*model_entries(study)]),
        escape(f", layer by layer, on {_pairs(study)} of {_corpus(study)}"),
        cite([*corpus_entries(study)]),
        ", following NeuronXA",
        cite([NEURONXA]),
        escape(
            f". The activation of every neuron is read {_SITES[study.site]}{_named(study)}. For each sentence, the "
            "neuron activation state (NAS; 1 where the activation is above 0, else 0) and the neuron activation value "
            f"(NAV; its absolute value) are {_POOLINGS[study.pooling]}. A pair of sentences is aligned at a layer if "
            "the cosine similarity of its two vectors is strictly greater than that of either sentence with any other "
            f"sentence of the other language. NASCA and NAVCA are the shares of aligned pairs by NAS and NAV, averaged "
            f"over layers 1 to {result.last_layer}; MEXA"
        ),
        cite([MEXA]),
        escape(
            f" is the same score on hidden states, averaged over layers 0 to {result.last_layer}. Intervals are 95% "
            f"percentile bootstrap intervals over pairs ({RESAMPLES:,} resamples). The model ran in {study.dtype}"
            f"{with_versions}; scores were computed with NeuronXA Explorer {provenance.get('neuronxa', '')}".rstrip()
        ),
        cite([SOFTWARE]),
        ".",
    ]
    return "".join(parts)


def _model(study: Study) -> str:
    return f"{study.title}, revision {study.revision}," if study.revision else study.title


def _adapted(study: Study) -> str:
    return f" with the LoRA adapter {study.names['adapter']}" if study.adapter else ""


def _named(study: Study) -> str:
    return f" (module {study.neurons})" if study.neurons else ""


def _pairs(study: Study) -> str:
    chosen = f"a random sample of {study.pairs} pairs (seed {study.sample})" if study.sample else None
    without = f", without {study.leave_out}," if study.leave_out else ""
    return (chosen or f"the first {study.pairs} sentence pairs") + without


def _corpus(study: Study) -> str:
    return f"the corpus {study.names['corpus']}"


def latex_cite(keys: Sequence[str]) -> str:
    """A citation as natbib writes it."""
    return f"~\\citep{{{','.join(keys)}}}"


def plain_cite(keys: Sequence[str]) -> str:
    """A citation as Pandoc reads it."""
    return f" [{'; '.join(f'@{key}' for key in keys)}]"
