"""The parts of a lesson file: front matter and steps, with YAML read as plain text and the lines where it stands."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from neuronxa_core.errors import shown

Plain = str | list[Any] | dict[str, Any]
"""A value of YAML. All scalars are text, so that `no` is a word and 0.50 keeps its zero."""
_DEEPEST = 6


class YamlFaultError(Exception):
    """A fault in YAML: what is wrong, what to do, and the line, from 1."""

    def __init__(self, problem: str, next_step: str, line: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.next_step, self.line = problem, next_step, line


@dataclass(frozen=True)
class Section:
    """A step as it is written. settings: the text of its YAML block, None without one; line: of the title, from 1."""

    title: str
    line: int
    settings: str | None
    paragraphs: tuple[str, ...]


_FRONT = re.compile(r"\A---\n(?P<yaml>.*?)^---\n?", re.M | re.S)
_TITLE = re.compile(r"^## +(?P<title>.+?) *$", re.M)
_BLOCK = re.compile(r"\A\s*```ya?ml\n(?P<yaml>.*?)^```\s*?$", re.M | re.S)


def front_matter(source: str) -> str | None:
    """The YAML between the two lines `---` at the top, or None."""
    found = _FRONT.match(source)
    return found["yaml"] if found else None


def sections(source: str) -> Iterator[Section]:
    """The steps, each with a title `## ...`."""
    titles = list(_TITLE.finditer(source))
    ends = [*(title.start() for title in titles[1:]), len(source)]
    for title, end in zip(titles, ends, strict=False):
        body = source[title.end() : end]
        block = _BLOCK.match(body)
        words = body[block.end() :] if block else body
        paragraphs = tuple(part.strip() for part in re.split(r"\n\s*\n", words) if part.strip())
        line = source.count("\n", 0, title.start()) + 1
        yield Section(title["title"], line, block["yaml"] if block else None, paragraphs)


def mapping(text: str) -> Mapping[str, Plain]:
    """The keys and values of a YAML text. Raises YamlFaultError."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlFaultError(
            f"this is not valid YAML ({shown(str(error.problem))})",
            "Correct it; put a text with a colon or a quotation mark between quotation marks.",
            mark.line + 1 if mark else 0,
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlFaultError("this is not valid YAML", "Write lines `key: value`.") from error
    if root is None:
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise YamlFaultError("this has no lines `key: value`", "Write it as lines `key: value`.")
    found = _plain(root, set(), 0)
    assert isinstance(found, dict)
    return found


def _plain(node: Any, seen: set[int], depth: int) -> Plain:
    """A node without its tags. Raises YamlFaultError for what no lesson needs: aliases, nesting, two equal keys."""
    line = int(node.start_mark.line) + 1
    if id(node) in seen or depth > _DEEPEST:
        raise YamlFaultError(
            "this refers to another place with `*`, or is nested too deeply", "Write it out plainly.", line
        )
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return [_plain(each, seen, depth + 1) for each in node.value]
    if not isinstance(node, yaml.MappingNode):
        return str(node.value).strip()
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
        if not name or name in found:
            raise YamlFaultError(f"the key {shown(name)!r} is empty or there twice", "Write each key once.", line)
        found[name] = _plain(value, seen, depth + 1)
    return found
