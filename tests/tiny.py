"""Tiny models with random weights, one per architecture family, saved as the hub would hold them."""

from pathlib import Path

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

SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
_GPT2 = {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_inner": 48, "n_positions": 256, "vocab_size": 300}
_FAIRSEQ = {"ffn_dim": 48, "vocab_size": 300, "max_position_embeddings": 256}
_VISION = {
    "depth": 1,
    "num_hidden_layers": 1,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_heads": 2,
    "num_attention_heads": 2,
}
_ROTARY = {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [1, 1, 2]}}
_TOKENS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2}
FAMILIES: dict[str, dict[str, object]] = {
    **dict.fromkeys(("llama", "qwen2", "olmo", "olmo2", "glm", "glm4", "phi3", "phi", "cohere", "granite"), SIZES),
    **dict.fromkeys(("stablelm", "smollm3", "apertus", "arcee", "nemotron", "gpt_neox", "bert", "xlm-roberta"), SIZES),
    **{name: SIZES | {"head_dim": 8} for name in ("qwen3", "mistral", "gemma", "ministral3")},
    **{name: SIZES | {"head_dim": 8, "sliding_window": 8} for name in ("gemma2", "gemma3_text", "ministral")},
    **{name: SIZES | {"sliding_window": 8} for name in ("olmo3", "cohere2")},
    "bloom": {"hidden_size": 32, "n_layer": 3, "n_head": 4, "vocab_size": 300},
    "falcon": {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "ffn_hidden_size": 48, "vocab_size": 300},
    "gpt2": _GPT2,
    "gptj": _GPT2 | {"rotary_dim": 4},
    "mpt": {"d_model": 32, "n_heads": 4, "n_layers": 3, "max_seq_len": 256, "vocab_size": 300},
    "xglm": _FAIRSEQ | {"d_model": 32, "num_layers": 3, "attention_heads": 4},
    "opt": _FAIRSEQ | {"hidden_size": 32, "word_embed_proj_dim": 32, "num_hidden_layers": 3, "num_attention_heads": 4},
    "mixtral": SIZES | {"num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen3_moe": SIZES | _EXPERTS | {"moe_intermediate_size": 24, "head_dim": 8},
    "olmoe": SIZES | _EXPERTS,
    "gpt_oss": SIZES | {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 8, "sliding_window": 8},
    "gemma3": {"text_config": SIZES | {"head_dim": 8, "sliding_window": 8}, "vision_config": _VISION | {"image_size": 28, "patch_size": 14}},
    **{name: {"text_config": SIZES | _ROTARY | _TOKENS, "vision_config": _VISION | {"out_hidden_size": 32, "hidden_size": 32}} for name in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")},
}  # fmt: skip
"""Every family of the table in adapters, and what makes its config small. Three layers each."""


def save_tiny_model(folder: Path, family: str = "llama", seed: int = 0) -> Path:
    """A model of `family`, with its language-model head where it has one, and a byte-level tokenizer with a BOS token."""
    torch.manual_seed(seed)
    tiny_model_of(AutoConfig.for_model(family, **FAMILIES[family], **_TOKENS)).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def tiny_model_of(config: PreTrainedConfig) -> PreTrainedModel:
    """Random weights, larger than the usual start, so that layers differ visibly, and no bias at zero."""
    kinds = (
        [AutoModelForMaskedLM] if config.model_type in ("bert", "xlm-roberta") else [AutoModelForCausalLM, AutoModel]
    )
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
