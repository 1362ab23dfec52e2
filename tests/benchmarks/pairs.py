"""The sentences that the benchmarks read: a pair of NTREX's languages, or of the bundled ones where NTREX is absent."""

from neuronxa_core.corpora.catalogue import open_corpus
from tests.conftest import NTREX

CORPUS = str(NTREX) if NTREX.is_dir() else "everyday"
PAIRS = 100


def sides(pairs: int = PAIRS) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Beyond the corpus its sentences come again with a number behind them, since equal ones are extracted once."""
    corpus = open_corpus(CORPUS)
    every = [corpus.sentences(code) for code in ("deu_Latn", "eng_Latn")]
    return tuple(  # type: ignore[return-value]
        tuple(side[row % len(side)] + (f" {row // len(side)}" if row >= len(side) else "") for row in range(pairs))
        for side in every
    )
