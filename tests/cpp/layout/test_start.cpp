// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/start.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

TEST_CASE("start: init names go both ways") {
    for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca, LayoutInit::Landmarks, LayoutInit::Given}) {
        CHECK(layout_init_from_string(to_string(init)) == init);
    }
    CHECK_THROWS_WITH_AS(layout_init_from_string("random"), doctest::Contains("spectral, pca, landmarks or given"),
                         Error);
}

TEST_CASE("spectral_start: a ring becomes a circle of radius near 10") {
    const std::int64_t n = 60;
    CsrMatrix<float> ring;
    ring.rows = ring.cols = n;
    for (Index i = 0; i < n; ++i) {
        const auto before = static_cast<Index>((i + n - 1) % n);
        const auto after = static_cast<Index>((i + 1) % n);
        ring.indices.push_back(std::min(before, after));
        ring.indices.push_back(std::max(before, after));
        ring.values.insert(ring.values.end(), 2, 1.0F);
        ring.indptr.push_back(ring.nnz());
    }
    const Matrix<float> x(n, 3);
    const StartResult start = spectral_start(x.view(), ring);
    CHECK(start.num_components == 1);
    const auto radius = [&](std::int64_t i) {
        return std::hypot(static_cast<double>(start.coordinates(i, 0)),
                          static_cast<double>(start.coordinates(i, 1)));
    };
    for (std::int64_t i = 0; i < n; ++i) CHECK(radius(i) == doctest::Approx(radius(0)).epsilon(0.02));
    CHECK(radius(0) > 9.5);
}

TEST_CASE("spectral_start: components lie beside each other, none on another") {
    // Three far clouds, a pair and a single item.
    Matrix<float> x = blobs(153, 4, 3, 200);
    for (std::int64_t i = 150; i < 153; ++i) {
        for (std::int64_t d = 0; d < 4; ++d) x(i, d) = i == 152 ? -900.0F : 700.0F + static_cast<float>(i);
    }
    KnnGraph graph = brute_graph(x, 5);
    for (std::int64_t i = 0; i < 153; ++i) {
        for (std::int64_t s = 0; s < 5; ++s) {
            if (graph.distances(i, s) < 100) continue;
            graph.indices(i, s) = -1;
            graph.distances(i, s) = std::numeric_limits<float>::infinity();
        }
    }
    const CsrMatrix<float> weights = fuzzy_graph(graph);
    const StartResult start = spectral_start(x.view(), weights);
    CHECK(start.num_components == 5);
    CHECK(all_finite(start.coordinates));
    CHECK(nearest_same_group(
              [&] {
                  Matrix<float> y(150, 2);
                  for (std::int64_t i = 0; i < 150; ++i) {
                      y(i, 0) = start.coordinates(i, 0);
                      y(i, 1) = start.coordinates(i, 1);
                  }
                  return y;
              }(),
              3) == 1.0);
    float largest = 0;
    for (const float v : start.coordinates.values()) largest = std::max(largest, std::abs(v));
    CHECK(largest == doctest::Approx(10).epsilon(1e-3));

    StartOptions options;
    check_same_everywhere([&](int threads) {
        options.num_threads = threads;
        return spectral_start(x.view(), weights, options).coordinates;
    });
}

TEST_CASE("pca_start: the axis of largest variance comes first, at the range of 10") {
    Matrix<float> x(50, 3);
    for (std::int64_t i = 0; i < 50; ++i) {
        x(i, 1) = static_cast<float>(i);
        x(i, 2) = static_cast<float>((i * 7) % 5);
    }
    const StartResult start = pca_start(x.view());
    CHECK(std::abs(std::abs(start.coordinates(49, 0)) - 10) < 0.05);
    CHECK(std::abs(start.coordinates(25, 1)) < 1.5);
}

TEST_CASE("landmark_start: distances come in the order of the vectors', for every metric") {
    // A sheet bent in three dimensions, more items than landmarks: the plane has room for its order.
    const std::int64_t n = 700;
    Matrix<float> x(n, 3);
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream stream(5, "sheet", static_cast<std::uint64_t>(i));
        x(i, 0) = static_cast<float>(10 + stream.normal());
        x(i, 1) = static_cast<float>(2 * stream.normal());
        x(i, 2) = 0.05F * x(i, 1) * x(i, 1);
    }
    const auto order_kept = [&](const Matrix<float>& y, auto&& distance) {
        RandomStream stream(9, "triplets");
        int same = 0;
        for (int t = 0; t < 4000; ++t) {
            const auto i = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(n)));
            const auto j = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(n)));
            const auto k = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(n)));
            const auto on_map = [&](std::int64_t a, std::int64_t b) {
                return std::hypot(y(a, 0) - y(b, 0), y(a, 1) - y(b, 1));
            };
            same += (distance(x.row(i), x.row(j)) < distance(x.row(i), x.row(k))) == (on_map(i, j) < on_map(i, k));
        }
        return same / 4000.0;
    };
    const auto euclidean = [](std::span<const float> a, std::span<const float> b) {
        return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
    };
    const auto manhattan = [](std::span<const float> a, std::span<const float> b) {
        return std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]);
    };
    const auto cosine = [](std::span<const float> a, std::span<const float> b) {
        const float ab = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        return -ab / std::hypot(a[0], a[1], a[2]) / std::hypot(b[0], b[1], b[2]);
    };
    StartOptions options;
    for (const Metric metric : {Metric::Euclidean, Metric::SqEuclidean, Metric::Manhattan, Metric::Cosine}) {
        CAPTURE(static_cast<int>(metric));
        const Matrix<float> one = check_same_everywhere([&](int threads) {
            options.num_threads = threads;
            return landmark_start(x.view(), metric, options).coordinates;
        });
        const double kept = metric == Metric::Manhattan ? order_kept(one, manhattan)
                            : metric == Metric::Cosine  ? order_kept(one, cosine)
                                                        : order_kept(one, euclidean);
        CHECK(kept > (metric == Metric::Cosine ? 0.8 : 0.9));
    }
    // Few, equal and infinite items.
    for (const std::int64_t few : {0, 1, 2, 3, 4, 5, 17}) {
        const Matrix<float> small = blobs(few, 4, 1, 0);
        CHECK(all_finite(landmark_start(small.view(), Metric::Cosine).coordinates));
    }
    CHECK(all_finite(landmark_start(Matrix<float>(40, 3).view(), Metric::Euclidean).coordinates));
    Matrix<float> hole = blobs(30, 3, 1, 0);
    hole(4, 1) = std::numeric_limits<float>::infinity();
    CHECK(landmark_start(hole.view(), Metric::Euclidean).coordinates(4, 0) == 0);
    CHECK(all_finite(landmark_start(hole.view(), Metric::Euclidean).coordinates));
}

TEST_CASE("starts: no, one, identical and invalid items") {
    for (const std::int64_t n : {0, 1, 2, 3}) {
        const Matrix<float> x = blobs(n, 4, 1, 0);
        CHECK(pca_start(x.view()).coordinates.rows() == n);
        CHECK(all_finite(pca_start(x.view()).coordinates));
        CsrMatrix<float> empty;
        empty.rows = empty.cols = n;
        empty.indptr.assign(static_cast<std::size_t>(n) + 1, 0);
        const StartResult start = spectral_start(x.view(), empty);
        CHECK(all_finite(start.coordinates));
        CHECK(start.num_components == n);
    }
    const Matrix<float> same(10, 3);
    CHECK(all_finite(pca_start(same.view()).coordinates));
    Matrix<float> hole = blobs(10, 3, 1, 0);
    hole(4, 1) = std::numeric_limits<float>::infinity();
    const StartResult start = pca_start(hole.view());
    CHECK(start.coordinates(4, 0) == 0);
    CHECK(all_finite(start.coordinates));
    StartOptions options;
    options.n_components = 0;
    CHECK_THROWS_WITH_AS(pca_start(hole.view(), options), doctest::Contains("n_components"), Error);
}
