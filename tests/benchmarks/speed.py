"""How fast extraction and scoring are, each as a ratio within one run. Run by hand, alone on the machine:

    python -m tests.benchmarks.speed [--only extraction]

The work is a pair of NTREX's languages (the bundled sentences where NTREX is absent), the demo model, all layers, NAS,
NAV and embeddings, pooled. Prints a table: what is measured, its target, the median of all rounds, met or not.
`--only linear` measures the time against the number of pairs instead, `--only large --device cuda` a model of 8 billion
parameters.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neuronxa_core.analyses.languages import run_language_matrix
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.metrics.languages import score_languages
from neuronxa_core.models import demo
from neuronxa_core.models.adapters import DecoderParts, decoder_parts
from neuronxa_core.models.hardware import resolve_dtype
from neuronxa_core.models.loading import LoadedModel, load_model
from neuronxa_core.models.locate import ModelRef, find_checkpoint
from neuronxa_core.settings import settings
from neuronxa_core.states import extraction
from neuronxa_core.states.capture import capture
from neuronxa_core.states.extraction import extract
from neuronxa_core.states.sentences import STATES, SentenceStates
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import run_study, score_layers
from neuronxa_core.study.study import Study
from tests.benchmarks.conditions import heading
from tests.benchmarks.memory import MeasurementError, memory_rows
from tests.benchmarks.pairs import CORPUS, PAIRS, sides


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def medians(rounds: int, *works: Callable[[], object]) -> list[float]:
    """Median seconds of each, taken in turns so that a slow moment hits all of them; one round to warm up."""
    times: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for kept, work in zip(times, works, strict=True):
            kept.append(seconds(work))
        if number == 0:
            for kept in times:
                kept.clear()
    return [statistics.median(kept) for kept in times]


@contextmanager
def other_cache() -> Iterator[Path]:
    """An empty cache folder, for as long as the block lasts."""
    before = os.environ.get("NEURONXA_CACHE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NEURONXA_CACHE_DIR"] = folder
        settings.cache_clear()
        yield Path(folder)
    os.environ.pop("NEURONXA_CACHE_DIR")
    if before:
        os.environ["NEURONXA_CACHE_DIR"] = before
    settings.cache_clear()


def bare(model: LoadedModel, sentences: tuple[str, ...]) -> None:
    """The decoder over the batches that `extract` makes, and nothing else."""
    tokens = model.tokenize(sentences)
    for batch in extraction.batches_of(model, [len(each) for each in tokens], None):
        ids, mask = extraction.pad([tokens[row] for row in batch], "right")
        with torch.inference_mode():
            model.parts.decoder(input_ids=ids.to(model.device), attention_mask=mask.to(model.device), use_cache=False)


def usual_way(model: torch.nn.Module, parts: LoadedModel, both: tuple[tuple[str, ...], ...]) -> None:
    """One sentence per forward pass through the whole model, all hidden states kept, cosines pair by pair in Python."""
    vectors = []
    for sentences in both:
        side: list[list[list[np.ndarray]]] = []
        for sentence in sentences:
            ids = torch.tensor(parts.tokenize([sentence]), device=parts.device)
            weights = torch.arange(1, ids.shape[1] + 1, device=parts.device, dtype=torch.float32)[None]
            weights = weights / weights.sum()
            with torch.no_grad(), capture(parts.parts, "gate", weights, lambda: None) as pooled:
                output = model(input_ids=ids, output_hidden_states=True)
            hidden = [(layer[0].float() * weights[0][:, None]).sum(0) for layer in output.hidden_states]
            states = [
                [layer[0] for layer in pooled["nas"]],
                [layer[0] for layer in pooled["nav"]],
                hidden,
            ]
            side.append([[layer.float().cpu().numpy() for layer in state] for state in states])
        vectors.append(side)
    source, target = vectors
    for state in range(3):
        for layer in range(len(source[0][state])):
            for ours in source:
                for theirs in target:
                    a, b = ours[state][layer], theirs[state][layer]
                    float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) or 1.0))


Row = tuple[str, str, str, bool]


def extraction_rows(rounds: int, device: str) -> list[Row]:
    from transformers import AutoModelForCausalLM

    checkpoint = find_checkpoint(ModelRef("demo"))
    both, rows = sides(), []
    study = Study("demo", CORPUS, "deu_Latn", "eng_Latn", PAIRS)
    picked = resolve_dtype("auto", device)
    models = {dtype: load_model(checkpoint, device, dtype) for dtype in dict.fromkeys(("float32", picked))}
    for dtype, model in models.items():
        tokens = sum(len(ids) for side in both for ids in model.tokenize(side))
        plain, ours = medians(
            rounds,
            partial(lambda model: [bare(model, side) for side in both], model),
            partial(lambda model: [extract(model, side) for side in both], model),
        )
        rows.append(
            (
                f"extraction against the bare forward pass, {dtype} ({tokens:,} tokens, {ours:.2f} s, "
                f"{tokens / ours:,.0f} a second)",
                "at most 1.05",
                f"{ours / plain:.3f}",
                ours <= 1.05 * plain,
            )
        )
    whole = AutoModelForCausalLM.from_pretrained(checkpoint.folder, dtype=torch.float32).to(device).eval()
    plain_model = replace(models["float32"], parts=_parts_of(whole))

    def everything(model: LoadedModel) -> None:
        source, target = (extract(model, side) for side in both)
        assert len(_result(study, source, target).scores)

    by_hand, *with_scores = medians(
        rounds, lambda: usual_way(whole, plain_model, both), *(partial(everything, model) for model in models.values())
    )
    for dtype, taken in zip(models, with_scores, strict=True):
        least = 30 if device == "cuda" else 7 if dtype == "float32" else 14
        rows.append(
            (
                f"the usual way in float32, sentence by sentence ({by_hand:.1f} s), against this in {dtype}, "
                f"scores and intervals included ({taken:.2f} s)",
                f"at least {least}",
                f"{by_hand / taken:.1f}",
                by_hand >= least * taken,
            )
        )
    return rows


def _parts_of(whole: Any) -> DecoderParts:
    return decoder_parts(whole.base_model, whole.config.to_dict())


def _result(study: Study, source: SentenceStates, target: SentenceStates) -> StudyResult:
    return StudyResult(study, {state: score_layers(state, source, target) for state in STATES}, {})


def scoring_rows(rounds: int) -> list[Row]:
    model = load_model(find_checkpoint(ModelRef("demo")), "cpu", "float32")
    source, target = (extract(model, side) for side in sides())
    study = Study("demo", CORPUS, "deu_Latn", "eng_Latn", PAIRS)
    torch.set_num_threads(1)
    (score,) = medians(rounds, lambda: _result(study, source, target).scores)
    torch.set_num_threads(os.cpu_count() or 1)
    vectors = np.stack([source.of("nas")[6]] * 24)
    (layer,) = medians(1, lambda: score_languages([*vectors]))
    return [
        (
            f"scores of all layers and states, both directions, with intervals ({PAIRS} pairs)",
            "under 150 ms",
            f"{1000 * score:.0f} ms",
            score < 0.150,
        ),
        ("one layer of NAS, 24 languages, all 276 pairs", "", f"{1000 * layer:.0f} ms", True),
    ]


def cache_rows(rounds: int) -> list[Row]:
    prepared = demo.demo_folder()
    with other_cache() as cache:
        (cache / "models").mkdir()
        (cache / "models" / prepared.name).symlink_to(prepared)
        study = Study("demo", "everyday", "deu_Latn", "eng_Latn", PAIRS)
        first = seconds(lambda: run_study(study))
        second = seconds(lambda: run_study(Study("demo", "everyday", "fra_Latn", "eng_Latn", PAIRS)))
        (again,) = medians(rounds, lambda: run_study(study).scores)
        codes = open_corpus("everyday").languages[:24]
        matrix = seconds(lambda: run_language_matrix(study, codes))
        for file in (cache / "results").glob("*.matrix.parquet"):
            file.unlink()
        scored = seconds(lambda: run_language_matrix(study, codes))
    return [
        ("a cached study, opened and scored", "under 300 ms", f"{1000 * again:.0f} ms", again < 0.3),
        (
            "a second language against English, of the first pair's time (loading included there)",
            "about half",
            f"{second / first:.2f}",
            second < 0.75 * first,
        ),
        (
            f"24 languages, 276 pairs, 55 layers: scoring from cached states (all of it, fresh: {matrix:.0f} s)",
            "under 5 s",
            f"{scored:.1f} s",
            scored < 5,
        ),
    ]


def start_rows() -> list[Row]:
    code = (
        "import time; started = time.perf_counter()\n"
        "import torch, transformers.models.gemma3.modeling_gemma3\n"
        "from neuronxa_core.models.locate import find_checkpoint\n"
        "from neuronxa_core.models.loading import load_model\n"
        "imported = time.perf_counter(); load_model(find_checkpoint('demo'), 'cpu', 'float32')\n"
        "print(time.perf_counter() - imported, imported - started)"
    )
    runs = [subprocess.check_output([sys.executable, "-c", code], text=True).split() for _ in range(5)]
    load, imports = (statistics.median(map(float, column)) for column in zip(*runs, strict=True))
    with other_cache():
        prepare = seconds(demo.prepare_demo)
    return [
        ("loading the prepared demo model", "under 3 s", f"{load:.1f} s", load < 3),
        ("importing torch and transformers before it, once in a process", "", f"{imports:.1f} s", True),
        ("preparing the demo model's weights, once", "under 20 s", f"{prepare:.0f} s", prepare < 20),
    ]


def linear_rows() -> None:
    model = load_model(find_checkpoint(ModelRef("demo")), "cpu", resolve_dtype("auto", "cpu"))
    extract(model, sides()[0])
    print(f"\n{model.dtype}\n\n| pairs | tokens | seconds | microseconds per token |\n|---|---|---|---|")
    for pairs in (50, 100, 200, 500, 1000, 2000):
        both = sides(pairs)
        tokens = sum(len(ids) for side in both for ids in model.tokenize(side))
        taken = seconds(partial(lambda both: [extract(model, side) for side in both], both))
        print(f"| {pairs} | {tokens:,} | {taken:.1f} | {1e6 * taken / tokens:.0f} |")


LLAMA_8B = {
    "vocab_size": 128_256,
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 8192,
    "rope_theta": 500_000.0,
}


def large_rows(rounds: int, device: str) -> list[Row]:
    """A Llama of 8 billion random weights in bfloat16; the sentences are tokenized as for the demo model."""
    from transformers import AutoConfig, AutoModel

    words = load_model(find_checkpoint(ModelRef("demo")), "cpu", "float32").tokenize
    config = AutoConfig.for_model("llama", **LLAMA_8B)
    with torch.device(device):
        decoder = AutoModel.from_config(config, dtype=torch.bfloat16).eval().requires_grad_(False)
    model = LoadedModel(
        tokenize=lambda sentences: [[number % config.vocab_size for number in ids] for ids in words(sentences)],
        parts=decoder_parts(decoder, config.to_dict()),
        fingerprint="random",
        device=device,
        dtype="bfloat16",
        context=8192,
    )
    both = sides()
    plain, ours = medians(
        rounds, lambda: [bare(model, side) for side in both], lambda: [extract(model, side) for side in both]
    )
    what = f"{PAIRS} pairs through 8 billion parameters in bfloat16 ({ours:.2f} s; bare forward pass {plain:.2f} s)"
    return [(what, "", f"{ours / plain:.3f}", ours <= 1.05 * plain)]


PARTS: dict[str, Callable[[int, str], list[Row]]] = {
    "extraction": extraction_rows,
    "scoring": lambda rounds, _: scoring_rows(rounds),
    "memory": lambda *_: memory_rows(),
    "cache": lambda rounds, _: cache_rows(rounds),
    "start": lambda *_: start_rows(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", choices=[*PARTS, "linear", "large"])
    options = parser.parse_args()
    demo.prepare_demo()
    print(heading(f"{torch.get_num_threads()} threads", f"torch {torch.__version__}", options.device))
    if options.only == "linear":
        linear_rows()
        return
    print("\n| what | target | measured | met |\n|---|---|---|---|", flush=True)
    parts = PARTS | {"large": large_rows}
    for name in [options.only] if options.only else PARTS if options.device == "cpu" else ["extraction"]:
        try:
            rows = parts[name](options.rounds, options.device)
        except MeasurementError as error:
            sys.exit(str(error))
        for what, target, measured, met in rows:
            print(f"| {what} | {target} | {measured} | {'yes' if met else 'no'} |", flush=True)


if __name__ == "__main__":
    main()
