"""The precomputed interventions: every cell with the bits of its sentences, and the neurons behind them."""

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from neuronxa_core.analyses.effects import Cell, Effects
from neuronxa_core.analyses.interventions import Interventions
from neuronxa_core.gallery.read import as_stored, gallery_studies
from neuronxa_core.states.store import write_aside
from neuronxa_core.study import bundled

INTERVENED = (
    *("eng_Latn", "arb_Arab", "deu_Latn", "fra_Latn", "hin_Deva", "ind_Latn"),
    *("jpn_Jpan", "rus_Cyrl", "spa_Latn", "swh_Latn", "tur_Latn", "zho_Hans"),
)
"""The languages of the precomputed answer, in the order of the corpus."""
FOLDER = "interventions"


def gallery_request() -> Interventions:
    """What is precomputed: each language's own neurons (LAPE), switched off in every language."""
    return Interventions(gallery_studies()[0], INTERVENED)


def write_effects(effects: Effects, folder: Path) -> None:
    """Writes an answer: cells.parquet, neurons.parquet and told.json."""
    cells = pd.DataFrame([{**cell._asdict(), "bits": np.round(bits, 3)} for cell, bits in effects.bits.items()])
    told = {
        "codes": list(effects.codes),
        "sizes": dict(effects.sizes),
        "utf8_bytes": dict(effects.utf8_bytes),
        "asked": dict(effects.asked),
        "provenance": dict(effects.provenance),
    }
    for name, frame in (("cells", cells), ("neurons", effects.neurons)):
        write_aside(
            folder / f"{name}.parquet",
            lambda path, frame=frame: frame.to_parquet(path, compression="zstd", index=False),  # type: ignore[misc]
        )
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    write_aside(folder / "told.json", lambda path: path.write_text(text, encoding="utf-8"))


def precomputed_effects(request: Interventions) -> Effects | None:
    """The gallery's answer if it is to this request, whatever its source, target and pooling; or None."""
    wanted, gallery = as_stored(request.study), gallery_request()
    study = replace(wanted, source=gallery.study.source, target=gallery.study.target, pooling=gallery.study.pooling)
    if replace(request, study=study) != gallery:
        return None
    found = _gallery_effects(bundled.GALLERY / FOLDER)
    return replace(found, study=wanted) if found else None


@lru_cache(maxsize=1)
def _gallery_effects(folder: Path) -> Effects | None:
    told = bundled.read(folder / "told.json", lambda path: json.loads(path.read_text(encoding="utf-8")))
    cells, neurons = (bundled.read(folder / f"{name}.parquet", pd.read_parquet) for name in ("cells", "neurons"))
    if told is None or cells is None or neurons is None:
        return None
    bits = {
        Cell(str(row.neurons_of), int(row.control), str(row.measured_in)): np.asarray(row.bits, dtype=np.float64)
        for row in cells.itertuples()
    }
    codes = tuple(told["codes"])
    study = gallery_request().study
    return Effects(study, codes, told["sizes"], neurons, bits, told["utf8_bytes"], told["asked"], told["provenance"])
