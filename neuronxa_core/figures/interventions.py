"""What changing neurons does to every language: the matrix beside its controls, and each language's own effect."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from neuronxa_core.analyses.effects import Beyond, Effects
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures import style
from neuronxa_core.figures.export import ExportableFigure, shared_caption
from neuronxa_core.figures.palette import PALETTES, Theme, score_scale
from neuronxa_core.figures.style import blank, colour_key, hover, score_bar, signed_ticks, tick
from neuronxa_core.numbers import CONFIDENCE, count, interval, percent, signed, signed_percent, tenths, with_unit

EFFECTS_HEIGHT = 420
_WITH_NUMBERS = 8
"""Up to so many languages, the numbers stand in the cells."""
_RANDOM = "random"
_UNIT = "Change of bits per byte, %"
_BELOW = 78
"""Pixels below the matrix and its codes, for the axis title and the colour bar."""
_GAP = 0.5
"""Between the matrix and the column of the controls, in cells."""


def effects_figure(effects: Effects, theme: Theme = "light") -> go.Figure:
    """Relative change of bits per byte: whose neurons were changed (down) x the language measured (across).

    Beside each language's row, or below the row of a set that no language owns, the mean change under random neurons.
    The colours run from 0 to the largest change.
    """
    rows, columns = _rows(effects), len(effects.codes)
    top = max(0.01, float(np.nanmax([*effects.effects["change"], 0.0])))
    figure = blank(theme, EFFECTS_HEIGHT, margin={"l": 8, "r": 24, "t": 20}, hovermode="closest")
    owned = any(name in effects.codes for name in effects.names)
    shown = columns + (1 if owned else 0)
    places = [*range(columns), columns + _GAP][:shown]
    grid = np.array([values[:shown] for _, values in rows])
    told = [[_hover(effects, name, place) for place in range(shown)] for name, _ in rows]
    parts = {"change": slice(0, columns), _RANDOM: slice(columns, shown)}  # two pictures, since cells of one touch
    for part, span in parts.items():
        if places[span]:
            figure.add_trace(_cells(part, places[span], grid[:, span], [row[span] for row in told], top, theme))
    if columns <= _WITH_NUMBERS:
        _numbers(figure, places, grid, top, theme)
    names = [*style.short_codes(list(effects.codes)), _RANDOM][:shown]
    named = style.name_columns(figure, places, names)
    figure.update_xaxes(showgrid=False, ticks="", title={"text": "Measured in", "standoff": named + 8})
    below = named + _BELOW
    figure.update_layout(height=max(30 * len(rows), 150) + 20 + below, margin_b=below)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[_named(name) for name, _ in rows],
        showgrid=False,
        ticks="",
        autorange="reversed",
    )
    return figure


def _cells(
    name: str,
    places: Sequence[float],
    changes: NDArray[np.float64],
    told: Sequence[Sequence[str]],
    top: float,
    theme: Theme,
) -> go.Heatmap:
    ticks = signed_ticks(0, top, unit=0.01)
    bar = score_bar(0.9, dtick=None, tickformat=None, title=_UNIT, **ticks)
    return go.Heatmap(
        x=places,
        y=list(range(len(changes))),
        z=changes,
        zmin=0,
        zmax=top,
        colorscale=score_scale("nas", theme),
        xgap=1,
        ygap=1,
        name=name,
        showscale=name == "change",
        **hover(told),
        colorbar=bar,
    )


def _rows(effects: Effects) -> list[tuple[str, list[float]]]:
    """Every row of the matrix: its name and its changes; last, for a language's row, the mean of its own controls."""
    changes = effects.effects.set_index(["neurons_of", "measured_in"])
    rows: list[tuple[str, list[float]]] = []
    for name in effects.names:
        own = [_at(changes["change"], name, code) for code in effects.codes]
        controls = [_at(changes["control"], name, code) for code in effects.codes]
        if name in effects.codes:
            rows.append((name, [*own, controls[effects.codes.index(name)]]))
        else:
            rows += [(name, [*own, np.nan]), (f"{name}\0", [*controls, np.nan])]
    return rows


def _at(column: "object", name: str, code: str) -> float:
    return float(column.get((name, code), np.nan))  # type: ignore[attr-defined]


def _named(name: str) -> str:
    if name.endswith("\0"):
        return _RANDOM
    return tick(name, longest=18) if language(name).known else name


def _hover(effects: Effects, row: str, place: int) -> str:
    name = row.removesuffix("\0")
    own = name in effects.codes and place == len(effects.codes)
    code = name if own else effects.codes[min(place, len(effects.codes) - 1)]
    controls = effects.control_changes(name, code)
    if own or row != name:
        if not len(controls):
            return "not measured"
        ends = interval(float(controls.min()), float(controls.max()), signed_percent)
        return (
            f"<b>Random neurons, in {language(code).name}</b><br>{signed_percent(float(controls.mean()))}, mean of "
            f"{len(controls)}<br>{ends}"
        )
    table = effects.effects
    found = table[(table["neurons_of"] == name) & (table["measured_in"] == code)]  # quicker than a query
    if found.empty:
        return f"<b>{_named(name)} in {language(code).name}</b><br>not measured"
    cell = found.iloc[0]
    mean = f"<br>random: {signed_percent(cell['control'])}" if len(controls) else ""
    return (
        f"<b>{count(int(cell['neurons']), 'neuron')} of {_named(name)}, in {language(code).name}</b><br>"
        f"{signed_percent(cell['change'])}<br>{CONFIDENCE} interval "
        f"{interval(cell['ci_low'], cell['ci_high'], signed_percent)}{mean}"
    )


def _numbers(figure: go.Figure, places: Sequence[float], grid: NDArray[np.float64], top: float, theme: Theme) -> None:
    """The changes in the cells, in the colour that stands out from the cell's."""
    palette = PALETTES[theme]
    rows, columns = (each.tolist() for each in np.nonzero(~np.isnan(grid)))
    shown = grid[rows, columns]
    figure.add_trace(
        go.Scatter(
            x=[places[column] for column in columns],
            y=rows,
            mode="text",
            name="numbers",
            text=[signed(100 * change, 0) for change in shown],
            textfont={"size": 12, "color": [palette.ground if c > 0.45 * top else palette.ink for c in shown]},
            hoverinfo="skip",
        )
    )


def own_figure(effects: Effects, theme: Theme = "light") -> go.Figure:
    """Each language under its own neurons, with its interval over sentences, and under each random set beside it.

    Relative change of bits per byte; the largest on top.
    """
    palette, diagonal = PALETTES[theme], _ordered(effects)
    codes = list(diagonal)[::-1]
    figure = blank(theme, 30 * len(codes) + 110, margin={"l": 8, "r": 16, "t": 34, "b": 8}, hovermode="closest")
    controls = [(row, change) for row, code in enumerate(codes) for change in effects.control_changes(code, code)]
    figure.add_trace(
        go.Scatter(
            x=[change for _, change in controls],
            y=[row for row, _ in controls],
            mode="markers",
            name="random",
            marker={"symbol": "circle-open", "size": 8, "color": palette.muted, "line": {"width": 1.4}},
            **hover(f"random neurons {with_unit(tenths(100 * change), '%')}" for _, change in controls),
        )
    )
    table = effects.effects.query("neurons_of == measured_in").set_index("neurons_of").loc[codes]
    change = table["change"]
    figure.add_trace(
        go.Scatter(
            x=list(change),
            y=list(range(len(codes))),
            mode="markers",
            name="own",
            marker={"symbol": "circle", "size": 10, "color": palette.states["nas"]},
            error_x=style.interval_bars(table["ci_high"] - change, change - table["ci_low"], palette.states["nas"]),
            **hover(f"own neurons {with_unit(tenths(100 * each), '%')}" for each in change),
        )
    )
    colour_key(figure, [(palette.states["nas"], "● its own neurons"), (palette.muted, "○ random neurons")])
    style.name_rows(figure, [tick(code, longest=18) for code in codes])
    reach = [table["ci_low"].min(), table["ci_high"].max(), *(each for _, each in controls)]
    ticks = signed_ticks(min(reach), max(reach), unit=0.01)
    figure.update_xaxes(title_text=_UNIT, rangemode="tozero", **ticks)
    return figure


def _ordered(effects: Effects) -> dict[str, Beyond]:
    """Every language's own effect beyond its controls, the largest change first."""
    return dict(sorted(effects.diagonal().items(), key=lambda item: -item[1].change))


def exportable_effects(effects: Effects) -> ExportableFigure:
    return ExportableFigure(
        f"{effects.study.stem}.interventions.effects",
        f"Neurons {set_to(effects.asked)}: what that does to each language",
        f"Relative change of bits per byte on sentences that did not find the neurons, and under random neurons of the "
        f"same number in the same layers. {choice_of(effects.asked)}",
        shared_caption(effects.study, both=True),
        lambda theme: effects_figure(effects, theme),
    )


def exportable_own(effects: Effects) -> ExportableFigure:
    return ExportableFigure(
        f"{effects.study.stem}.interventions.own",
        "Each language under its own neurons and under random ones",
        f"Relative change of bits per byte with its {CONFIDENCE} interval over sentences; random neurons are as "
        f"many, in the same layers. {choice_of(effects.asked)}",
        shared_caption(effects.study, both=True),
        lambda theme: own_figure(effects, theme),
    )


def set_to(asked: Mapping[str, Any]) -> str:
    """What was done to the neurons, by the choices of an intervention: `switched off`."""
    to = str(asked["to"])
    return {"zero": "switched off", "mean": "set to their mean"}.get(to, f"set to their mean in {language(to).name}")


def choice_of(asked: Mapping[str, Any]) -> str:
    """Which neurons, by the choices of an intervention: `LAPE, 2 % of all neurons.`"""
    kinds = {"lape": "LAPE", "shared": "Active in all languages", "random": "Random neurons", "listed": "As listed"}
    kind, layers = kinds[str(asked["set"])], asked["layers"]
    share = "" if asked["set"] == "listed" else f", {percent(float(asked['share']), 1)} of all neurons"
    return f"{kind}{share}{'' if layers == 'all' else f', layers {layers[0]} to {layers[1]}'}."


def effects_finding(effects: Effects) -> str:
    """Whether each language's own neurons do more than random ones, for how many, and whom they hurt most."""
    if not sum(effects.sizes.values()):
        return "No neuron is selected, so nothing changes. Choose a larger share, other layers, or another site."
    diagonal = _ordered(effects)
    if not diagonal:
        return _finding_without_languages(effects)
    out = [code for code, each in diagonal.items() if each.stands_out]
    names = [language(code).name for code in diagonal if code not in out]
    if not out:
        return (
            f"The diagonal does not stand out: for none of {count(len(diagonal), 'language')} does changing its own "
            "neurons cost more than every random set of the same number in the same layers."
        )
    most, least = out[0], out[-1]
    ends = f"most for {_cost(most, diagonal[most])}"
    if len(out) > 1:
        ends += f", least for {_cost(least, diagonal[least])}"
    rest = f" It does not for {', '.join(names)}." if names else ""
    return (
        f"For {len(out)} of {count(len(diagonal), 'language')} the diagonal stands out beyond the controls: with its "
        f"own neurons {set_to(effects.asked)}, bits per byte rise more than under every random set, {ends}.{rest} "
        f"{_hurt_most(effects)}"
    ).rstrip()


def _cost(code: str, beyond: Beyond) -> str:
    ends = interval(beyond.low, beyond.high, signed_percent)
    return (
        f"{language(code).name} ({signed_percent(beyond.change)}; {signed_percent(beyond.value)} beyond the mean of "
        f"its controls, {CONFIDENCE} interval {ends})"
    )


def _hurt_most(effects: Effects) -> str:
    """For how many languages no other language is hurt more by their neurons."""
    table = effects.effects[effects.effects["neurons_of"].isin(effects.codes)]
    whole = [rows for _, rows in table.groupby("neurons_of", sort=False) if len(rows) == len(effects.codes)]
    if len(effects.codes) < 2 or not whole:
        return ""
    own = sum(rows.loc[rows["change"].idxmax(), "measured_in"] == rows["neurons_of"].iloc[0] for rows in whole)
    return f"The neurons of {own} of {count(len(whole), 'language')} change their own language most."


def _finding_without_languages(effects: Effects) -> str:
    changes = effects.effects.dropna(subset=["control"])
    if changes.empty:
        return "No controls are measured, and without them a change says nothing about these neurons."
    said = [
        f"{_named(name)} ({count(effects.sizes[name], 'neuron')}): bits per byte change by "
        f"{signed_percent(rows['change'].mean())} on average over the languages, under random neurons by "
        f"{signed_percent(rows['control'].mean())}"
        for name, rows in changes.groupby("neurons_of", sort=False)
    ]
    return f"{'; '.join(said)}."
