"""At which layer do two languages meet, and how well: the scores of one study."""

from dataclasses import dataclass
from typing import ClassVar

from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.study.analysis import pair_sentences
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.runner import find_result, run_study
from neuronxa_core.study.study import Study


@dataclass(frozen=True)
class Alignment:
    """The scores of a study, layer by layer; the states of both languages stay in the cache for other analyses."""

    name: ClassVar[str] = "alignment"
    study: Study
    at_once: ClassVar[int | None] = None

    def sentences(self) -> tuple[str, ...]:
        return pair_sentences(self.study)

    def cached(self) -> StudyResult | None:
        return find_result(self.study)

    def run(self, watcher: Watcher = SILENT, device: Device = "auto") -> StudyResult:
        return run_study(self.study, device=device, keep_states=True, watcher=watcher)
