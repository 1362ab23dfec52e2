"""What a user can mend: every message is one sentence of what is wrong and one of what to do next.

    NeuronXAError
    |- SettingsError   an environment variable that does not parse
    |- StudyError      a study whose parts do not fit together
    |- CorpusError     a corpus or a language of it that cannot be read
    |  |- SentenceError   one sentence that a model cannot take
    |- ModelError      a model that cannot be found, loaded or understood
    |  |- ChangedModelError   a model whose files do not hold what its fingerprint says
    |- CacheError      a cache folder that cannot be written
    Cancelled          not an error: somebody asked the run to stop

Anything else that is raised is a fault of the program and keeps its traceback.
"""


class NeuronXAError(Exception):
    """Something the user can mend. `str()` is one line: what is wrong, then the next step."""

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(problem, next_step)
        self.problem = " ".join(problem.split())
        self.next_step = " ".join(next_step.split())

    def __str__(self) -> str:
        return f"{self.problem} {self.next_step}"


class SettingsError(NeuronXAError):
    """An environment variable that does not parse."""


class StudyError(NeuronXAError):
    """A study whose parts do not fit together."""


class CorpusError(NeuronXAError):
    """A corpus, or a language of it, that cannot be read."""


class SentenceError(CorpusError):
    """A sentence that a model cannot take; `sentence` is it, so that whoever knows the corpus can name its line."""

    def __init__(self, problem: str, next_step: str, sentence: str) -> None:
        super().__init__(problem, next_step)
        self.sentence = sentence


class ModelError(NeuronXAError):
    """A model that cannot be found, loaded or understood."""


class ChangedModelError(ModelError):
    """A model whose files do not hold what its fingerprint says; nothing that they give may be kept under it."""


class CacheError(NeuronXAError):
    """A cache folder that cannot be written."""


class Cancelled(Exception):  # noqa: N818 - it is not an error
    """Raised inside a run after somebody asked it to stop."""
