"""Errors that a user can fix: each message says in one sentence what is wrong and in another what to do next.

    NeuronXAError
    |- SettingsError   an environment variable with an invalid value
    |- StudyError      a study whose parts do not fit together
    |- CorpusError     a corpus, or one of its languages, that cannot be read
    |  |- SentenceError   a sentence that the model cannot process
    |- ModelError      a model that cannot be found, loaded or interpreted
    |  |- ChangedModelError   a model whose files do not match its fingerprint
    |- CacheError      a cache folder that cannot be written to
    |- WorkerError     a worker process that ended unexpectedly
    |- SweepError      a sweep's plan or store that cannot be used
    |- LessonError     a lesson file that cannot be used
    |- RoomError       a class that cannot be opened or joined
    Cancelled          not an error: the run was asked to stop

Any other exception is a bug and keeps its traceback.
"""

import re
from collections.abc import Mapping

_LONGEST = 1_000
_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def shown(text: str, longest: int = 80) -> str:
    """A text from elsewhere as a message shows it: not too long, and without what no page can draw."""
    text = _NOT_TEXT.sub("\ufffd", text)
    return text if len(text) <= longest else f"{text[:longest]} ..."


_HIDDEN: dict[str, str] = {}


def hide(places: Mapping[str, str]) -> None:
    """Has every error show these places by the names given for them, and no others, from now on."""
    _HIDDEN.clear()
    _HIDDEN.update(sorted(places.items(), key=lambda place: -len(place[0])))


class NeuronXAError(Exception):
    """An error that the user can fix. `str()` is one line: what is wrong, then the next step."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(problem, next_step)
        self.problem = shown(" ".join(problem.split()), _LONGEST)
        self.next_step = shown(" ".join(next_step.split()), _LONGEST)

    def __str__(self) -> str:
        text = f"{self.problem} {self.next_step}"
        for place, name in _HIDDEN.items():
            text = text.replace(place, name)
        return text


class SettingsError(NeuronXAError):
    """An environment variable with an invalid value."""


class StudyError(NeuronXAError):
    """A study whose parts do not fit together."""


class CorpusError(NeuronXAError):
    """A corpus, or one of its languages, that cannot be read."""


class OneLanguageError(CorpusError):
    """A table with one language alone, which leaves nothing to compare."""


class SentenceError(CorpusError):
    """A sentence that the model cannot process. Code that knows the corpus can find its line from `sentence`."""

    def __init__(self, problem: str, next_step: str, sentence: str) -> None:
        super().__init__(problem, next_step)
        self.sentence = sentence


class ModelError(NeuronXAError):
    """A model that cannot be found, loaded or interpreted."""


class ChangedModelError(ModelError):
    """A model whose files do not match its fingerprint; no result from them may be stored under that fingerprint."""


class FigureError(NeuronXAError):
    """A picture that cannot be saved."""


class CacheError(NeuronXAError):
    """A cache folder that cannot be written to."""


class WorkerError(NeuronXAError):
    """A worker process that ended unexpectedly: killed, out of memory, or crashed."""


class SweepError(NeuronXAError):
    """A plan of a sweep, or a store of its results, that cannot be used."""


class LessonError(NeuronXAError):
    """A lesson file, or one of its steps, that cannot be used."""


class RoomError(NeuronXAError):
    """A room of class mode that cannot be opened or joined."""


class Cancelled(Exception):  # noqa: N818 - it is not an error
    """Raised inside a run that was asked to stop."""
