"""NeuronXA: how well two languages are aligned inside a language model, layer by layer, in the states of its neurons.

    from neuronxa_core import Study, run

    result = run(Study(model="demo", corpus="everyday", source="deu_Latn", target="eng_Latn"))
    result.scores    # one row per state and layer, a pandas DataFrame
    result.summary   # NASCA, NAVCA, MEXA, peaks, direction gaps, provenance
    result           # in a notebook: the curves and the finding

This file is the public API. `run` answers a request (Similarity, Languages, Neurons ...), and `find` looks up its
answer without computing it. An answer has `tables`, a `summary`, `figures()` and a `finding`. `metrics` has functions
on arrays, `figures` draws. Names that are not listed here may move between versions.
"""

from typing import TYPE_CHECKING, Any

from neuronxa_core.study.display import drawn_by as _drawn_by
from neuronxa_core.version import __version__

__all__ = [
    "Ablation",
    "Alignment",
    "Asymmetry",
    "ChangedAlignment",
    "Choices",
    "ChoicesAnswer",
    "Claims",
    "ClaimsAnswer",
    "Continuation",
    "ContinuedText",
    "Downstream",
    "Effects",
    "Found",
    "GridAnswer",
    "Interventions",
    "Items",
    "LanguageMatrix",
    "LanguageResults",
    "Languages",
    "LatentAnswer",
    "LatentAnswers",
    "LatentLanguage",
    "LatentLanguages",
    "Lens",
    "Measured",
    "Method",
    "ModelComparison",
    "ModelRef",
    "Models",
    "NeuronRates",
    "NeuronXAError",
    "Neurons",
    "PairSimilarities",
    "PairsNeeded",
    "Project",
    "ProjectionSettings",
    "Projections",
    "RankStability",
    "RevisionCurve",
    "Revisions",
    "SentenceItems",
    "SentenceStates",
    "Settings",
    "Similarity",
    "Steering",
    "SteeringAnswer",
    "Study",
    "StudyLayers",
    "StudyResult",
    "TokenPair",
    "Tokens",
    "WithWithout",
    "WorkedExample",
    "__version__",
    "corpus_of",
    "extract",
    "figures",
    "find",
    "load_model",
    "metrics",
    "open_corpus",
    "run",
    "run_study",
]

if TYPE_CHECKING:
    from neuronxa_core import figures, metrics
    from neuronxa_core.analyses.alignment import Alignment
    from neuronxa_core.analyses.asymmetry import Asymmetry, LanguageResults
    from neuronxa_core.analyses.choices import Choices, ChoicesAnswer
    from neuronxa_core.analyses.claims import Claims, ClaimsAnswer
    from neuronxa_core.analyses.continuation import Continuation, ContinuedText
    from neuronxa_core.analyses.downstream import Downstream, Measured
    from neuronxa_core.analyses.effects import Effects
    from neuronxa_core.analyses.interventions import Interventions
    from neuronxa_core.analyses.items import Items, SentenceItems
    from neuronxa_core.analyses.language_matrix import LanguageMatrix
    from neuronxa_core.analyses.languages import Languages
    from neuronxa_core.analyses.latent_answer import LatentAnswer
    from neuronxa_core.analyses.latent_language import LatentLanguage
    from neuronxa_core.analyses.latent_languages import LatentAnswers, LatentLanguages
    from neuronxa_core.analyses.lens_grid import GridAnswer, Lens
    from neuronxa_core.analyses.method import Method
    from neuronxa_core.analyses.models import ModelComparison, Models
    from neuronxa_core.analyses.neurons import NeuronRates, Neurons, TokenPair, Tokens
    from neuronxa_core.analyses.pairs_needed import PairsNeeded, RankStability
    from neuronxa_core.analyses.projections import Project, Projections
    from neuronxa_core.analyses.revisions import RevisionCurve, Revisions
    from neuronxa_core.analyses.run import run
    from neuronxa_core.analyses.settings import Ablation, Settings
    from neuronxa_core.analyses.similarity import PairSimilarities, Similarity
    from neuronxa_core.analyses.steering import Steering
    from neuronxa_core.analyses.steering_answer import SteeringAnswer
    from neuronxa_core.analyses.umap import ProjectionSettings
    from neuronxa_core.analyses.with_without import ChangedAlignment, WithWithout
    from neuronxa_core.analyses.worked_example import WorkedExample
    from neuronxa_core.corpora.catalogue import open_corpus
    from neuronxa_core.corpora.uploads import corpus_of
    from neuronxa_core.errors import NeuronXAError
    from neuronxa_core.gallery.answers import find
    from neuronxa_core.models.by_name import load_model
    from neuronxa_core.models.locate import ModelRef
    from neuronxa_core.states.extraction import extract
    from neuronxa_core.states.sentences import SentenceStates
    from neuronxa_core.study.analysis import Found
    from neuronxa_core.study.layers import StudyLayers
    from neuronxa_core.study.result import StudyResult
    from neuronxa_core.study.runner import run_study
    from neuronxa_core.study.study import Study

_HOMES = {
    "Study": "study.study",
    "StudyResult": "study.result",
    "Alignment": "analyses.alignment",
    "Similarity": "analyses.similarity",
    "PairSimilarities": "analyses.similarity",
    "Asymmetry": "analyses.asymmetry",
    "LanguageResults": "analyses.asymmetry",
    "Project": "analyses.projections",
    "Projections": "analyses.projections",
    "ProjectionSettings": "analyses.umap",
    "Languages": "analyses.languages",
    "LanguageMatrix": "analyses.language_matrix",
    "Neurons": "analyses.neurons",
    "NeuronRates": "analyses.neurons",
    "Tokens": "analyses.neurons",
    "TokenPair": "analyses.neurons",
    "LatentLanguage": "analyses.latent_language",
    "LatentAnswer": "analyses.latent_answer",
    "LatentLanguages": "analyses.latent_languages",
    "LatentAnswers": "analyses.latent_languages",
    "Lens": "analyses.lens_grid",
    "GridAnswer": "analyses.lens_grid",
    "Method": "analyses.method",
    "WorkedExample": "analyses.worked_example",
    "Settings": "analyses.settings",
    "Ablation": "analyses.settings",
    "PairsNeeded": "analyses.pairs_needed",
    "RankStability": "analyses.pairs_needed",
    "Models": "analyses.models",
    "ModelComparison": "analyses.models",
    "Interventions": "analyses.interventions",
    "Effects": "analyses.effects",
    "WithWithout": "analyses.with_without",
    "ChangedAlignment": "analyses.with_without",
    "Steering": "analyses.steering",
    "SteeringAnswer": "analyses.steering_answer",
    "Continuation": "analyses.continuation",
    "ContinuedText": "analyses.continuation",
    "Downstream": "analyses.downstream",
    "Measured": "analyses.downstream",
    "Revisions": "analyses.revisions",
    "RevisionCurve": "analyses.revisions",
    "Items": "analyses.items",
    "SentenceItems": "analyses.items",
    "Choices": "analyses.choices",
    "ChoicesAnswer": "analyses.choices",
    "Claims": "analyses.claims",
    "ClaimsAnswer": "analyses.claims",
    "run": "analyses.run",
    "find": "gallery.answers",
    "Found": "study.analysis",
    "run_study": "study.runner",
    "open_corpus": "corpora.catalogue",
    "corpus_of": "corpora.uploads",
    "ModelRef": "models.locate",
    "load_model": "models.by_name",
    "extract": "states.extraction",
    "SentenceStates": "states.sentences",
    "StudyLayers": "study.layers",
    "NeuronXAError": "errors",
}
"""The module that defines each name. It is imported on first use, so that importing the package is cheap."""
_ROOMS = ("figures", "metrics")


def __getattr__(name: str) -> Any:
    """A public name, imported on first use."""
    from importlib import import_module

    if name in _ROOMS:
        return import_module(f"neuronxa_core.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'neuronxa_core' has no attribute {name!r}")
    return getattr(import_module(f"neuronxa_core.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _painter() -> Any:
    from neuronxa_core.figures import notebook

    return notebook


_drawn_by(_painter)
