"""The device and dtype that a study runs on. Importing this does not import torch."""

import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast, get_args

from neuronxa_core.errors import ModelError
from neuronxa_core.settings import settings

Dtype = Literal["auto", "float32", "bfloat16", "float16", "8bit", "4bit"]
DTYPES: tuple[Dtype, ...] = get_args(Dtype)
Device = Literal["auto", "cpu", "cuda", "mps", "spread"]
DEVICES: tuple[Device, ...] = get_args(Device)
_CPUINFO = Path("/proc/cpuinfo")
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")
_LIMITS = (
    (_CGROUP / "memory.max", _CGROUP / "memory.current"),
    (_CGROUP / "memory" / "memory.limit_in_bytes", _CGROUP / "memory" / "memory.usage_in_bytes"),
)


def resolve_device(device: Device) -> Device:
    """The device to use; `auto` is that in NEURONXA_DEVICE, or else the first present of CUDA, Apple's MPS and CPU.

    `spread` distributes the layers over all GPUs and offloads the rest to CPU memory or disk. Raises ModelError if the
    machine does not have the device.
    """
    if device == "auto":
        device = cast(Device, settings().device)
    if device == "spread":
        return device
    if device in ("auto", "cpu") and _only_a_cpu():
        return "cpu"
    import torch

    present: dict[Device, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name, here in present.items() if here)
    if not present[device]:
        raise ModelError(f"There is no {device} device on this machine.", "Use auto or cpu.")
    return device


def resolve_dtype(dtype: Dtype, device: str) -> Dtype:
    """The dtype to use; `auto` is bfloat16 if the device computes in it, which is twice as fast, else float32."""
    if dtype in ("8bit", "4bit") and not has_bitsandbytes():
        raise ModelError(f"{dtype} needs the package bitsandbytes.", "Install it, or use bfloat16.")
    if dtype != "auto":
        return dtype
    if device == "cpu":
        return "bfloat16" if _processor_computes_in_bfloat16() else "float32"
    if device == "mps":
        return "float32"
    import torch

    if not torch.cuda.is_available():  # spread over CPU memory and disk
        return resolve_dtype("auto", "cpu")

    return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"


def memory_available(device: str) -> int | None:
    """Free memory of `device` in bytes, at most what NEURONXA_MEMORY_GB allows; None if it is unknown."""
    most = settings().memory_bytes
    if device == "cuda":
        import torch

        free: int | None = torch.cuda.mem_get_info()[0]
    else:
        free = None if device == "spread" else _processor_memory()
    return most if free is None else min(free, most or free)


def _processor_memory() -> int | None:
    """Free memory of the system or under the container's limit, whichever is less; None except on Linux."""
    try:
        lines = _MEMINFO.read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return None
    for limit, used in _LIMITS:
        try:
            free = min(free, int(limit.read_text()) - int(used.read_text()))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return max(0, free)


def has_bitsandbytes() -> bool:
    return find_spec("bitsandbytes") is not None


@cache
def _processor_computes_in_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 natively (AVX512_BF16, AMX), not only stores it; False except on Linux."""
    try:
        flags = _CPUINFO.read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _only_a_cpu() -> bool:
    """Whether the machine has no accelerator driver, so that nobody waits for torch to find out."""
    drivers = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")
    return sys.platform == "linux" and not any(Path(driver).exists() for driver in drivers)
