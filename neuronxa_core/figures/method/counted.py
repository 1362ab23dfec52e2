"""What the page answers to a reader who counts: is the guess right, is the count, and how the mean comes about."""

from collections.abc import Set

import numpy as np

from neuronxa_core.analyses.worked_example import Space, WorkedExample, state_of
from neuronxa_core.figures.palette import SCORE_NAMES
from neuronxa_core.metrics.scoring import chance_rate
from neuronxa_core.numbers import chance, count, score
from neuronxa_core.states.sentences import first_layer


def told_of_guess(example: WorkedExample, space: Space, layer: int, pair: int, guessed: int) -> str:
    """Whether the guessed target sentence is the nearest to a source sentence. pair, guessed: from 0."""
    row = example.matrix(space, layer)[pair]
    nearest, best = int(row.argmax()), score(float(row.max()), 3)
    if np.count_nonzero(row == row.max()) > 1:
        return f"No target sentence is nearer than all others: several share the highest cosine, {best}."
    own = "its own translation" if nearest == pair else f"not its translation, sentence {pair + 1}"
    if guessed == nearest:
        return f"Right: sentence {nearest + 1} is the nearest (cosine {best}), {own}."
    return (
        f"You chose sentence {guessed + 1} (cosine {score(float(row[guessed]), 3)}). The nearest is sentence "
        f"{nearest + 1} ({best}), {own}."
    )


def told_of_count(example: WorkedExample, space: Space, layer: int, ticked: Set[int]) -> tuple[bool, str]:
    """Whether exactly the aligned pairs are ticked, and what to look at where not. ticked: from 0."""
    mutual = example.outcomes(space, layer).mutual
    pairs, aligned = len(mutual), {int(pair) for pair in np.flatnonzero(mutual)}
    if ticked == aligned:
        share = f"{len(aligned)}/{pairs} = {score(len(aligned) / pairs)}"
        by_chance = f"1/(2 × {pairs} − 1) = {chance(chance_rate(pairs))}"
        pairs_of = f"{count(len(aligned), 'pair')} of {pairs}"
        return True, f"Right: {pairs_of}, so the score of layer {layer} is {share}. Chance would give {by_chance}."
    wrong = [_why_not(example, space, layer, pair) for pair in sorted(ticked - aligned)]
    missed = [f"Pair {pair + 1} wins both and is not ticked." for pair in sorted(aligned - ticked)]
    return False, " ".join(["Not yet.", *wrong, *missed])


def _why_not(example: WorkedExample, space: Space, layer: int, pair: int) -> str:
    """Which rival keeps a pair from being aligned."""
    matrix = example.matrix(space, layer)
    own = matrix[pair, pair]
    for name, line in (("row", matrix[pair]), ("column", matrix[:, pair])):
        rivals = line.copy()
        rivals[pair] = -np.inf
        rival = int(rivals.argmax())
        if rivals[rival] >= own:
            kind = "target" if name == "row" else "source"
            return (
                f"Pair {pair + 1} has {score(float(own), 3)}, but in its {name} {kind} sentence {rival + 1} has "
                f"{score(float(rivals[rival]), 3)}."
            )
    raise ValueError(f"pair {pair + 1} is aligned")


def mean_in_sight(example: WorkedExample, space: Space) -> str:
    """The mean over layers with every layer's count: `NASCA = (0 + 2 + 4 + 5) / (4 layers × 5 pairs) = 0.55`."""
    state, pairs = state_of(space), example.study.pairs
    counts = [round(each * pairs) for each in example.scores(space)]
    layers = f"{len(counts)} layers" if first_layer(state) else f"{len(counts)} layers, with the token embedding"
    return (
        f"{SCORE_NAMES[state]} = ({' + '.join(map(str, counts))}) / ({layers} × {pairs} pairs) = {sum(counts)} / "
        f"{len(counts) * pairs} = **{score(sum(counts) / (len(counts) * pairs))}**"
    )
