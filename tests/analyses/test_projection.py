import json
import threading
import time
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.metrics import silhouette_score

from neuronxa_core.analyses import projection, umap
from neuronxa_core.analyses.projection import find_projection, project
from neuronxa_core.analyses.umap import NUMBERS, ProjectionSettings
from neuronxa_core.errors import Cancelled, StudyError
from neuronxa_core.progress import Watcher, side_by_side
from neuronxa_core.study.runner import find_layers, run_study
from neuronxa_core.study.study import Study
from tests.conftest import Recorder

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(24, 9)).astype(np.float32) + 2
SMALL = ProjectionSettings(neighbours=5)


def test_pca_is_scikit_learns_up_to_sign_and_its_sign_is_fixed():
    points = umap.pca(ROWS)
    expected = PCA(2, svd_solver="full").fit_transform(ROWS.astype(np.float64))
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-5)
    np.testing.assert_allclose(umap.pca(ROWS[::-1])[::-1], points, atol=1e-5)


def test_identical_sentences_give_points_at_the_origin_and_no_nan():
    assert (umap.pca_layers([np.ones((6, 4), dtype=np.float32)] * 2) == 0).all()


def test_a_turned_and_mirrored_layer_comes_back_to_its_place():
    turn = np.array([[0, -1], [-1, 0]], dtype=np.float32)
    points = RANDOM.normal(size=(10, 2)).astype(np.float32)
    placed = umap.procrustes_align(np.stack([points, points @ turn + 3]))
    np.testing.assert_allclose(placed[1], placed[0], atol=1e-5)


def test_the_numbers_are_what_loops_and_scikit_learn_say():
    points = umap.pca(ROWS)
    found = dict(zip(NUMBERS, umap.layer_numbers(ROWS, points), strict=True))
    unit = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
    cosine, n = unit @ unit.T, 12
    there = [int(np.argmax(cosine[i, n:])) == i for i in range(n)]
    back = [int(np.argmax(cosine[:n, n + i])) == i for i in range(n)]
    foreign = 0
    for i in range(2 * n):
        nearest = sorted((j for j in range(2 * n) if j != i), key=lambda j: -cosine[i, j])[:10]
        foreign += sum((j < n) != (i < n) for j in nearest)
    languages = [0] * n + [1] * n
    assert found == pytest.approx(
        {
            "mutual": np.mean(np.array(there) & np.array(back)),
            "source_to_target": np.mean(there),
            "target_to_source": np.mean(back),
            "foreign_neighbours": foreign / (2 * n * 10),
            "silhouette": silhouette_score(ROWS, languages, metric="cosine"),
            "silhouette_projection": silhouette_score(points, languages),
            "trustworthiness": trustworthiness(ROWS, points, n_neighbors=10, metric="cosine"),
        },
        abs=1e-5,
    )


def test_languages_that_stay_apart_have_no_foreign_neighbours():
    similarity = np.kron(np.eye(2), np.ones((5, 5)))
    assert umap.cross_lingual_neighbours(similarity, 3) == 0
    assert umap.cross_lingual_neighbours(1 - similarity, 3) == 1


@pytest.fixture(scope="module")
def layout():
    return umap.umap_layers([ROWS, ROWS + 0.1, ROWS], SMALL, epochs=20)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_points_and_another_seed_or_min_dist_others(layout):
    stack = [ROWS, ROWS + 0.1, ROWS]
    np.testing.assert_array_equal(umap.umap_layers(stack, SMALL, epochs=20), layout)
    for other in (ProjectionSettings(neighbours=5, seed=1), ProjectionSettings(neighbours=5, min_dist=0.9)):
        assert not np.allclose(umap.umap_layers(stack, other, epochs=20), layout)


@pytest.mark.slow
def test_a_warm_up_fits_something(monkeypatch):
    fitted = []
    fit = umap.umap_layers
    monkeypatch.setattr(umap, "umap_layers", lambda *asked, **more: fitted.append(fit(*asked, **more)))
    umap.warm_up()
    assert np.isfinite(fitted[0]).all()


@pytest.mark.slow
def test_points_keep_their_places_through_the_layers(layout):
    assert layout.shape == (3, 24, 2)
    assert np.isfinite(layout).all()
    steps = np.linalg.norm(np.diff(layout, axis=0), axis=-1).mean()
    assert steps < 0.25 * np.linalg.norm(layout[0], axis=-1).mean()


@pytest.mark.slow
def test_neighbouring_layers_hold_each_other_by_the_neighbours_they_share():
    graphs = [umap._graph(rows, SMALL) for rows in (ROWS, ROWS[::-1].copy())]
    weights, relations = umap._ties(graphs)
    ours, theirs = (graph.tocsr()[3].indices for graph in graphs)
    assert weights[0, 4, 3] == pytest.approx(len({*ours} & {*theirs}) / len({*ours} | {*theirs}))
    assert relations[0, 4].tolist() == list(range(24))
    assert (relations[0, [0, 1, 2, 3, 5, 6]] == -1).all()


def test_two_fits_never_overlap(monkeypatch):
    inside, most = 0, 0

    def graph(*_):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.05)
        inside -= 1
        raise Cancelled

    monkeypatch.setattr(umap, "_graph", graph)

    def fit():
        with pytest.raises(Cancelled):
            umap.umap_layers([ROWS], SMALL)

    threads = [threading.Thread(target=fit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


class _Stop(Watcher):
    """Stops the work when it has reported `after` times."""

    def __init__(self, after: int) -> None:
        self.left = after

    def report(self, *_, **__):
        self.left -= 1

    def check(self):
        if self.left < 0:
            raise Cancelled


@pytest.mark.slow
def test_a_fit_stops_between_two_steps_and_lets_the_next_one_in():
    stop = _Stop(after=4)
    with pytest.raises(Cancelled):
        umap.umap_layers([ROWS, ROWS], SMALL, stop, epochs=10_000)
    assert stop.left > -3
    assert umap._FIT.acquire(timeout=1)
    umap._FIT.release()


def test_who_waits_for_another_fit_can_give_up():
    with umap.one_fit_at_a_time(), pytest.raises(Cancelled), umap.one_fit_at_a_time(_Stop(after=-1)):
        pass


@pytest.mark.parametrize(
    "wrong", [{"method": "tsne"}, {"metric": "x"}, {"neighbours": 1}, {"min_dist": 2}, {"seed": -1}]
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(StudyError):
        ProjectionSettings(**wrong)


def test_settings_that_pca_does_not_need_are_no_other_settings():
    assert ProjectionSettings("pca", seed=7) == ProjectionSettings("pca")


@pytest.mark.parametrize(
    "settings", [ProjectionSettings("pca"), ProjectionSettings(neighbours=5, min_dist=0.3, seed=7)]
)
def test_a_projection_is_found_again_as_it_was_and_a_damaged_one_is_not_trusted(
    study: Study, settings: ProjectionSettings, monkeypatch
):
    monkeypatch.setattr(projection, "umap_layers", lambda stack, *_: umap.pca_layers(stack))  # UMAP is fitted above
    run_study(study, keep_states=True)
    layers = find_layers(study)
    made = project(study, layers, "embedding", settings)
    assert list(made.layers) == [0, 1, 2, 3]
    found = find_projection(study, layers, "embedding", settings)
    for name in ("coordinates", "numbers", "ranks"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
    np.testing.assert_allclose(found.cosines, made.cosines, rtol=1e-6)
    assert (found.study, found.state, found.settings) == (made.study, "embedding", settings)
    assert json.dumps(asdict(found.settings)) == json.dumps(asdict(settings))
    assert find_projection(study, layers, "nas", settings) is None
    assert made.provenance.items() >= {"model_fingerprint": run_study(study).provenance["model_fingerprint"]}.items()
    path = projection._path(layers, "embedding", settings)
    stored = pd.read_parquet(path)
    stored.assign(silhouette=stored["silhouette"] + 1e-9).to_parquet(path)
    assert find_projection(study, layers, "embedding", settings) is None
    project(study, layers, "embedding", settings)
    path.write_bytes(path.read_bytes()[:100])
    assert find_projection(study, layers, "embedding", settings) is None
    assert not path.exists()


def test_a_pairs_numbers_are_its_cosine_and_ranks_and_the_scores_are_the_studys(study: Study):
    result = run_study(study, keep_states=True)
    layers = find_layers(study)
    made = project(study, layers, "nas", ProjectionSettings("pca"))
    np.testing.assert_allclose(made.cosines[1], layers.similarity("nas", 2).diagonal())
    np.testing.assert_allclose(made.table["mutual"], result.of("nas")["score"])
    np.testing.assert_array_equal((made.ranks == 1).all(axis=1), result.outcomes["nas"].mutual)


def test_seen_from_the_other_end_the_halves_change_places(study: Study):
    run_study(study, keep_states=True)
    made = project(study, find_layers(study), "nas", ProjectionSettings("pca"))
    back = made.reversed()
    np.testing.assert_array_equal(back.coordinates[:, :8], made.coordinates[:, 8:])
    np.testing.assert_array_equal(back.table["source_to_target"], made.table["target_to_source"])
    np.testing.assert_array_equal(back.ranks[:, 0], made.ranks[:, 1])
    assert back.study.source == "eng_Latn"


def test_the_table_of_points_names_each_points_language_pair_and_layer(study: Study):
    run_study(study, keep_states=True)
    found = project(study, find_layers(study), "nas", ProjectionSettings("pca"))
    table = found.points_table.set_index(["layer", "language", "pair"])
    assert len(table) == 3 * 16
    assert table.loc[(2, "eng_Latn", 5), ["x", "y"]].tolist() == found.coordinates[1, 8 + 4].tolist()


@pytest.mark.slow
def test_an_epoch_moves_every_point_to_the_bit_as_umap_learns_own_does():
    import numba
    from numba.typed import List
    from umap.layouts import _optimize_layout_aligned_euclidean_single_epoch as single_epoch
    from umap.umap_ import find_ab_params, make_epochs_per_sample

    stack, epochs = [ROWS, ROWS + 0.1, ROWS[::-1].copy()], 12
    graphs = [umap._graph(rows, SMALL) for rows in stack]
    layout = [umap._start(graph, rows, SMALL) for graph, rows in zip(graphs, stack, strict=True)]
    ours = umap._move(layout, graphs, SMALL, Watcher(), epochs)
    a, b = find_ab_params(1.0, SMALL.min_dist)
    points = List([each.copy() for each in layout])
    heads, tails = (List([getattr(graph, side).astype(np.int32) for graph in graphs]) for side in ("row", "col"))
    every = [make_epochs_per_sample(graph.data, epochs) for graph in graphs]
    negative = [(steps / 5).astype(np.float32) for steps in every]
    due, due_negative = List([steps.astype(np.float32) for steps in every]), List([each.copy() for each in negative])
    seeds = np.random.RandomState(SMALL.seed).randint(-(2**31) + 1, 2**31 - 1, 3).astype(np.int64)
    step = numba.njit(single_epoch, fastmath=True)
    for epoch in range(epochs):
        step(
            *(points, points, heads, tails, List(every), a, b, *umap._ties(graphs), seeds),
            *(1.0, umap._PULL, 2, True, 1.0 - epoch / epochs, List(negative), due_negative, due, epoch),
        )
    np.testing.assert_array_equal(ours, np.stack(list(points)))
    assert not np.array_equal(ours, np.stack(layout))


def test_states_side_by_side_are_counted_together():
    recorder = Recorder()
    first, second = side_by_side(recorder, 2)
    first.report("projecting", 3, 200)
    second.report("projecting", 5, 200)
    first.report("projecting", 4, 200)
    assert recorder.reports == [("projecting", 3, 200), ("projecting", 8, 400), ("projecting", 9, 400)]
