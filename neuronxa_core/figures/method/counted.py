"""What the page answers to a reader who counts: is the guess right, is the count, and how the mean comes about."""

from collections.abc import Set

import numpy as np

from neuronxa_core.analyses.worked_example import Space, WorkedExample, state_of
from neuronxa_core.figures.palette import SCORE_NAMES
from neuronxa_core.interface import local, tr
from neuronxa_core.metrics.scoring import chance_rate
from neuronxa_core.numbers import chance, score
from neuronxa_core.states.sentences import first_layer


def told_of_guess(example: WorkedExample, space: Space, layer: int, pair: int, guessed: int) -> str:
    """Whether the guessed target sentence is the nearest to a source sentence. pair, guessed: from 0."""
    row = example.matrix(space, layer)[pair]
    nearest, best = int(row.argmax()), local(score(float(row.max()), 3))
    if np.count_nonzero(row == row.max()) > 1:
        return tr("No target sentence is nearer than all others: several share the highest cosine, {best}.", best=best)
    own = tr("its own translation") if nearest == pair else tr("not its translation, sentence {pair}", pair=pair + 1)
    if guessed == nearest:
        return tr(
            "Right: sentence {nearest} is the nearest (cosine {best}), {own}.", nearest=nearest + 1, best=best, own=own
        )
    return tr(
        "You chose sentence {guessed} (cosine {cosine}). The nearest is sentence {nearest} ({best}), {own}.",
        guessed=guessed + 1,
        cosine=local(score(float(row[guessed]), 3)),
        nearest=nearest + 1,
        best=best,
        own=own,
    )


def told_of_count(example: WorkedExample, space: Space, layer: int, ticked: Set[int]) -> tuple[bool, str]:
    """Whether exactly the aligned pairs are ticked, and what to look at where not. ticked: from 0."""
    mutual = example.outcomes(space, layer).mutual
    pairs, aligned = len(mutual), {int(pair) for pair in np.flatnonzero(mutual)}
    if ticked == aligned:
        said = {
            "count": len(aligned),
            "pairs": pairs,
            "layer": layer,
            "share": f"{len(aligned)}/{pairs} = {local(score(len(aligned) / pairs))}",
            "chance": f"1/(2 × {pairs} − 1) = {local(chance(chance_rate(pairs)))}",
        }
        if len(aligned) == 1:
            told = tr(
                "Right: 1 pair of {pairs}, so the score of layer {layer} is {share}. Chance would give {chance}.",
                **said,
            )
        else:
            told = tr(
                "Right: {count} pairs of {pairs}, so the score of layer {layer} is {share}. "
                "Chance would give {chance}.",
                **said,
            )
        return True, told
    wrong = [_why_not(example, space, layer, pair) for pair in sorted(ticked - aligned)]
    missed = [tr("Pair {pair} wins both and is not ticked.", pair=pair + 1) for pair in sorted(aligned - ticked)]
    return False, " ".join([tr("Not yet."), *wrong, *missed])


def _why_not(example: WorkedExample, space: Space, layer: int, pair: int) -> str:
    """Which rival keeps a pair from being aligned."""
    matrix = example.matrix(space, layer)
    own = matrix[pair, pair]
    for name, line in (("row", matrix[pair]), ("column", matrix[:, pair])):
        rivals = line.copy()
        rivals[pair] = -np.inf
        rival = int(rivals.argmax())
        if rivals[rival] >= own:
            said = {"pair": pair + 1, "own": local(score(float(own), 3)), "rival": rival + 1}
            said["best"] = local(score(float(rivals[rival]), 3))
            if name == "row":
                return tr("Pair {pair} has {own}, but in its row target sentence {rival} has {best}.", **said)
            return tr("Pair {pair} has {own}, but in its column source sentence {rival} has {best}.", **said)
    raise ValueError(f"pair {pair + 1} is aligned")


def mean_in_sight(example: WorkedExample, space: Space) -> str:
    """The mean over layers with every layer's count: `NASCA = (0 + 2 + 4 + 5) / (4 layers × 5 pairs) = 0.55`."""
    state, pairs = state_of(space), example.study.pairs
    counts = [round(each * pairs) for each in example.scores(space)]
    if first_layer(state):
        cells = tr("{layers} layers × {pairs} pairs", layers=len(counts), pairs=pairs)
    else:
        cells = tr("{layers} layers, with the token embedding × {pairs} pairs", layers=len(counts), pairs=pairs)
    return (
        f"{SCORE_NAMES[state]} = ({' + '.join(map(str, counts))}) / ({cells}) = {sum(counts)} / "
        f"{len(counts) * pairs} = **{local(score(sum(counts) / (len(counts) * pairs)))}**"
    )
