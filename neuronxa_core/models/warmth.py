"""What a run of the demo needs before it can begin, done while nobody waits for it."""

from neuronxa_core import spare
from neuronxa_core.models.demo import prepare_demo
from neuronxa_core.progress import Watcher


def warm_up(watcher: Watcher) -> None:
    """Imports what a run imports and prepares the demo's weights; loads no model. Raises Cancelled, NeuronXAError.

    Where the cache cannot take the weights they go where a run would put them.
    """
    import torch  # noqa: F401

    watcher.check()
    import transformers.models.gemma3.modeling_gemma3  # noqa: F401

    watcher.check()
    import neuronxa_core.models.loading  # noqa: F401

    with spare.allowed():
        prepare_demo(watcher)
