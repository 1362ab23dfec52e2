"""What a screen reader says where others see a figure: which kind of picture it is, its title, and what it shows."""

import re

import plotly.graph_objects as go

_MARKDOWN = re.compile(r"\\(?=\W)|[*`]")


def alt_text(figure: go.Figure, title: str, shows: str) -> str:
    """Kind, title and finding in plain words: `Line chart. Alignment by layer. They are best aligned at layer 9.`

    shows: the finding below the picture, or how to read it; Markdown without links.
    """
    sentences = (kind(figure), title, _MARKDOWN.sub("", " ".join(shows.split())))
    return " ".join(each if each.endswith((".", "?", "!")) else f"{each}." for each in sentences if each)


def kind(figure: go.Figure) -> str:
    """Heat map, bar chart, scatter plot, dot plot or line chart, by what is drawn in it."""
    drawn = [trace for trace in figure.data if trace.name not in ("cells", "numbers")]
    if any(isinstance(trace, go.Heatmap) for trace in drawn):
        return "Heat map"
    if any(isinstance(trace, go.Bar) for trace in drawn):
        return "Bar chart"
    points = [trace for trace in drawn if "markers" in trace.mode and "lines" not in trace.mode]
    if any(trace.error_x.array is not None for trace in points):
        return "Dot plot with intervals"
    return "Scatter plot" if points and not any(trace.mode == "lines+markers" for trace in drawn) else "Line chart"
