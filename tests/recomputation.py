"""What an FFN's neurons do, from the weights of a block, in float64; it shares no code with the capture.

A `Neurons` gets a block and what enters its FFN, (tokens, hidden), and gives the sites `gate` and `product`, each
(tokens, neurons). tests/tiny.py names one for every family.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

Array = NDArray[Any]
Block = Any
"""A torch module, whose attributes have no types."""
Activation = Callable[[Array], Array]
Neurons = Callable[[Block, Array], tuple[Array, Array]]


def silu(x: Array) -> Array:
    return x * expit(x)


def gelu(x: Array) -> Array:
    return x * (1 + erf(x / np.sqrt(2))) / 2


def gelu_tanh(x: Array) -> Array:
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def relu2(x: Array) -> Array:
    return relu(x) ** 2


def xielu(x: Array, act: Block) -> Array:
    """Huang and Schlag 2024, arXiv:2411.13010: quadratic above zero, integrated ELU below."""
    above = np.log1p(np.exp(act.alpha_p.item()))
    below = float(act.beta) + np.log1p(np.exp(act.alpha_n.item()))
    negative = (np.expm1(np.minimum(x, float(act.eps))) - x) * below
    return np.where(x > 0, above * x * x, negative) + float(act.beta) * x


def weights(block: Block, path: str) -> tuple[Array, Array]:
    """Matrix, (out, in), and bias of a linear layer or a Conv1D."""
    linear = block.get_submodule(path)
    bias = getattr(linear, "bias", None)
    matrix = linear.weight.detach().double().numpy()
    matrix = matrix.T if type(linear).__name__ == "Conv1D" else matrix
    return matrix, np.zeros(len(matrix)) if bias is None else bias.detach().double().numpy()


def plain(path: str, act: Activation) -> Neurons:
    """An FFN without a gate, whose first matrix is at `path`."""

    def neurons(block: Block, x: Array) -> tuple[Array, Array]:
        matrix, bias = weights(block, path)
        values = act(x @ matrix.T + bias)
        return values, values

    return neurons


def gated(act: Activation) -> Neurons:
    def neurons(block: Block, x: Array) -> tuple[Array, Array]:
        (gate, gate_bias), (up, up_bias) = weights(block, "mlp.gate_proj"), weights(block, "mlp.up_proj")
        values = act(x @ gate.T + gate_bias)
        return values, values * (x @ up.T + up_bias)

    return neurons


def fused(block: Block, x: Array) -> tuple[Array, Array]:
    both, _ = weights(block, "mlp.gate_up_proj")
    half = len(both) // 2
    values = silu(x @ both[:half].T)
    return values, values * (x @ both[half:].T)


def apertus(block: Block, x: Array) -> tuple[Array, Array]:
    return plain("mlp.up_proj", partial(xielu, act=block.mlp.act_fn))(block, x)


def routed(block: Block, x: Array) -> tuple[Array, Array]:
    """Two of four experts per token, those with the largest logits; the neurons of the others are 0."""
    return _routed(block, x, block.mlp.gate, _expert)


def routed_in_gpt_oss(block: Block, x: Array) -> tuple[Array, Array]:
    return _routed(block, x, block.mlp.router, _expert_of_gpt_oss)


def _routed(
    block: Block, x: Array, router: Block, values_of: Callable[[Block, int, Array], tuple[Array, Array]]
) -> tuple[Array, Array]:
    logits = x @ router.weight.detach().double().numpy().T
    if getattr(router, "bias", None) is not None:
        logits = logits + router.bias.detach().double().numpy()
    chosen = np.argsort(-logits, axis=1)[:, :2]
    sites: tuple[list[Array], list[Array]] = ([], [])
    for expert in range(4):
        here = (chosen == expert).any(axis=1)[:, None]
        for site, value in zip(sites, values_of(block.mlp.experts, expert, x), strict=True):
            site.append(np.where(here, value, 0.0))
    return np.concatenate(sites[0], axis=1), np.concatenate(sites[1], axis=1)


def _expert(experts: Block, expert: int, x: Array) -> tuple[Array, Array]:
    matrix = experts.gate_up_proj[expert].detach().double().numpy()
    half = len(matrix) // 2
    gate = silu(x @ matrix[:half].T)
    return gate, gate * (x @ matrix[half:].T)


def _expert_of_gpt_oss(experts: Block, expert: int, x: Array) -> tuple[Array, Array]:
    both = x @ experts.gate_up_proj[expert].detach().double().numpy()
    both = both + experts.gate_up_proj_bias[expert].detach().double().numpy()
    gate, up = np.minimum(both[:, 0::2], 7.0), np.clip(both[:, 1::2], -7.0, 7.0)
    gate = gate * expit(1.702 * gate)
    return gate, gate * (up + 1)
