"""Tokens by language, since a low score is often due to the tokenizer. Only the tokenizer is needed.

Fertility here is tokens per English token on the same sentences, special tokens included.
Source: the tokenization premium of Petrov et al. 2023, arXiv:2305.15425.
"""

from collections.abc import Sequence

import pandas as pd

from neuronxa_core.corpora.catalogue import open_corpus
from neuronxa_core.corpora.findings import Finding
from neuronxa_core.corpora.languages import ENGLISH, language
from neuronxa_core.models.config import context_length
from neuronxa_core.models.locate import local_checkpoint
from neuronxa_core.models.tokenizer import TokenCount, count_tokens
from neuronxa_core.study.study import Study


def study_sentences(study: Study, codes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The study's lines in each language that has them. Raises CorpusError if source or target lacks them."""
    bitext = study.bitext()
    corpus = open_corpus(study.corpus)
    found = {bitext.source: bitext.source_sentences, bitext.target: bitext.target_sentences}
    for code in codes:
        if code in found or corpus.pairwise:
            continue
        side = corpus.sentences(code)
        if len(side) >= bitext.lines[-1]:
            found[code] = tuple(side[line - 1] for line in bitext.lines)
    return {code: found[code] for code in codes if code in found}


def language_statistics(study: Study, codes: Sequence[str]) -> pd.DataFrame:
    """One row per language, on the study's lines: code, name, sentences, characters, tokens, fertility, unknown.

    characters and tokens are means per sentence, fertility is tokens per English token, unknown a share in [0, 1].
    The last three are missing unless the model is on this machine, and fertility also if the corpus has no English.
    Raises CorpusError.
    """
    sentences = study_sentences(study, codes)
    checkpoint = local_checkpoint(study.ref)
    counts: dict[str, tuple[TokenCount, ...]] = {}
    if checkpoint:
        counts = {code: count_tokens(checkpoint, side) for code, side in sentences.items()}
    tokens = {code: sum(count.tokens for count in side) for code, side in counts.items()}
    english = tokens.get(ENGLISH)
    return pd.DataFrame(
        {
            "code": code,
            "name": language(code).name,
            "sentences": len(side),
            "characters": sum(map(len, side)) / len(side),
            "tokens": tokens[code] / len(side) if code in tokens else None,
            "fertility": tokens[code] / english if english and code in tokens else None,
            "unknown": sum(count.unknown for count in counts[code]) / max(1, tokens[code]) if code in tokens else None,
        }
        for code, side in sentences.items()
    )


def too_long(study: Study) -> tuple[Finding, ...]:
    """The study's lines that exceed the model's context; empty unless the model is on this machine.

    Raises CorpusError.
    """
    checkpoint = local_checkpoint(study.ref)
    most = context_length(checkpoint.config) if checkpoint else None
    if checkpoint is None or most is None:
        return ()
    bitext = study.bitext()
    found = []
    for code, side in ((bitext.source, bitext.source_sentences), (bitext.target, bitext.target_sentences)):
        counts = count_tokens(checkpoint, side)
        lines = tuple(line for line, count in zip(bitext.lines, counts, strict=True) if count.tokens > most)
        found.append(Finding("long", lines, code, f": {most:,} tokens"))
    return tuple(finding for finding in found if finding.lines)
