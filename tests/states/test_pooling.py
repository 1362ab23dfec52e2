import pytest
import torch

from neuronxa_core.states.pooling import pool, token_weights

RIGHT = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
LEFT = torch.tensor([[0, 1, 1, 1], [1, 1, 1, 1]])


def test_position_weights_are_the_rank_over_the_sum_of_ranks():
    assert torch.equal(token_weights(RIGHT, "position")[0], torch.tensor([1 / 6, 2 / 6, 3 / 6, 0]))
    assert torch.equal(token_weights(RIGHT, "position")[1], torch.tensor([0.1, 0.2, 0.3, 0.4]))


def test_mean_and_last():
    assert torch.allclose(token_weights(RIGHT, "mean")[0], torch.tensor([1 / 3, 1 / 3, 1 / 3, 0]))
    assert token_weights(RIGHT, "last").tolist() == [[0, 0, 1, 0], [0, 0, 0, 1]]


@pytest.mark.parametrize("pooling", ["position", "mean", "last"])
def test_padding_on_the_left_moves_no_weight(pooling):
    right, left = token_weights(RIGHT, pooling), token_weights(LEFT, pooling)
    assert torch.equal(right[0, :3], left[0, 1:])
    assert left[0, 0] == 0
    assert torch.allclose(left.sum(dim=1), torch.ones(2))


def test_pooling_is_the_weighted_sum_over_tokens():
    states = torch.arange(24, dtype=torch.float32).reshape(2, 4, 3)
    weights = token_weights(RIGHT, "position")
    expected = [[sum(float(weights[s, t] * states[s, t, d]) for t in range(4)) for d in range(3)] for s in range(2)]
    pooled = torch.empty(states.shape[0], states.shape[2])
    pool(states, weights, out=pooled)
    assert torch.allclose(pooled, torch.tensor(expected))


def test_states_of_less_precision_are_pooled_in_that_of_the_weights():
    states = torch.full((1, 3, 2), 257 / 256).to(torch.float16)  # float16 holds it and bfloat16 does not
    pooled = torch.empty(1, 2)
    pool(states, token_weights(torch.ones(1, 3, dtype=torch.int64), "position"), out=pooled)
    assert torch.allclose(pooled, torch.tensor(257 / 256), atol=1e-6)
