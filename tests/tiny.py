"""Tiny models with random weights, one per architecture family, saved as the hub would hold them.

`FAMILIES` is the tests' one table of families; assets/texts/guide/add_a_family.md says what a new line needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from tests.recomputation import (
    Activation,
    Neurons,
    apertus,
    fused,
    gated,
    gelu,
    gelu_tanh,
    plain,
    relu,
    relu2,
    routed,
    routed_in_gpt_oss,
    silu,
)

SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
_TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_HEAD_8 = SIZES | {"head_dim": 8}
_WINDOW = {"sliding_window": 8}
_GPT2 = {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_inner": 48, "n_positions": 256, "vocab_size": 300}
_BLOOM = {"hidden_size": 32, "n_layer": 3, "n_head": 4, "vocab_size": 300}
_FALCON = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "ffn_hidden_size": 48,
    "vocab_size": 300,
}
_MPT = {"d_model": 32, "n_heads": 4, "n_layers": 3, "max_seq_len": 256, "vocab_size": 300}
_FAIRSEQ = {"ffn_dim": 48, "vocab_size": 300, "max_position_embeddings": 256}
_XGLM = _FAIRSEQ | {"d_model": 32, "num_layers": 3, "attention_heads": 4}
_OPT = _FAIRSEQ | {"hidden_size": 32, "word_embed_proj_dim": 32, "num_hidden_layers": 3, "num_attention_heads": 4}
_VISION = {
    "depth": 1,
    "num_hidden_layers": 1,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_heads": 2,
    "num_attention_heads": 2,
}
_PATCHES = _VISION | {"image_size": 28, "patch_size": 14}
_ROTARY = {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [1, 1, 2]}}
_QWEN_VL = {"text_config": SIZES | _ROTARY | _TOKENS, "vision_config": _VISION | {"out_hidden_size": 32}}
_LOCAL_EXPERTS = SIZES | {"num_local_experts": 4, "num_experts_per_tok": 2}
_EXPERTS = SIZES | {"num_experts": 4, "num_experts_per_tok": 2}


_GATED_SILU = gated(silu)


@dataclass(frozen=True)
class Tiny:
    """What makes a family's config small, and where the tests find its parts. The defaults are Llama's."""

    config: Mapping[str, Any] = field(default_factory=lambda: SIZES)
    """Three layers, a hidden size of 32 and, where it can be set, 48 neurons."""
    neurons: Neurons = _GATED_SILU
    """How the neurons follow from what enters the FFN."""
    ffn: str = "mlp.gate_proj"
    """What the input of the FFN enters, seen from a block."""
    attention: str = "self_attn.o_proj"
    """What mixes the attention heads, seen from a block."""
    blocks: str = "layers"
    """The list of blocks, seen from the model that AutoModel builds."""
    default: Mapping[str, Any] = field(default_factory=dict)
    """What its config needs at its full size, where transformers' own defaults do not fit together."""
    encoder: bool = False
    head: bool = True
    """AutoModelForCausalLM gives logits for text alone."""


_GEMMA = Tiny(_HEAD_8, gated(gelu_tanh))
_FUSED = Tiny(SIZES, fused, "mlp.gate_up_proj")
_RELU2 = Tiny(SIZES, plain("mlp.up_proj", relu2), "mlp.up_proj")
_BERT = Tiny(
    SIZES,
    plain("intermediate.dense", gelu),
    "intermediate.dense",
    "attention.output.dense",
    "encoder.layer",
    encoder=True,
    head=False,
)


def _without_gate(config: Mapping[str, Any], ffn: str, act: Activation, attention: str, blocks: str = "layers") -> Tiny:
    return Tiny(config, plain(ffn, act), ffn, attention, blocks)


FAMILIES: dict[str, Tiny] = {
    "apertus": Tiny(SIZES, apertus, "mlp.up_proj"),
    "arcee": _RELU2,
    "bert": _BERT,
    "bloom": _without_gate(_BLOOM, "mlp.dense_h_to_4h", gelu_tanh, "self_attention.dense", "h"),
    "camembert": _BERT,
    "codegen": _without_gate(_GPT2 | {"rotary_dim": 4}, "mlp.fc_in", gelu_tanh, "attn.out_proj", "h"),
    "cohere": Tiny(),
    "cohere2": Tiny(SIZES | _WINDOW),
    "falcon": _without_gate(_FALCON, "mlp.dense_h_to_4h", gelu, "self_attention.dense", "h"),
    "gemma": _GEMMA,
    "gemma2": replace(_GEMMA, config=_HEAD_8 | _WINDOW),
    "gemma3": replace(
        _GEMMA,
        config={"text_config": _HEAD_8 | _WINDOW, "vision_config": _PATCHES},
        blocks="language_model.layers",
        head=False,
    ),
    "gemma3_text": replace(_GEMMA, config=_HEAD_8 | _WINDOW),
    "glm": _FUSED,
    "glm4": _FUSED,
    "gpt2": _without_gate(_GPT2, "mlp.c_fc", gelu_tanh, "attn.c_proj", "h"),
    "gpt_neox": _without_gate(SIZES, "mlp.dense_h_to_4h", gelu, "attention.dense"),
    "gpt_oss": Tiny(_LOCAL_EXPERTS | {"head_dim": 8} | _WINDOW, routed_in_gpt_oss, "mlp.router"),
    "gptj": _without_gate(_GPT2 | {"rotary_dim": 4}, "mlp.fc_in", gelu_tanh, "attn.out_proj", "h"),
    "granite": Tiny(),
    "hunyuan_v1_dense": Tiny(_HEAD_8, default={"head_dim": 128}),
    "hyperclovax": Tiny(SIZES | {"logits_scaling": 0.5}),
    "llama": Tiny(),
    "ministral": Tiny(_HEAD_8 | _WINDOW, default={"head_dim": 128, "sliding_window": 4096}),
    "ministral3": Tiny(_HEAD_8),
    "mistral": Tiny(_HEAD_8),
    "mistral3": Tiny({"text_config": _HEAD_8, "vision_config": _PATCHES}, blocks="language_model.layers", head=False),
    "mixtral": Tiny(_LOCAL_EXPERTS, routed, "mlp.gate"),
    "mpt": _without_gate(_MPT, "ffn.up_proj", gelu, "attn.out_proj", "blocks"),
    "nemotron": replace(_RELU2, default={"num_key_value_heads": 48}),
    "olmo": Tiny(),
    "olmo2": Tiny(),
    "olmo3": Tiny(SIZES | _WINDOW),
    "olmoe": Tiny(_EXPERTS, routed, "mlp.gate"),
    "opt": _without_gate(_OPT, "fc1", relu, "self_attn.out_proj", "decoder.layers"),
    "phi": _without_gate(SIZES, "mlp.fc1", gelu_tanh, "self_attn.dense"),
    "phi3": _FUSED,
    "qwen2": Tiny(),
    "qwen2_5_vl": Tiny(_QWEN_VL, blocks="language_model.layers", head=False),
    "qwen2_vl": Tiny(_QWEN_VL, blocks="language_model.layers", head=False),
    "qwen3": Tiny(_HEAD_8),
    "qwen3_moe": Tiny(_EXPERTS | {"moe_intermediate_size": 24, "head_dim": 8}, routed, "mlp.gate"),
    "qwen3_vl": Tiny(_QWEN_VL, blocks="language_model.layers", head=False),
    "roberta": _BERT,
    "smollm3": Tiny(),
    "stablelm": Tiny(),
    "xglm": _without_gate(_XGLM, "fc1", gelu, "self_attn.out_proj"),
    "xlm-roberta": _BERT,
    "xlm-roberta-xl": _BERT,
}
"""Every family of the table in neuronxa_core/models/families.py."""


def tiny_config(family: str, **sizes: Any) -> PreTrainedConfig:
    """The small config of a family, or of any architecture with Llama's keys. sizes: what is different this time."""
    return AutoConfig.for_model(family, **{**FAMILIES.get(family, Tiny()).config, **_TOKENS, **sizes})


def save_tiny_model(folder: Path, family: str = "llama", seed: int = 0, **sizes: Any) -> Path:
    """A model of `family`, with its language-model head if it has one, and a byte-level tokenizer with a BOS token."""
    torch.manual_seed(seed)
    tiny_model_of(tiny_config(family, **sizes)).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def save_tiny_adapter(folder: Path, base: Path) -> Path:
    """A LoRA adapter of a Llama, on attention and FFN, that changes what they do."""
    from peft import LoraConfig, get_peft_model  # seconds of imports, for few tests

    model = AutoModelForCausalLM.from_pretrained(base)
    torch.manual_seed(1)
    config = LoraConfig(
        r=4,
        lora_alpha=12,
        target_modules=["q_proj", "gate_proj", "down_proj"],
        init_lora_weights=False,
        task_type="CAUSAL_LM",
    )
    get_peft_model(model, config).save_pretrained(str(folder))
    return folder


def tiny_model_of(config: PreTrainedConfig) -> PreTrainedModel:
    """Random weights, larger than the usual start, so that layers differ visibly, and no bias at zero."""
    known = FAMILIES.get(config.model_type)
    kinds = [AutoModelForMaskedLM] if known and known.encoder else [AutoModelForCausalLM, AutoModel]
    kind = next(kind for kind in kinds if type(config) in kind._model_mapping)
    model = kind.from_config(config).to(torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
            elif not parameter.any():
                parameter.normal_(0, 0.3)
    return model


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Every byte is a token; a BOS token comes first."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<pad>": 0, "<s>": 1, "</s>": 2} | {letter: number for number, letter in enumerate(letters, start=3)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="<pad>")


SENTENCES = (
    "The dog sleeps.",
    "A long sentence about the weather, which has many more letters than the others have.",
    "Rain!",
    "Der Hund schläft unter dem alten Baum.",
    "猫在睡觉。",
    "She sings at night.",
)
