"""A model's tokenizer, loaded without the model: sentences to token ids, and token counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, cast

from neuronxa_core.errors import ModelError
from neuronxa_core.foreign import is_failure, told_in_one_sentence
from neuronxa_core.models.checkpoint import Checkpoint
from neuronxa_core.models.demo import demo_folder


@dataclass(frozen=True)
class ModelTokenizer:
    """Converts sentences to token ids, with the special tokens that the tokenizer itself adds, without padding."""

    tokenize: Callable[[Sequence[str]], list[list[int]]]
    unknown: int | None
    """The token for what the tokenizer does not know; None if it knows every byte, or uses another special token."""
    texts: Callable[[Sequence[int]], list[str]]
    """Each token as readable text."""
    text: Callable[[Sequence[int]], str]
    """Tokens in a row as text, without special ones."""
    end: int | None = None
    """The token that ends a text, if there is one."""


class TokenCount(NamedTuple):
    """The number of tokens in one sentence, special ones included, and how many of them are unknown."""

    tokens: int
    unknown: int


def load_tokenizer(checkpoint: Checkpoint) -> ModelTokenizer:
    """The tokenizer. Raises OSError, ValueError, KeyError or ImportError if transformers cannot read it."""
    try:
        return _load(checkpoint)
    except (OSError, ValueError, KeyError, ImportError, MemoryError):
        raise
    except BaseException as error:  # damaged files fail in many ways, and the library tokenizers panics or raises that
        if not is_failure(error):
            raise
        raise ValueError(f"its tokenizer is damaged: {error}") from error


def _load(checkpoint: Checkpoint) -> ModelTokenizer:
    if checkpoint.folder == demo_folder():  # reading its tokenizer.json directly takes a third of the time
        from tokenizers import Tokenizer

        backend = Tokenizer.from_file(str(checkpoint.folder / "tokenizer.json"))
        unknown = backend.token_to_id(backend.model.unk_token or "")
        return ModelTokenizer(
            lambda sentences: [encoding.ids for encoding in backend.encode_batch(list(sentences))],
            unknown,
            lambda ids: [backend.decode([token], skip_special_tokens=False) for token in ids],
            lambda ids: str(backend.decode(list(ids))),
            backend.token_to_id("<eos>"),
        )
    from transformers import AutoTokenizer

    where = {"gguf_file": checkpoint.gguf} if checkpoint.gguf else {}
    tokenizer = AutoTokenizer.from_pretrained(
        checkpoint.folder, local_files_only=True, trust_remote_code=False, **where
    )
    others = {getattr(tokenizer, f"{name}_token_id", None) for name in ("bos", "eos", "cls", "sep", "pad")}
    unknown = getattr(tokenizer, "unk_token_id", None)
    return ModelTokenizer(
        lambda sentences: cast(
            list[list[int]], tokenizer(list(sentences), padding=False, truncation=False)["input_ids"]
        ),
        None if unknown in others else unknown,
        lambda ids: [str(tokenizer.decode([token])) for token in ids],
        lambda ids: str(tokenizer.decode(list(ids), skip_special_tokens=True)),
        getattr(tokenizer, "eos_token_id", None),
    )


@lru_cache(maxsize=512)
def count_tokens(checkpoint: Checkpoint, sentences: tuple[str, ...]) -> tuple[TokenCount, ...]:
    """The token count of every sentence; cached, since pages ask on every rerun.

    Raises ModelError if the checkpoint's tokenizer cannot be read.
    """
    name, mend = f"The tokenizer of {checkpoint.name}", "Check that its folder is complete"
    with told_in_one_sentence(name, ModelError, mend):
        try:
            tokenizer = _kept(checkpoint)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ModelError(f"{name} cannot be read.", f"{mend}.") from error
        tokens = tokenizer.tokenize([_encodable(sentence) for sentence in sentences]) if sentences else []
    unknown = tokenizer.unknown
    return tuple(TokenCount(len(ids), ids.count(unknown) if unknown is not None else 0) for ids in tokens)


def _encodable(sentence: str) -> str:
    """The sentence with `?` for whatever cannot be encoded as UTF-8, which no tokenizer accepts."""
    return sentence.encode("utf-8", "replace").decode()


@lru_cache(maxsize=4)
def _kept(checkpoint: Checkpoint) -> ModelTokenizer:
    return load_tokenizer(checkpoint)
