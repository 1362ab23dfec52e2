"""The lessons that come with the dashboard: every right answer is what the pages' own results give, computed here."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from neuronxa_core.analyses.asymmetry import mean_gap
from neuronxa_core.analyses.language_order import level_summary, pivot_scores
from neuronxa_core.analyses.latent_language import LatentLanguage
from neuronxa_core.analyses.worked_example import pooling_weights
from neuronxa_core.figures.traps import change, compared
from neuronxa_core.gallery import interventions, latent, method, read, traps
from neuronxa_core.lessons import Answer
from neuronxa_core.study.result import StudyResult, fertility
from pages.shared import lesson as lessons

LESSONS = ("neuron", "meeting", "left_out", "english", "switched_off")


def worked():
    return method.precomputed_method(method.method_request())


def of(code: str) -> StudyResult:
    return read.precomputed(replace(read.gallery_studies()[0], source=code))


def latent_from(source: str, target: str):
    return latent.precomputed_latent(LatentLanguage(replace(read.gallery_studies()[0], source=source, target=target)))


@cache
def effects():
    table = interventions.precomputed_effects(interventions.gallery_request()).effects
    return {(row.neurons_of, row.measured_in): row for row in table.itertuples()}


def activation(token: int) -> float:
    """Of neuron 65 at a token of the first German sentence in layer 9."""
    place = worked().neurons[8].tolist().index(65)
    return float(worked().sides[0][0].activation[8, token - 1, place])


def only_peak(code: str) -> int:
    """The best layer of NAS; fails where two are equally good."""
    scores = of(code).scores.query("state == 'nas'").set_index("layer")["score"]
    best = scores[scores == scores.max()]
    assert len(best) == 1
    return int(best.index[0])


def best_with(code: str) -> str:
    pairs = read.precomputed_matrix(read.gallery_studies()[0]).pairs("nas", None)
    best = pairs[(pairs.source == code) | (pairs.target == code)].nlargest(1, "score").iloc[0]
    return NAMES[best.target if best.source == code else best.source]


def head_above_long_tail() -> float:
    matrix = read.precomputed_matrix(read.gallery_studies()[0])
    means = level_summary(pivot_scores(matrix, "eng_Latn")).query("measure == 'nas'").set_index("level")["mean"]
    return float(means["head"] - means["long-tail"])


def likeliest(layer: int) -> str:
    curves = latent_from("deu_Latn", "fra_Latn").corrected_curves.query("layer == @layer").set_index("role")
    return {"source": "German", "pivot": "English", "target": "French"}[curves["difference"].idxmax()]


def english_most_ahead() -> int:
    lead = latent_from("deu_Latn", "fra_Latn").lead.set_index("layer")
    layer = int(lead["difference"].idxmax())
    assert lead["ci_low"][layer] > 0
    return layer


def largest_share() -> str:
    codes = [code for code in latent.USUAL_TARGETS if code != "swh_Latn"]
    return NAMES[max(codes, key=lambda code: latent_from("deu_Latn", code).pivot_share.value)]


def hardest_hit(neurons_of: str, codes: tuple[str, ...]) -> str:
    return NAMES[max(codes, key=lambda code: effects()[neurons_of or code, code].change)]


NAMES = {
    "spa_Latn": "Spanish",
    "por_Latn": "Portuguese",
    "fra_Latn": "French",
    "zho_Hans": "Chinese",
    "rus_Cyrl": "Russian",
    "hin_Deva": "Hindi",
    "arb_Arab": "Arabic",
    "jpn_Jpan": "Japanese",
}
GIVEN: dict[tuple[str, int], Callable[[], object]] = {
    ("neuron", 1): lambda: len(worked().sides[0][0].tokens),
    ("neuron", 2): lambda: activation(2),
    ("neuron", 3): lambda: "it is on" if activation(1) > 0 else "it is off",
    ("neuron", 4): lambda: pooling_weights(24, "position")[23],
    ("neuron", 5): lambda: str(int(worked().matrix("nas", 3)[0].argmax()) + 1),
    ("neuron", 6): lambda: worked().outcomes("nas", 3).mutual.mean(),
    ("neuron", 7): lambda: worked().result.mean("nas"),
    ("meeting", 1): lambda: of("deu_Latn").mean("nas"),
    ("meeting", 2): lambda: of("deu_Latn").chance,
    ("meeting", 3): lambda: only_peak("arb_Arab"),
    ("meeting", 4): lambda: mean_gap(of("deu_Latn"), "nas")[0],
    ("meeting", 6): lambda: best_with("spa_Latn"),
    ("left_out", 1): lambda: NAMES[
        max(read.gallery_results().values(), key=lambda each: each.mean("nas")).study.source
    ],
    ("left_out", 2): lambda: fertility(of("yor_Latn").provenance, "yor_Latn"),
    ("left_out", 3): lambda: "no" if "do not align Yoruba" in of("yor_Latn").finding else "yes",
    ("left_out", 4): head_above_long_tail,
    ("left_out", 5): lambda: of("tam_Taml").mean("nas"),
    ("left_out", 6): lambda: f"it {change(*compared(traps.precomputed_traps(traps.traps_request()), 'shredded'))}",
    ("english", 1): lambda: len(latent_from("deu_Latn", "fra_Latn").used),
    ("english", 2): english_most_ahead,
    ("english", 3): lambda: likeliest(13),
    ("english", 4): lambda: latent_from("deu_Latn", "fra_Latn").overtaking.value,
    ("english", 5): lambda: latent_from("fra_Latn", "deu_Latn").overtaking.value,
    ("english", 6): largest_share,
    ("switched_off", 1): lambda: 100 * effects()["deu_Latn", "deu_Latn"].change,
    ("switched_off", 2): lambda: 100 * effects()["deu_Latn", "deu_Latn"].control,
    ("switched_off", 3): lambda: hardest_hit("", ("arb_Arab", "hin_Deva", "rus_Cyrl", "zho_Hans")),
    ("switched_off", 4): lambda: hardest_hit("jpn_Jpan", ("jpn_Jpan", "hin_Deva", "zho_Hans")),
    ("switched_off", 5): lambda: effects()["eng_Latn", "eng_Latn"].neurons,
}
"""What the results behind a step's page give, for every step that asks for what can be computed."""
ARGUED = {("switched_off", 6): "that these neurons matter to the language"}
"""Steps whose answer is an argument and no number."""
ASKED: dict[tuple[str, int], Answer] = {
    (lesson.slug, number): step.answer
    for lesson in lessons.shelf().lessons.values()
    for number, step in enumerate(lesson.steps, 1)
    if step.answer
}


def test_there_are_five_lessons_without_a_fault_of_15_to_20_minutes():
    shelf = lessons.shelf()
    assert not shelf.faults
    found = {slug: each for slug, each in shelf.lessons.items() if each.kind == "lesson"}
    assert tuple(found) == LESSONS
    assert all(15 <= each.minutes <= 20 for each in found.values())
    assert set(ASKED) == set(GIVEN) | set(ARGUED)


@pytest.mark.parametrize("place", ASKED, ids=lambda place: f"{place[0]}-{place[1]}")
def test_every_right_answer_is_what_the_pages_give(place: tuple[str, int]):
    answer, given = ASKED[place], GIVEN[place]() if place in GIVEN else ARGUED[place]
    written = given if isinstance(given, str) else f"{given:.10f}"
    assert answer.is_right(written), (answer.right, written)
    if answer.kind == "number":  # the tolerance is there for rounding, and lets nothing else pass
        assert answer.tolerance <= max(0.05 * abs(float(answer.right)), 1.0)
