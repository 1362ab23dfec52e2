"""What `auto` means for a study, or for studies that are compared: settled once, before any lookup or run."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from neuronxa_core.gallery.read import PRECISION, precomputed
from neuronxa_core.models.hardware import Dtype
from neuronxa_core.study.runner import resolved
from neuronxa_core.study.study import Study

Lookup = Callable[[Study], object]
"""None, or something false, where there is no answer to a study."""


def settled(study: Study, stored: Lookup) -> Study:
    """The study in one precision: `auto` is the gallery's if that holds its scores or its answer, else the device's.

    stored: looks the answer up in the gallery. So what is computed for a study that came with the dashboard is in the
    precision of what came. Raises ModelError if the device is not here.
    """
    if study.dtype != "auto":
        return study
    return replace(study, dtype=PRECISION) if stored(study) or precomputed(study) else resolved(study)


def settled_variants(variants: Sequence[Study], stored: Lookup, at_hand: Lookup) -> list[Study]:
    """The variants of a comparison, all that leave the dtype open in one precision; what is then the same stands once.

    `auto` is the gallery's precision if all of these are stored in it. Else it is the device's, or the gallery's if
    that leaves fewer of them to compute. A variant that names its dtype keeps it: there the precision is compared.

    stored: looks a variant's results up in the gallery; at_hand: there and in the cache. Raises as `settled`.
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
