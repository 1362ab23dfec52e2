"""The engine in this process: model by model, each loaded once, each language extracted once."""

from neuronxa_core.models.hardware import Device
from neuronxa_core.sweep.plan import Plan
from neuronxa_core.sweep.run import Done, Tally, Told, missing_tasks, run_group
from neuronxa_core.sweep.store import Store


def run_here(plan: Plan, store: Store, device: Device = "auto", told: Told | None = None) -> Tally:
    """How the plan's tasks ended. Only those that the store lacks run; a failure stops none of the others.

    Raises Cancelled if the watcher is stopped, and SweepError if the store cannot be reached.
    """
    told = told or Told()
    store.note_plan(plan)
    missing = missing_tasks(plan, store)
    tally = Tally(len(plan.tasks), len(plan.tasks) - len(missing))
    told.begin(tally.total, tally.there)

    def ended(done: Done) -> None:
        tally.count(done)
        told.ended(done)

    try:
        for tasks in Plan(tuple(missing)).by_model.values():
            run_group(tasks, store, device, told.watcher, ended)
    finally:
        told.finish()
    return tally
