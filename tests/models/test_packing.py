import pytest
import torch
from torch import nn

from neuronxa_core.models.packing import PackedLinear, pack_linear_layers, packs_linear_layers


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_packed_layer_computes_what_the_plain_one_does(dtype: str, bias: bool):
    if not packs_linear_layers(dtype):
        pytest.skip(f"oneDNN does not compute in {dtype} on this processor")
    torch.manual_seed(0)
    linear = nn.Linear(48, 40, bias=bias).to(getattr(torch, dtype))
    inputs = torch.randn(3, 7, 48).to(linear.weight.dtype)
    with torch.inference_mode():
        expected = nn.functional.linear(
            inputs.double(), linear.weight.double(), None if linear.bias is None else linear.bias.double()
        )
        outputs = PackedLinear(linear)(inputs)
    assert outputs.dtype == inputs.dtype
    assert outputs.shape == (3, 7, 40)
    accuracy = 1e-5 if dtype == "float32" else 1e-2
    torch.testing.assert_close(outputs.double(), expected, rtol=accuracy, atol=accuracy)


def test_every_linear_layer_of_a_block_is_packed_and_nothing_else():
    block = nn.ModuleDict({"mlp": nn.ModuleDict({"up": nn.Linear(4, 8), "act": nn.GELU()}), "norm": nn.LayerNorm(4)})
    pack_linear_layers(block)
    assert [type(module).__name__ for module in block.modules()][1:] == [
        "ModuleDict",
        "PackedLinear",
        "GELU",
        "LayerNorm",
    ]
