from pathlib import Path

import pytest

from neuronxa_core.models import hardware


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [("fpu sse2 avx512_bf16 rdpid", "bfloat16"), ("fpu amx_bf16", "bfloat16"), ("fpu avx2 avx512f", "float32")],
)
def test_auto_is_bfloat16_on_a_processor_that_computes_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, dtype: str
):
    (tmp_path / "cpuinfo").write_text(f"flags\t\t: {flags}\n")
    monkeypatch.setattr(hardware, "_CPUINFO", tmp_path / "cpuinfo")
    hardware._processor_computes_in_bfloat16.cache_clear()
    try:
        assert hardware.resolve_dtype("auto", "cpu") == dtype
        assert hardware.resolve_dtype("float32", "cpu") == "float32"
        assert hardware.resolve_dtype("auto", "mps") == "float32"
    finally:
        hardware._processor_computes_in_bfloat16.cache_clear()


def test_auto_is_float32_where_the_processor_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hardware, "_CPUINFO", tmp_path / "none")
    hardware._processor_computes_in_bfloat16.cache_clear()
    try:
        assert hardware.resolve_dtype("auto", "cpu") == "float32"
    finally:
        hardware._processor_computes_in_bfloat16.cache_clear()
