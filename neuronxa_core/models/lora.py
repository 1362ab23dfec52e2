"""Merges a LoRA adapter into a loaded model: its matrices are added to the weights, so the modules stay the same."""

import re
from pathlib import Path
from typing import Any

from torch import nn

from neuronxa_core.errors import ModelError


def with_lora(model: nn.Module, adapter: Path) -> Any:
    """The model with a LoRA adapter merged into its weights.

    Raises ModelError for another kind of adapter, or for one trained on another model.
    """
    try:
        from peft import PeftConfig, PeftModel
    except ImportError as error:
        raise ModelError("An adapter needs the package peft.", "Install it: pip install peft.") from error
    config = PeftConfig.from_pretrained(str(adapter), local_files_only=True)
    if str(config.peft_type).rpartition(".")[2] != "LORA":
        raise ModelError(f"{adapter} is a {config.peft_type} adapter.", "Use a LoRA adapter.")
    config.base_model_name_or_path = None  # or peft would ask the hub for it
    wrapped = PeftModel.from_pretrained(model, str(adapter), config=config, local_files_only=True, use_safetensors=True)
    _refuse_astray(wrapped, adapter)
    return wrapped.merge_and_unload()


def _refuse_astray(model: nn.Module, adapter: Path) -> None:
    """Raises ModelError if the model lacks a module that the adapter changes; peft only warns and skips it."""
    from safetensors import safe_open

    with safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
        stored = {re.sub(r"\.(lora_\w+)\.", ".", key.replace(".default", "")) for key in file.keys()}  # noqa: SIM118
    names = {
        re.sub(r"\.(lora_\w+)\.", ".", name.replace(".default", "").replace(".modules_to_save", ""))
        for name, _ in model.named_parameters()
    }
    astray = sorted(key for key in stored if key not in names)
    if astray:
        raise ModelError(
            f"{adapter} does not belong to this model: it changes {astray[0]}, which the model does not have.",
            "Use the model that the adapter was trained on.",
        )
