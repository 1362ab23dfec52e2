"""Loading a checkpoint into memory: the decoder without its language-model head, its tokenizer, and its parts."""

import gc
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch
from torch import nn

from neuronxa_core.errors import ModelError
from neuronxa_core.models.adapters import DecoderParts, decoder_parts, family_of
from neuronxa_core.models.checkpoint import Checkpoint
from neuronxa_core.models.demo import demo_folder
from neuronxa_core.models.packing import pack_linear_layers, packs_linear_layers


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to be read from. Hold `lock` while its hooks are in place: two readers would mix their sentences."""

    tokenize: Callable[[Sequence[str]], list[list[int]]]
    """Sentences to token ids, with the special tokens that the tokenizer itself adds, and no padding."""
    parts: DecoderParts
    fingerprint: str
    device: str
    dtype: str
    context: int
    """The longest sentence, in tokens, that the model has positions for."""
    lock: threading.Lock = field(default_factory=threading.Lock, compare=False)


def load_model(checkpoint: Checkpoint, device: str, dtype: str) -> LoadedModel:
    """Loads decoder and tokenizer. Raises ModelError for what cannot be loaded, MemoryError if it does not fit."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers.utils import logging

    logging.set_verbosity_error()  # its progress bars and advice would hide our one line
    logging.disable_progress_bar()
    if not checkpoint.gguf:
        family_of(str(checkpoint.config.get("model_type", "without a model_type")))
    try:
        tokenize = _load_tokenizer(checkpoint)
        model = _load_decoder(checkpoint, getattr(torch, dtype))
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, StrictDataclassError, struct.error) as error:
        if "memory" in str(error) and "alloc" in str(error):
            raise ModelError(
                f"{checkpoint.folder} does not fit into memory in {dtype}.",
                "Use a smaller model, a smaller dtype (bfloat16), or a machine with more memory.",
            ) from error
        raise ModelError(
            f"{checkpoint.folder} cannot be loaded ({_first_line(error)}).",
            "Check that the folder is whole: config, tokenizer and weights, as save_pretrained writes them.",
        ) from error
    model = model.to(device).eval().requires_grad_(False)
    config: Any = model.config
    parts = decoder_parts(model, config.model_type)
    if device == "cpu" and packs_linear_layers(dtype):
        for block in parts.blocks:
            pack_linear_layers(block)
        parts = decoder_parts(model, config.model_type)
    return LoadedModel(
        tokenize=tokenize,
        parts=parts,
        fingerprint=checkpoint.fingerprint,
        device=device,
        dtype=dtype,
        context=int(getattr(config.get_text_config(), "max_position_embeddings", 0) or 1_000_000),
    )


def _load_tokenizer(checkpoint: Checkpoint) -> Callable[[Sequence[str]], list[list[int]]]:
    if checkpoint.folder == demo_folder():  # its tokenizer.json is complete, and read as it is in a third of the time
        from tokenizers import Tokenizer

        backend = Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
        return lambda sentences: [encoding.ids for encoding in backend.encode_batch(list(sentences))]
    from transformers import AutoTokenizer

    where = {"gguf_file": checkpoint.gguf} if checkpoint.gguf else {}
    tokenizer = AutoTokenizer.from_pretrained(
        checkpoint.folder, local_files_only=True, trust_remote_code=False, **where
    )
    return lambda sentences: cast(
        list[list[int]], tokenizer(list(sentences), padding=False, truncation=False)["input_ids"]
    )


def _load_decoder(checkpoint: Checkpoint, dtype: torch.dtype) -> nn.Module:
    """The model without its head. A weight that the checkpoint lacks would be random, so it is refused."""
    from transformers import AutoModel, AutoModelForCausalLM

    if checkpoint.gguf:  # GGUF names its tensors after the whole model
        whole = AutoModelForCausalLM.from_pretrained(
            checkpoint.folder, gguf_file=checkpoint.gguf, dtype=dtype, local_files_only=True
        )
        return cast(nn.Module, whole.base_model)
    model, report = AutoModel.from_pretrained(
        checkpoint.folder,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are reported, and refused below
    )
    lacking = sorted(report["missing_keys"]) + sorted(str(key) for key in report.get("mismatched_keys", ()))
    if lacking:
        raise ValueError(f"the weights of {lacking[0]} and {len(lacking) - 1} more are missing or of another shape")
    return cast(nn.Module, model)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


class ModelHolder:
    """Keeps one model in memory. The old one is freed before another is loaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[str, str, str] | None = None
        self._model: LoadedModel | None = None

    def get(self, checkpoint: Checkpoint, device: str, dtype: str) -> LoadedModel:
        """The model of this checkpoint, loaded unless it is the one that is held."""
        key = (checkpoint.fingerprint, device, dtype)
        with self._lock:
            if self._model is None or self._key != key:
                self._free()
                self._model = load_model(checkpoint, device, dtype)
                self._key = key
            return self._model

    def _free(self) -> None:
        self._key = self._model = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


RESIDENT = ModelHolder()
"""The one model of this process."""
