"""Where each architecture family keeps its neurons: the one table, and the only place that knows a module's name.

A decoder block's FFN (`mlp`) maps the hidden state through `gate_proj` (and `up_proj`, if it is gated) to
`intermediate_size` neurons, and back through `down_proj`. A family is added with one line in `FAMILIES`: the paths are
those of the model that `AutoModel` builds, without the language-model head. Importing this does not import torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from neuronxa_core.errors import ModelError


@dataclass(frozen=True)
class Family:
    """Module paths of one architecture family; `activation`, `down` and `experts` are seen from a block."""

    decoder: str = ""
    blocks: str = "layers"
    norm: str = "norm"
    """After the last block; empty where its output is the last embedding."""
    activation: str = "mlp.act_fn"
    down: str = "mlp.down_proj"
    """Empty in an FFN without a gate: there the site `product` is the site `gate`."""
    attention: str = "self_attn.o_proj"
    """What mixes the attention heads; its input is the site `attention`."""
    experts: str = ""
    """The module that is given (hidden states, expert numbers, weights) per token and holds the weights of all experts."""
    positions: Literal["rank", "after padding", "none"] = "rank"
    """What `position_ids` are: rank among real tokens; that plus pad_token_id + 1; or the model takes none."""
    encoder: bool = False
    """Every token sees the whole sentence, so no token has seen more than another."""


_LLAMA = Family()
_FUSED = Family(activation="mlp.activation_fn")  # gate and up are one matrix
_NO_GATE = Family(down="")
_BERT = Family(
    blocks="encoder.layer", norm="", activation="intermediate.intermediate_act_fn", down="", attention="attention.output.dense", encoder=True
)  # fmt: skip
_ROBERTA = replace(_BERT, positions="after padding")
_OPT = Family(activation="activation_fn", down="", attention="self_attn.out_proj")
_GPT2 = Family(blocks="h", norm="ln_f", activation="mlp.act", down="", attention="attn.c_proj")
_EXPERTS = Family(activation="", down="", experts="mlp.experts")
_MULTIMODAL = Family(decoder="language_model")

FAMILIES: dict[str, Family] = {
    **dict.fromkeys(
        ("llama", "qwen2", "qwen3", "mistral", "ministral", "ministral3", "gemma", "gemma2", "gemma3_text", "olmo", "olmo2"),
        _LLAMA,
    ),
    **dict.fromkeys(("olmo3", "cohere", "cohere2", "granite", "stablelm", "smollm3"), _LLAMA),
    "apertus": _NO_GATE,
    "arcee": _NO_GATE,
    "nemotron": _NO_GATE,
    **dict.fromkeys(("glm", "glm4", "phi3"), _FUSED),
    "phi": Family(norm="final_layernorm", activation="mlp.activation_fn", down="", attention="self_attn.dense"),
    "bloom": replace(_GPT2, activation="mlp.gelu_impl", positions="none", attention="self_attention.dense"),
    "falcon": replace(_GPT2, attention="self_attention.dense"),
    "gpt2": _GPT2,
    "gptj": replace(_GPT2, attention="attn.out_proj"),
    "gpt_neox": Family(norm="final_layer_norm", activation="mlp.act", down="", attention="attention.dense"),
    "mpt": Family(blocks="blocks", norm="norm_f", activation="ffn.act", down="", attention="attn.out_proj", positions="none"),
    "xglm": replace(_OPT, norm="layer_norm"),
    "opt": replace(_OPT, decoder="decoder", norm="final_layer_norm"),
    **dict.fromkeys(("gemma3", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "mistral3"), _MULTIMODAL),
    **dict.fromkeys(("mixtral", "qwen3_moe", "olmoe", "gpt_oss"), _EXPERTS),
    "bert": _BERT,
    **dict.fromkeys(("roberta", "xlm-roberta", "camembert"), _ROBERTA),
}  # fmt: skip
"""Keyed by `model_type` of the config."""

_REFUSED: dict[str, str] = {
    "experts that all tokens share stand beside the routed ones, so its neurons are no single row": (
        "qwen2_moe qwen3_next qwen3_5_moe deepseek_v2 deepseek_v3 deepseek_v32 deepseek_v4 glm4_moe glm4_moe_lite llama4 "
        "llama4_text granitemoeshared ernie4_5_moe dots1 hunyuan_v1_moe"
    ),
    "its blocks are no FFNs behind attention": "mamba mamba2 falcon_mamba rwkv xlstm",
    "its blocks are of several kinds": "jamba zamba zamba2 bamba nemotron_h granitemoehybrid recurrent_gemma falcon_h1 lfm2 lfm2_moe",
}
"""Reason -> `model_type`s that cannot be read rightly."""


def family_of(config: Mapping[str, Any]) -> Family | None:
    """The family of a config, None if no table has it. Raises ModelError, naming it, for what cannot be read rightly."""
    model_type = str(config.get("model_type") or "")
    if not model_type:
        raise ModelError("This config.json has no model_type.", "Download the model again, or add its model_type.")
    if config.get("is_encoder_decoder"):
        raise ModelError(
            f"{model_type!r} is an encoder-decoder, in which source and target meet in other ways.",
            "Use a decoder-only model or an encoder.",
        )
    for reason, names in _REFUSED.items():
        if model_type in names.split():
            raise ModelError(f"{model_type!r} cannot be read rightly: {reason}.", "Use a model of another family.")
    text = config.get("text_config") or config
    layers = text.get("num_hidden_layers") or 0
    if text.get("mlp_only_layers") or (text.get("decoder_sparse_step") or 1) > 1:
        raise ModelError(
            f"This {model_type!r} has experts in some of its {layers} layers only, so they do not compare.",
            "Use a model with experts in every layer, or in none.",
        )
    return FAMILIES.get(model_type)


def is_encoder(config: Mapping[str, Any]) -> bool:
    """Whether every token sees the whole sentence: by the table, or because it was trained on masked words."""
    family = FAMILIES.get(str(config.get("model_type")))
    if family is not None:
        return family.encoder
    return any("ForMaskedLM" in str(name) for name in config.get("architectures") or ())
