"""The probability of the answer in target, pivot and source through the layers, and the entropy below it."""

from functools import partial

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from neuronxa_core.analyses.latent_answer import LatentAnswer, Measured
from neuronxa_core.analyses.latent_prompts import ROLES, Role
from neuronxa_core.corpora.languages import language
from neuronxa_core.figures.curves import Curve, draw_curves, ends, label_ends
from neuronxa_core.figures.export import ExportableFigure
from neuronxa_core.figures.palette import PALETTES, Theme
from neuronxa_core.figures.style import blank, hover
from neuronxa_core.figures.wording import in_a_row
from neuronxa_core.numbers import CONFIDENCE, FEW, confidence, count, decimal, interval, score, with_unit

HEIGHT = 560
_fine, _tenth = partial(score, digits=3), partial(decimal, digits=1)
_SYMBOLS: dict[Role, str] = {"target": "triangle-up", "pivot": "square", "source": "circle"}


def latent_curves(answer: LatentAnswer, theme: Theme = "light") -> go.Figure:
    """Probability of the answer's first tokens without their baselines, by layer, with 95 percent intervals over words.

    Dotted: the baselines, the mean over the other words' answers. Below: the entropy of the prediction in bits.
    """
    palette, layers = PALETTES[theme], answer.layers
    figure = blank(theme, HEIGHT, margin={"l": 8, "r": 104, "t": 16, "b": 8}, hovermode="x unified")
    curves = [_curve(answer, role, theme) for role in ROLES]
    entropy = _entropy(answer, theme)
    top = max(0.1, *(float(np.max(curve.high)) for curve in curves if curve.high is not None)) * 1.08
    floor = min(0.0, *(float(np.min(curve.low)) for curve in curves if curve.low is not None))
    figure.update_layout(
        yaxis={
            "domain": [0.36, 1],
            "range": [floor - 0.02 * top, top],
            "title": {"text": "Probability above baseline"},
            "tickformat": ".2f",
        },
        yaxis2={**figure.layout.yaxis.to_plotly_json(), "domain": [0, 0.26], "anchor": "x"}
        | {
            "title": {"text": "Entropy, bits", "font": {"size": 13, "color": palette.muted}},
            "range": [0, float(np.max(answer.entropies["ci_high"])) * 1.1],
            "tickformat": ".0f",
        },
        xaxis={"title": {"text": "Layer"}, "range": [0.6, layers + 0.4], "anchor": "y2", "dtick": _step(layers)},
    )
    for role in ROLES:
        _baseline(figure, answer, role, theme)
    draw_curves(figure, [*curves[::-1], entropy], theme, strength=0.14)
    label_ends(figure, ends(curves), gap=0.085 * top, low=0.0, high=top * 0.96, size=13, x=layers + 0.4, xshift=6)
    return figure


def _step(layers: int) -> int:
    return 1 if layers <= 12 else 2 if layers <= 26 else 4 if layers <= 48 else 8


def _colours(theme: Theme) -> dict[Role, str]:
    source, target = PALETTES[theme].languages
    return {"target": target, "pivot": PALETTES[theme].ink, "source": source}


def _name(answer: LatentAnswer, role: Role) -> str:
    return language(answer.request.codes[role]).name


def _curve(answer: LatentAnswer, role: Role, theme: Theme) -> Curve:
    rows = answer.corrected_curves.query("role == @role")
    name = _name(answer, role)
    return Curve(
        name=name,
        colour=_colours(theme)[role],
        x=rows["layer"].to_numpy(),
        y=rows["difference"].to_numpy(),
        low=rows["ci_low"].to_numpy(),
        high=rows["ci_high"].to_numpy(),
        symbol=_SYMBOLS[role],
        width=2.4,
        dash="dash" if role == "pivot" else "solid",
        more={
            **hover(
                f"{name} ({role}): {_fine(row.difference)} [{interval(row.ci_low, row.ci_high, _fine)}], baseline "
                f"{_fine(row.baseline)}"
                for row in rows.itertuples()
            )
        },
    )


def _baseline(figure: go.Figure, answer: LatentAnswer, role: Role, theme: Theme) -> None:
    rows = answer.corrected_curves.query("role == @role")
    figure.add_trace(
        go.Scatter(
            x=rows["layer"],
            y=rows["baseline"],
            mode="lines",
            name=f"{_name(answer, role)} baseline",
            line={"color": _colours(theme)[role], "width": 1.2, "dash": "dot"},
            hoverinfo="skip",
        )
    )


def _entropy(answer: LatentAnswer, theme: Theme) -> Curve:
    rows: pd.DataFrame = answer.entropies
    return Curve(
        name="entropy",
        colour=PALETTES[theme].muted,
        x=rows["layer"].to_numpy(),
        y=rows["entropy"].to_numpy(),
        low=rows["ci_low"].to_numpy(),
        high=rows["ci_high"].to_numpy(),
        width=1.8,
        more={
            "yaxis": "y2",
            **hover(
                f"entropy {with_unit(_tenth(row.entropy), 'bits')} [{interval(row.ci_low, row.ci_high, _tenth)}]"
                for row in rows.itertuples()
            ),
        },
    )


def exportable_latent(answer: LatentAnswer) -> ExportableFigure:
    target, pivot, source = (_name(answer, role) for role in ROLES)
    return ExportableFigure(
        f"{answer.stem}.latent",
        f"Latent language: {source} to {target}, with {pivot} as the pivot",
        "Probability of the answer's first tokens at the last token of the prompt, by the logit lens of each layer, "
        "without the baseline (dotted: the mean over the other words' answers). Bands: "
        f"{CONFIDENCE} intervals, words resampled. Below: entropy of the prediction.",
        answer.caption,
        lambda theme: latent_curves(answer, theme),
    )


def latent_finding(answer: LatentAnswer) -> str:
    """Whether the pivot leads anywhere, how strongly, and from which layer on the target does, with intervals."""
    target, pivot = _name(answer, "target"), _name(answer, "pivot")
    if same := [_name(answer, role) for role in ("target", "pivot") if answer.alike(role)]:
        return (
            f"All {len(answer.used)} answers in {same[0]} begin with the same token, as those in a script do that the "
            f"tokenizer knows byte by byte only. Their probability tells no word from another, so nothing follows from "
            f"these curves.{_few(answer)}"
        )
    led = answer.pivot_leads
    if led:
        lead = answer.lead.set_index("layer").loc[led]
        best = int(lead["difference"].idxmax())
        rows = answer.corrected_curves.set_index(["role", "layer"])
        at = {role: rows.loc[(role, best)] for role in ("pivot", "target")}
        first = (
            f"The model leans to {pivot} before it answers in {target}: {pivot} is ahead at {_layers(led)}, most at "
            f"layer {best}, where {pivot} has {_with(at['pivot'])} and {target} {_with(at['target'])} "
            f"above the baseline. A layer counts if a {CONFIDENCE} band over all layers together leaves 0 out."
        )
    else:
        first = (
            f"At no layer is {pivot} measurably more probable than {target} ({CONFIDENCE} band over all layers "
            "together), so these words show no detour."
        )
    return f"{first} {_overtaking(answer.overtaking, answer.layers, target, pivot)}{_few(answer)}"


def _with(row: pd.Series) -> str:
    return f"{score(row['difference'])} ({confidence(row['ci_low'], row['ci_high'], of='words')})"


def _layers(layers: list[int]) -> str:
    """`layer 13`, `layers 11 to 13`, `layers 5 and 11 to 13`."""
    runs: list[list[int]] = []
    for layer in layers:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    told = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return f"layer{'s' * (len(layers) > 1)} {in_a_row(told)}"


def _overtaking(found: Measured, layers: int, target: str, pivot: str) -> str:
    if found.value > layers:
        return f"{target} does not overtake {pivot}: at the last layer it is not ahead."
    if found.low == found.high:
        return f"{target} stays ahead from layer {int(found.value)} on, in every resample of the words."
    ends = f"layer {int(found.low)} to {f'layer {int(found.high)}' if found.high <= layers else 'never'}"
    return f"{target} stays ahead from layer {int(found.value)} on ({CONFIDENCE} interval: {ends})."


def _few(answer: LatentAnswer) -> str:
    words = len(answer.used)
    return "" if words >= FEW else f" With only {count(words, 'word')}, the intervals are rough."


def words_finding(answer: LatentAnswer) -> str:
    """How many words count, and how many were left out for which reason."""
    left = answer.left_out
    told = f"{count(len(answer.used), 'word')} of {len(answer.questions)} count."
    if not left:
        return told
    ends = {reason: " token" if reason.endswith(" the same") else "" for reason in left}
    reasons = "; ".join(f"{number}: {reason}{ends[reason]}" for reason, number in left.items())
    return f"{told} Left out: {reasons}. Entropy at the last layer: {_last_entropy(answer)}."


def _last_entropy(answer: LatentAnswer) -> str:
    return with_unit(decimal(float(answer.entropies["entropy"].iloc[-1]), 1), "bits")
