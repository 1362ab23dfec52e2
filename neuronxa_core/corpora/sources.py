"""Origin, licence and citation of each public corpus."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A corpus as its makers describe it."""

    title: str
    licence: str
    licence_url: str
    cite: str
    url: str
    note: str = ""


SOURCES = {
    "flores": Source(
        "FLORES-200 and FLORES+",
        "CC BY-SA 4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "NLLB Team 2024, Scaling neural machine translation to 200 languages, Nature 630, 841-846; Goyal et al. 2022, "
        "The FLORES-101 evaluation benchmark, TACL 10, 522-538.",
        "https://github.com/openlanguagedata/flores",
        "News, a children's encyclopedia and a travel guide, professionally translated from English. Its authors ask "
        "that it not be published where crawlers can find it.",
    ),
    "ntrex": Source(
        "NTREX-128",
        "CC BY-SA 4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "Federmann, Kocmi and Xin 2022, NTREX-128: news test references for MT evaluation of 128 languages, SUMEval, "
        "21-24.",
        "https://github.com/MicrosoftTranslator/NTREX",
        "English news from 2019, professionally translated.",
    ),
    "tatoeba": Source(
        "Tatoeba",
        "CC BY 2.0 FR",
        "https://creativecommons.org/licenses/by/2.0/fr/",
        "Artetxe and Schwenk 2019, Massively multilingual sentence embeddings for zero-shot cross-lingual transfer and "
        "beyond, TACL 7, 597-610; the sentences are by the contributors of tatoeba.org.",
        "https://github.com/facebookresearch/LASER/tree/main/data/tatoeba/v1",
        "Short everyday sentences written and translated by volunteers; the English side differs from language to "
        "language.",
    ),
}
