"""Which device and which dtype a study runs on. Importing this does not import torch."""

import sys
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from neuronxa_core.errors import ModelError

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
DTYPES: tuple[Dtype, ...] = get_args(Dtype)
Device = Literal["auto", "cpu", "cuda", "mps"]
DEVICES: tuple[Device, ...] = get_args(Device)
_CPUINFO = Path("/proc/cpuinfo")


def resolve_device(device: Device) -> str:
    """`auto` takes CUDA, then Apple's MPS, then the CPU. Raises ModelError if the one asked for is not here."""
    if device in ("auto", "cpu") and _only_a_processor():
        return "cpu"
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, here in present.items() if here)
    if not present[device]:
        raise ModelError(f"There is no {device} device on this machine.", "Use auto or cpu.")
    return device


def resolve_dtype(dtype: Dtype, device: str) -> str:
    """`auto` is bfloat16 where the device computes in it, twice as fast as in float32, else float32."""
    if dtype != "auto":
        return dtype
    if device == "cpu":
        return "bfloat16" if _processor_computes_in_bfloat16() else "float32"
    if device == "mps":
        return "float32"
    import torch

    return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"


@cache
def _processor_computes_in_bfloat16() -> bool:
    """Not only stores it: products of bfloat16 in one instruction (AVX512_BF16, AMX). Only Linux tells."""
    try:
        flags = _CPUINFO.read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _only_a_processor() -> bool:
    """True where no driver of an accelerator is in sight, so that nobody waits for torch to say so."""
    drivers = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")
    return sys.platform == "linux" and not any(Path(driver).exists() for driver in drivers)
