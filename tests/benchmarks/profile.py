"""Where the milliseconds of an extraction go, by kind of module, beside what its matrix products need at the least.

    python -m tests.benchmarks.profile [--dtypes bfloat16,float32] [--rounds 3]

The demo model, a pair of NTREX's languages (the bundled sentences where NTREX is absent), all layers and states. Every
module's forward pass is timed without the modules inside it; on a CPU an operation has ended when it returns. The lower
bound is the time of the linear layers' operations at the rate of the best of some large products, in the same dtype.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import torch
from torch import nn

from neuronxa_core.models import demo
from neuronxa_core.models.loading import LoadedModel, load_model
from neuronxa_core.models.locate import ModelRef, find_checkpoint
from neuronxa_core.models.packing import PackedLinear, packed_product
from neuronxa_core.states.capture import Capture
from neuronxa_core.states.extraction import extract
from tests.benchmarks.conditions import heading
from tests.benchmarks.pairs import PAIRS, sides

KINDS = {
    "Linear": "linear layers",
    "RMSNorm": "norms",
    "RotaryEmbedding": "rotary embedding, its sines",
    "Attention": "attention without its linear layers: rotation, scores, softmax, sums",
    "MLP": "gate x up",
    "Activation": "activation function",
    "GELU": "activation function",
    "GELUTanh": "activation function",
    "DecoderLayer": "residual sums",
    "Embedding": "token embeddings",
}
"""The end of a class's name, and what its own time is called."""
POOLING, REST = "neurons and embeddings pooled over tokens", "masks, tokenizer, batches, Python"


class Clock:
    """Seconds by kind. What begins stops the clock of what it lies in until it ends."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.open, self.since = [REST], time.perf_counter()

    def _turn(self) -> None:
        now = time.perf_counter()
        self.seconds[self.open[-1]] += now - self.since
        self.since = now

    def begin(self, kind: str) -> None:
        self._turn()
        self.open.append(kind)

    def end(self) -> None:
        self._turn()
        self.open.pop()

    def around(self, kind: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def timed(*arguments: Any, **named: Any) -> Any:
            self.begin(kind)
            try:
                return work(*arguments, **named)
            finally:
                self.end()

        return timed


def kind_of(module: nn.Module) -> str:
    name = type(module).__name__
    return next((kind for ending, kind in KINDS.items() if name.endswith(ending)), REST)


@contextmanager
def timed(model: LoadedModel) -> Iterator[Clock]:
    """A clock that runs along with everything the model does while the context is open."""
    clock = Clock()
    with ExitStack() as open_:
        for module in model.parts.decoder.modules():
            kind = kind_of(module)
            open_.enter_context(mock.patch.object(module, "forward", clock.around(kind, module.forward)))
        for name in ("_keep_embedding", "_keep_neurons"):
            kept = getattr(Capture, name)
            open_.enter_context(mock.patch.object(Capture, name, clock.around(POOLING, kept)))
        yield clock
        clock._turn()


def rate(dtype: torch.dtype) -> float:
    """Operations per second of the best of some large products, by the kernel that the linear layers use."""
    best = 0.0
    for size in (512, 1024, 2048, 4096):
        inputs, multiply = (
            torch.randn(size, 2048, dtype=dtype),
            packed_product(torch.randn(size, 2048, dtype=dtype), None),
        )
        for _ in range(4):
            started = time.perf_counter()
            multiply(inputs)
            best = max(best, 2 * 2048 * size**2 / (time.perf_counter() - started))
    return best


def operations(model: LoadedModel, tokens: int) -> int:
    """Of the linear layers, for tokens without padding."""
    linear = [module for module in model.parts.decoder.modules() if isinstance(module, nn.Linear | PackedLinear)]
    return 2 * tokens * sum(module.in_features * module.out_features for module in linear)


def table(dtype: str, rounds: int) -> None:
    model, both = load_model(find_checkpoint(ModelRef("demo")), "cpu", dtype), sides()
    for side in both:
        extract(model, side)
    found: list[defaultdict[str, float]] = []
    for _ in range(rounds):
        with timed(model) as clock:
            for side in both:
                extract(model, side)
        found.append(clock.seconds)
    tokens = sum(len(ids) for side in both for ids in model.tokenize(side))
    least = operations(model, tokens) / rate(getattr(torch, dtype))
    kinds = sorted(set().union(*found), key=lambda kind: -statistics.median(each[kind] for each in found))
    total = statistics.median(sum(each.values()) for each in found)
    print(f"| {dtype}, {PAIRS} pairs, {tokens:,} tokens | ms | share |\n|---|---|---|")
    for kind in kinds:
        seconds = statistics.median(each[kind] for each in found)
        print(f"| {kind} | {1000 * seconds:,.0f} | {seconds / total:.0%} |")
    print(f"| all | {1000 * total:,.0f} | 100% |")
    print(f"| lower bound of the linear layers | {1000 * least:,.0f} | {least / total:.0%} |\n", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtypes", default="bfloat16,float32")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    demo.prepare_demo()
    print(heading(f"{torch.get_num_threads()} threads", f"torch {torch.__version__}"))
    for name in options.dtypes.split(","):
        table(name, options.rounds)
