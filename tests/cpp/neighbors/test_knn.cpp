// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cfloat>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/kernels.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "neighbors/knn_data.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using testing::all_metrics;
using testing::gaussian;
using testing::same_graph;
using testing::SimdLevelScope;
using testing::true_distance;

namespace {

constexpr float inf_value = std::numeric_limits<float>::infinity();

/// Small integers: many equal rows and very many ties.
Matrix<float> lattice(std::int64_t n, std::int64_t d, int values, std::uint64_t seed) {
    Matrix<float> m(n, d);
    RandomStream stream(seed, "knn lattice");
    for (float& x : m.values()) x = static_cast<float>(stream.below(static_cast<std::uint64_t>(values))) + 1;
    return m;
}

/// Against float64: each list has the right length, distances that are right and ascend with ties by id, and
/// no row outside it is nearer than its last by more than the rounding.
void check_against_float64(MatrixView<const float> x, const KnnGraph& graph, double tolerance) {
    validate(graph);
    int wrong = 0;
    for (std::int64_t i = 0; i < x.rows; ++i) {
        const std::int64_t have = std::min<std::int64_t>(graph.k(), x.rows - 1);
        std::vector<bool> listed(static_cast<std::size_t>(x.rows), false);
        for (std::int64_t slot = 0; slot < have; ++slot) {
            const Index j = graph.indices(i, slot);
            const float distance = graph.distances(i, slot);
            if (j < 0) {
                ++wrong;
                continue;
            }
            listed[static_cast<std::size_t>(j)] = true;
            const double want = true_distance(graph.metric, x.row_data(i), x.row_data(j), x.cols);
            wrong +=
                std::abs(static_cast<double>(distance) - want) > tolerance * std::max(1.0, std::abs(want));
            if (slot > 0) {
                wrong += std::pair(distance, j) <
                         std::pair(graph.distances(i, slot - 1), graph.indices(i, slot - 1));
            }
        }
        if (have < 1) continue;
        const double last = static_cast<double>(graph.distances(i, have - 1));
        for (std::int64_t j = 0; j < x.rows; ++j) {
            if (j == i || listed[static_cast<std::size_t>(j)]) continue;
            const double d = true_distance(graph.metric, x.row_data(i), x.row_data(j), x.cols);
            wrong += d < last - 2 * tolerance * std::max(1.0, std::abs(last));
        }
    }
    CHECK(wrong == 0);
}

/// The promise to the bit: sorting all (distance, id) with the distances that the kernels give.
KnnGraph by_sorting(MatrixView<const float> x, Metric metric, int k) {
    const Kernels& kernel = kernels();
    const auto d = static_cast<std::size_t>(x.cols);
    KnnGraph graph;
    graph.indices = Matrix<Index>(x.rows, k);
    graph.distances = Matrix<float>(x.rows, k);
    for (std::int64_t i = 0; i < x.rows; ++i) {
        std::vector<std::pair<float, Index>> all;
        for (std::int64_t j = 0; j < x.rows; ++j) {
            if (j == i) continue;
            const float* a = x.row_data(i);
            const float* b = x.row_data(j);
            float distance = 0;
            if (metric == Metric::Cosine) {
                double aa = 0;
                double bb = 0;
                for (std::size_t c = 0; c < d; ++c) {
                    aa += static_cast<double>(a[c]) * static_cast<double>(a[c]);
                    bb += static_cast<double>(b[c]) * static_cast<double>(b[c]);
                }
                const auto fa = static_cast<float>(1.0 / std::sqrt(aa));
                const auto fb = static_cast<float>(1.0 / std::sqrt(bb));
                distance = std::min(2.0F, 0.5F * kernel.squared_l2_scaled(a, fa, b, fb, d));
            } else if (metric == Metric::InnerProduct) {
                distance = -kernel.dot(a, b, d);
            } else if (metric == Metric::Manhattan) {
                distance = kernel.l1(a, b, d);
            } else {
                distance = kernel.squared_l2(a, b, d);
                if (metric == Metric::Euclidean)
                    distance = static_cast<float>(std::sqrt(static_cast<double>(distance)));
            }
            all.emplace_back(distance + 0.0F, static_cast<Index>(j));
        }
        std::sort(all.begin(), all.end());
        for (int slot = 0; slot < k; ++slot) {
            const bool used = static_cast<std::size_t>(slot) < all.size();
            graph.indices(i, slot) = used ? all[static_cast<std::size_t>(slot)].second : -1;
            graph.distances(i, slot) = used ? all[static_cast<std::size_t>(slot)].first : inf_value;
        }
    }
    return graph;
}

}  // namespace

TEST_CASE("knn_graph: five points on a line, by hand; ties by id") {
    const Matrix<float> x(5, 1, {0, 1, 2, 4, 1});
    const auto g = knn_graph(x.view(), {.k = 2, .metric = Metric::Euclidean});
    CHECK(g.indices.values() == std::vector<Index>{1, 4, 4, 0, 1, 4, 2, 1, 1, 0});
    CHECK(g.distances.values() == std::vector<float>{1, 1, 0, 1, 1, 1, 2, 3, 0, 1});
    CHECK(g.method == "exact");
    CHECK(g.exact());
    CHECK(g.recall == 1);
    const auto squared = knn_graph(x.view(), {.k = 2, .metric = Metric::SqEuclidean});
    CHECK(squared.indices == g.indices);
    CHECK(squared.distances(3, 1) == 9);
    const auto inner = knn_graph(x.view(), {.k = 2, .metric = Metric::InnerProduct});
    CHECK(inner.indices(0, 0) == 1);
    CHECK(inner.indices(1, 0) == 3);
    CHECK(inner.distances(1, 0) == -4);
}

TEST_CASE("knn_graph: exact for every metric and shape, against float64 and to the bit") {
    for (const Metric metric : all_metrics) {
        for (const std::int64_t n : {2, 3, 16, 17, 130, 700}) {
            for (const std::int64_t d : {1, 3, 17, 100}) {
                for (const int k : {1, 5, 40}) {
                    CAPTURE(to_string(metric));
                    CAPTURE(n);
                    CAPTURE(d);
                    CAPTURE(k);
                    const auto x = gaussian(n, d, static_cast<std::uint64_t>(n * 1000 + d));
                    const auto g =
                        knn_graph(x.view(), {.k = k, .metric = metric, .method = KnnMethod::Exact});
                    check_against_float64(x.view(), g, 1e-5);
                    REQUIRE(same_graph(g, by_sorting(x.view(), metric, k)));
                }
            }
        }
    }
}

TEST_CASE("knn_graph: exact where ties and equal rows abound") {
    for (const Metric metric : all_metrics) {
        CAPTURE(to_string(metric));
        const auto x = lattice(900, 4, 3, 1);  // 81 different rows
        const auto g = knn_graph(x.view(), {.k = 20, .metric = metric, .method = KnnMethod::Exact});
        REQUIRE(same_graph(g, by_sorting(x.view(), metric, 20)));
        if (metric != Metric::InnerProduct) CHECK(g.distances(0, 0) == 0);
    }
    Matrix<float> equal(600, 33);
    for (float& value : equal.values()) value = 0.3F;
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean, Metric::Manhattan}) {
        const auto g = knn_graph(equal.view(), {.k = 3, .metric = metric});
        for (const float value : g.distances.values()) REQUIRE(value == 0);
        CHECK(g.indices(0, 2) == 3);
        CHECK(g.indices(599, 0) == 0);
        CHECK(g.indices(1, 1) == 2);
    }
}

TEST_CASE("knn_graph: data far from the origin, tightly clustered, huge, tiny, or mixed") {
    struct Case {
        const char* name;
        double scale;
        double offset;
    };
    for (const Case& c : {Case{"offset", 1, 1e4}, Case{"huge", 1e25, 0}, Case{"near the largest", 2e36, 0},
                          Case{"tiny", 1e-30, 0}, Case{"offset and tiny", 1e-3, 100}}) {
        for (const Metric metric : {Metric::Euclidean, Metric::Cosine, Metric::Manhattan}) {
            CAPTURE(c.name);
            CAPTURE(to_string(metric));
            auto x = gaussian(400, 40, 3);
            for (float& value : x.values())
                value = static_cast<float>(static_cast<double>(value) * c.scale + c.offset);
            const auto g = knn_graph(x.view(), {.k = 8, .metric = metric});
            validate(g);
            // The order in float64; the values relative to their size.
            int wrong = 0;
            for (std::int64_t i = 0; i < 400; ++i) {
                for (std::int64_t slot = 0; slot < 8; ++slot) {
                    const double want =
                        true_distance(metric, x.row_data(i), x.row_data(g.indices(i, slot)), 40);
                    const double have = static_cast<double>(g.distances(i, slot));
                    wrong += std::abs(have - want) >
                             1e-5 * std::abs(want) + (metric == Metric::Cosine ? 1e-6 : 0.0);
                }
                std::vector<double> all;
                for (std::int64_t j = 0; j < 400; ++j) {
                    if (j != i) all.push_back(true_distance(metric, x.row_data(i), x.row_data(j), 40));
                }
                std::sort(all.begin(), all.end());
                const double have = static_cast<double>(g.distances(i, 7));
                wrong += std::abs(have - all[7]) > 1e-5 * all[7] + (metric == Metric::Cosine ? 1e-6 : 0.0);
            }
            CHECK(wrong == 0);
        }
    }
    auto mixed = gaussian(300, 5, 4);
    for (std::int64_t j = 0; j < 5; ++j) {
        mixed(7, j) *= 1e20F;
        mixed(8, j) *= 1e-20F;
    }
    const auto g = knn_graph(mixed.view(), {.k = 3, .metric = Metric::Euclidean});
    validate(g);
    CHECK(g.indices(8, 0) ==
          knn_graph(mixed.view(), {.k = 3, .metric = Metric::Manhattan, .method = KnnMethod::Exact})
              .indices(8, 0));
    for (const float value : g.distances.row(7)) CHECK(value > 1e19F);
    CHECK_THROWS_WITH_AS(knn_graph(mixed.view(), {.k = 3, .metric = Metric::InnerProduct}),
                         doctest::Contains("[row 7]"), Error);
    // Squared distances beyond float32 are held at its largest value.
    const auto squared = knn_graph(mixed.view(), {.k = 3, .metric = Metric::SqEuclidean});
    CHECK(squared.distances(7, 0) == FLT_MAX);
    validate(squared);
    // One wild row does not blur the distances among the others.
    for (std::int64_t slot = 0; slot < 3; ++slot) {
        const double want =
            true_distance(Metric::Euclidean, mixed.row_data(0), mixed.row_data(g.indices(0, slot)), 5);
        CHECK(static_cast<double>(g.distances(0, slot)) == doctest::Approx(want).epsilon(1e-6));
    }
}

TEST_CASE("knn_graph: the same bytes for any threads, level and method") {
    const auto x = gaussian(2600, 6, 5);
    for (const Metric metric : all_metrics) {
        CAPTURE(to_string(metric));
        const auto g =
            knn_graph(x.view(), {.k = 15, .metric = metric, .method = KnnMethod::Exact, .num_threads = 1});
        for (const char* level : {"baseline", "avx2", "avx512", "avx512_bf16", "amx"}) {
            const SimdLevelScope scope(level);
            for (const int threads : {1, 2, 3}) {
                CHECK(same_graph(
                    g, knn_graph(
                           x.view(),
                           {.k = 15, .metric = metric, .method = KnnMethod::Exact, .num_threads = threads})));
            }
        }
        if (metric == Metric::Euclidean || metric == Metric::SqEuclidean) {
            const auto tree = knn_graph(x.view(), {.k = 15, .metric = metric, .num_threads = 3});
            CHECK(tree.method == "kd_tree");
            CHECK(tree.reason.find("6 dimensions") != std::string::npos);
            CHECK(same_graph(g, tree));
        }
    }
}

TEST_CASE("knn_graph: rows in another order give the same neighbourhoods") {
    const std::int64_t n = 500;
    const auto x = gaussian(n, 20, 6);
    Matrix<float> reversed(n, 20);
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(x.row_data(i), 20, reversed.row_data(n - 1 - i));
    const auto a = knn_graph(x.view(), {.k = 10});
    const auto b = knn_graph(reversed.view(), {.k = 10});
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t slot = 0; slot < 10; ++slot) {
            REQUIRE(a.indices(i, slot) == n - 1 - b.indices(n - 1 - i, slot));
            REQUIRE(a.distances(i, slot) == b.distances(n - 1 - i, slot));
        }
    }
    // A view with strides reads the same numbers.
    Matrix<float> wide(n, 27);
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(x.row_data(i), 20, wide.row_data(i) + 4);
    CHECK(same_graph(a, knn_graph(MatrixView<const float>(wide.data() + 4, n, 20, 27), {.k = 10})));
}

TEST_CASE("knn_graph: the kd-tree equals exact search, with ties, equal rows and every dimension") {
    for (const std::int64_t d : {1, 2, 3, 5, 16}) {
        for (const Metric metric : {Metric::Euclidean, Metric::SqEuclidean}) {
            for (const int k : {1, 12}) {
                CAPTURE(d);
                CAPTURE(k);
                for (const auto& x : {gaussian(1500, d, 7), lattice(1500, d, 4, 8)}) {
                    const auto tree =
                        knn_graph(x.view(), {.k = k, .metric = metric, .method = KnnMethod::KdTree});
                    REQUIRE(same_graph(
                        tree, knn_graph(x.view(), {.k = k, .metric = metric, .method = KnnMethod::Exact})));
                }
            }
        }
    }
}

TEST_CASE("knn_graph: the kd-tree survives many copies of one point, and extreme spreads") {
    Matrix<float> copies(30000, 2);
    for (std::int64_t i = 29000; i < 30000; ++i) copies(i, 0) = static_cast<float>(i);
    const auto start = std::chrono::steady_clock::now();
    const auto g = knn_graph(copies.view(), {.k = 5, .metric = Metric::Euclidean});
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
    CHECK(g.method == "kd_tree");
    CHECK(g.indices(0, 0) == 1);
    CHECK(g.indices(17, 0) == 0);
    CHECK(g.indices(28999, 4) == 4);
    CHECK(g.indices(29500, 0) == 29499);
    CHECK(g.indices(29000, 1) == 29002);
    Matrix<float> powers(2200, 2);
    for (std::int64_t i = 0; i < 2200; ++i) {
        powers(i, 0) = std::ldexp(1.0F, static_cast<int>(i % 220) - 110);
        powers(i, 1) = std::ldexp(1.0F, -static_cast<int>(i / 220));
    }
    const auto p = knn_graph(powers.view(), {.k = 4, .metric = Metric::Euclidean});
    validate(p);
    CHECK(same_graph(
        p, knn_graph(powers.view(), {.k = 4, .metric = Metric::Euclidean, .method = KnnMethod::Exact})));
}

TEST_CASE("knn_graph: rows without a valid vector have no neighbours and are nobody's") {
    auto x = gaussian(200, 10, 9);
    x(3, 4) = std::nanf("");
    x(50, 0) = inf_value;
    for (std::int64_t j = 0; j < 10; ++j) x(120, j) = 0;
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean, Metric::Manhattan}) {
        for (const int k : {5, 199}) {
            const auto g = knn_graph(x.view(), {.k = k, .metric = metric});
            validate(g);
            const std::vector<Index> want =
                metric == Metric::Cosine ? std::vector<Index>{3, 50, 120} : std::vector<Index>{3, 50};
            CHECK(g.invalid_rows == want);
            const std::set<Index> invalid(want.begin(), want.end());
            for (const Index id : g.indices.values()) REQUIRE(invalid.count(id) == 0);
            for (const Index row : want) {
                for (const Index id : g.indices.row(row)) CHECK(id == -1);
                for (const float distance : g.distances.row(row)) CHECK(distance == inf_value);
            }
            CHECK(g.indices(0, 4) >= 0);
            if (k == 199) CHECK(g.indices(0, 198) == -1);
            CHECK(g.run.warnings.back().find("rows have no valid vector") != std::string::npos);
        }
    }
    for (float& value : x.values()) value = std::nanf("");
    const auto nothing = knn_graph(x.view());
    CHECK(nothing.invalid_rows.size() == 200);
    for (const Index id : nothing.indices.values()) CHECK(id == -1);
}

TEST_CASE("knn_graph: too few rows, bad options, memory limit: named and explained") {
    const auto x = gaussian(4, 3, 10);
    const auto g = knn_graph(x.view(), {.k = 10});
    CHECK(g.k() == 10);
    CHECK(g.indices(0, 2) >= 0);
    CHECK(g.indices(0, 3) == -1);
    CHECK(g.distances(0, 3) == inf_value);
    REQUIRE(g.run.warnings.size() == 1);
    CHECK(g.run.warnings[0].find("k = 10 but a row has only 3 valid others") != std::string::npos);
    const auto one = knn_graph(gaussian(1, 3, 1).view(), {.k = 2});
    CHECK(one.indices.values() == std::vector<Index>{-1, -1});

    CHECK_THROWS_WITH_AS(knn_graph(Matrix<float>(0, 3).view()), doctest::Contains("vectors: has no rows"),
                         Error);
    CHECK_THROWS_WITH_AS(knn_graph(Matrix<float>(3, 0).view()), doctest::Contains("no columns"), Error);
    CHECK_THROWS_WITH_AS(knn_graph(x.view(), {.k = 0}), doctest::Contains("k: is 0; use at least 1"), Error);
    CHECK_THROWS_WITH_AS(knn_graph(x.view(), {.k = -3}), doctest::Contains("k: is -3"), Error);
    CHECK_THROWS_WITH_AS(knn_graph(x.view(), {.num_threads = -1}), doctest::Contains("num_threads: is -1"),
                         Error);
    CHECK_THROWS_WITH_AS(knn_graph(x.view(), {.method = KnnMethod::KdTree}),
                         doctest::Contains("does not know the metric cosine"), Error);
    CHECK_THROWS_WITH_AS(
        knn_graph(gaussian(40, 17, 1).view(), {.metric = Metric::Euclidean, .method = KnnMethod::KdTree}),
        doctest::Contains("at most 16 dimensions"), Error);
    try {
        knn_graph(x.view(), {.memory_limit = 100});
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Memory);
        CHECK(std::string(error.what()).find("the limit is 100") != std::string::npos);
    }
    CHECK(knn_graph(x.view(), {.memory_limit = knn_graph_bytes(4, 3)}).size() == 4);
    CHECK(knn_graph_bytes(100000, 384) < 100000LL * (384 * 4 + 600));
    for (const KnnMethod method : {KnnMethod::Auto, KnnMethod::Exact, KnnMethod::KdTree}) {
        CHECK(knn_method_from_string(to_string(method)) == method);
    }
    CHECK_THROWS_WITH_AS(knn_method_from_string("hnsw2"), doctest::Contains("auto, exact, kd_tree"), Error);
}

TEST_CASE("knn_graph: progress rises to the total on the calling thread and can cancel") {
    const auto x = gaussian(3000, 64, 11);
    std::int64_t last = -1;
    std::int64_t total = 0;
    int calls = 0;
    std::string stage;
    const Progress watch(
        [&](const Tick& tick) {
            if (tick.stage != stage) last = -1;
            stage = tick.stage;
            if (last == total) last = -1;  // the next pass of the same stage
            CHECK(tick.done >= last);
            last = tick.done;
            total = tick.total;
            ++calls;
            return true;
        },
        std::chrono::milliseconds(0));
    const auto g = knn_graph(x.view(), {.num_threads = 2}, watch);
    CHECK(calls > 3);
    CHECK(last == total);
    CHECK(same_graph(g, knn_graph(x.view())));
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_WITH_AS(knn_graph(x.view(), {}, stop), doctest::Contains("cancelled"), Error);
}

TEST_CASE("recall: worked example; exact graphs have 1") {
    KnnGraph truth;
    truth.indices = Matrix<Index>(2, 3, {1, 2, 3, 0, 2, -1});
    truth.distances = Matrix<float>(2, 3);
    KnnGraph graph = truth;
    CHECK(recall(graph, truth) == 1);
    graph.indices = Matrix<Index>(2, 3, {3, 9, 1, 5, 6, 0});
    CHECK(recall(graph, truth) == doctest::Approx(3.0 / 5));
    graph.indices = Matrix<Index>(2, 1, {1, 4});
    CHECK(recall(graph, truth) == doctest::Approx(0.5));
    CHECK(recall(KnnGraph{}, KnnGraph{}) == 1);
    CHECK_THROWS_AS(recall(KnnGraph{}, truth), Error);
}
