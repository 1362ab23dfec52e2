"""What is refused before transformers sees a model: code of its own, files outside its folder, sizes that cannot be."""

from collections.abc import Iterator, Mapping
from typing import Any

from neuronxa_core.errors import ModelError
from neuronxa_core.models.checkpoint import Checkpoint
from neuronxa_core.models.config import shape_of
from neuronxa_core.models.families import family_of
from neuronxa_core.models.gguf_header import gguf_told, read_header, refuse_odd_sizes

_MANY = ("layer", "depth", "expert", "num_blocks")
"""Parts of a config's keys whose number is one of modules, each of which is built."""
_MOST_MODULES = 10_000
_PARAMETERS_PER_BYTE = 8
"""More than the strongest quantization stores."""


def refuse_unloadable(checkpoint: Checkpoint) -> None:
    """Raises ModelError, or ValueError with what is wrong, for a model that must not or cannot be loaded."""
    config: Mapping[str, Any]
    if checkpoint.gguf:
        refuse_odd_sizes(read_header(checkpoint.weights[0]))
        config = gguf_told(checkpoint.weights[0])[0]
    else:
        config = checkpoint.config
        _refuse_foreign_code(checkpoint)
        family_of(config)
        if "configuration_files" in config:
            raise ValueError("its config.json names other configuration files")
    _refuse_absurd_sizes(checkpoint, config)


def _refuse_foreign_code(checkpoint: Checkpoint) -> None:
    """Raises ModelError for a model that needs its own code, which is never run: transformers' own is used instead."""
    import transformers  # noqa: F401 - waits for the warm-up's import, whose half-made module the next line would read
    from transformers import CONFIG_MAPPING

    model_type = checkpoint.config.get("model_type")
    if not model_type or not isinstance(model_type, str) or model_type in CONFIG_MAPPING:
        return
    if checkpoint.config.get("auto_map"):
        raise foreign_code(checkpoint)
    raise ModelError(
        f"transformers {transformers_version()} does not know the architecture {model_type!r}.",
        "Use a model of an architecture that it knows, or install a newer transformers.",
    )


def foreign_code(checkpoint: Checkpoint) -> ModelError:
    return ModelError(
        f"{checkpoint.name} comes with code of its own, which is never run here.",
        "Use a model built into transformers, or one converted to a built-in architecture and tokenizer.",
    )


def transformers_version() -> str:
    from importlib.metadata import version

    return version("transformers")


def _refuse_absurd_sizes(checkpoint: Checkpoint, config: Mapping[str, Any]) -> None:
    """Raises ValueError for modules or parameters that the weights cannot hold, which would be built all the same."""
    for key, value in _entries(config):
        if any(part in key for part in _MANY) and isinstance(value, int | float) and not value <= _MOST_MODULES:
            raise ValueError(f"its {key} is {value:,}")
    shape = shape_of(config)
    stored = sum(file.stat().st_size for file in checkpoint.weights)
    if shape and (shape.parameters or 0) > _PARAMETERS_PER_BYTE * stored + 1_000_000_000:
        raise ValueError(f"its config describes {shape.parameters:,} parameters, and its weights have {stored:,} bytes")


def _entries(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every key of a config and of the configs inside it, with its value."""
    left: list[Any] = [config]
    while left:
        for key, value in left.pop().items():
            yield str(key), value
            if isinstance(value, Mapping):
                left.append(value)
