// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/core/sha256.hpp"
#include "filmatlas/neighbors/detail/knn_recall_impl.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "neighbors/knn_data.hpp"
#include "support/levels.hpp"

using namespace filmatlas;
using testing::same_graph;
using testing::SimdLevelScope;

namespace {

/// Rows around `centres` points, in `inner` dimensions of their own within the d.
Matrix<float> clustered(std::int64_t n, std::int64_t d, std::int64_t centres, double spread,
                        std::uint64_t seed) {
    const std::int64_t inner = std::min<std::int64_t>(d, 12);
    Matrix<float> basis(inner, d);
    RandomStream stream(seed, "descent test");
    for (float& x : basis.values()) x = static_cast<float>(stream.normal());
    Matrix<float> middle(centres, d);
    for (float& x : middle.values()) x = static_cast<float>(stream.normal());
    Matrix<float> m(n, d);
    for (std::int64_t i = 0; i < n; ++i) {
        const auto c = static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(centres)));
        std::copy_n(middle.row_data(c), d, m.row_data(i));
        for (std::int64_t b = 0; b < inner; ++b) {
            const float w = static_cast<float>(spread * stream.normal());
            for (std::int64_t k = 0; k < d; ++k) m(i, k) += w * basis(b, k);
        }
    }
    return m;
}

KnnOptions descent_options(Metric metric = Metric::Cosine, int k = 10) {
    return {.k = k, .metric = metric, .method = KnnMethod::Descent};
}

}  // namespace

TEST_CASE("descent: nearly all neighbours, with the distances of exact search") {
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean, Metric::SqEuclidean, Metric::Manhattan}) {
        for (const std::int64_t d : {2, 9, 33, 130}) {
            CAPTURE(to_string(metric));
            CAPTURE(d);
            const auto x = clustered(2400, d, 20, 0.3, static_cast<std::uint64_t>(d));
            const auto exact = knn_graph(x.view(), {.k = 10, .metric = metric, .method = KnnMethod::Exact});
            const auto graph = knn_graph(x.view(), descent_options(metric));
            validate(graph);
            CHECK(graph.method == "descent");
            CHECK(graph.reason.find("asked for") == 0);
            const double truth = recall(graph, exact);
            CHECK(truth >= 0.98);
            CHECK(graph.recall_low <= truth);
            CHECK(graph.recall_high >= truth);
            CHECK(graph.run.converged);
            // Where both list the same neighbour, at the same distance to the bit.
            int wrong = 0;
            for (std::int64_t i = 0; i < 2400; ++i) {
                for (std::int64_t a = 0; a < 10; ++a) {
                    for (std::int64_t b = 0; b < 10; ++b) {
                        wrong += graph.indices(i, a) == exact.indices(i, b) &&
                                 graph.distances(i, a) != exact.distances(i, b);
                    }
                }
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("descent: the same bytes for any number of threads and any instruction set") {
    struct Case {
        std::int64_t n, d;
        Metric metric;
    };
    for (const Case& c : {Case{3000, 96, Metric::Cosine}, Case{2500, 33, Metric::Euclidean},
                          Case{2100, 5, Metric::Manhattan}, Case{2100, 1, Metric::Euclidean}}) {
        CAPTURE(c.d);
        const auto x = clustered(c.n, c.d, 30, 0.5, 7);
        KnnOptions options = descent_options(c.metric);
        options.descent.n_trees = 3;
        options.descent.leaf_size = 64;
        options.descent.recall_sample = 100;
        options.num_threads = 1;
        const auto first = knn_graph(x.view(), options);
        for (const int threads : {2, 3, 8}) {
            options.num_threads = threads;
            CAPTURE(threads);
            CHECK(same_graph(first, knn_graph(x.view(), options)));
        }
        for (const char* level : {"baseline", "avx2", "avx512", "avx512_bf16"}) {
            const SimdLevelScope scope(level);
            CAPTURE(level);
            CHECK(same_graph(first, knn_graph(x.view(), options)));
        }
        options.seed = 43;
        CHECK(recall(knn_graph(x.view(), options), first) > 0.9);
    }
}

TEST_CASE("descent: thousands of equal rows list each other, lowest ids first, and hide nobody else") {
    auto x = clustered(4000, 48, 10, 0.4, 3);
    for (std::int64_t i = 0; i < 4000; i += 2) std::copy_n(x.row_data(0), 48, x.row_data(i));  // 2,000 repeats
    for (std::int64_t i = 1; i < 400; i += 2) {  // pairs that cosine cannot tell apart
        for (std::int64_t k = 0; k < 48; ++k) x(i + 2000, k) = 2 * x(i, k);
    }
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean, Metric::Manhattan}) {
        CAPTURE(to_string(metric));
        const auto graph = knn_graph(x.view(), descent_options(metric, 8));
        validate(graph);
        const auto exact = knn_graph(x.view(), {.k = 8, .metric = metric, .method = KnnMethod::Exact});
        CHECK(recall(graph, exact) >= 0.99);
        int wrong = 0;
        for (std::int64_t i = 0; i < 4000; i += 2) {
            for (std::int64_t slot = 0; slot < 8; ++slot) {
                wrong += graph.indices(i, slot) != exact.indices(i, slot);
                wrong += graph.distances(i, slot) != 0;
            }
        }
        CHECK(wrong == 0);
        if (metric == Metric::Cosine) CHECK(graph.distances(1, 0) == 0);
        if (metric == Metric::Cosine) CHECK(graph.indices(1, 0) == 2001);
    }
    Matrix<float> equal(3000, 40);
    for (float& value : equal.values()) value = 0.7F;
    const auto graph = knn_graph(equal.view(), descent_options(Metric::Cosine, 3));
    CHECK(graph.indices(0, 2) == 3);
    CHECK(graph.indices(2999, 0) == 0);
    CHECK(graph.recall == 1);
}

TEST_CASE("descent: few different rows, in lattices full of ties") {
    Matrix<float> x(3000, 34);
    RandomStream stream(5, "lattice");
    for (std::int64_t i = 0; i < 3000; ++i) {
        for (std::int64_t k = 0; k < 34; ++k) x(i, k) = k < 4 ? static_cast<float>(stream.below(3)) + 1 : 1.0F;
    }
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean}) {
        const auto exact = knn_graph(x.view(), {.k = 12, .metric = metric, .method = KnnMethod::Exact});
        CHECK(recall(knn_graph(x.view(), descent_options(metric, 12)), exact) >= 0.99);
    }
}

TEST_CASE("descent: rows without a valid vector have no neighbours and are nobody's") {
    auto x = clustered(3000, 40, 10, 0.4, 4);
    x(5, 2) = std::numeric_limits<float>::quiet_NaN();
    x(77, 0) = std::numeric_limits<float>::infinity();
    std::fill(x.row(2999).begin(), x.row(2999).end(), 0.0F);
    const auto graph = knn_graph(x.view(), descent_options());
    validate(graph);
    CHECK(graph.invalid_rows == std::vector<Index>{5, 77, 2999});
    for (const Index row : graph.invalid_rows) {
        CHECK(graph.indices(row, 0) == -1);
        CHECK(std::count(graph.indices.values().begin(), graph.indices.values().end(), row) == 0);
    }
    const auto exact = knn_graph(x.view(), {.k = 10, .method = KnnMethod::Exact});
    CHECK(recall(graph, exact) >= 0.98);
}

TEST_CASE("descent: clusters too tight for 8 bits are searched in float32") {
    const auto x = clustered(3000, 64, 12, 1e-4, 6);
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean}) {
        const auto graph = knn_graph(x.view(), descent_options(metric));
        CHECK(graph.reason.find("float32") != std::string::npos);
        const auto exact = knn_graph(x.view(), {.k = 10, .metric = metric, .method = KnnMethod::Exact});
        CHECK(recall(graph, exact) >= 0.97);
    }
}

TEST_CASE("descent: many dimensions, half-precision and strided rows") {
    const auto wide = clustered(2050, 4096, 10, 0.3, 8);
    KnnOptions options = descent_options(Metric::Cosine, 5);
    options.descent.recall_sample = 100;
    CHECK(knn_graph(wide.view(), options).recall >= 0.98);

    const auto x = clustered(2500, 50, 10, 0.3, 9);
    const auto graph = knn_graph(x.view(), descent_options());
    std::vector<double> doubles(x.values().begin(), x.values().end());
    const VectorRows rows(StridedArray::contiguous(doubles.data(), ScalarType::Float64, 2500, 50));
    CHECK(same_graph(graph, knn_graph(rows, descent_options())));
}

TEST_CASE("descent: where exact search takes no longer, it is taken, and the reason says so") {
    const auto x = clustered(300, 20, 5, 0.4, 1);
    for (const std::int64_t n : {1, 2, 300}) {
        const auto graph = knn_graph(MatrixView<const float>(x.data(), n, 20), descent_options());
        CHECK(graph.method == "exact");
        CHECK(graph.exact());
        CHECK(graph.reason.find("exact search takes no longer") != std::string::npos);
    }
    const auto many = clustered(3000, 20, 5, 0.4, 1);
    CHECK(knn_graph(many.view(), descent_options(Metric::Cosine, 600)).method == "exact");
    CHECK_THROWS_WITH_AS(knn_graph(many.view(), descent_options(Metric::InnerProduct)),
                         doctest::Contains("inner_product"), Error);
    CHECK(knn_graph(many.view(), {.k = 5}).reason.find("descent") != std::string::npos);
}

TEST_CASE("descent: the forest alone, small leaves, lists of k") {
    const auto x = clustered(3000, 40, 10, 0.4, 2);
    KnnOptions options = descent_options();
    options.descent.max_iterations = 0;
    options.descent.n_trees = 2;
    options.descent.leaf_size = 8;
    options.descent.list_size = 10;
    const auto tree = knn_graph(x.view(), options);
    validate(tree);
    CHECK(tree.run.iterations == 0);
    CHECK_FALSE(tree.run.converged);
    CHECK(tree.recall < 0.9);
    CHECK(tree.run.warnings.size() == 1);
    for (const Index id : tree.indices.values()) REQUIRE(id >= 0);
    options.descent.max_iterations = 20;
    const auto more = knn_graph(x.view(), options);
    CHECK(more.recall > tree.recall);
    CHECK(more.run.iterations > 1);
}

TEST_CASE("descent: the interval of the recall covers the truth about as often as it says") {
    const auto x = clustered(2600, 33, 40, 0.6, 11);
    const auto exact = knn_graph(x.view(), {.k = 5, .method = KnnMethod::Exact});
    KnnOptions options = descent_options(Metric::Cosine, 5);
    options.descent.n_trees = 2;
    options.descent.leaf_size = 32;
    options.descent.list_size = 8;
    options.descent.max_candidates = 4;
    options.descent.max_iterations = 1;
    options.descent.recall_sample = 150;
    int covered = 0;
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        options.seed = seed;
        const auto graph = knn_graph(x.view(), options);
        const double truth = recall(graph, exact);
        REQUIRE(truth < 0.999);
        covered += graph.recall_low <= truth && truth <= graph.recall_high;
    }
    CHECK(covered >= 52);
    options.descent.recall_sample = 2600;  // all rows: no longer an estimate
    const auto graph = knn_graph(x.view(), options);
    CHECK(graph.recall == doctest::Approx(recall(graph, exact)).epsilon(1e-12));
    CHECK(graph.recall_low == graph.recall);
    CHECK(graph.recall_high == graph.recall);
}

TEST_CASE("descent: the recall's interval, by hand") {
    const std::vector<double> agree(100, 1.0);
    const auto sure = detail::knn_recall_interval(agree, 1000000000);
    CHECK(sure.mean == 1);
    CHECK(sure.high == 1);
    CHECK(sure.low == doctest::Approx(1 / (1 + 3.841458820694124 / 100)).epsilon(1e-6));  // Wilson, 100 of 100
    // Rows that are all right or all wrong carry one trial each: Wilson for 50 of 100.
    std::vector<double> split(100, 1.0);
    std::fill(split.begin(), split.begin() + 50, 0.0);
    const auto half = detail::knn_recall_interval(split, 1000000000);
    CHECK(half.mean == 0.5);
    CHECK(half.low == doctest::Approx(0.4038).epsilon(2e-3));
    CHECK(half.high == doctest::Approx(0.5962).epsilon(2e-3));
    CHECK(detail::knn_recall_interval(split, 100).low == 0.5);
    const auto rows = detail::knn_draw_rows(1000, 990, 3);
    CHECK(rows.size() == 990);
    CHECK(std::adjacent_find(rows.begin(), rows.end(), std::greater_equal<>()) == rows.end());
    CHECK(rows.back() < 1000);
}

TEST_CASE("descent: progress rises on the calling thread; cancelling and memory limits") {
    const auto x = clustered(4000, 64, 10, 0.4, 12);
    KnnOptions options = descent_options();
    options.num_threads = 2;
    std::int64_t last = -1;
    std::int64_t ticks = 0;
    bool ordered = true;
    const auto self = std::this_thread::get_id();
    const Progress watch(
        [&](const Tick& tick) {
            ordered = ordered && std::this_thread::get_id() == self;
            if (tick.stage == "knn_graph") {
                ordered = ordered && tick.done >= last && tick.total == 1000;
                last = tick.done;
            }
            ++ticks;
            return true;
        },
        std::chrono::milliseconds(0));
    (void)knn_graph(x.view(), options, watch);
    CHECK(ordered);
    CHECK(last == 1000);
    CHECK(ticks > 50);
    options.num_threads = 1;  // how often a worker reports depends on the others
    for (const std::int64_t stop_at : {std::int64_t{1}, ticks / 4, ticks / 2}) {
        std::int64_t seen = 0;
        const Progress stop([&](const Tick&) { return ++seen < stop_at; }, std::chrono::milliseconds(0));
        CHECK_THROWS_WITH_AS(knn_graph(x.view(), options, stop), doctest::Contains("cancelled"), Error);
    }
    const std::int64_t bytes = knn_graph_bytes(4000, 64, options);
    options.memory_limit = bytes;
    CHECK_NOTHROW((void)knn_graph(x.view(), options));
    options.memory_limit = bytes - 1;
    CHECK_THROWS_WITH_AS(knn_graph(x.view(), options), doctest::Contains(std::to_string(bytes).c_str()), Error);
    const std::int64_t million = knn_graph_bytes(1000000, 384, descent_options(Metric::Cosine, 15));
    CHECK(million < 1500000000);
    CHECK(knn_graph_bytes(1000000, 384, {.k = 15}) == million);  // auto takes descent
}

TEST_CASE("descent: bad options are named") {
    const auto x = clustered(10, 3, 1, 1, 1);
    const auto refused = [&](const char* name, auto&& change) {
        KnnOptions options = descent_options();
        change(options.descent);
        CHECK_THROWS_WITH_AS(knn_graph(x.view(), options), doctest::Contains(name), Error);
    };
    refused("descent.n_trees", [](DescentOptions& o) { o.n_trees = 0; });
    refused("descent.leaf_size", [](DescentOptions& o) { o.leaf_size = 4; });
    refused("descent.list_size", [](DescentOptions& o) { o.list_size = 9; });
    refused("descent.max_candidates", [](DescentOptions& o) { o.max_candidates = 0; });
    refused("descent.max_iterations", [](DescentOptions& o) { o.max_iterations = -1; });
    refused("descent.delta", [](DescentOptions& o) { o.delta = 1; });
    refused("descent.delta", [](DescentOptions& o) { o.delta = std::nan(""); });
    refused("descent.recall_sample", [](DescentOptions& o) { o.recall_sample = 0; });
    CHECK(knn_method_from_string("descent") == KnnMethod::Descent);
    CHECK(to_string(KnnMethod::Descent) == "descent");
}
