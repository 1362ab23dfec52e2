"""Resolves the dtype `auto`, for one study or for several that are compared, before any lookup or run."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from neuronxa_core.gallery.read import PRECISION, precomputed
from neuronxa_core.models.hardware import Dtype
from neuronxa_core.study.runner import resolved
from neuronxa_core.study.study import Study

Lookup = Callable[[Study], object]
"""Returns None, or another false value, if a study has no answer."""


def settled(study: Study, stored: Lookup) -> Study:
    """The study with `auto` resolved: the gallery's dtype if it has the scores or the answer, else the device's.

    Whatever is computed for a precomputed study is therefore in the precision of the precomputed results.
    stored: looks up the answer in the gallery. Raises ModelError if the device is not available.
    """
    if study.dtype != "auto":
        return study
    return replace(study, dtype=PRECISION) if stored(study) or precomputed(study) else resolved(study)


def settled_variants(variants: Sequence[Study], stored: Lookup, at_hand: Lookup) -> list[Study]:
    """The variants of a comparison, all those with dtype `auto` in the same precision, without duplicates.

    `auto` is the gallery's precision if the gallery has all of them. Otherwise it is the device's, or the gallery's if
    that leaves fewer to compute. A variant with an explicit dtype keeps it, so that precisions can be compared.
    stored: looks up a variant in the gallery; at_hand: in the gallery and the cache. Raises the same as `settled`.
    """
    open_ = [variant for variant in variants if variant.dtype == "auto"]
    if not open_:
        return list(dict.fromkeys(variants))
    if all(stored(replace(variant, dtype=PRECISION)) for variant in open_):
        dtype = PRECISION
    else:
        here = resolved(open_[0]).dtype

        def missing(dtype: Dtype) -> int:
            return sum(not at_hand(replace(variant, dtype=dtype)) for variant in open_)

        dtype = here if here == PRECISION or missing(here) <= missing(PRECISION) else PRECISION
    return list(dict.fromkeys(replace(each, dtype=dtype) if each in open_ else each for each in variants))
