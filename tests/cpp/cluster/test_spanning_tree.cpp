// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/spanning_tree.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "cluster/density_reference.hpp"
#include "filmatlas/core/error.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using cluster_data::blobs;

namespace {

Matrix<double> widened(const Matrix<float>& X) {
    Matrix<double> out(X.rows(), X.cols());
    std::copy(X.values().begin(), X.values().end(), out.values().begin());
    return out;
}

SpanningTree brute(const Matrix<double>& D, const SpanningTreeOptions& options,
                   const std::vector<double>& weights = {}) {
    return spanning_tree_from_distances(D.view(), options, weights);
}

void check_same_weights(const SpanningTree& a, const SpanningTree& b, double relative) {
    REQUIRE(a.weight.size() == b.weight.size());
    CHECK(std::is_sorted(a.weight.begin(), a.weight.end()));
    double worst = 0;
    for (std::size_t e = 0; e < a.weight.size(); ++e) {
        worst = std::max(worst, std::abs(a.weight[e] - b.weight[e]) / std::max(b.weight[e], 1e-300));
    }
    for (std::size_t i = 0; i < a.core.size(); ++i) {
        worst = std::max(worst, std::abs(a.core[i] - b.core[i]) / std::max(b.core[i], 1e-300));
    }
    CHECK(worst <= relative);
    validate(a);
}

Matrix<double> cosine_distances(const Matrix<double>& X) {
    Matrix<double> unit = X;
    for (std::int64_t i = 0; i < X.rows(); ++i) {
        double squared = 0;
        for (const double v : X.row(i)) squared += v * v;
        for (double& v : unit.row(i)) v /= std::sqrt(squared);
    }
    Matrix<double> D = density_reference::distances(unit);
    for (double& v : D.values()) v = v * v / 2;
    return D;
}

}  // namespace

TEST_CASE("spanning_tree: three points on a line, by hand") {
    Matrix<double> X(3, 1, {0.0, 1.0, 3.0});
    SpanningTreeOptions options;
    options.min_samples = 1;
    const SpanningTree tree = spanning_tree(X.view(), options);
    CHECK(tree.core == std::vector<double>{1, 1, 2});
    CHECK(tree.weight == std::vector<double>{1, 2});
    options.min_samples = 2;
    CHECK(spanning_tree(X.view(), options).core == std::vector<double>{3, 2, 3});
    options.convention = MinSamplesConvention::IncludeSelf;
    CHECK(spanning_tree(X.view(), options).core == std::vector<double>{1, 1, 2});
    options.alpha = 2;
    CHECK(spanning_tree(X.view(), options).weight == std::vector<double>{1, 2});
    options.min_samples = 1;
    CHECK(spanning_tree(X.view(), options).core == std::vector<double>{0, 0, 0});
    CHECK(spanning_tree(X.view(), options).weight == std::vector<double>{0.5, 1});
}

TEST_CASE("spanning_tree: the tree of boxes equals Prim on all distances") {
    for (const std::int64_t d : {1, 2, 3, 5, 16}) {
        for (const std::int64_t n : {2, 3, 17, 100, 701}) {
            for (const int k : {1, 5, 30}) {
                const Matrix<double> X = widened(blobs(n, d, 4, 0.3, static_cast<std::uint64_t>(n + d)).X);
                SpanningTreeOptions options;
                options.min_samples = k;
                CAPTURE(n);
                CAPTURE(d);
                CAPTURE(k);
                check_same_weights(spanning_tree(X.view(), options),
                                   brute(density_reference::distances(X), options), 0.0);
            }
        }
    }
}

TEST_CASE("spanning_tree: neighbours found by a product of blocks, where boxes part little, change nothing") {
    for (const int kind : {0, 1, 2, 3}) {
        const std::int64_t n = 1600;
        const std::int64_t d = kind == 2 ? 14 : 20;
        Matrix<double> X = widened(blobs(n, d, 1, 1.0, static_cast<std::uint64_t>(kind)).X);
        for (double& v : X.values()) {
            if (kind == 1) v = 1e5 + v / 3;          // no float32 number, and none is near for its size
            if (kind == 2) v = std::round(v * 0.6);  // repeats, and equal distances everywhere
            if (kind == 3) v *= 1e-200;              // all 0 as float32
        }
        std::vector<double> weights(static_cast<std::size_t>(n), 1.0);
        for (std::size_t i = 0; i < weights.size(); i += 3) weights[i] = 0.4;
        for (const double alpha : {1.0, 1.3}) {
            SpanningTreeOptions options;
            options.alpha = alpha;
            options.num_threads = 1;
            CAPTURE(kind);
            CAPTURE(alpha);
            const Matrix<double> D = density_reference::distances(X);
            const SpanningTree tree = spanning_tree(X.view(), options);
            CHECK(tree.method == "kd_tree");
            check_same_weights(tree, brute(D, options), alpha == 1 ? 0.0 : 1e-14);
            check_same_weights(spanning_tree(X.view(), options, weights), brute(D, options, weights),
                               alpha == 1 ? 0.0 : 1e-14);
            options.num_threads = 3;
            const SpanningTree again = spanning_tree(X.view(), options);
            CHECK(again.a == tree.a);
            CHECK(again.b == tree.b);
        }
    }
}

TEST_CASE("spanning_tree: other metrics and alpha") {
    const Matrix<double> X = widened(blobs(300, 4, 5, 0.4, 3).X);
    for (const double alpha : {0.5, 1.0, 1.7}) {
        SpanningTreeOptions options;
        options.alpha = alpha;
        check_same_weights(spanning_tree(X.view(), options), brute(density_reference::distances(X), options),
                           1e-14);
        options.metric = Metric::Cosine;
        check_same_weights(spanning_tree(X.view(), options), brute(cosine_distances(X), options), 1e-9);
        options.metric = Metric::Manhattan;
        Matrix<double> D(300, 300);
        for (std::int64_t i = 0; i < 300; ++i) {
            for (std::int64_t j = 0; j < 300; ++j) {
                for (std::int64_t k = 0; k < 4; ++k) D(i, j) += std::abs(X(i, k) - X(j, k));
            }
        }
        check_same_weights(spanning_tree(X.view(), options), brute(D, options), 1e-14);
    }
}

TEST_CASE("spanning_tree: the blocked route is exact, in every metric it knows") {
    for (const std::int64_t n : {2, 5, 40, 900}) {
        for (const std::int64_t d : {24, 70}) {
            for (const int k : {1, 8}) {
                for (const double spread : {0.2, 2.0}) {  // apart; one cloud
                    const Matrix<float> X = blobs(n, d, 6, spread, static_cast<std::uint64_t>(n + d + k)).X;
                    SpanningTreeOptions options;
                    options.min_samples = k;
                    CAPTURE(n);
                    CAPTURE(d);
                    CAPTURE(k);
                    CAPTURE(spread);
                    const SpanningTree tree = spanning_tree(X.view(), options);
                    CHECK(tree.method == "blocked");
                    CHECK(tree.exact);
                    check_same_weights(tree, brute(density_reference::distances(widened(X)), options), 1e-12);
                    options.metric = Metric::Cosine;
                    check_same_weights(spanning_tree(X.view(), options),
                                       brute(cosine_distances(widened(X)), options), 1e-10);
                }
            }
        }
    }
}

TEST_CASE("spanning_tree: the approximate route's certificate holds") {
    for (const double spread : {0.15, 0.6, 3.0}) {
        const Matrix<float> X = blobs(1200, 40, 9, spread, 5).X;
        SpanningTreeOptions options;
        options.min_samples = 3;
        const SpanningTree exact = spanning_tree(X.view(), options);
        options.method = SpanningTreeMethod::Approximate;
        const SpanningTree near = spanning_tree(X.view(), options);
        REQUIRE(near.num_edges() == exact.num_edges());
        CHECK(near.certified > 0);
        CHECK(near.certified <= 1);
        CHECK(near.total_weight() >= exact.total_weight() * (1 - 1e-12));
        CHECK(near.total_weight() <= exact.total_weight() * (1 + near.excess_bound) * (1 + 1e-12));
        if (near.exact) CHECK(near.total_weight() == doctest::Approx(exact.total_weight()).epsilon(1e-12));
    }
}

TEST_CASE("spanning_tree: duplicates and weights say the same") {
    const Matrix<double> base = widened(blobs(60, 2, 3, 0.4, 8).X);
    std::vector<double> times;
    Matrix<double> repeated(0, 2);
    for (std::int64_t i = 0; i < 60; ++i) {
        times.push_back(static_cast<double>(1 + i % 3));
        for (int t = 0; t < 1 + i % 3; ++t) {
            repeated.values().insert(repeated.values().end(), base.row(i).begin(), base.row(i).end());
        }
    }
    repeated = Matrix<double>(static_cast<std::int64_t>(repeated.values().size()) / 2, 2, repeated.values());
    for (const int k : {1, 2, 4, 10}) {
        SpanningTreeOptions options;
        options.min_samples = k;
        const SpanningTree weighted = spanning_tree(base.view(), options, times);
        const SpanningTree full = spanning_tree(repeated.view(), options);
        check_same_weights(full, brute(density_reference::distances(repeated), options), 0.0);
        check_same_weights(weighted, brute(density_reference::distances(base), options, times), 0.0);
        std::size_t row = 0;
        for (std::size_t i = 0; i < 60; ++i) {
            for (std::size_t t = 0; t < static_cast<std::size_t>(times[i]); ++t) {
                CHECK(full.core[row++] == weighted.core[i]);
            }
        }
    }
}

TEST_CASE("spanning_tree: invalid rows take no part") {
    Matrix<double> X = widened(blobs(50, 2, 2, 0.3, 4).X);
    const SpanningTree clean = spanning_tree(MatrixView<const double>(X.data() + 4, 48, 2));
    X(0, 0) = std::numeric_limits<double>::quiet_NaN();
    X(1, 1) = std::numeric_limits<double>::infinity();
    const SpanningTree tree = spanning_tree(X.view());
    CHECK(tree.invalid_rows == std::vector<Index>{0, 1});
    CHECK(tree.weight == clean.weight);
    CHECK(std::isinf(tree.core[0]));
    Matrix<float> zero(3, 30);
    zero(0, 0) = 1;
    zero(1, 1) = 1;
    SpanningTreeOptions options;
    options.metric = Metric::Cosine;
    CHECK(spanning_tree(zero.view(), options).invalid_rows == std::vector<Index>{2});
    CHECK(spanning_tree(zero.view(), options).num_edges() == 1);
}

TEST_CASE("spanning_tree: none, one, and equal rows") {
    for (const std::int64_t d : {2, 30}) {
        CHECK(spanning_tree(Matrix<float>(0, d).view()).num_edges() == 0);
        CHECK(spanning_tree(Matrix<float>(1, d).view()).num_edges() == 0);
        const SpanningTree tree = spanning_tree(Matrix<float>(100, d).view());
        CHECK(tree.num_edges() == 99);
        CHECK(tree.total_weight() == 0);
    }
}

TEST_CASE("spanning_tree: threads and the order of rows change nothing") {
    for (const std::int64_t d : {2, 30}) {
        const Matrix<float> X = blobs(800, d, 5, 0.5, 1).X;
        SpanningTreeOptions options;
        options.num_threads = 1;
        const SpanningTree one = spanning_tree(X.view(), options);
        options.num_threads = 3;
        const SpanningTree three = spanning_tree(X.view(), options);
        CHECK(one.a == three.a);
        CHECK(one.b == three.b);
        CHECK(one.weight == three.weight);
        const std::vector<Index> order = cluster_data::permutation(800, 2);
        const SpanningTree moved = spanning_tree(cluster_data::permuted(X, order).view(), options);
        CHECK(moved.weight == one.weight);
        for (std::size_t e = 0; e < one.a.size(); ++e) {
            const Index a = order[static_cast<std::size_t>(moved.a[e])];
            const Index b = order[static_cast<std::size_t>(moved.b[e])];
            CHECK(std::minmax(a, b) == std::minmax(one.a[e], one.b[e]));
        }
    }
}

TEST_CASE("spanning_tree: every instruction set finds the same") {
    for (const std::int64_t d : {1, 2, 3, 5}) {
        Matrix<double> X = widened(blobs(1500, d, 5, 0.3, static_cast<std::uint64_t>(d)).X);
        for (const bool lattice : {false, true}) {
            // Many neighbours as far as the last, and rows that are equal.
            if (lattice) {
                for (double& v : X.values()) v = std::round(20 * v);
            }
            for (const int k : {1, 7, 15, 40}) {
                SpanningTreeOptions options;
                options.min_samples = k;
                options.method = SpanningTreeMethod::KdTree;
                SpanningTree first;
                for (const char* level : testing::simd_words) {
                    const testing::SimdLevelScope scope(level);
                    const SpanningTree tree = spanning_tree(X.view(), options);
                    if (first.core.empty()) first = tree;
                    CAPTURE(d);
                    CAPTURE(lattice);
                    CAPTURE(k);
                    CAPTURE(level);
                    CHECK(testing::same_bits(tree.core, first.core));
                    CHECK(testing::same_bits(tree.weight, first.weight));
                    CHECK(tree.a == first.a);
                    CHECK(tree.b == first.b);
                }
            }
        }
    }
}

TEST_CASE("spanning_tree: neighbour lists, graphs and distances agree") {
    const Matrix<float> X = blobs(150, 3, 3, 0.8, 6).X;
    const Matrix<double> D = density_reference::distances(widened(X));
    SpanningTreeOptions options;
    options.min_samples = 4;
    const SpanningTree full = brute(D, options);
    CsrMatrix<double> graph;
    graph.rows = graph.cols = 150;
    for (Index i = 0; i < 150; ++i) {
        for (Index j = i + 1; j < 150; ++j) {
            graph.indices.push_back(j);
            graph.values.push_back(D(i, j));
        }
        graph.indptr.push_back(graph.nnz());
    }
    check_same_weights(spanning_tree_from_graph(graph, options), full, 0.0);
    KnnOptions knn;
    knn.k = 149;
    knn.metric = Metric::Euclidean;
    const SpanningTree lists = spanning_tree_from_knn(knn_graph(X.view(), knn), options);
    CHECK(lists.exact);
    check_same_weights(lists, full, 1e-5);
    knn.k = 6;
    const SpanningTree few = spanning_tree_from_knn(knn_graph(X.view(), knn), options);
    CHECK(few.certified <= 1);
    CHECK(few.core == core_distances(knn_graph(X.view(), knn), 4));
    knn.k = 3;
    CHECK_THROWS_WITH_AS(spanning_tree_from_knn(knn_graph(X.view(), knn), options),
                         doctest::Contains("larger k"), Error);
}

TEST_CASE("spanning_tree: unconnected items make a forest") {
    constexpr double inf = std::numeric_limits<double>::infinity();
    const Matrix<double> D(4, 4, {0, 1, inf, inf, 1, 0, inf, inf, inf, inf, 0, 2, inf, inf, 2, 0});
    SpanningTreeOptions options;
    options.min_samples = 1;
    CHECK(brute(D, options).weight == std::vector<double>{1, 2});
}

TEST_CASE("spanning_tree: what it refuses, and why") {
    const Matrix<double> X(3, 2);
    SpanningTreeOptions options;
    options.min_samples = 0;
    CHECK_THROWS_WITH_AS(spanning_tree(X.view(), options), doctest::Contains("min_samples"), Error);
    options = {};
    options.alpha = 0;
    CHECK_THROWS_WITH_AS(spanning_tree(X.view(), options), doctest::Contains("alpha"), Error);
    options = {};
    options.metric = Metric::InnerProduct;
    CHECK_THROWS_WITH_AS(spanning_tree(X.view(), options), doctest::Contains("inner_product"), Error);
    options = {};
    options.memory_limit = 100;
    CHECK_THROWS_WITH_AS(spanning_tree(X.view(), options), doctest::Contains("the limit is 100"), Error);
    const std::vector<double> weights = {1, 2};
    CHECK_THROWS_WITH_AS(spanning_tree(X.view(), {}, weights), doctest::Contains("2 weights for 3"), Error);
    const Matrix<double> skew(2, 2, {0, 1, 2, 0});
    CHECK_THROWS_WITH_AS(spanning_tree_from_distances(skew.view()), doctest::Contains("mirror"), Error);
    CHECK_THROWS_AS(min_samples_convention_from_string("x"), Error);
    CHECK_THROWS_AS(spanning_tree_method_from_string("x"), Error);
    SpanningTree circle;
    circle.num_items = 2;
    circle.a = {0, 1};
    circle.b = {1, 0};
    circle.weight = {1, 1};
    CHECK_THROWS_WITH_AS(validate(circle), doctest::Contains("cycle"), Error);
}

TEST_CASE("spanning_tree: a stop in the middle is heard") {
    const Matrix<float> X = blobs(3000, 2, 5, 0.5, 1).X;
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_WITH_AS(spanning_tree(X.view(), {}, {}, stop), doctest::Contains("cancelled"), Error);
}
