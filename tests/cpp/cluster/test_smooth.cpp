// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/smooth.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/core/error.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

/// The definition in float64 on full matrices.
std::vector<std::vector<double>> defined_weights(const KnnGraph& graph) {
    const auto n = static_cast<std::size_t>(graph.size());
    std::vector<std::set<Index>> list(n);
    for (std::size_t i = 0; i < n; ++i) {
        for (const Index j : graph.indices.row(static_cast<std::int64_t>(i))) {
            if (j >= 0) list[i].insert(j);
        }
        if (!list[i].empty()) list[i].insert(static_cast<Index>(i));
    }
    std::vector<std::vector<double>> P(n, std::vector<double>(n, 0.0));
    for (std::size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < n; ++j) {
            const bool joined =
                list[i].count(static_cast<Index>(j)) + list[j].count(static_cast<Index>(i)) > 0;
            if (i == j || !joined) continue;
            double common = 0;
            for (const Index x : list[i]) common += static_cast<double>(list[j].count(x));
            P[i][j] = common / (static_cast<double>(list[i].size() + list[j].size()) - common);
            sum += P[i][j];
        }
        for (double& value : P[i]) value = sum > 0 ? value / sum : 0.0;
    }
    return P;
}

std::vector<std::vector<double>> defined_smoothing(const Matrix<float>& X, const KnnGraph& graph, int steps,
                                                   double keep, bool unit) {
    const auto P = defined_weights(graph);
    const auto scale = [&](std::vector<double>& row) {
        double norm2 = 0;
        for (const double value : row) norm2 += value * value;
        for (double& value : row) value = unit && norm2 > 0 ? value / std::sqrt(norm2) : value;
    };
    std::vector<std::vector<double>> rows;
    for (std::int64_t i = 0; i < X.rows(); ++i) {
        rows.emplace_back(X.row(i).begin(), X.row(i).end());
        scale(rows.back());
    }
    for (int step = 0; step < steps; ++step) {
        auto next = rows;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            std::vector<double> mean(rows[i].size(), 0.0);
            double sum = 0;
            for (std::size_t j = 0; j < rows.size(); ++j) {
                sum += P[i][j];
                for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += P[i][j] * rows[j][c];
            }
            if (!(sum > 0)) continue;
            scale(mean);
            for (std::size_t c = 0; c < mean.size(); ++c)
                next[i][c] = keep * rows[i][c] + (1 - keep) * mean[c];
            scale(next[i]);
        }
        rows = next;
    }
    return rows;
}

}  // namespace

TEST_CASE("shared_neighbor_weights: a hand-worked graph") {
    // 0 and 1 list each other; 2 lists 1; 3 has no neighbours.
    KnnGraph graph;
    graph.indices = Matrix<Index>(4, 1, {1, 0, 1, -1});
    graph.distances = Matrix<float>(4, 1);
    const CsrMatrix<float> P = shared_neighbor_weights(graph);
    CHECK(P.indptr == std::vector<std::int64_t>{0, 1, 3, 4, 4});
    CHECK(P.indices == std::vector<Index>{1, 0, 2, 1});
    // Lists {0,1}, {0,1}, {1,2}: overlaps 1 and 1/3 of item 1, scaled to sum 1.
    CHECK(P.values[0] == 1.0F);
    CHECK(P.values[1] == doctest::Approx(0.75));
    CHECK(P.values[2] == doctest::Approx(0.25));
    CHECK(P.values[3] == 1.0F);
}

TEST_CASE("smooth_embedding: equal to the definition, over sizes, metrics and steps") {
    for (const std::int64_t n : {5, 60, 700}) {
        for (const Metric metric : {Metric::Cosine, Metric::Euclidean}) {
            const auto data = cluster_data::blobs(n, 7, 4, 0.5, 4);
            const KnnGraph graph = cluster_data::knn(data.X, 6, metric);
            for (const int steps : {0, 1, 4}) {
                const Matrix<float> smooth =
                    smooth_embedding(data.X.view(), graph, {.steps = steps, .keep = 0.3});
                const auto expected = defined_smoothing(data.X, graph, steps, 0.3, metric == Metric::Cosine);
                double worst = 0;
                for (std::int64_t i = 0; i < n; ++i) {
                    for (std::int64_t j = 0; j < 7; ++j) {
                        worst = std::max(
                            worst,
                            std::abs(static_cast<double>(smooth(i, j)) -
                                     expected[static_cast<std::size_t>(i)][static_cast<std::size_t>(j)]));
                    }
                }
                CHECK(worst < 2e-6);
            }
        }
    }
}

TEST_CASE("smooth_embedding: the same bytes for any number of threads and any instruction set") {
    const auto data = cluster_data::blobs(900, 16, 9, 0.6, 8);
    const KnnGraph graph = cluster_data::knn(data.X, 10);
    const Matrix<float> one = smooth_embedding(data.X.view(), graph, {.num_threads = 1});
    for (const int threads : {2, 3})
        CHECK(smooth_embedding(data.X.view(), graph, {.num_threads = threads}) == one);
    CHECK(shared_neighbor_weights(graph, 1) == shared_neighbor_weights(graph, 3));
    for (const char* level : ::testing::simd_words) {
        const ::testing::SimdLevelScope simd(level);
        CHECK(smooth_embedding(data.X.view(), graph) == one);
    }
}

TEST_CASE("smooth_embedding: pulls the items of a cluster together") {
    const auto data = cluster_data::blobs(300, 32, 3, 1.0, 6);
    const KnnGraph graph = cluster_data::knn(data.X, 15);
    const auto contrast = [&](const Matrix<float>& rows) {  // mean cosine inside minus across
        double inside = 0;
        double across = 0;
        for (std::int64_t i = 0; i < 299; ++i) {
            double same = 0;
            double other = 0;
            for (std::int64_t j = 0; j < 32 && i < 297; ++j) {
                same += static_cast<double>(rows(i, j)) * static_cast<double>(rows(i + 3, j));
                other += static_cast<double>(rows(i, j)) * static_cast<double>(rows(i + 1, j));
            }
            inside += same;
            across += other;
        }
        return (inside - across) / 297;
    };
    const double before = contrast(smooth_embedding(data.X.view(), graph, {.steps = 0}));
    const double after = contrast(smooth_embedding(data.X.view(), graph));
    CHECK(after > before + 0.2);
}

TEST_CASE("smooth_embedding: invalid rows are zero and touch nobody; lone rows keep their direction") {
    auto data = cluster_data::blobs(40, 5, 2, 0.4, 2);
    for (float& value : data.X.row(3)) value = 0;
    data.X(17, 1) = std::numeric_limits<float>::quiet_NaN();
    const KnnGraph graph = cluster_data::knn(data.X, 5);
    REQUIRE(graph.invalid_rows == std::vector<Index>{3, 17});
    const Matrix<float> smooth = smooth_embedding(data.X.view(), graph);
    for (std::int64_t i = 0; i < 40; ++i) {
        double norm2 = 0;
        for (const float value : smooth.row(i))
            norm2 += static_cast<double>(value) * static_cast<double>(value);
        CHECK(norm2 == doctest::Approx(i == 3 || i == 17 ? 0.0 : 1.0));
    }
    KnnGraph lone;
    lone.indices = Matrix<Index>(1, 2, {-1, -1});
    lone.distances = Matrix<float>(1, 2);
    const Matrix<float> single = smooth_embedding(Matrix<float>(1, 2, {3, 4}).view(), lone);
    CHECK(single(0, 0) == doctest::Approx(0.6));
    CHECK(single(0, 1) == doctest::Approx(0.8));
}

TEST_CASE("smooth_embedding: refusals") {
    const auto data = cluster_data::blobs(10, 3, 2, 0.4, 2);
    KnnGraph graph = cluster_data::knn(data.X, 3);
    CHECK_THROWS_WITH_AS(smooth_embedding(data.X.view(), graph, {.steps = -1}),
                         "smooth_embedding: steps: is -1; use 0 .. 1000", Error);
    CHECK_THROWS_AS(smooth_embedding(data.X.view(), graph, {.keep = 1.5}), Error);
    CHECK_THROWS_AS(smooth_embedding(data.X.view(), graph, {.num_threads = -1}), Error);
    CHECK_THROWS_AS(smooth_embedding(Matrix<float>(9, 3).view(), graph), Error);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_AS(smooth_embedding(data.X.view(), graph, {}, stop), Error);
    graph.indices(4, 1) = 10;
    try {
        smooth_embedding(data.X.view(), graph);
        FAIL("not refused");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Format);
        CHECK(error.where().row == 4);
    }
}
