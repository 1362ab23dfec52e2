"""Tiny models with random weights, one per architecture family, saved as the hub would hold them."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
FAMILIES = {
    "llama": {},
    "qwen2": {},
    "qwen3": {"head_dim": 8},
    "mistral": {"head_dim": 8},
    "gemma2": {"head_dim": 8, "sliding_window": 8},
    "gemma3_text": {"head_dim": 8, "sliding_window": 8},
    "olmo2": {},
}


def save_tiny_model(folder: Path, family: str = "llama", seed: int = 0) -> Path:
    """A causal language model of `family` and a byte-level tokenizer with a BOS token, in `folder`."""
    torch.manual_seed(seed)
    config = AutoConfig.for_model(family, **SIZES, **FAMILIES[family], pad_token_id=0, bos_token_id=1, eos_token_id=2)
    model = AutoModelForCausalLM.from_config(config).to(torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():  # larger than the usual start, so that layers differ visibly
            if parameter.dim() > 1:
                parameter.mul_(4)
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


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
