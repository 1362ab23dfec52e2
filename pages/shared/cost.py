"""The expected cost of a run in words: work, memory and time."""

from neuronxa_core.models.cost import Cost
from neuronxa_core.numbers import count, with_unit


def work_line(cost: Cost, sentences: int) -> str:
    """The sentences and parameters of a run, the tokens that it writes, and the time it takes on this CPU."""
    line = f"{count(sentences, 'sentence')} to run through the model"
    if cost.parameters:
        line = f"{count(sentences, 'sentence')} to run through {_count(cost.parameters)} parameters in {cost.dtype}"
    if cost.written:
        line += f" and {count(cost.written, 'token')} to write"
    if cost.seconds is not None:
        line += f", about {duration(cost.seconds)} on this CPU"
    if cost.demo_unprepared:
        line += ". The first run also prepares the weights of the demo model, which takes about fifteen seconds"
    return line + "."


def memory_line(cost: Cost) -> str:
    """The memory needed and free, and the size of the download."""
    parts = []
    if cost.weight_bytes is not None and cost.state_bytes is not None:
        states = "states" if cost.held else "a layer of states"
        parts.append(f"Memory: about {_gb(cost.weight_bytes)} for weights and {_gb(cost.state_bytes)} for {states}")
    if cost.loading_bytes:
        parts.append(f"{_gb(cost.loading_bytes)} briefly, while the GGUF file is unpacked")
    if cost.available_bytes is not None:
        parts.append(f"{_gb(cost.available_bytes)} free")
    if cost.download_bytes:
        parts.append(f"{_gb(cost.download_bytes)} to download")
    return " · ".join(parts) or "The memory needed cannot be estimated from the model's config."


def _count(parameters: int) -> str:
    return f"{parameters / 1e9:.1f} billion" if parameters >= 1e9 else f"{max(1, round(parameters / 1e6))} million"


def _gb(count: int) -> str:
    return with_unit(f"{count / 1e9:.1f}", "GB") if count >= 1e9 else with_unit(str(max(1, round(count / 1e6))), "MB")


def duration(seconds: float) -> str:
    """A time in words: seconds, minutes or hours, rounded."""
    if seconds < 120:
        return f"{round(seconds)} seconds" if seconds >= 1.5 else "1 second"
    return f"{round(seconds / 60)} minutes" if seconds < 7200 else f"{round(seconds / 3600)} hours"
