# SPDX-License-Identifier: MIT
"""densMAP: dense places stay dense on the map."""

from __future__ import annotations

import numpy as np
import pytest

import filmatlas as fa


def clouds(n=900, groups=6, d=8, seed=0):
    """Clouds far apart whose widths grow from a third to five."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % groups
    width = np.geomspace(0.3, 5, groups)
    centres = 25 * rng.normal(size=(groups, d))
    return (centres[group] + width[group, None] * rng.normal(size=(n, d))).astype(np.float32)


def test_local_radii_are_umap_learns():
    X = clouds(200)
    graph = fa.knn_graph(X, k=14, metric="euclidean")
    dense = fa.fuzzy_graph(graph).toarray().astype(np.float64)
    distances = np.zeros((200, 200))
    np.put_along_axis(distances, graph.indices.astype(np.int64), graph.distances.astype(np.float64), axis=1)
    distances = np.maximum(distances, distances.T)
    # umap-learn adds every edge to both of its ends; the graph is symmetric, so that the means are the rows'.
    expected = np.log(1e-8 + (dense * distances**2).sum(axis=1) / dense.sum(axis=1))
    np.testing.assert_allclose(fa.local_radii(graph), expected, rtol=0, atol=1e-12)


def test_densmap_keeps_densities():
    X = clouds()
    graph = fa.knn_graph(X, k=14, metric="euclidean")
    options = {"graph": graph, "metric": "euclidean", "n_epochs": 300}
    plain = fa.umap(X, **options)
    dense = fa.umap(X, densmap=True, **options)
    before = fa.density_preservation(X, plain, graph=graph)
    after = fa.density_preservation(X, dense, graph=graph)
    assert after.correlation > 0.85 and after.correlation > before.correlation + 0.4
    assert dense.quality.trustworthiness > plain.quality.trustworthiness - 0.02
    np.testing.assert_array_equal(before.original, fa.local_radii(graph))
    assert "correlation=" in repr(after)
    again = fa.umap(X, densmap=True, num_threads=1, **options)
    np.testing.assert_array_equal(again.coordinates, dense.coordinates)
    without = fa.umap(X, densmap=True, dens_lambda=0, **options)
    np.testing.assert_array_equal(without.coordinates, plain.coordinates)
    late = fa.umap(X, densmap=True, dens_frac=0.1, **options)
    assert not np.array_equal(late.coordinates, dense.coordinates)
    assert fa.umap(X[:100], densmap=True).run.iterations == fa.umap(X[:100]).run.iterations + 200


def test_densmap_options_are_checked():
    X = clouds(60)
    for name, value in (("dens_lambda", -1), ("dens_frac", 2), ("dens_var_shift", -0.1)):
        with pytest.raises(ValueError, match=name):
            fa.umap(X, densmap=True, **{name: value})
    with pytest.raises(ValueError, match="Y has 59 rows, X has 60"):
        fa.density_preservation(X, np.zeros((59, 2), dtype=np.float32))
    same = fa.density_preservation(X, np.zeros((60, 2), dtype=np.float32), metric="euclidean")
    assert np.isnan(same.correlation)


def test_estimator_gives_radii_when_asked():
    X = clouds(300)
    fitted = fa.UMAP(densmap=True, output_dens=True, n_epochs=200, random_state=0).fit(X)
    assert fitted.rad_orig_.shape == fitted.rad_emb_.shape == (300,)
    assert np.corrcoef(fitted.rad_orig_, fitted.rad_emb_)[0, 1] > 0.8
    assert not hasattr(fa.UMAP(n_epochs=5, random_state=0).fit(X), "rad_orig_")
    np.testing.assert_array_equal(
        fa.umap(X, metric="euclidean", densmap=True, n_epochs=200, random_state=0, measure=False).coordinates,
        fitted.embedding_,
    )
