"""BibTeX of what a study rests on: the papers of both scores, corpus, model and this software. Keys are stable."""

import re
from collections.abc import Mapping

from neuronxa_core.corpora.catalogue import BUNDLED, EVERYDAY, open_corpus
from neuronxa_core.errors import CorpusError
from neuronxa_core.models import demo
from neuronxa_core.study.latex import latex
from neuronxa_core.study.study import Study
from neuronxa_core.version import __version__

NEURONXA, MEXA = "huang-etal-2025-neurons", "kargaran-etal-2025-mexa"
SOFTWARE = "neuronxa_explorer"

PAPERS = """@inproceedings{huang-etal-2025-neurons,
  title = {From Neurons to Semantics: Evaluating Cross-Linguistic Alignment Capabilities of Large Language Models
           via Neurons Alignment},
  author = {Huang, Chongxuan and Ye, Yongshi and Fu, Biao and Su, Qifeng and Shi, Xiaodong},
  booktitle = {Proceedings of the 63rd Annual Meeting of the Association for Computational Linguistics
               (Volume 1: Long Papers)},
  year = {2025},
  address = {Vienna, Austria},
  publisher = {Association for Computational Linguistics},
  pages = {28956--28974},
  doi = {10.18653/v1/2025.acl-long.1406}
}

@inproceedings{kargaran-etal-2025-mexa,
  title = {{MEXA}: Multilingual Evaluation of {E}nglish-Centric {LLM}s via Cross-Lingual Alignment},
  author = {Kargaran, Amir Hossein and Modarressi, Ali and Nikeghbal, Nafiseh and Diesner, Jana and
            Yvon, Fran{\\c{c}}ois and Schuetze, Hinrich},
  booktitle = {Findings of the Association for Computational Linguistics: ACL 2025},
  year = {2025},
  address = {Vienna, Austria},
  publisher = {Association for Computational Linguistics},
  pages = {27001--27023},
  doi = {10.18653/v1/2025.findings-acl.1385}
}
"""
SOFTWARE_ENTRY = f"""@software{{{SOFTWARE},
  title = {{{{NeuronXA}} Explorer: cross-lingual alignment in the neurons of language models, layer by layer}},
  author = {{{{The NeuronXA Explorer contributors}}}},
  version = {{{__version__}}},
  year = {{2026}}
}}
"""
_CORPORA: Mapping[str, Mapping[str, str]] = {
    "flores": {
        "nllb-team-2024-scaling": """@article{nllb-team-2024-scaling,
  title = {Scaling neural machine translation to 200 languages},
  author = {{NLLB Team}},
  journal = {Nature},
  volume = {630},
  pages = {841--846},
  year = {2024},
  doi = {10.1038/s41586-024-07335-x}
}
""",
        "goyal-etal-2022-flores": """@article{goyal-etal-2022-flores,
  title = {The {FLORES}-101 Evaluation Benchmark for Low-Resource and Multilingual Machine Translation},
  author = {Goyal, Naman and Gao, Cynthia and Chaudhary, Vishrav and Chen, Peng-Jen and Wenzek, Guillaume and
            Ju, Da and Krishnan, Sanjana and Ranzato, Marc'Aurelio and Guzm{\\'a}n, Francisco and Fan, Angela},
  journal = {Transactions of the Association for Computational Linguistics},
  volume = {10},
  pages = {522--538},
  year = {2022},
  doi = {10.1162/tacl_a_00474}
}
""",
    },
    "ntrex": {
        "federmann-etal-2022-ntrex": """@inproceedings{federmann-etal-2022-ntrex,
  title = {{NTREX}-128: News Test References for {MT} Evaluation of 128 Languages},
  author = {Federmann, Christian and Kocmi, Tom and Xin, Ying},
  booktitle = {Proceedings of the First Workshop on Scaling Up Multilingual Evaluation},
  publisher = {Association for Computational Linguistics},
  pages = {21--24},
  year = {2022}
}
"""
    },
    "tatoeba": {
        "artetxe-schwenk-2019-massively": """@article{artetxe-schwenk-2019-massively,
  title = {Massively Multilingual Sentence Embeddings for Zero-Shot Cross-Lingual Transfer and Beyond},
  author = {Artetxe, Mikel and Schwenk, Holger},
  journal = {Transactions of the Association for Computational Linguistics},
  volume = {7},
  pages = {597--610},
  year = {2019},
  doi = {10.1162/tacl_a_00288}
}
"""
    },
    EVERYDAY.name: {
        "neuronxa-everyday": """@misc{neuronxa-everyday,
  title = {Everyday sentences},
  author = {{The NeuronXA Explorer contributors}},
  note = {100 sentences, machine-translated, part of NeuronXA Explorer; CC0 1.0},
  year = {2026}
}
"""
    },
}
_GEMMA_3 = {
    "gemma-team-2025-gemma3": """@misc{gemma-team-2025-gemma3,
  title = {{Gemma} 3 Technical Report},
  author = {{Gemma Team}},
  year = {2025},
  eprint = {2503.19786},
  archiveprefix = {arXiv}
}
"""
}


def corpus_entries(study: Study) -> Mapping[str, str]:
    """The entries of the study's corpus by key; one that names a text of the user's own, without source or licence."""
    if study.corpus in BUNDLED:
        return _CORPORA[study.corpus]
    try:
        source = open_corpus(study.corpus).contents.source
    except CorpusError:
        source = ""
    if source in _CORPORA:
        return _CORPORA[source]
    return _own("corpus", study.names["corpus"], "Parallel text; add its authors, year and source")


def model_entries(study: Study) -> Mapping[str, str]:
    """The entries of the study's model by key: its paper where that is known, else its name and revision."""
    name = study.names["model"]
    if study.model == demo.NAME or name.lower().startswith("google/gemma-3-"):
        return _GEMMA_3
    revision = f", revision {study.revision}" if study.revision else ""
    return _own("model", name, f"Language model{revision}; add its authors and year")


def _own(kind: str, name: str, note: str) -> dict[str, str]:
    key = f"{kind}-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-').lower() or 'own'}"
    return {key: f"@misc{{{key},\n  title = {{{{{latex(name)}}}}},\n  note = {{{latex(note)}}}\n}}\n"}


def bibliography(study: Study) -> str:
    """BibTeX of everything that the study rests on."""
    return "\n".join([PAPERS, *corpus_entries(study).values(), *model_entries(study).values(), SOFTWARE_ENTRY])
