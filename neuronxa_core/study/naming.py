"""Names in place of the paths in a study, so that nothing exported tells where things lie on this computer."""

from pathlib import Path

from neuronxa_core.corpora.catalogue import BUNDLED
from neuronxa_core.corpora.formats import SUFFIXES
from neuronxa_core.corpora.hub_texts import is_hub_text
from neuronxa_core.corpora.uploads import PREFIX as UPLOAD
from neuronxa_core.models import demo
from neuronxa_core.models.locate import is_hub_id
from neuronxa_core.paths import exists

_IN_HUB_CACHE = "models--"
"""What the hub's cache puts in front of a model's id to name its folder."""


def corpus_name(corpus: str) -> str:
    """The last part of a corpus's path without its suffix; every other corpus has a name already."""
    if corpus in BUNDLED or corpus.startswith(UPLOAD) or is_hub_text(corpus) or "/" not in corpus:
        return corpus
    path = Path(corpus)
    return _last_part(path.with_suffix("") if path.suffix.lower() in SUFFIXES else path) or "corpus"


def model_name(model: str) -> str:
    """The last part of the path of a model or adapter, its id where the path lies in the hub's cache; or what it is."""
    if "/" not in model or model == demo.NAME or is_hub_id(model) or not _is_path(model):
        return model
    path = Path(model)
    cached = next((part for part in reversed(path.parts) if part.startswith(_IN_HUB_CACHE)), "")
    return cached.removeprefix(_IN_HUB_CACHE).replace("--", "/") or _last_part(path) or "model"


def model_title(model: str) -> str:
    """The model as people read it in a sentence: the demo by the name of the model that it is."""
    return demo.TITLE if model == demo.NAME else model_name(model)


def _is_path(text: str) -> bool:
    return text[0] in "/~." or exists(text)


def _last_part(path: Path) -> str:
    return next((part for part in reversed(path.parts) if part not in (".", "..", "/", "~")), "")
