"""The neuron states NAS and NAV, defined here and nowhere else.

A neuron is one unit of an FFN's intermediate layer. Its activation a is read at one of these sites:
    gate      act_fn(gate_proj(x)), or act_fn(fc1(x)) in an FFN without a gate (default)
    product   act_fn(gate_proj(x)) * up_proj(x), the input of down_proj
    attention the input of o_proj: the outputs of the attention heads; not part of the FFN, left open by the paper
Source: Huang et al. 2025, arXiv:2507.14900; the site is this project's choice, see assets/texts/guide/method.md.
"""

import torch


def neuron_activation_state(
    activation: torch.Tensor, out: torch.Tensor | None = None, threshold: float = 0.0
) -> torch.Tensor:
    """NAS per token: 1 where the activation exceeds 0, else 0; float32, same shape, in `out` if given.

    threshold: used in place of 0, as an ablation.
    """
    out = torch.empty_like(activation, dtype=torch.float32) if out is None else out
    return torch.gt(activation, threshold, out=out)  # directly as float32: four times as fast as via booleans


def neuron_activation_value(activation: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """NAV per token: the absolute value of the activation; float32, same shape, in `out` if given."""
    out = torch.empty_like(activation, dtype=torch.float32) if out is None else out
    return out.copy_(activation).abs_()
