"""The contents of a model folder, inspected before anything is loaded: config, weights, and a fingerprint of both.

Weights are safetensors or GGUF. A folder with only pickles is refused, and so is a truncated file.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from neuronxa_core.errors import ModelError
from neuronxa_core.foreign import read_json, told_in_one_sentence
from neuronxa_core.models import digests
from neuronxa_core.models.hub_cache import INDEX, indexed_names

ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_WEIGHTS = "adapter_model.safetensors"
_AGAIN = "Download it again"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")


@dataclass(frozen=True)
class Checkpoint:
    """A model on disk: its folder, its weights (safetensors files or one GGUF), and the folder of a LoRA adapter."""

    folder: Path
    weights: tuple[Path, ...]
    adapter: Path | None = None
    recorded: Mapping[str, str] = field(default_factory=dict, compare=False)
    """SHA-256 of files as they were written, by name. Only the demo has them; others have their current digests."""

    @property
    def name(self) -> str:
        return f"{self.weights[0] if self.gguf else self.folder}{f' with {self.adapter}' if self.adapter else ''}"

    @property
    def gguf(self) -> str | None:
        return self.weights[0].name if self.weights[0].suffix == ".gguf" else None

    @cached_property
    def config(self) -> dict[str, Any]:
        """The parsed config.json; empty for GGUF. Raises ModelError if it is missing or not valid JSON."""
        if self.gguf:
            return {}
        try:
            config = read_json(self.folder / "config.json")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise ModelError(
                f"{self.folder} has no config.json.",
                "Give a folder written by save_pretrained or downloaded from the hub.",
            ) from error
        except OSError as error:
            raise ModelError(
                f"{self.folder / 'config.json'} cannot be read ({error.strerror}).", "Check its permissions."
            ) from error
        except ValueError as error:
            raise ModelError(
                f"{self.folder / 'config.json'} is not valid JSON ({error}).", "Download it again."
            ) from error
        if not isinstance(config, dict):
            raise ModelError(f"{self.folder / 'config.json'} is not a JSON object.", "Download it again.")
        return config

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that the states depend on: config, tokenizer, weights, and last those of the adapter."""
        adapter = (*_small_files(self.adapter), self.adapter / _ADAPTER_WEIGHTS) if self.adapter else ()
        return (*_small_files(self.folder), *self.weights, *adapter)

    @cached_property
    def sha256(self) -> Mapping[Path, str]:
        """SHA-256 of each file: as recorded, else as remembered, else computed now. Loading verifies it."""
        recorded = {self.folder / name: digest for name, digest in self.recorded.items()}
        with told_in_one_sentence(self.name, ModelError, _AGAIN):
            return {file: recorded.get(file) or digests.remembered(file) for file in self.files}

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits of the SHA-256 over config, tokenizer and weights, whatever the path of the folder."""
        digest = hashlib.sha256()
        for file, content in self.sha256.items():
            owner = "adapter " if file.parent == self.adapter else ""
            digest.update(f"{owner}{file.name} {content}\n".encode())
        return digest.hexdigest()[:16]


def _small_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in {".json", ".model", ".txt"} and file.is_file())


def checkpoint_at(path: Path) -> Checkpoint:
    """The checkpoint in a folder, or of one GGUF file. Raises ModelError if it is missing or incomplete."""
    if path.is_file() and path.suffix == ".gguf":
        return _checked(Checkpoint(path.parent, (path,)))
    if not path.is_dir():
        raise ModelError(f"There is no model at {path}.", "Check the path, or use the demo model: demo.")
    if (path / INDEX).is_file():
        return _checked(Checkpoint(path, _indexed(path)))
    for pattern in ("*.safetensors", "*.gguf"):
        weights = tuple(sorted(path.glob(pattern)))
        if len(weights) > 1 and pattern == "*.gguf":
            names = ", ".join(file.name for file in weights[:4])
            raise ModelError(f"{path} has several GGUF files.", f"Name the one you mean: {names}.")
        if weights:
            return _checked(Checkpoint(path, weights))
    if any(next(path.glob(pattern), None) for pattern in _PICKLES):
        raise ModelError(
            f"{path} has weights as pickles only, and loading a pickle can run code.",
            "Load the model where you trust it and save it with save_pretrained, which writes safetensors.",
        )
    raise ModelError(f"{path} has no weights.", "It needs a *.safetensors or a *.gguf file; download the model again.")


def with_adapter(checkpoint: Checkpoint, folder: Path) -> Checkpoint:
    """The checkpoint with the LoRA adapter in `folder` on top. Raises ModelError if it is missing or pickled."""
    if not (folder / ADAPTER_CONFIG).is_file():
        raise ModelError(f"{folder} has no {ADAPTER_CONFIG}.", "Give a folder written by peft's save_pretrained.")
    if not (folder / _ADAPTER_WEIGHTS).is_file():
        pickles = any(next(folder.glob(pattern), None) for pattern in _PICKLES)
        raise ModelError(
            f"{folder} has no {_ADAPTER_WEIGHTS}{', only a pickle, and loading one can run code' if pickles else ''}.",
            "Save the adapter with peft's save_pretrained, which writes safetensors.",
        )
    if checkpoint.adapter:
        raise ModelError(f"{checkpoint.name} has an adapter already.", "Merge one of the two into the base model.")
    if checkpoint.gguf:
        raise ModelError("An adapter cannot be applied to GGUF weights.", "Use the model as safetensors.")
    _checked(Checkpoint(folder, (folder / _ADAPTER_WEIGHTS,)))
    return replace(checkpoint, adapter=folder)


def base_of_adapter(folder: Path) -> tuple[str, str] | None:
    """The base model that an adapter folder names, and its revision; None if `folder` is not that of an adapter."""
    if not (folder / ADAPTER_CONFIG).is_file() or (folder / "config.json").is_file():
        return None
    try:
        config = read_json(folder / ADAPTER_CONFIG)
        base, revision = config["base_model_name_or_path"] or "", config.get("revision") or ""
        if not isinstance(base, str) or not isinstance(revision, str):
            raise TypeError
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder / ADAPTER_CONFIG} is damaged.", "Save or download the adapter again.") from error
    if not base:
        raise ModelError(
            f"{folder} does not name the model it was trained on.",
            "Give that model as --model and this folder as --adapter.",
        )
    return base, revision


def _indexed(folder: Path) -> tuple[Path, ...]:
    index = folder / INDEX
    try:
        names = indexed_names(index)
    except ValueError as error:
        raise ModelError(f"{index} is damaged.", "Download it again.") from error
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelError(f"{folder} lacks {missing[0]}, which its index lists.", "Download the complete model again.")
    return tuple(folder / name for name in names)


def _checked(checkpoint: Checkpoint) -> Checkpoint:
    for file in checkpoint.weights:
        if not file.is_file():
            raise ModelError(f"{file} is not a file.", "Download the model again.")
        if file.suffix == ".safetensors" and (problem := is_cut_off(file)):
            raise ModelError(f"{file} is damaged or truncated ({problem}).", "Download or copy it again.")
    return checkpoint


def is_cut_off(file: Path) -> str:
    """What is wrong with the header or the length of a safetensors file; empty if nothing is."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy"):
            return ""
    except (SafetensorError, OSError) as error:
        return str(error) or type(error).__name__
