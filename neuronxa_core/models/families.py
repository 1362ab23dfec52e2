"""Every fact about an architecture family, in one table; no other module asks which family a model belongs to.

A decoder block's FFN (`mlp`) maps the hidden state through `gate_proj` (and `up_proj`, if it is gated) to
`intermediate_size` neurons, and back through `down_proj`. Paths are those in the model that `AutoModel` builds, without
the language-model head. To add a family, see assets/texts/guide/add_a_family.md. Importing this does not import torch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from neuronxa_core.errors import ModelError


@dataclass(frozen=True)
class ConfigKeys:
    """The family's name for each size in config.json. Other families' names are tried after it."""

    layers: str = "num_hidden_layers"
    hidden: str = "hidden_size"
    neurons: str = "intermediate_size"
    heads: str = "num_attention_heads"
    key_value_heads: str = "num_key_value_heads"
    positions: str = "max_position_embeddings"
    experts: str = "num_local_experts"
    expert_neurons: str = "moe_intermediate_size"
    """Of one expert; if the config lacks it, an expert has `neurons`."""


@dataclass(frozen=True)
class Family:
    """One architecture family; the defaults are Llama's. Paths from `activation` to `experts` start at a block."""

    decoder: str = ""
    """Path from the model to the text decoder; empty if the model is the decoder."""
    blocks: str = "layers"
    """Path from the decoder to the list of blocks."""
    norm: str = "norm"
    """After the last block; empty where the block's output is the last embedding."""
    activation: str = "mlp.act_fn"
    """The activation module: its output is the site `gate`."""
    down: str = "mlp.down_proj"
    """Its input is the site `product`. Empty in an FFN without a gate, where `product` equals `gate`."""
    attention: str = "self_attn.o_proj"
    """The output projection of attention; its input is the site `attention`."""
    experts: str = ""
    """The module with the weights of all experts; it takes (hidden states, expert numbers, routing weights)."""
    positions: Literal["rank", "after padding", "none"] = "rank"
    """What `position_ids` are: the rank among real tokens; that plus pad_token_id + 1; or not taken by the model."""
    learned_positions: bool = False
    """Each position has its own embedding, which counts among the parameters."""
    encoder: bool = False
    """Attention is bidirectional: every token sees the whole sentence."""
    keys: ConfigKeys = ConfigKeys()
    neurons_by_default: int = 0
    """FFN size as a multiple of the hidden size, if the config lacks it."""
    key_value_heads: Callable[[Mapping[str, Any], int], int] | None = None
    """The number of key-value heads from config and heads, where `keys.key_value_heads` is not enough."""
    head: str = "lm_head"
    """Path from the causal language model to its head."""
    logit_scale: str = ""
    """Config key of a factor by which logits are multiplied."""
    logit_divisor: str = ""
    """Config key of a number by which logits are divided."""
    logit_cap: str = ""
    """Config key of the soft cap c of the logits, c * tanh(logits / c)."""

    def first_position(self, config: Mapping[str, Any]) -> int | None:
        """The position of a sentence's first token; None if the model takes no `position_ids`."""
        if self.positions == "none":
            return None
        padding = config.get("pad_token_id")
        return 0 if self.positions == "rank" else (padding if type(padding) is int else 1) + 1


def _falcon_key_value_heads(config: Mapping[str, Any], heads: int) -> int:
    """The number of key-value heads: one, unless the config says otherwise."""
    if config.get("new_decoder_architecture"):
        return whole_number(config.get("num_kv_heads")) or heads
    return 1 if config.get("multi_query", True) else heads


_GPT2_KEYS = ConfigKeys("n_layer", "n_embd", "n_inner", "n_head", positions="n_positions")
_BLOOM_KEYS = ConfigKeys("n_layer", neurons="n_inner", heads="n_head")
_FALCON_KEYS = ConfigKeys(neurons="ffn_hidden_size", key_value_heads="num_kv_heads")
_MPT_KEYS = ConfigKeys("n_layers", "d_model", heads="n_heads", positions="max_seq_len")
_XGLM_KEYS = ConfigKeys("num_layers", "d_model", "ffn_dim", "attention_heads")

_LLAMA = Family()
_FUSED = Family(activation="mlp.activation_fn")  # gate and up are one matrix
_NO_GATE = Family(down="")
_COHERE = Family(logit_scale="logit_scale")
_GEMMA2 = Family(logit_cap="final_logit_softcapping")
_BERT = Family(
    blocks="encoder.layer",
    norm="",
    activation="intermediate.intermediate_act_fn",
    down="",
    attention="attention.output.dense",
    learned_positions=True,
    encoder=True,
)
_ROBERTA = replace(_BERT, positions="after padding")
_XGLM = Family(norm="layer_norm", activation="activation_fn", down="", attention="self_attn.out_proj", keys=_XGLM_KEYS)
_OPT = replace(
    _XGLM,
    decoder="decoder",
    norm="final_layer_norm",
    learned_positions=True,
    keys=ConfigKeys(neurons="ffn_dim"),
)
_GPTJ = Family(
    blocks="h",
    norm="ln_f",
    activation="mlp.act",
    down="",
    attention="attn.out_proj",
    keys=_GPT2_KEYS,
    neurons_by_default=4,
)
_BLOOM = replace(
    _GPTJ, activation="mlp.gelu_impl", positions="none", attention="self_attention.dense", keys=_BLOOM_KEYS
)
_FALCON = replace(_GPTJ, attention="self_attention.dense", keys=_FALCON_KEYS, key_value_heads=_falcon_key_value_heads)
_GPT_NEOX = Family(
    norm="final_layer_norm", activation="mlp.act", down="", attention="attention.dense", head="embed_out"
)
_MPT = Family(
    blocks="blocks",
    norm="norm_f",
    activation="ffn.act",
    down="",
    attention="attn.out_proj",
    positions="none",
    keys=_MPT_KEYS,
    neurons_by_default=4,
)
_PHI = Family(norm="final_layernorm", activation="mlp.activation_fn", down="", attention="self_attn.dense")
_EXPERTS = Family(activation="", down="", experts="mlp.experts")
_NUM_EXPERTS = replace(_EXPERTS, keys=ConfigKeys(experts="num_experts"))
_MULTIMODAL = Family(decoder="language_model")

FAMILIES: dict[str, Family] = {
    "apertus": _NO_GATE,
    "arcee": _NO_GATE,
    "bert": _BERT,
    "bloom": _BLOOM,
    "camembert": _ROBERTA,
    "codegen": _GPTJ,
    "cohere": _COHERE,
    "cohere2": _COHERE,
    "falcon": _FALCON,
    "gemma": _LLAMA,
    "gemma2": _GEMMA2,
    "gemma3": _MULTIMODAL,
    "gemma3_text": _GEMMA2,
    "glm": _FUSED,
    "glm4": _FUSED,
    "gpt2": replace(_GPTJ, attention="attn.c_proj", learned_positions=True),
    "gpt_neox": _GPT_NEOX,
    "gpt_oss": _EXPERTS,
    "gptj": _GPTJ,
    "granite": Family(logit_divisor="logits_scaling"),
    "hunyuan_v1_dense": _LLAMA,
    "hyperclovax": Family(logit_scale="logits_scaling"),
    "llama": _LLAMA,
    "ministral": _LLAMA,
    "ministral3": _LLAMA,
    "mistral": _LLAMA,
    "mistral3": _MULTIMODAL,
    "mixtral": _EXPERTS,
    "mpt": _MPT,
    "nemotron": _NO_GATE,
    "olmo": _LLAMA,
    "olmo2": _LLAMA,
    "olmo3": _LLAMA,
    "olmoe": _NUM_EXPERTS,
    "opt": _OPT,
    "phi": _PHI,
    "phi3": _FUSED,
    "qwen2": _LLAMA,
    "qwen2_5_vl": _MULTIMODAL,
    "qwen2_vl": _MULTIMODAL,
    "qwen3": _LLAMA,
    "qwen3_moe": _NUM_EXPERTS,
    "qwen3_vl": _MULTIMODAL,
    "roberta": _ROBERTA,
    "smollm3": _LLAMA,
    "stablelm": _LLAMA,
    "xglm": _XGLM,
    "xlm-roberta": _ROBERTA,
    "xlm-roberta-xl": replace(_ROBERTA, norm="encoder.LayerNorm"),
}
"""Keyed by the `model_type` of config.json."""

_REFUSED: dict[str, str] = {
    "it has shared experts beside the routed ones, so its neurons do not form a single row": (
        "qwen2_moe qwen3_next qwen3_5_moe deepseek_v2 deepseek_v3 deepseek_v32 deepseek_v4 glm4_moe glm4_moe_lite "
        "llama4 llama4_text granitemoeshared ernie4_5_moe dots1 hunyuan_v1_moe"
    ),
    "its blocks are not attention followed by an FFN": "mamba mamba2 falcon_mamba rwkv xlstm",
    "it mixes several kinds of blocks": (
        "jamba zamba zamba2 bamba nemotron_h granitemoehybrid recurrent_gemma falcon_h1 lfm2 lfm2_moe"
    ),
}
"""Reason -> the `model_type`s that are not supported for this reason."""


def family_of(config: Mapping[str, Any]) -> Family | None:
    """The family of a config; None if it is not in the table. Raises ModelError if the model is not supported."""
    model_type = config.get("model_type")
    if not model_type or not isinstance(model_type, str):
        raise ModelError("This config.json has no model_type.", "Download the model again, or add its model_type.")
    if config.get("is_encoder_decoder"):
        raise ModelError(
            f"{model_type!r} is an encoder-decoder, which is not supported.",
            "Use a decoder-only model or an encoder.",
        )
    for reason, names in _REFUSED.items():
        if model_type in names.split():
            raise ModelError(f"{model_type!r} is not supported: {reason}.", "Use a model of another family.")
    text = text_of(config)
    layers = whole_number(text.get("num_hidden_layers")) or 0
    if text.get("mlp_only_layers") or (whole_number(text.get("decoder_sparse_step")) or 1) > 1:
        raise ModelError(
            f"This {model_type!r} has experts in only some of its {layers} layers, so the layers cannot be compared.",
            "Use a model with experts in every layer, or in none.",
        )
    return FAMILIES.get(model_type)


def known_family(config: Mapping[str, Any]) -> Family | None:
    """The family of a config; None if it is not in the table. Refuses no model."""
    return FAMILIES.get(str(config.get("model_type")))


def spellings(config: Mapping[str, Any], size: str) -> tuple[str, ...]:
    """The keys under which a config may give a size (a field of ConfigKeys), the most likely first.

    A GGUF file or an older config.json uses names other than the family's own, so every name in the table is tried.
    """
    family = known_family(config)
    tried = (*((family,) if family else ()), *FAMILIES.values())
    return tuple(dict.fromkeys(getattr(each.keys, size) for each in tried))


def is_encoder(config: Mapping[str, Any]) -> bool:
    """Whether attention is bidirectional: according to the table, or because the model was trained on masked tokens."""
    family = known_family(config)
    if family is not None:
        return family.encoder
    named = config.get("architectures")
    return isinstance(named, list) and any("ForMaskedLM" in str(name) for name in named)


def text_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The config of the text model, which is the whole config unless the model takes more than text."""
    return mapping_in(config, "text_config") or config


def mapping_in(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The entry of a config that is a config itself; empty if it is missing or anything else."""
    found = config.get(key)
    return found if isinstance(found, Mapping) else {}


def whole_number(value: object) -> int | None:
    """A number in a config; None for what no size can be: text, lists, fractions, NaN, and beyond thirty-two bits."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**32:
        return None
    return int(value) if value == int(value) else None
