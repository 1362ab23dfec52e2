"""A bitext: sentences of one language beside their translations in another, line by line."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from neuronxa_core.errors import CorpusError


@dataclass(frozen=True)
class Bitext:
    """Parallel sentences: `source_sentences[i]` and `target_sentences[i]` mean the same."""

    source: str
    target: str
    source_sentences: tuple[str, ...]
    target_sentences: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.source_sentences)

    def first(self, pairs: int) -> "Bitext":
        """The first `pairs` pairs, as MEXA and NeuronXA take them.

        Raises CorpusError if there are fewer, or if `pairs` is below 2 (one pair always finds itself).
        """
        if pairs < 2:
            raise CorpusError(
                f"{pairs} pair{'' if pairs == 1 else 's'} cannot be scored: with one pair the translation is the only choice.",
                "Use at least 2 pairs; the paper uses 100.",
            )
        if pairs > len(self):
            raise CorpusError(
                f"{self.source}-{self.target} has {len(self)} pairs, fewer than the {pairs} asked for.",
                f"Ask for {len(self)} pairs or fewer.",
            )
        return Bitext(self.source, self.target, self.source_sentences[:pairs], self.target_sentences[:pairs])


def sentences_hash(sentences: Sequence[str]) -> str:
    """Sixteen hex digits that name these sentences in this order (blake2b over their UTF-8 text)."""
    digest = hashlib.blake2b(digest_size=8)
    for sentence in sentences:
        text = sentence.encode()
        digest.update(len(text).to_bytes(8, "little") + text)
    return digest.hexdigest()
