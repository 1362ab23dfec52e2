"""Loads a model by the name that a user gives it."""

from pathlib import Path

from neuronxa_core.models.hardware import Device, Dtype, resolve_device, resolve_dtype
from neuronxa_core.models.loading import RESIDENT, LoadedModel
from neuronxa_core.models.locate import ModelRef, find_checkpoint
from neuronxa_core.progress import SILENT, Watcher


def load_model(
    model: str | Path | ModelRef, device: Device = "auto", dtype: Dtype = "auto", watcher: Watcher = SILENT
) -> LoadedModel:
    """The model called `demo`, or by hub id or path, ready for `extract`; found, downloaded and loaded as needed.

    A model stays in memory until another is loaded, here or by a study. Raises ModelError, CacheError, Cancelled.
    """
    ref = model if isinstance(model, ModelRef) else ModelRef(str(model))
    checkpoint = find_checkpoint(ref, watcher)
    where = resolve_device(device)
    return RESIDENT.get(checkpoint, where, resolve_dtype(dtype, where), ref.neurons)
