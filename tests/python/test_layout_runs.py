# SPDX-License-Identifier: MIT
"""Layouts round by round: UmapRun, TsneRun, MapRun."""

from __future__ import annotations

import numpy as np
import pytest

import filmatlas as fa

RNG = np.random.default_rng(0)
X = (25 * RNG.normal(size=(6, 8))[np.arange(240) % 6] + RNG.normal(size=(240, 8))).astype(np.float32)
LEVELS = np.stack([np.arange(240) % 3, np.arange(240) % 6], axis=1)

# (run, function, options of 45 rounds)
RUNS = [
    pytest.param(fa.UmapRun, fa.umap, {"n_epochs": 45}, id="umap"),
    pytest.param(fa.UmapRun, fa.umap, {"n_epochs": 45, "densmap": True}, id="densmap"),
    pytest.param(fa.TsneRun, fa.tsne, {"early_exaggeration_iter": 15, "n_iter": 30, "perplexity": 5}, id="tsne"),
    pytest.param(fa.MapRun, fa.atlas_map, {"gather_iter": 15, "n_iter": 30}, id="map"),
    pytest.param(fa.MapRun, fa.atlas_map, {"umap_epochs": 5, "gather_iter": 10, "n_iter": 30}, id="map-umap"),
    pytest.param(
        fa.MapRun,
        fa.atlas_map,
        {"gather_iter": 5, "n_iter": 40, "levels": LEVELS, "mode": "territories"},
        id="map-territories",
    ),
]


@pytest.mark.parametrize(("make", "function", "options"), RUNS)
def test_snapshots_equal_separate_runs(make, function, options):
    options = {**options, "metric": "euclidean"}
    whole = function(X, **options)
    run = make(X, **options)
    assert isinstance(run, fa.LayoutRun)
    assert (run.epoch, run.total_epochs) == (0, 45)
    state = run.coordinates
    assert not state.flags.writeable
    seen = []
    for epoch in run.snapshots(every=20):
        assert np.shares_memory(state, run.coordinates)
        alone = make(X, **options).run(epoch)
        np.testing.assert_array_equal(alone.coordinates, run.coordinates)
        np.testing.assert_array_equal(alone.layout().coordinates, run.layout().coordinates)
        seen.append(epoch)
    assert seen == [20, 40, 45]
    np.testing.assert_array_equal(run.layout().coordinates, whole.coordinates)
    assert run.layout().quality is None
    assert run.layout(measure=True).quality.to_dict() == whole.quality.to_dict()
    assert f"{make.__name__}(240 items, 2 dimensions: round 45 of 45)" == repr(run)


@pytest.mark.parametrize(("make", "function", "options"), RUNS)
def test_a_cancelled_run_ends_its_round_and_goes_on(make, function, options):
    options = {**options, "metric": "euclidean"}
    run = make(X, **options).run(7)

    def stop(stage, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.run(progress=stop)
    assert 7 <= run.epoch < 45
    np.testing.assert_array_equal(run.coordinates, make(X, **options).run(run.epoch).coordinates)
    np.testing.assert_array_equal(
        run.run().layout().coordinates, function(X, measure=False, **options).coordinates
    )


@pytest.mark.parametrize(
    ("make", "foreign"), [(fa.UmapRun, "perplexity"), (fa.TsneRun, "n_epochs"), (fa.MapRun, "theta")]
)
def test_options_are_the_functions(make, foreign):
    with pytest.raises(TypeError, match=f"no option '{foreign}'"):
        make(X, **{foreign: 30})
    with pytest.raises(TypeError, match="no option 'measure'"):
        make(X, measure=True)
    with pytest.raises(ValueError, match="num_threads"):
        make(X, num_threads=-1)
    with pytest.raises(ValueError, match="every"):
        make(X).snapshots(every=0)
