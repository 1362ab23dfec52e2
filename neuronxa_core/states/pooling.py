"""Pooling tokens into a sentence: one weight per token, by its rank among the real tokens of its sentence.

    position   w_t = t / (1 + 2 + ... + T): later tokens have seen more of the sentence (NeuronXA, MEXA; default)
    mean       w_t = 1 / T
    last       w_T = 1, all others 0
States are computed per token and then averaged, so a pooled NAS lies in [0, 1] and is not binary.
Source: Huang et al. 2025, arXiv:2507.14900; Kargaran et al. 2025, arXiv:2410.05873.
"""

import torch

from neuronxa_core.states.sentences import Pooling


def token_weights(mask: torch.Tensor, pooling: Pooling) -> torch.Tensor:
    """Weights that sum to 1 over the real tokens of each sentence and are 0 on padding, left or right.

    mask: (sentences, tokens), 1 on real tokens; every sentence has at least one. Returns float32 of that shape.
    """
    rank = mask.cumsum(dim=1) * mask  # 1..T on real tokens, 0 on padding
    length = mask.sum(dim=1, keepdim=True)
    weights = {
        "position": lambda: rank / rank.sum(dim=1, keepdim=True),
        "mean": lambda: mask / length,
        "last": lambda: (rank == length) & (mask > 0),
    }[pooling]()
    return weights.to(torch.float32)


def pool(states: torch.Tensor, weights: torch.Tensor, out: torch.Tensor) -> None:
    """Writes the weighted mean over tokens to `out`, (sentences, dim).

    states: (sentences, tokens, dim); weights: (sentences, tokens).
    """
    torch.bmm(weights.unsqueeze(1), states.to(weights.dtype), out=out.unsqueeze(1))
