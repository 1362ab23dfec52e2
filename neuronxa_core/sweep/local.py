"""The engine in this process: model by model, each loaded once, each language extracted once."""

from neuronxa_core.models.hardware import Device
from neuronxa_core.sweep.plan import Plan
from neuronxa_core.sweep.run import Tally, Told, followed, run_group
from neuronxa_core.sweep.store import Store


def run_here(
    plan: Plan, store: Store, device: Device = "auto", listener: Told | None = None, states: bool = False
) -> Tally:
    """How the plan's tasks ended. Only those that the store lacks run; a failure stops none of the others.

    states: keep the states in the store, too.

    Raises Cancelled if the watcher is stopped, and SweepError if the store cannot be reached.
    """
    listener = listener or Told()
    with followed(plan, store, listener, states) as (missing, tally, ended):
        for tasks in Plan(tuple(missing)).by_model.values():
            run_group(tasks, store, device, listener.watcher, ended, states)
    return tally
