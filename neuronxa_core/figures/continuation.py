"""A text continued with a set of neurons changed and without: the sentence that says how far both agree."""

from neuronxa_core.analyses.continuation import ContinuedText
from neuronxa_core.figures.interventions import set_to
from neuronxa_core.figures.shown import Exportables, exportables_of, finding_of
from neuronxa_core.figures.with_without import whose
from neuronxa_core.numbers import count


def condition_titles(answer: ContinuedText) -> dict[str, str]:
    """The heading of each condition's continuation."""
    titles = {
        "unchanged": "Unchanged",
        "changed": f"With {whose(answer)} {set_to(answer.asked)}",
        "random": f"With {count(answer.neurons, 'random neuron')} in the same layers {set_to(answer.asked)}",
    }
    return {name: titles[name] for name in answer.continuations}


def continuation_finding(answer: ContinuedText) -> str:
    """How far the changed continuation agrees with the unchanged one, and how far the random one does."""
    if not answer.neurons:
        return "No neuron is selected, so the text continues as it does without the change."
    said = f"With {whose(answer)} {set_to(answer.asked)}, the text {_parting(answer, 'changed')}"
    if "random" in answer.continuations:
        said += f"; with as many random neurons, it {_parting(answer, 'random')}"
    return f"{said}. This is one text, not a measurement."


def _parting(answer: ContinuedText, condition: str) -> str:
    """`continues differently from the first word on`."""
    if answer.continuations[condition] == answer.continuations["unchanged"]:
        return "continues exactly as without the change"
    alike = answer.words_alike(condition)
    unit = "word" if " " in answer.continuations["unchanged"].strip() else "character"
    if not alike:
        return f"continues differently from the first {unit} on"
    return f"continues the same for {count(alike, unit)} and then differently"


@exportables_of.register
def _(answer: ContinuedText) -> Exportables:
    return {}


@finding_of.register
def _(answer: ContinuedText) -> str:
    return continuation_finding(answer)
