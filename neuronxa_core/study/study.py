"""Study: model, corpus, languages and settings, which give the cache key, file names, URL and caption."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from neuronxa_core.corpora.bitext import Bitext
from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.corpora.selection import read_left_out
from neuronxa_core.errors import StudyError
from neuronxa_core.models import demo
from neuronxa_core.models.hardware import DTYPES, Dtype
from neuronxa_core.models.locate import ModelRef
from neuronxa_core.settings import settings
from neuronxa_core.states.sentences import POOLINGS, SITES, Pooling, ReadoutConfig, Site
from neuronxa_core.study.naming import corpus_name, model_name, model_title

CHOICES: dict[str, tuple[str, ...]] = {"site": SITES, "pooling": ("auto", *POOLINGS), "dtype": DTYPES}
"""Allowed values of a study's fields, the default first."""


_LATER = ("adapter", "neurons", "sample", "leave_out")


@dataclass(frozen=True)
class Study:
    """Everything that determines a result; also its cache key, file stem, URL and caption."""

    model: str
    corpus: str
    source: str
    target: str
    pairs: int = 100
    site: Site = "gate"
    pooling: Pooling | Literal["auto"] = "auto"
    """`auto` is `mean` for an encoder and `position` for a decoder; a result names which."""
    dtype: Dtype = "auto"
    """`auto` depends on the device, see hardware.resolve_dtype; a result names which."""
    revision: str = ""
    adapter: str = ""
    """The folder of a LoRA adapter on top of the model."""
    neurons: str = ""
    """Path of the module to read in place of the family's own, see adapters.decoder_parts."""
    sample: int = 0
    """0 for the first pairs, otherwise the seed of a random sample."""
    leave_out: str = ""
    """Kinds and numbers of the lines to leave out, see selection.read_left_out."""

    def __post_init__(self) -> None:
        for name in ("source", "target"):
            object.__setattr__(self, name, language(getattr(self, name)).code)
        for name in ("pairs", "sample"):
            object.__setattr__(self, name, int(getattr(self, name)))
        object.__setattr__(self, "leave_out", str(read_left_out(self.leave_out)))
        if self.sample < 0:
            raise StudyError(
                f"The seed of a sample cannot be {self.sample}.", "Use a positive number, or 0 for the first pairs."
            )
        if self.model == demo.NAME and self.pooling == "auto":
            object.__setattr__(self, "pooling", "position")
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise StudyError(f"{name} cannot be {getattr(self, name)!r}.", f"Choose one of: {', '.join(allowed)}.")
        if self.source == self.target:
            raise StudyError(f"Source and target are both {self.source}.", "Choose two different languages.")

    @property
    def ref(self) -> ModelRef:
        """The study's model: name, revision, adapter and neurons."""
        return ModelRef(self.model, self.revision, self.adapter, self.neurons)

    @property
    def fields(self) -> dict[str, Any]:
        """Fields by name. Those added later appear only if set, so that older files keep their names."""
        return {name: value for name, value in asdict(self).items() if value or name not in _LATER}

    @property
    def names(self) -> dict[str, str]:
        """Model, corpus and adapter as people read them: a path by its name, see naming."""
        return {
            "model": model_name(self.model),
            "corpus": corpus_name(self.corpus),
            "adapter": model_name(self.adapter),
        }

    @property
    def title(self) -> str:
        """The model as people read it: `Gemma 3 270M (base)` for the demo, see naming."""
        return model_title(self.model)

    @property
    def told(self) -> dict[str, Any]:
        """`fields` with names in place of paths: the study as an export tells it."""
        return {name: self.names.get(name, value) for name, value in self.fields.items()}

    def traced(self, provenance: Mapping[str, Any]) -> dict[str, Any]:
        """A provenance as an export tells it: in local mode with the paths behind the names, by field."""
        paths = {name: value for name, value in self.fields.items() if value != self.told[name]}
        return {**provenance, **({"paths": paths} if paths and settings().mode == "local" else {})}

    @property
    def readout(self) -> ReadoutConfig:
        """How neurons are read and pooled. Raises ValueError while the pooling is `auto`, which a model resolves."""
        if self.pooling == "auto":
            raise ValueError("the pooling is `auto` until a recipe knows the model")
        return ReadoutConfig(self.site, self.pooling)

    @property
    def against_pivot(self) -> "Study":
        """The study with English, the paper's pivot, as its target if English is its source; else the study itself."""
        return replace(self, source=self.target, target=ENGLISH) if self.source == ENGLISH else self

    def bitext(self) -> Bitext:
        """The pairs of the study. Raises CorpusError if the corpus lacks them."""
        return open_corpus(self.corpus).bitext(self.source, self.target, self.pairs, self.sample, self.leave_out)

    def sentences(self, code: str) -> tuple[str, ...]:
        """The sentences of one language in its study against the target. Raises CorpusError."""
        if code == self.target:
            return self.bitext().target_sentences
        return replace(self, source=code).bitext().source_sentences

    def answers(self, asked: "Study") -> bool:
        """Whether a result of this study answers `asked`: the same study, whatever `auto` was resolved to."""
        open_ = {name: getattr(self, name) for name in ("pooling", "dtype") if getattr(asked, name) == "auto"}
        return replace(asked, **open_) == self

    @property
    def _choice(self) -> str:
        sample = f", sample {self.sample}" if self.sample else ""
        return sample + (f" without {self.leave_out}" if self.leave_out else "")

    @property
    def stem(self) -> str:
        """A file name without suffix."""
        parts = [
            self.names["model"],
            self.revision,
            self.names["adapter"],
            self.neurons,
            self.names["corpus"],
            f"{self.source}-{self.target}",
            f"{self.pairs}{f'-seed{self.sample}' if self.sample else ''}",
            self.leave_out and f"without-{self.leave_out}",
        ]
        text = "_".join(part for part in [*parts, self.site, self.pooling, self.dtype] if part)
        return re.sub(r"[^\w.-]+", "-", text).strip("-.")[-150:]

    @property
    def caption(self) -> str:
        """One line that describes the study under a figure."""
        revision = f" @ {self.revision}" if self.revision else ""
        names = self.names
        adapter = f" + {names['adapter']}" if self.adapter else ""
        parts = [
            f"{self.title}{revision}{adapter}",
            names["corpus"],
            *([f"neurons {self.neurons}"] if self.neurons else []),
            f"{self.source} → {self.target}",
            f"{self.pairs} pairs{self._choice}",
        ]
        return " · ".join([*parts, f"site {self.site}", f"pooling {self.pooling}", f"dtype {self.dtype}"])


def study_of(row: Mapping[str, Any]) -> Study:
    """The study with the `fields` in a row. Raises KeyError if they are missing."""
    return Study(
        **{field.name: row[field.name] for field in fields(Study) if field.name in row or field.name == "model"}
    )
