// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/validate/detail/map_ranks.hpp"
#include "filmatlas/validate/label_agreement.hpp"
#include "filmatlas/validate/layout_quality.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

/// Forty points in 4 dimensions and forty positions, all distances different.
Matrix<float> space_points() {
    Matrix<float> x(40, 4);
    for (int i = 0; i < 40; ++i) {
        for (int j = 0; j < 4; ++j) {
            x(i, j) = static_cast<float>(
                static_cast<double>((i * i * 37 + j * j * 17 + i * j * 29 + 11) % 101) / 10 + 0.001 * i * j);
        }
    }
    return x;
}

Matrix<float> map_points() {
    Matrix<float> y(40, 2);
    for (int i = 0; i < 40; ++i) {
        y(i, 0) = static_cast<float>(static_cast<double>((i * 53 + i * i * 3) % 89) / 9 + .0013 * i);
        y(i, 1) = static_cast<float>(static_cast<double>((i * 31 + i * i * 7) % 83) / 8 - .0007 * i);
    }
    return y;
}

/// Trustworthiness by its definition, with full sorted lists in float64; the roles are the caller's.
double definition(const Matrix<float>& from, const Matrix<float>& to, std::int64_t k) {
    const std::int64_t n = from.rows();
    const auto ranks = [n](const Matrix<float>& x, std::int64_t i) {
        std::vector<std::pair<double, std::int64_t>> near;
        for (std::int64_t j = 0; j < n; ++j) {
            double sum = 0;
            for (std::int64_t d = 0; d < x.cols(); ++d) {
                const double gap = static_cast<double>(x(i, d)) - static_cast<double>(x(j, d));
                sum += gap * gap;
            }
            if (j != i) near.emplace_back(sum, j);
        }
        std::sort(near.begin(), near.end());
        return near;
    };
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
        const auto in_from = ranks(from, i);
        const auto in_to = ranks(to, i);
        for (std::int64_t s = 0; s < k; ++s) {
            const std::int64_t j = in_to[static_cast<std::size_t>(s)].second;
            const auto at =
                std::find_if(in_from.begin(), in_from.end(), [j](const auto& e) { return e.second == j; });
            sum += static_cast<double>(std::max<std::int64_t>(0, at - in_from.begin() + 1 - k));
        }
    }
    const auto nd = static_cast<double>(n);
    const auto kd = static_cast<double>(k);
    return 1 - 2 / (nd * kd * (2 * nd - 3 * kd - 1)) * sum;
}

KnnGraph cosine_graph(const Matrix<float>& x, int k) {
    Matrix<float> unit = x;
    for (std::int64_t i = 0; i < x.rows(); ++i) {
        double norm = 0;
        for (const float v : x.row(i)) norm += static_cast<double>(v) * static_cast<double>(v);
        for (float& v : unit.row(i)) v = static_cast<float>(static_cast<double>(v) / std::sqrt(norm));
    }
    KnnGraph graph = brute_graph(unit, k);
    graph.metric = Metric::Cosine;
    for (float& d : graph.distances.values()) d = d * d / 2;
    return graph;
}

bool same(const LayoutQuality& a, const LayoutQuality& b) {
    return a.k == b.k && a.kept_neighbors == b.kept_neighbors && a.trustworthiness == b.trustworthiness &&
           a.continuity == b.continuity && a.rank_correlation == b.rank_correlation &&
           a.random_triplets == b.random_triplets && a.kept_per_item == b.kept_per_item;
}

}  // namespace

TEST_CASE("layout_quality: trustworthiness and continuity are scikit-learn's") {
    const Matrix<float> x = space_points();
    const Matrix<float> y = map_points();
    struct Case {
        int k;
        double trust, continuity, cosine;
    };
    // scikit-learn 1.9.1 on the float64 values of these points.
    for (const Case& c : {Case{1, 0.5381578947368422, 0.5144736842105263, 0.49802631578947365},
                          Case{3, 0.5766666666666667, 0.569047619047619, 0.575},
                          Case{5, 0.55578125, 0.5643750000000001, 0.56578125},
                          Case{10, 0.5508163265306123, 0.5804081632653061, 0.5625510204081632}}) {
        QualityOptions options;
        options.k = c.k;
        const LayoutQuality quality = layout_quality(x.view(), brute_graph(x, 10), y, options);
        CHECK(quality.k == c.k);
        CHECK(std::abs(quality.trustworthiness - c.trust) < 1e-12);
        CHECK(std::abs(quality.continuity - c.continuity) < 1e-12);
        CHECK(quality.trustworthiness_error == 0);
        CHECK(quality.rows_measured == 40);
        CHECK(quality.pairs_measured == 780);
        CHECK(std::abs(quality.rank_correlation - 0.031049841153079325) < 1e-12);
        CHECK(std::abs(layout_quality(x.view(), cosine_graph(x, 10), y, options).trustworthiness - c.cosine) <
              1e-12);
    }
}

TEST_CASE("layout_quality: block products count the same ranks as the definition") {
    // Enough products for the blocked way; a grid of values keeps float32 distances exact, so that ranks are
    // certain.
    Matrix<float> x(1100, 250);
    for (std::int64_t i = 0; i < 1100; ++i) {
        RandomStream stream(5, "grid", static_cast<std::uint64_t>(i));
        for (std::int64_t d = 0; d < 250; ++d) x(i, d) = static_cast<float>(stream.below(9)) - 4;
    }
    Matrix<float> y = blobs(1100, 2, 1, 0);
    for (std::int64_t i = 0; i < 1100; ++i) y(i, 0) += x(i, 0);
    const double trust = definition(x, y, 7);
    const double continuity = definition(y, x, 7);
    QualityOptions options;
    options.k = 7;
    options.pair_samples = 1000;
    KnnGraph graph = brute_graph(x, 7);
    const LayoutQuality quality = layout_quality(x.view(), graph, y, options);
    // The mean is taken out in float32, which may exchange neighbours of nearly equal distance: 1e-6 of the
    // score.
    CHECK(std::abs(quality.trustworthiness - trust) < 1e-5);
    CHECK(std::abs(quality.continuity - continuity) < 1e-12);
    options.num_threads = 1;
    for (const char* level : ::testing::simd_words) {
        const ::testing::SimdLevelScope simd(level);
        for (const int threads : {1, 2, 3}) {
            options.num_threads = threads;
            CHECK(same(layout_quality(x.view(), graph, y, options), quality));
        }
    }
    options.exact_trust = false;
    const LayoutQuality quick = layout_quality(x.view(), graph, y, options);
    CHECK(std::isnan(quick.trustworthiness));
    CHECK(quick.kept_neighbors == quality.kept_neighbors);
}

TEST_CASE("layout_quality: a map that is the space keeps everything") {
    const Matrix<float> x = blobs(200, 2, 3, 5);
    const LayoutQuality quality = layout_quality(x.view(), brute_graph(x, 15), x);
    CHECK(quality.k == 15);
    CHECK(quality.kept_neighbors == 1);
    CHECK(quality.trustworthiness == 1);
    CHECK(quality.continuity == 1);
    CHECK(quality.rank_correlation == doctest::Approx(1));
    CHECK(std::all_of(quality.kept_per_item.begin(), quality.kept_per_item.end(),
                      [](float v) { return v == 1; }));
}

TEST_CASE("layout_quality: above 30,000 items rows are drawn, with an honest error") {
    const std::int64_t n = 30500;
    Matrix<float> x(n, 2);
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream stream(9, "plane", static_cast<std::uint64_t>(i));
        x(i, 0) = stream.uniform_float();
        x(i, 1) = stream.uniform_float();
    }
    Matrix<float> y = x;
    for (std::int64_t i = 0; i < n; ++i) y(i, 1) *= 0.3F;
    // The graph of the plane from the map's own tree, which test "map_neighbors" holds to the definition.
    KnnGraph graph;
    graph.metric = Metric::Euclidean;
    graph.method = "exact";
    graph.indices = map_neighbors(x, 2);
    graph.distances = Matrix<float>(n, 2);
    QualityOptions options;
    options.k = 2;
    options.pair_samples = 0;
    const LayoutQuality drawn = layout_quality(x.view(), graph, y, options);
    CHECK(drawn.rows_measured == 5000);
    CHECK(drawn.trustworthiness_error > 0);
    CHECK(drawn.trustworthiness_error < 1e-3);
    CHECK(std::isnan(drawn.rank_correlation));
    options.exact_trust = true;
    const LayoutQuality all = layout_quality(x.view(), graph, y, options);
    CHECK(all.rows_measured == n);
    CHECK(all.trustworthiness_error == 0);
    CHECK(std::abs(drawn.trustworthiness - all.trustworthiness) < 5 * drawn.trustworthiness_error);
    CHECK(std::abs(drawn.continuity - all.continuity) < 5 * drawn.continuity_error);
}

TEST_CASE("map_neighbors: the k nearest by (distance, id), equal positions included") {
    for (const std::int64_t n : {0, 1, 2, 5, 40, 400}) {
        for (const std::int64_t d : {2, 3}) {
            Matrix<float> y(n, d);
            for (std::int64_t i = 0; i < n; ++i) {
                RandomStream stream(2, "grid", static_cast<std::uint64_t>(i));
                for (std::int64_t k = 0; k < d; ++k)
                    y(i, k) = static_cast<float>(stream.below(6));  // many ties
            }
            for (const int k : {1, 4, 15}) {
                const Matrix<Index> found = map_neighbors(y, k);
                const auto columns = static_cast<int>(std::clamp<std::int64_t>(n - 1, 0, k));
                CHECK(found == brute_graph(y, columns).indices);
                CHECK(map_neighbors(y, k, 1) == found);
                CHECK(map_neighbors(y, k, 3) == found);
            }
        }
    }
    Matrix<float> holes = blobs(30, 2, 1, 0);
    holes(3, 1) = std::numeric_limits<float>::quiet_NaN();
    CHECK(map_neighbors(holes, 4) == brute_graph(holes, 4).indices);
    CHECK_THROWS_WITH_AS(map_neighbors(holes, 0), doctest::Contains("k"), Error);
}

TEST_CASE("spearman: ties share ranks, constants have no correlation") {
    CHECK(spearman({1, 2, 2, 3, 5}, {2, 1, 4, 4, 9}) == doctest::Approx(0.7631578947368421).epsilon(1e-14));
    CHECK(spearman({1, 2, 3}, {10, 20, 90}) == doctest::Approx(1));
    CHECK(spearman({1, 2, 3}, {3, 2, 1}) == doctest::Approx(-1));
    CHECK(std::isnan(spearman({1, 1, 1}, {1, 2, 3})));
    CHECK(std::isnan(spearman({}, {})));
    CHECK_THROWS_AS(spearman({1}, {}), Error);
}

TEST_CASE("layout_quality: items without vector or position are left out; too few items") {
    Matrix<float> x = blobs(40, 3, 1, 0);
    x(5, 0) = std::numeric_limits<float>::quiet_NaN();
    const KnnGraph graph = brute_graph(x, 6);
    Matrix<float> y = blobs(40, 2, 1, 0, 4);
    y(5, 0) = y(5, 1) = std::numeric_limits<float>::quiet_NaN();
    y(9, 0) = y(9, 1) = std::numeric_limits<float>::quiet_NaN();
    QualityOptions options;
    options.k = 4;
    const LayoutQuality quality = layout_quality(x.view(), graph, y, options);
    CHECK(quality.rows_measured == 38);
    CHECK(std::isnan(quality.kept_per_item[5]));
    CHECK(std::isnan(quality.kept_per_item[9]));
    CHECK(std::isfinite(quality.kept_per_item[0]));
    CHECK(std::isfinite(quality.trustworthiness));

    for (const std::int64_t n : {0, 1, 2}) {
        const Matrix<float> few = blobs(n, 3, 1, 0);
        const LayoutQuality none = layout_quality(few.view(), brute_graph(few, 2), Matrix<float>(n, 2));
        CHECK(none.k == 0);
        CHECK(std::isnan(none.trustworthiness));
    }
    const Matrix<float> four = blobs(4, 3, 1, 0);
    CHECK(layout_quality(four.view(), brute_graph(four, 3), blobs(4, 2, 1, 0)).k == 1);

    options.k = 0;
    CHECK_THROWS_WITH_AS(layout_quality(x.view(), graph, y, options), doctest::Contains("k: is 0"), Error);
    options = {};
    options.pair_samples = -1;
    CHECK_THROWS_WITH_AS(layout_quality(x.view(), graph, y, options), doctest::Contains("pair_samples"),
                         Error);
    CHECK_THROWS_WITH_AS(layout_quality(x.view(), graph, Matrix<float>(3, 2)),
                         doctest::Contains("3 positions"), Error);
}

TEST_CASE("layout_qualities: one count serves all sizes, and items' own figures have the map's as their mean") {
    const Matrix<float> x = blobs(300, 8, 4, 6);
    Matrix<float> y = blobs(300, 2, 4, 6, 3);
    for (const bool holes : {false, true}) {
        if (holes) y(7, 0) = std::numeric_limits<float>::quiet_NaN();
        KnnGraph graph = brute_graph(x, 20);
        const std::vector<LayoutQuality> all = layout_qualities(x.view(), graph, y, {15, 1, 20, 4, 500});
        REQUIRE(all.size() == 5);
        CHECK(all[4].k == 20);
        for (std::size_t q = 0; q < all.size(); ++q) {
            QualityOptions options;
            options.k = all[q].k;
            if (!holes) CHECK(same(layout_quality(x.view(), graph, y, options), all[q]));
            double trust = 0;
            double continuity = 0;
            std::int64_t count = 0;
            for (std::size_t i = 0; i < 300; ++i) {
                CHECK(std::isnan(all[q].trust_per_item[i]) == (holes && i == 7));
                if (holes && i == 7) continue;
                trust += all[q].trust_per_item[i];
                continuity += all[q].continuity_per_item[i];
                ++count;
            }
            CHECK(std::abs(trust / static_cast<double>(count) - all[q].trustworthiness) < 1e-12);
            CHECK(std::abs(continuity / static_cast<double>(count) - all[q].continuity) < 1e-12);
        }
        if (holes) continue;
        CHECK(std::abs(all[0].trustworthiness - definition(x, y, 15)) < 1e-12);
        CHECK(std::abs(all[3].continuity - definition(y, x, 4)) < 1e-12);
        graph.method = "nn-descent";  // ranks are then counted for kept neighbours too, and are the same
        CHECK(layout_qualities(x.view(), graph, y, {4}).front().trustworthiness == all[3].trustworthiness);
    }
    CHECK(layout_qualities(x.view(), brute_graph(x, 3), y, {}).empty());
    CHECK_THROWS_WITH_AS(layout_qualities(x.view(), brute_graph(x, 3), y, {3, 0}), doctest::Contains("k: is 0"), Error);
}

TEST_CASE("layout_quality: random triplets are near the share of all, classes vote on both sides") {
    const Matrix<float> x = blobs(120, 6, 4, 1.5);
    const Matrix<float> y = blobs(120, 2, 4, 3);
    const auto distance = [](const Matrix<float>& m, std::int64_t a, std::int64_t b) {
        double sum = 0;
        for (std::int64_t d = 0; d < m.cols(); ++d) {
            const double gap = static_cast<double>(m(a, d)) - static_cast<double>(m(b, d));
            sum += gap * gap;
        }
        return sum;
    };
    std::int64_t agree = 0;
    std::int64_t all = 0;
    for (std::int64_t i = 0; i < 120; ++i) {
        for (std::int64_t j = 0; j < 120; ++j) {
            for (std::int64_t k = 0; k < j; ++k) {
                if (i == j || i == k) continue;
                agree += (distance(x, i, j) < distance(x, i, k)) == (distance(y, i, j) < distance(y, i, k)) ? 1 : 0;
                ++all;
            }
        }
    }
    std::vector<Index> labels(120);
    for (std::size_t i = 0; i < 120; ++i) labels[i] = i == 5 ? -1 : static_cast<Index>(i % 4);
    const KnnGraph graph = brute_graph(x, 15);
    QualityOptions options;
    options.labels = labels;
    const std::vector<LayoutQuality> found = layout_qualities(x.view(), graph, y, {15, 5}, options);
    const double expected = static_cast<double>(agree) / static_cast<double>(all);
    CHECK(found[0].triplets_measured == 100000);
    CHECK(std::abs(found[0].random_triplets - expected) < 4 * found[0].random_triplets_error);
    CHECK(found[0].random_triplets_error < 0.002);
    CHECK(found[1].random_triplets == found[0].random_triplets);
    for (const LayoutQuality& quality : found) {
        const Matrix<Index> near = map_neighbors(y, 15);
        CHECK(quality.label_accuracy == label_agreement(near.view(), labels, quality.k).accuracy);
        const Matrix<Index>& truth = graph.indices;
        CHECK(quality.label_accuracy_full == label_agreement(truth.view(), labels, quality.k).accuracy);
        CHECK(quality.label_accuracy > 0.5);
    }
    options.triplet_samples = 0;
    options.labels = {};
    const LayoutQuality without = layout_quality(x.view(), graph, y, options);
    CHECK(std::isnan(without.random_triplets));
    CHECK(std::isnan(without.label_accuracy));
    options.labels = std::span<const Index>(labels).first(7);
    CHECK_THROWS_WITH_AS(layout_quality(x.view(), graph, y, options), doctest::Contains("7 labels"), Error);
    options.triplet_samples = -1;
    CHECK_THROWS_WITH_AS(layout_quality(x.view(), graph, y, options), doctest::Contains("triplet_samples"), Error);
}

TEST_CASE("map ranks: those of measuring every point, ties and equal positions included") {
    for (const std::int64_t n : {1, 2, 16, 17, 38, 75, 300, 1000, 4000}) {
        for (const std::int64_t d : {1, 2, 3}) {
            for (const std::uint64_t values : {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{100000}}) {
                Matrix<float> y(n, d);
                std::vector<Index> rows;
                for (std::int64_t i = 0; i < n; ++i) {
                    RandomStream stream(8, "ranks", static_cast<std::uint64_t>(i));
                    for (float& v : y.row(i)) v = 0.1F * static_cast<float>(stream.below(values));
                    if (i % 7 != 3) rows.push_back(static_cast<Index>(i));
                }
                const detail::MapRanks ranks(y, rows);
                const auto m = static_cast<Index>(rows.size());
                const auto distance = [&](Index a, Index b) {
                    double sum = 0;
                    for (std::int64_t axis = 0; axis < d; ++axis) {
                        const double gap = static_cast<double>(y(rows[static_cast<std::size_t>(b)], axis)) -
                                           static_cast<double>(y(rows[static_cast<std::size_t>(a)], axis));
                        sum += gap * gap;
                    }
                    return sum;
                };
                for (Index i = 0; i < m; i += std::max(13, m / 40)) {
                    std::vector<Index> others;
                    std::vector<std::int64_t> expected;
                    for (Index j = 0; j < m; j += std::max(11, m / 40)) {
                        if (i == j) continue;
                        std::int64_t before = 0;
                        for (Index p = 0; p < m; ++p) {
                            if (p == i || p == j) continue;
                            const double gap = distance(i, p) - distance(i, j);
                            before += gap < 0 || (gap == 0 && p < j) ? 1 : 0;
                        }
                        others.push_back(j);
                        expected.push_back(before);
                    }
                    for (const char* level : ::testing::simd_words) {
                        const ::testing::SimdLevelScope simd(level);
                        std::vector<std::int64_t> counts(others.size());
                        ranks.before(i, others, counts);
                        CHECK(counts == expected);
                    }
                }
            }
        }
    }
}
