"""Which neurons languages share, which belong to one of them, and what a sentence's pooled states are made of."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.analyses.neurons import SHARES, NeuronRates, TokenStates
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.export import COLUMN, ExportableFigure, shared_caption
from neuronxa_core.figures.palette import PALETTES, Theme, score_scale, translucent
from neuronxa_core.figures.style import (
    blank,
    click_targets,
    count_ticks,
    hover,
    layer_step,
    score_bar,
    short_codes,
    tick,
)
from neuronxa_core.figures.token_rows import token_figure
from neuronxa_core.figures.wording import joined_names, ties
from neuronxa_core.numbers import count, every, percent, score
from neuronxa_core.study.study import Study

SHARING_HEIGHT = 380
SHARE_NAMES = {"all": "in all", "some": "in some", "one": "in one", "none": "in none"}


def sharing_figure(table: pd.DataFrame, theme: Theme = "light") -> go.Figure:
    """Share of each layer's neurons, stacked to 1, that are active in all, some, one or none of the languages.

    table: as neurons.sharing gives it.
    """
    figure = blank(theme, SHARING_HEIGHT, margin={"l": 8, "r": 8, "t": 34, "b": 8}, hovermode="closest")
    for name in SHARES:
        figure.add_trace(
            go.Bar(
                x=table["layer"],
                y=table[name],
                name=SHARE_NAMES[name],
                customdata=[[int(layer), name] for layer in table["layer"]],
                selected=_UNCHANGED,
                unselected=_UNCHANGED,
                marker=_share_marker(name, theme),
                **hover(_shares(row, name) for row in table.to_dict("records")),
            )
        )
    figure.update_layout(barmode="stack", bargap=0.12, showlegend=True, legend=_LEGEND)
    figure.update_xaxes(title_text="Layer", dtick=layer_step(len(table)))
    figure.update_yaxes(title_text="Neurons, as a share of the layer", range=[0, 1], tickformat=".1f", dtick=0.2)
    return figure


def _shares(row: Mapping[Hashable, Any], own: str) -> str:
    """All shares of a layer, the pointed one in bold: a click takes one bar, so that the hover tells them apart."""
    told = [f"{SHARE_NAMES[name]} {percent(row[name], 1)}" for name in SHARES]
    told = [f"<b>{each}</b>" if name == own else each for name, each in zip(SHARES, told, strict=True)]
    return "<br>".join([f"Layer {row['layer']}", *told])


_UNCHANGED = {"marker": {"opacity": 1.0}}
"""How a bar looks that is clicked, and how the others do."""
_LEGEND = {
    **{"orientation": "h", "x": 0, "xanchor": "left", "y": 1.01, "yanchor": "bottom"},
    **{"font": {"size": 14}, "itemclick": False, "itemdoubleclick": False, "traceorder": "normal"},
}
"""plotly's own, whose boxes have the bars' patterns."""


def _share_marker(name: str, theme: Theme) -> dict[str, Any]:
    """Full, half, hatched and dotted: four steps that are told apart without colour, on any ground."""
    palette = PALETTES[theme]
    colour = palette.muted if name == "none" else palette.states["nas"]
    edge = {"width": 1, "color": palette.ground if name in ("all", "some") else colour}
    if name in ("all", "some"):
        return {"color": colour if name == "all" else translucent(colour, 0.55), "line": edge}
    shape = {"shape": "/", "solidity": 0.35} if name == "one" else {"shape": ".", "solidity": 0.25}
    return {
        "color": palette.ground,
        "line": edge,
        "pattern": {**shape, "fillmode": "overlay", "fgcolor": colour, "bgcolor": palette.ground, "size": 6},
    }


def overlap_figure(overlap: NDArray[np.float64], codes: Sequence[str], theme: Theme = "light") -> go.Figure:
    """Jaccard index of the languages' active neurons, a cell for each two; the scale runs from the lowest to 1.

    overlap: as neurons.overlap gives it. Long-tail languages in italics.
    """
    shown = overlap.copy()
    np.fill_diagonal(shown, np.nan)
    names = [language(code).name for code in codes]
    size = max(320, 17 * len(codes) + 190)
    figure = blank(theme, size, margin={"l": 8, "r": 8, "t": 12, "b": 100}, hovermode="closest")
    places = list(range(len(codes)))
    figure.add_trace(
        go.Heatmap(
            x=places,
            y=places,
            z=shown.astype(np.float32),
            zmin=float(np.nanmin(shown)) if np.isfinite(shown).any() else 0,
            zmax=1,
            colorscale=score_scale("nas", theme),
            xgap=1,
            ygap=1,
            **hover(
                [f"<b>{one}, {two}</b><br>overlap {score(value, 3)}" for two, value in zip(names, row, strict=True)]
                for one, row in zip(names, shown, strict=True)
            ),
            colorbar=score_bar(0.9, dtick=None, nticks=5, tickformat=".2f", title="Jaccard index"),
        )
    )
    across = short_codes(list(codes))
    figure.update_xaxes(tickvals=places, ticktext=across, showgrid=False, ticks="", tickangle=-90, tickfont_size=12)
    figure.update_yaxes(
        tickvals=places,
        ticktext=[tick(code, longest=18) for code in codes],
        showgrid=False,
        ticks="",
        autorange="reversed",
    )
    return figure


def specific_figure(table: pd.DataFrame, rates: NeuronRates, theme: Theme = "light") -> go.Figure:
    """How many language-specific neurons each language has at each layer; languages with most on top.

    table: as neurons.specific_neurons gives it.
    """
    layers = rates.rates.shape[1]
    counts = table.groupby(["language", "layer"]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=range(1, layers + 1), fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=True).index]
    figure = blank(
        theme, max(20 * len(counts), 60) + 122, margin={"l": 8, "r": 8, "t": 12, "b": 100}, hovermode="closest"
    )
    figure.add_trace(
        go.Heatmap(
            x=list(counts.columns),
            y=list(range(len(counts))),
            z=counts.to_numpy(),
            zmin=0,
            colorscale=score_scale("nas", theme),
            xgap=1,
            ygap=1,
            hoverinfo="skip",
            colorbar=score_bar(0.9, title="Number of neurons", **count_ticks(counts.to_numpy().max())),
        )
    )
    cells = [(code, layer, place) for place, code in enumerate(counts.index) for layer in counts.columns]
    figure.add_trace(
        click_targets(
            x=[layer for _, layer, _ in cells],
            y=[place for _, _, place in cells],
            customdata=[[code, layer] for code, layer, _ in cells],
            **hover(
                f"<b>{language(code).name}, layer {layer}</b><br>{count(int(counts.loc[code, layer]), 'neuron')}"
                for code, layer, _ in cells
            ),
        )
    )
    figure.update_xaxes(
        title_text="Layer", showgrid=False, ticks="", dtick=layer_step(layers), range=[0.5, layers + 0.5]
    )
    figure.update_yaxes(
        tickvals=list(range(len(counts))), ticktext=[tick(code) for code in counts.index], showgrid=False, ticks=""
    )
    figure.update_yaxes(range=[-0.5, len(counts) - 0.5])
    return figure


def exportable_sharing(study: Study, table: pd.DataFrame, languages: int, threshold: float) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.neurons.sharing",
        f"Neurons shared by {languages} languages, layer by layer",
        "A neuron counts as active in a language if its activation is above 0 on more than "
        f"{percent(threshold)} of the tokens.",
        shared_caption(study, both=True),
        lambda theme: sharing_figure(table, theme),
    )


def exportable_overlap(
    study: Study, overlap: NDArray[np.float64], codes: Sequence[str], where: str
) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.neurons.overlap",
        f"Overlap of active neurons, {where}",
        "Jaccard index: the neurons active in both languages, divided by those active in either.",
        shared_caption(study, both=True),
        lambda theme: overlap_figure(overlap, codes, theme),
        COLUMN + 120,
    )


def exportable_specific(study: Study, table: pd.DataFrame, rates: NeuronRates) -> ExportableFigure:
    return ExportableFigure(
        f"{study.stem}.neurons.specific",
        "Language-specific neurons by layer",
        "Number of neurons with the lowest entropy over languages (LAPE) that are most active in each language.",
        shared_caption(study, both=True),
        lambda theme: specific_figure(table, rates, theme),
    )


def exportable_token(
    study: Study,
    states: TokenStates,
    neurons: Sequence[int],
    code: str,
    pair: int,
    layer: int,
    most: float | None = None,
) -> ExportableFigure:
    """most: the end of the colour scale, where several sentences share one; without it the sentence's own."""
    return ExportableFigure(
        f"{study.stem}.tokens.{code}.pair{pair + 1}.layer{layer}",
        f"{language(code).name}, pair {pair + 1} of the study, layer {layer}: tokens by neurons",
        "Blue: positive activation (NAS 1); orange: negative activation (NAS 0). Below: NAV and NAS after pooling.",
        study.caption,
        lambda theme: token_figure(states, neurons, theme, most),
    )


def sharing_finding(table: pd.DataFrame, languages: int, threshold: float) -> str:
    """How much of the network all languages share, and where most. table: as neurons.sharing gives it."""
    most, least = table.loc[table["all"].idxmax()], table.loc[table["all"].idxmin()]
    ends = (
        f"most at layer {int(most['layer'])} ({percent(most['all'], 1)}), fewest at layer {int(least['layer'])} "
        f"({percent(least['all'], 1)})"
    )
    return (
        f"On average over the layers, {percent(table['all'].mean(), 1)} of the neurons are active in "
        f"{every(languages, 'languages')} (on more than {percent(threshold)} of the tokens): "
        f"{ends if most['all'] > least['all'] else 'the same share at every layer'}. "
        f"{percent(table['one'].mean(), 1)} are active in one language only, {percent(table['none'].mean(), 1)} in "
        "none."
    )


def overlap_finding(overlap: NDArray[np.float64], codes: tuple[str, ...]) -> str:
    """The two languages whose active neurons overlap most, and the two that overlap least."""
    rows, columns = np.triu_indices(len(codes), 1)
    pairs = overlap[rows, columns]
    if not np.isfinite(pairs).any():
        return "No neuron exceeds this threshold in any of these languages."
    names = [language(code).name for code in codes]
    if len(pairs) == 1:
        return f"The active neurons of {names[0]} and {names[1]} have a Jaccard index of {score(pairs[0])}."
    most, least = float(np.nanmax(pairs)), float(np.nanmin(pairs))
    if most == least:
        return f"The active neurons of all these pairs of languages overlap equally (Jaccard index {score(most)})."

    def named(value: float) -> str:
        same = ties(pairs, value)
        two = f"{names[rows[same[0]]]} and {names[columns[same[0]]]}"
        return two if len(same) == 1 else f"{len(same)} pairs of languages"

    return (
        f"The active neurons of {named(most)} overlap most (Jaccard index {score(most)}), those of {named(least)} "
        f"least ({score(least)}); the mean is {score(float(np.nanmean(pairs)))}."
    )


def specific_finding(table: pd.DataFrame, rates: NeuronRates) -> str:
    """Who has most of the language-specific neurons, and in which layers they lie."""
    if table.empty:
        return "No neuron is more active in one of these languages than in the others."
    counts = table["name"].value_counts()
    if len(table) == 1:
        layer = table["layer"].iloc[0]
        return f"The most language-specific neuron belongs to {counts.index[0]} and lies in layer {layer}."
    third = rates.rates.shape[1] / 3
    early, late = (table["layer"] <= third).mean(), (table["layer"] > 2 * third).mean()
    owners = f"{counts.iloc[0]} belong to {counts.index[0]}"
    if len(counts) == 1:
        owners = f"all belong to {counts.index[0]}"
    elif counts.iloc[0] == counts.iloc[1]:
        names = [str(counts.index[place]) for place in ties(counts.to_numpy(), counts.iloc[0])]
        owners = f"{joined_names(names)} have most, {counts.iloc[0]} each"
    else:
        owners += f" and {counts.iloc[1]} to {counts.index[1]}"
    return (
        f"Of the {len(table)} most language-specific neurons, {owners}; {percent(early)} lie in the first third of the "
        f"layers, {percent(late)} in the last."
    )
