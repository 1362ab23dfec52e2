"""Options that a single command has, and the request that they make."""

import argparse
from pathlib import Path

from neuronxa_core.analyses.interventions import CONTROL_CELLS, FEWEST_CONTROLS, MEAN, ZERO, Interventions
from neuronxa_core.analyses.neuron_sets import SETS, read_listed
from neuronxa_core.errors import StudyError
from neuronxa_core.study.study import Study


def interventions_from(options: argparse.Namespace, study: Study, codes: tuple[str, ...]) -> Interventions:
    """The request of the command `interventions`. Raises StudyError for options that do not fit together."""
    given = options.set in SETS and options.set != "listed"
    listed = () if given else read_listed(Path(options.set))
    return Interventions(
        study,
        codes,
        set=options.set if given else "listed",
        share=options.share,
        layers=layers_from(options.layers),
        to=options.to,
        controls=options.controls,
        control_cells=options.control_cells,
        seed=options.seed,
        listed=listed,
    )


def layers_from(text: str) -> tuple[int, int]:
    """The first and the last of a range such as 9-18; 0 and 0 for an empty one."""
    ends = text.split("-") if text else ["0"]
    if len(ends) > 2 or not all(end.strip().isdecimal() for end in ends):
        raise StudyError(f"The layers cannot be {text!r}.", "Give the first and the last, such as 9-18.")
    return int(ends[0]), int(ends[-1])


def add_intervention_options(parser: argparse.ArgumentParser) -> None:
    """What is changed, and the controls."""
    parser.add_argument(
        "--set", default="lape", metavar="lape|shared|random|PATH", help="whose neurons, or a CSV with layer and neuron"
    )
    parser.add_argument("--share", type=float, default=0.02, help="of all neurons (default: 0.02)")
    parser.add_argument("--layers", default="", metavar="FIRST-LAST", help="only their neurons (default: all)")
    parser.add_argument("--to", choices=(ZERO, MEAN), default=ZERO, help=f"what they are set to (default: {ZERO})")
    parser.add_argument(
        "--controls", type=int, default=FEWEST_CONTROLS, help=f"random sets per set (default: {FEWEST_CONTROLS})"
    )
    parser.add_argument(
        "--control-cells", choices=CONTROL_CELLS, default="own", help="where controls are measured (default: own)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of what is random (default: 0)")
