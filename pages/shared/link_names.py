"""Names for paths in links: what the dashboard offers by path is linked by name, which does not reveal the path."""

from collections.abc import Iterable

from neuronxa_core.corpora.catalogue import BUNDLED
from neuronxa_core.corpora.configured import configured
from neuronxa_core.models import demo
from neuronxa_core.settings import settings
from neuronxa_core.study.naming import corpus_name, model_name, model_title
from neuronxa_core.study.study import Study


def linked(field: str, value: str) -> str:
    """How a link writes a study's model or corpus: by a name where `opened` finds its path again."""
    return next((name for name, path in _offered(field).items() if path == value), value)


def opened(field: str, text: str) -> str:
    """The model or corpus that a link means: the offered path of this name, else the text itself."""
    return _offered(field).get(text, text)


def paths_in_link(study: Study) -> tuple[str, ...]:
    """The fields that a link can only give as a path, so that it opens on this computer alone."""
    names = study.names
    held = {field: linked(field, getattr(study, field)) for field in names}
    return tuple(field for field, text in held.items() if text == getattr(study, field) != names[field])


def _offered(field: str) -> dict[str, str]:
    """The offered paths by name, without those whose names are ambiguous."""
    if field == "corpus":
        return _by_name((path, corpus_name(path)) for path in configured() if corpus_name(path) not in BUNDLED)
    if field == "model":
        return _by_name((path, model_name(path)) for path in settings().models if path != demo.NAME)
    return {}


def _by_name(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    pairs = [(name, path) for path, name in named if name != path]
    names = [name for name, _ in pairs]
    return {name: path for name, path in pairs if names.count(name) == 1 and "/" not in name}


def labels(field: str, options: Iterable[str]) -> dict[str, str]:
    """The label of each option that is a path: its name, with its parent folder where two have the same name."""
    name_of = corpus_name if field == "corpus" else model_title
    names = {option: name_of(option) for option in options}
    shared = [name for name in names.values() if [*names.values()].count(name) > 1]
    return {
        option: f"{name} ({option})" if name in shared and name != option else name for option, name in names.items()
    }
