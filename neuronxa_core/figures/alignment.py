"""Score against layer: the curves of one study."""

import plotly.graph_objects as go

from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.figures.curves import Curve, draw_curves, ends, label_ends, state_curve
from neuronxa_core.figures.export import ExportableFigure, pair_name
from neuronxa_core.figures.palette import PALETTES, STATE_NAMES, Theme
from neuronxa_core.figures.style import blank, hover, layer_step, upright
from neuronxa_core.figures.wording import few_pairs, share_confidence, ties
from neuronxa_core.numbers import CONFIDENCE, chance, confidence, decimal, interval, percent, score, signed
from neuronxa_core.states.sentences import STATES, State
from neuronxa_core.study.result import StudyResult, fertility, unknown_share

HEIGHT = 460


def layer_curves(result: StudyResult, theme: Theme = "light", marked: int | None = None) -> go.Figure:
    """One curve per state: the share of pairs, 0 to 1, that are each other's only nearest neighbour, layer by layer.

    The band is the 95 percent interval, the dotted line what a random matrix would give, the ring the peak.
    marked: a layer with a line through all curves.
    """
    layers = result.last_layer
    figure = blank(
        theme,
        HEIGHT,
        margin={"l": 8, "r": 92, "t": 28, "b": 8},
        hovermode="closest",
    )
    figure.update_xaxes(
        title_text="Layer (0 is the token embedding)", range=[-0.4, layers + 0.4], dtick=layer_step(layers)
    )
    figure.update_yaxes(title_text="Aligned pairs, as a share of all", range=[-0.02, 1.04], tickformat=".1f", dtick=0.2)
    chance_line(figure, result.chance, layers, theme)
    if marked is not None:
        upright(figure, marked, color=PALETTES[theme].ink, width=1.5)
    curves = [_curve(result, state, theme) for state in STATES]
    draw_curves(figure, curves[::-1], theme, strength=0.14)
    by_chance = ("chance", PALETTES[theme].muted, result.chance)
    label_ends(figure, [*ends(curves), by_chance], gap=0.055, low=0.0, high=1.02, x=layers + 0.4)
    return figure


def chance_line(figure: go.Figure, by_chance: float, layers: int, theme: Theme) -> None:
    """Adds the dotted line of what a random matrix would give."""
    palette = PALETTES[theme]
    figure.add_trace(
        go.Scatter(
            x=[-0.4, layers + 0.4],
            y=[by_chance] * 2,
            mode="lines",
            line={"color": palette.muted, "width": 1.2, "dash": "dot"},
            hovertemplate=f"chance: 1/(2n − 1) = {chance(by_chance)}<extra></extra>",
            name="chance",
        )
    )


def _curve(result: StudyResult, state: State, theme: Theme) -> Curve:
    rows = result.of(state)
    source, target = result.study.source[:3], result.study.target[:3]
    return state_curve(
        state,
        theme,
        x=rows["layer"].to_numpy(),
        y=rows["score"].to_numpy(),
        low=rows["ci_low"].to_numpy(),
        high=rows["ci_high"].to_numpy(),
        width=2.4,
        peak=True,
        more={
            **hover(
                f"<b>{STATE_NAMES[state]}, layer {row.layer}</b><br>score {score(row.score)}  "
                f"[{interval(row.ci_low, row.ci_high)}]<br>{source} → {target}  {score(row.source_to_target)}<br>"
                f"{target} → {source}  {score(row.target_to_source)}"
                for row in rows.itertuples()
            )
        },
    )


def layer_strip(result: StudyResult, layer: int, theme: Theme = "light") -> go.Figure:
    """The score curves, small, with the layer that is looked at marked: the backdrop of the layer slider."""
    palette = PALETTES[theme]
    last = result.last_layer
    figure = blank(theme, 96, margin={"l": 0, "r": 0, "t": 4, "b": 4}, hovermode=False)
    rows = {state: result.of(state) for state in STATES}
    curves = [
        state_curve(state, theme, x=each["layer"].to_numpy(), y=each["score"].to_numpy(), symbol="", width=2)
        for state, each in rows.items()
    ]
    draw_curves(figure, curves, theme)
    upright(figure, layer, color=palette.ink, width=1.5)
    figure.update_xaxes(range=[-0.25, last + 0.25], visible=False)
    figure.update_yaxes(range=[-0.03, 1.05], visible=False)
    return figure


def strip_alt(result: StudyResult, layer: int) -> str:
    """What the strip shows at the layer that is looked at, for those who cannot see it."""
    scored = {state: dict(result.of(state)[["layer", "score"]].to_numpy()) for state in STATES}
    scores = [
        f"{STATE_NAMES[state]} {score(by_layer[layer])}" for state, by_layer in scored.items() if layer in by_layer
    ]
    return f"Line chart. Scores by layer; at layer {layer}: {', '.join(scores)}."


def exportable_curves(result: StudyResult, marked: int | None = None) -> ExportableFigure:
    """The curves; with a marked layer, its scores are in the title."""
    title = f"Alignment by layer: {pair_name(result.study)}"
    return ExportableFigure(
        f"{result.study.stem}.alignment",
        title if marked is None else f"{pair_name(result.study)}, layer {marked}: {_scores_at(result, marked)}",
        "Share of sentence pairs that are each other's only nearest neighbour by cosine. "
        f"Bands: {CONFIDENCE} intervals; rings: peaks; dotted line: chance.",
        result.study.caption,
        lambda theme: layer_curves(result, theme, marked),
    )


def _scores_at(result: StudyResult, layer: int) -> str:
    rows = result.scores[result.scores["layer"] == layer].set_index("state")["score"]
    return ", ".join(f"{STATE_NAMES[state]} {score(rows[state])}" for state in STATES if state in rows)


def alignment_finding(result: StudyResult) -> str:
    """Two or three sentences on the layer curves. Markdown without links."""
    source, target = language(result.study.source).name, language(result.study.target).name
    rows, (layer, peak) = result.of("nas").set_index("layer"), result.peak("nas")
    row, rest = rows.loc[layer], f" {_comparison(result)}{few_pairs(result.pairs)}"
    if peak <= 5 * result.chance or row["ci_low"] <= result.chance:
        head = f"The neuron states of this model do not align {source} and {target} beyond chance at any layer"
        return f"{head}: {_at_most(result, layer, peak)}." + rest
    certainty = share_confidence(peak, row["ci_low"], row["ci_high"], result.pairs)
    return (
        f"{source} and {target} are {_where(list(rows.index[ties(rows['score'], peak)]), result.last_layer)}, "
        f"{_count(peak, result.pairs)} are each other's nearest neighbour by neuron state ({certainty}; chance "
        f"{chance(result.chance)})." + rest
    )


def _at_most(result: StudyResult, layer: int, peak: float) -> str:
    """What the best layer has, where no layer is above chance."""
    by_chance = f"where chance alone would give a share of {chance(result.chance)}"
    if peak == 0:
        return f"none of the {result.pairs} sentence pairs are mutual nearest neighbours at any of them, {by_chance}"
    return (
        f"even at the best one, layer {layer} of {result.last_layer}, {_count(peak, result.pairs)} are mutual nearest "
        f"neighbours, {by_chance}"
    )


_COSTLY = 2.0
_UNKNOWN = 0.01


def tokenizer_finding(result: StudyResult) -> str:
    """What the tokenizer makes of the two languages; empty for a result that was stored before tokens were counted."""
    study, provenance = result.study, result.provenance
    pivot = ENGLISH if ENGLISH in (study.source, study.target) else study.target
    other = study.target if pivot == study.source else study.source
    ratio = fertility(provenance, other, pivot)
    if ratio is None:
        return ""
    name = language(other).name
    shares = {code: unknown_share(provenance, code) or 0.0 for code in (study.source, study.target)}
    unknown = [f"{percent(share, 1)} of the {language(code).name} tokens" for code, share in shares.items() if share]
    text = f"Tokens: {name} needs {decimal(ratio)} for every {language(pivot).name} token"
    text += f"; {' and '.join(unknown)} are unknown to the tokenizer." if unknown else "; none is unknown."
    if ratio >= _COSTLY or max(shares.values()) >= _UNKNOWN:
        text += " A low score may then be due to the tokenizer: very short or unknown tokens carry little meaning."
    return text


_MOST_TIES = 4


def _where(best: list[int], layers: int) -> str:
    """How well two languages are aligned at which layer, and which third of the network it lies in; ties are told."""
    if len(best) == layers > 1:
        return f"aligned equally well at every layer: at each of the {layers}"
    if len(best) > _MOST_TIES:
        return f"best aligned at {len(best)} of the {layers} layers, the first being layer {best[0]}: at each of them"
    if len(best) > 1:
        return f"best aligned at layers {', '.join(map(str, best[:-1]))} and {best[-1]} of {layers}: at each of them"
    third = ("first third", "middle", "last third")[(best[0] - 1) * 3 // layers]
    return f"best aligned in the {third} of the network: at layer {best[0]} of {layers}"


def _count(share: float, pairs: int) -> str:
    return f"{round(share * pairs)} of {pairs} sentence pairs"


def _comparison(result: StudyResult) -> str:
    """NASCA against MEXA, with the interval of their difference."""
    nas, embedding = result.mean("nas"), result.mean("embedding")
    low, high = result.advantage_interval("nas", "embedding")
    apart = f"difference {signed(nas - embedding)}, {confidence(low, high, signed)}"
    numbers = f"NASCA {score(nas)}, MEXA {score(embedding)}, {apart}"
    if low > 0:
        return f"Averaged over all layers, the neuron states are better aligned than the embeddings ({numbers})."
    if high < 0:
        return f"Averaged over all layers, the embeddings are better aligned than the neuron states ({numbers})."
    return f"Averaged over all layers, these sentences do not separate neuron states from embeddings ({numbers})."
