"""A model in memory, from what a user calls it."""

from pathlib import Path

from neuronxa_core.models.hardware import Device, Dtype, resolve_device, resolve_dtype
from neuronxa_core.models.loading import RESIDENT, LoadedModel
from neuronxa_core.models.locate import ModelRef, find_checkpoint
from neuronxa_core.progress import SILENT, Watcher


def load_model(
    model: str | Path | ModelRef, device: Device = "auto", dtype: Dtype = "auto", watcher: Watcher = SILENT
) -> LoadedModel:
    """The model called `demo`, by a hub id or by a path, ready for `extract`; found, downloaded and loaded as needed.

    The same model is not loaded twice in a row, nor again by a study of it. Raises ModelError, CacheError, Cancelled.
    """
    ref = model if isinstance(model, ModelRef) else ModelRef(str(model))
    checkpoint = find_checkpoint(ref, watcher)
    where = resolve_device(device)
    return RESIDENT.get(checkpoint, where, resolve_dtype(dtype, where), ref.neurons)
