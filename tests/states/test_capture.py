"""The hooks; what they read is compared with a recomputation in tests/models/test_families.py."""

import pytest

from neuronxa_core.errors import Cancelled
from neuronxa_core.models.checkpoint import checkpoint_at
from neuronxa_core.models.loading import load_model
from neuronxa_core.progress import Watcher
from neuronxa_core.states.extraction import extract
from tests.tiny import SENTENCES


def test_hooks_are_gone_when_the_pass_is_over_or_stopped(tiny_model):
    class Stop(Watcher):
        def check(self) -> None:
            raise Cancelled

    model = load_model(checkpoint_at(tiny_model("llama")), "cpu", "float32")
    extract(model, SENTENCES)
    with pytest.raises(Cancelled):
        extract(model, SENTENCES, watcher=Stop())
    modules = [*model.parts.activations, *model.parts.down_projections, *model.parts.blocks, model.parts.norm]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in modules)
    assert not model.lock.locked()
