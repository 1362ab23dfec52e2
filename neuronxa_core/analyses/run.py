"""`run`, which answers any request, whichever analysis it belongs to."""

from typing import Any, overload

from neuronxa_core.analyses.alignment import Alignment
from neuronxa_core.models.hardware import Device
from neuronxa_core.progress import SILENT, Watcher
from neuronxa_core.study.analysis import Analysis, Given
from neuronxa_core.study.result import StudyResult
from neuronxa_core.study.study import Study


def question(asked: Analysis[Any] | Study) -> Analysis[Any]:
    """The request itself; for a bare study, the request for its alignment."""
    return Alignment(asked) if isinstance(asked, Study) else asked


@overload
def run(request: Study, device: Device = "auto", watcher: Watcher = SILENT) -> StudyResult: ...


@overload
def run(request: Analysis[Given], device: Device = "auto", watcher: Watcher = SILENT) -> Given: ...


def run(request: Any, device: Device = "auto", watcher: Watcher = SILENT) -> Any:
    """The answer to a request, from the cache or computed now; for a bare study, its alignment.

    Raises NeuronXAError for whatever a user can fix, and Cancelled if the watcher stops the run.
    """
    return question(request).run(watcher, device)
