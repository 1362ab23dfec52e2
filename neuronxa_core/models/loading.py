"""Loads a checkpoint into memory: the decoder without its language-model head, its parts, and the tokenizer."""

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import torch
from torch import nn

from neuronxa_core.errors import ChangedModelError, ModelError
from neuronxa_core.foreign import is_failure, logged
from neuronxa_core.models import digests
from neuronxa_core.models.adapters import DecoderParts, decoder_parts
from neuronxa_core.models.checkpoint import Checkpoint
from neuronxa_core.models.config import BYTES, context_length, stored
from neuronxa_core.models.families import mapping_in
from neuronxa_core.models.head import Head, load_head
from neuronxa_core.models.lora import with_lora
from neuronxa_core.models.packing import pack_linear_layers, packs_linear_layers
from neuronxa_core.models.refusals import foreign_code, refuse_unloadable
from neuronxa_core.models.tokenizer import ModelTokenizer, load_tokenizer
from neuronxa_core.settings import settings

_NO_LIMIT = 1_000_000
"""The context of a model whose config sets no limit."""


@dataclass(frozen=True)
class LoadedModel:
    """A model ready for extraction. Hold `lock` while hooks are in place: two readers would mix their sentences."""

    tokenize: Callable[[Sequence[str]], list[list[int]]]
    """Sentences to token ids, with the special tokens that the tokenizer itself adds, without padding."""
    parts: DecoderParts
    fingerprint: str
    device: str
    dtype: str
    context: int
    """The longest sentence, in tokens, that the model has positions for."""
    token_texts: Callable[[Sequence[int]], list[str]] = lambda ids: [str(token) for token in ids]
    """Each token as readable text."""
    text: Callable[[Sequence[int]], str] = lambda ids: " ".join(map(str, ids))
    """Tokens in a row as text, without special ones."""
    end: int | None = None
    """The token that ends a text, if the tokenizer has one."""
    unknown: int | None = None
    """The token for what the tokenizer does not know, if it has one."""
    load_head: Callable[[], Head] | None = None
    """Reads the language-model head when likelihoods are requested. Raises ModelError if there is none."""
    lock: threading.Lock = field(default_factory=threading.Lock, compare=False)


def load_model(checkpoint: Checkpoint, device: str, dtype: str, neurons: str = "") -> LoadedModel:
    """The decoder and tokenizer in memory. Raises ModelError if they cannot be loaded or do not fit.

    Meanwhile the files are read and compared with the checkpoint's fingerprint: raises ChangedModelError if they
    differ. device: cpu, cuda, mps, or `spread` over all GPUs, with the rest offloaded to CPU memory or disk. dtype:
    also `8bit` and `4bit`, with bitsandbytes. neurons: see adapters.decoder_parts.
    """
    with digests.Check(checkpoint.sha256) as check:
        try:
            loaded = _load(checkpoint, device, dtype, neurons)
        except _UnloadableError as error:
            _refuse_changed(check)
            raise ModelError(error.problem, error.next_step) from error.__cause__
        _refuse_changed(check)
    return loaded


class _UnloadableError(ModelError):
    """A model that transformers cannot load, possibly because files are damaged."""


def _refuse_changed(check: digests.Check) -> None:
    if damaged := check.damaged():
        raise ChangedModelError(
            f"{damaged[0]} is damaged or has changed: its SHA-256 is not the recorded one.",
            "Delete it and download or copy it again; if you changed it yourself, run again.",
        )


def _load(checkpoint: Checkpoint, device: str, dtype: str, neurons: str) -> LoadedModel:
    from transformers.utils import logging

    logging.set_verbosity_error()  # its progress bars and advice would bury our own line
    logging.disable_progress_bar()
    with _told(checkpoint, device, dtype):
        refuse_unloadable(checkpoint)
        return _in_memory(checkpoint, load_tokenizer(checkpoint), device, dtype, neurons)


@contextmanager
def _told(checkpoint: Checkpoint, device: str, dtype: str) -> Iterator[None]:
    """Turns whatever loading a model raises into a ModelError. What is not expected of a model goes into the log."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, ModelError) or not is_failure(error):
            raise
        raise _sentence(error, checkpoint, device, dtype) from error


def _sentence(error: BaseException, checkpoint: Checkpoint, device: str, dtype: str) -> ModelError:
    if is_out_of_memory(error):
        return out_of_memory(f"{checkpoint.name} in {dtype}", device)
    if "trust_remote_code" in str(error):
        return foreign_code(checkpoint)
    said = _first_line(error)
    if not isinstance(error, OSError | ValueError | KeyError | ImportError | RuntimeError) or not str(error).strip():
        said = f"{type(error).__name__}, error id {logged(checkpoint.name, error)}"
    return _UnloadableError(
        f"{checkpoint.name} cannot be loaded ({said}).",
        "Download the file again, or use the model as safetensors."
        if checkpoint.gguf
        else "Check that the folder is complete: config, tokenizer and weights, as save_pretrained writes them.",
    )


def _in_memory(checkpoint: Checkpoint, tokenizer: ModelTokenizer, device: str, dtype: str, neurons: str) -> LoadedModel:
    model = _load_decoder(checkpoint, device, dtype).eval().requires_grad_(False)
    config: Any = model.config
    described = config.to_dict()
    parts = decoder_parts(model, described, neurons)
    if any(weight.is_meta for experts in parts.experts for weight in experts.parameters()):
        raise ModelError(
            f"{checkpoint.name} has experts that were offloaded to CPU memory or disk, where their neurons cannot be "
            "read.",
            "Use a smaller dtype or GPUs with more memory, so that all experts fit.",
        )
    if device == "cpu" and packs_linear_layers(dtype):
        for block in parts.blocks:
            pack_linear_layers(block)
        parts = decoder_parts(model, described, neurons)
    return LoadedModel(
        tokenize=tokenizer.tokenize,
        parts=parts,
        fingerprint=checkpoint.fingerprint,
        device=_first_device(model) if device == "spread" else device,
        dtype=dtype,
        context=context_length(config.get_text_config().to_dict(), parts.first_position or 0) or _NO_LIMIT,
        token_texts=tokenizer.texts,
        text=tokenizer.text,
        end=tokenizer.end,
        unknown=tokenizer.unknown,
        load_head=None if parts.encoder else partial(load_head, model, checkpoint),
    )


def _first_device(model: nn.Module) -> str:
    """Where a spread model computes first; layers offloaded to disk are computed on its main device."""
    places = getattr(model, "hf_device_map", {}).values()
    return next(
        (f"cuda:{place}" if isinstance(place, int) else str(place) for place in places if place not in ("cpu", "disk")),
        "cpu",
    )


def _load_decoder(checkpoint: Checkpoint, device: str, dtype: str) -> nn.Module:
    """The model without its head. Raises ValueError if the checkpoint lacks a weight, which would be random."""
    from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

    how = {"local_files_only": True} | _placement(checkpoint, device, dtype)
    if checkpoint.gguf:  # GGUF names its tensors after the whole model
        whole = AutoModelForCausalLM.from_pretrained(checkpoint.folder, gguf_file=checkpoint.gguf, **how)
        return cast(nn.Module, whole.base_model)
    kind = AutoModelForCausalLM if checkpoint.adapter else AutoModel
    config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
    model, report = kind.from_pretrained(
        checkpoint.folder,
        config=config,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are reported, and refused below
        **_ITS_CHOICE,
        **how,
    )
    lacking = sorted(report["missing_keys"]) + sorted(str(key) for key in report.get("mismatched_keys", ()))
    lacking = [key for key in lacking if not key.startswith(_UNREAD)]
    if lacking:
        raise ValueError(f"the weights of {lacking[0]} and {len(lacking) - 1} more are missing or have another shape")
    if checkpoint.adapter:
        model = with_lora(model, checkpoint.adapter).base_model
    return cast(nn.Module, model)


_ITS_CHOICE = {"attn_implementation": None, "experts_implementation": None}
"""What transformers chooses by itself, whatever a config names: that may be code on the hub."""
_UNREAD = ("pooler.", "lm_head.")
"""Weights on which no layer's states depend."""


def _placement(checkpoint: Checkpoint, device: str, dtype: str) -> dict[str, Any]:
    """Arguments that tell from_pretrained the dtype and where the weights go, so that none is in memory twice."""
    how: dict[str, Any] = {}
    if dtype in ("8bit", "4bit"):
        from transformers import BitsAndBytesConfig

        how |= {
            "quantization_config": BitsAndBytesConfig(
                load_in_8bit=dtype == "8bit", load_in_4bit=dtype == "4bit", bnb_4bit_compute_dtype=torch.bfloat16
            ),
            "dtype": torch.bfloat16,
        }
    else:
        how["dtype"] = getattr(torch, dtype)
        if mapping_in(checkpoint.config, "quantization_config").get("quant_method") == "mxfp4":  # GPT-OSS
            from transformers import Mxfp4Config

            how["quantization_config"] = Mxfp4Config(dequantize=True)
    if device == "spread":
        folder = settings().cache_dir / "offload"
        return how | {"device_map": "auto", "offload_folder": str(folder)}
    return how if device == "cpu" else how | {"device_map": {"": device}}


def is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "memory" in str(error).lower() and "alloc" in str(error).lower()
    )


def out_of_memory(what: str, device: str) -> ModelError:
    """The error for running out of memory; frees the model first."""
    RESIDENT.free()
    return ModelError(
        f"{what} does not fit in the memory of {device}.",
        "Use a smaller dtype (bfloat16), fewer pairs, a smaller model, or a device with more memory.",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _bytes_of(checkpoint: Checkpoint, dtype: str) -> int:
    files = sum(file.stat().st_size for file in checkpoint.weights)
    return files if checkpoint.gguf else int(stored(checkpoint.weights)[0] * BYTES[dtype])


def _held_under(checkpoint: Checkpoint, device: str, dtype: str, neurons: str) -> tuple[object, ...]:
    """A model's key, with the stamps of its files: they are memory-mapped, so writing to one changes the model."""
    return (
        checkpoint.fingerprint,
        device,
        dtype,
        neurons,
        *(digests.stamp_if_there(file) for file in checkpoint.files),
    )


class ModelHolder:
    """Keeps one model in memory, and frees it before it loads another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key: tuple[object, ...] | None = None
        self._model: LoadedModel | None = None
        self.weight_bytes = 0
        """Approximate bytes that freeing the model gives back."""

    def get(self, checkpoint: Checkpoint, device: str, dtype: str, neurons: str = "") -> LoadedModel:
        """The model of this checkpoint, loaded unless it is already in memory and its files are unchanged."""
        key = _held_under(checkpoint, device, dtype, neurons)
        with self._lock:
            if self._model is None or self._key != key:
                self.free()
                self._model = load_model(checkpoint, device, dtype, neurons)
                self._key = key
                self.weight_bytes = _bytes_of(checkpoint, dtype)
            return self._model

    def holds(self, checkpoint: Checkpoint, device: str, dtype: str, neurons: str = "") -> bool:
        return self._key == _held_under(checkpoint, device, dtype, neurons)

    def free(self) -> None:
        """Releases the model, on the GPU too."""
        self._key = self._model = None
        self.weight_bytes = 0
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


RESIDENT = ModelHolder()
"""The only model of this process."""
