// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/umap_optimize.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/umap.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

TEST_CASE("umap: separate clouds stay separate") {
    const Matrix<float> x = blobs(300, 10, 5, 12);
    const KnnGraph graph = brute_graph(x, 14);
    for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca}) {
        UmapOptions options;
        options.init = init;
        options.n_epochs = 200;
        const Layout layout = umap(x.view(), graph, options);
        CHECK(layout.method == "umap");
        CHECK(layout.init == to_string(init));
        CHECK(layout.run.iterations == 200);
        CHECK(nearest_same_group(layout.coordinates, 5) == 1.0);
    }
}

TEST_CASE("umap: the same bytes for any number of threads and instruction set") {
    const Matrix<float> x = blobs(700, 6, 3, 3);
    const KnnGraph graph = brute_graph(x, 10);
    for (const int components : {1, 2, 3, 5}) {
        UmapOptions options;
        options.n_neighbors = 11;
        options.n_components = components;
        options.n_epochs = 25;
        const Matrix<float> one = check_same_everywhere([&](int threads) {
            options.num_threads = threads;
            return umap(x.view(), graph, options).coordinates;
        });
        CHECK(all_finite(one));
        options.seed = 7;
        CHECK_FALSE(umap(x.view(), graph, options).coordinates == one);
    }
}

TEST_CASE("umap_optimize: a run in parts equals one run") {
    const Matrix<float> x = blobs(200, 5, 2, 4);
    UmapOptions options;
    const CsrMatrix<float> weights = fuzzy_graph(brute_graph(x, 14));
    Matrix<float> whole = pca_start(x.view()).coordinates;
    Matrix<float> parts = whole;
    umap_optimize(weights, whole, 0, 120, 120, options);
    for (const auto& [from, to] :
         {std::pair{0, 1}, std::pair{1, 47}, std::pair{47, 48}, std::pair{48, 120}}) {
        umap_optimize(weights, parts, from, to, 120, options);
    }
    CHECK(whole == parts);
}

TEST_CASE("umap: epochs between two samples are umap-learn's; edges that would never fire are dropped") {
    FuzzyGraphOptions fuzzy;
    fuzzy.n_neighbors = 4;
    CsrMatrix<float> weights = fuzzy_graph(brute_graph(iris10(), 3), fuzzy);
    detail::UmapState state;
    state.n = 10;
    state.fires = detail::UmapFiring(weights, 500);
    state.negative_rate = 5;
    detail::umap_prepare(state, weights, {}, 0);
    // umap-learn 0.5.12, make_epochs_per_sample after pruning; each edge is stored in both directions. The weight of
    // 5e-10 between items 5 and 7 is gone.
    const std::vector<std::tuple<Index, Index, double>> wanted = {
        {0, 4, 1.0},      {0, 5, 1.0},      {0, 7, 1.0},      {0, 9, 6.176349}, {1, 2, 1.449489},
        {1, 3, 2.167097}, {1, 8, 2.351945}, {1, 9, 1.0},      {2, 3, 1.0},      {2, 6, 1.0},
        {2, 8, 1.739645}, {2, 9, 2.000011}, {3, 6, 1.547383}, {3, 8, 1.0},      {3, 9, 1.374255},
        {4, 5, 1.0},      {4, 6, 3.562168}, {4, 7, 1.095523}, {6, 7, 2.826841}, {7, 9, 3.219678}};
    CHECK(state.target.size() == 2 * wanted.size());
    for (const auto& [a, b, epochs] : wanted) {
        for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
            const auto place = std::find(state.items.begin(), state.items.end(), from) - state.items.begin();
            const auto first = static_cast<std::size_t>(state.begin[static_cast<std::size_t>(place)]);
            const auto last = static_cast<std::size_t>(state.begin[static_cast<std::size_t>(place) + 1]);
            std::size_t e = first;
            while (e < last && state.target[e] != to) ++e;
            REQUIRE(e < last);
            CHECK(state.period[e] >= 1);
            CHECK(static_cast<double>(state.period[e]) == doctest::Approx(epochs).epsilon(2e-5));
            CHECK(state.next_epoch[e] == static_cast<std::int32_t>(std::ceil(state.period[e])));
        }
    }
}

TEST_CASE("umap: firings and draws, one after the other, are those of counting from the start") {
    const std::array<float, 8> periods = {1.0F, 1.0000001F, 1.5F, 2.0F, 2.9999998F, 7.25F, 49.0F, 333.3F};
    for (const int rate : {0, 1, 5, 7}) {
        std::array<int, 8> number = {};
        std::array<int, 8> drawn = {};
        for (int epoch = 1; epoch < 400; ++epoch) {
            std::array<std::int32_t, 8> next_epoch;
            std::array<std::int32_t, 8> draws;
            detail::umap_fire_eight(periods.data(), rate, epoch, next_epoch.data(), draws.data());
            for (std::size_t e = 0; e < periods.size(); ++e) {
                const double p = static_cast<double>(periods[e]);
                if (static_cast<double>(number[e] + 1) * p > epoch) continue;
                ++number[e];
                const int due = rate == 0 ? 0 : std::max(0, static_cast<int>(static_cast<double>(epoch) * rate / p) - 1);
                CHECK(draws[e] == due - drawn[e]);
                CHECK(next_epoch[e] == static_cast<int>(std::ceil((number[e] + 1) * p)));
                drawn[e] = due;
            }
        }
    }
}

TEST_CASE("umap: every instruction set lists the same edges") {
    RandomStream random(7, "test.due");
    for (std::size_t count = 0; count <= detail::UmapDue::most; ++count) {
        std::vector<std::int32_t> next_epoch;
        std::vector<float> period;
        std::vector<std::uint32_t> fires;
        const int epoch = 40;
        for (std::size_t e = 0; e < count; ++e) {
            period.push_back(1 + 60 * random.uniform_float());
            next_epoch.push_back(epoch - 2 + static_cast<std::int32_t>(random.next() % 5));
            if (next_epoch.back() <= epoch) fires.push_back(static_cast<std::uint32_t>(e));
        }
        for (const char* level : ::testing::simd_words) {
            const ::testing::SimdLevelScope scope(level);
            CAPTURE(count);
            CAPTURE(level);
            detail::UmapDue due;
            const std::size_t found =
                detail::umap_due_finder()(next_epoch.data(), period.data(), count, epoch, 5, due);
            REQUIRE(std::vector<std::uint32_t>(due.edge.data(), due.edge.data() + found) == fires);
            for (std::size_t f = 0; f < found; ++f) {
                std::array<float, 8> alone;
                std::array<std::int32_t, 8> next;
                std::array<std::int32_t, 8> draws;
                alone.fill(period[fires[f]]);
                detail::umap_fire_eight(alone.data(), 5, epoch, next.data(), draws.data());
                CHECK(due.next_epoch[f] == next[0]);
                CHECK(due.draws[f] == draws[0]);
            }
        }
    }
}

TEST_CASE("umap: pinned items stay to the bit, and half mobile ones move less") {
    const Matrix<float> x = blobs(300, 6, 3, 4);
    const KnnGraph graph = brute_graph(x, 14);
    UmapOptions options;
    options.init = LayoutInit::Given;
    options.given = pca_start(x.view()).coordinates;
    options.n_epochs = 50;
    options.mobility.assign(300, 1);
    for (std::size_t i = 0; i < 100; ++i) options.mobility[i] = 0;
    const Layout layout = umap(x.view(), graph, options);
    double moved = 0;
    for (std::int64_t i = 0; i < 300; ++i) {
        const float gap = std::abs(layout.coordinates(i, 0) - options.given(i, 0));
        if (i < 100) {
            CHECK(gap == 0);
            CHECK(layout.coordinates(i, 1) == options.given(i, 1));
        } else {
            moved += static_cast<double>(gap);
        }
    }
    CHECK(moved > 1);
    options.mobility[3] = 2;
    CHECK_THROWS_WITH_AS(umap(x.view(), graph, options), doctest::Contains("mobility"), Error);
    options.mobility.assign(7, 1);
    CHECK_THROWS_WITH_AS(umap(x.view(), graph, options), doctest::Contains("mobility"), Error);
}

TEST_CASE("umap: the hub of a star does not fly off") {
    const std::int64_t n = 2001;
    CsrMatrix<float> star;
    star.rows = star.cols = n;
    for (Index i = 1; i < n; ++i) star.indices.push_back(i);
    star.indptr.push_back(n - 1);
    for (Index i = 1; i < n; ++i) {
        star.indices.push_back(0);
        star.indptr.push_back(star.nnz());
    }
    star.values.assign(static_cast<std::size_t>(star.nnz()), 1.0F);
    Matrix<float> y = pca_start(blobs(n, 5, 1, 0).view()).coordinates;
    umap_optimize(star, y, 0, 100, 100, {});
    CHECK(all_finite(y));
    float largest = 0;
    for (const float v : y.values()) largest = std::max(largest, std::abs(v));
    CHECK(largest < 100);
    CHECK(std::abs(y(0, 0)) < 20);
}

TEST_CASE("umap: few, identical, invalid and unconnected items") {
    for (const std::int64_t n : {0, 1, 2, 3, 15, 16}) {
        const Matrix<float> x = blobs(n, 4, 1, 0);
        const Layout layout = umap(x.view(), brute_graph(x, 14));
        CHECK(layout.coordinates.rows() == n);
        CHECK(layout.coordinates.cols() == 2);
        CHECK(all_finite(layout.coordinates));
    }
    const Matrix<float> same(40, 3);
    CHECK(all_finite(umap(same.view(), brute_graph(same, 14)).coordinates));

    Matrix<float> hole = blobs(60, 3, 1, 0);
    hole(7, 1) = std::numeric_limits<float>::quiet_NaN();
    const Layout layout = umap(hole.view(), brute_graph(hole, 14));
    for (std::int64_t i = 0; i < 60; ++i) CHECK(std::isfinite(layout.coordinates(i, 0)) == (i != 7));
    CHECK(std::isnan(layout.coordinates(7, 1)));
}

TEST_CASE("umap: a graph with fewer neighbours is used whole and says so") {
    const Matrix<float> x = blobs(50, 3, 1, 0);
    const Layout layout = umap(x.view(), brute_graph(x, 5));
    REQUIRE(layout.run.warnings.size() == 1);
    CHECK(layout.run.warnings[0].find("n_neighbors = 6") != std::string::npos);
}

TEST_CASE("umap: a given start is kept when there is nothing to do") {
    const Matrix<float> x = blobs(10, 3, 1, 0);
    UmapOptions options;
    options.init = LayoutInit::Given;
    options.n_epochs = 0;
    options.given = Matrix<float>(10, 2);
    for (std::int64_t i = 0; i < 10; ++i) options.given(i, 0) = static_cast<float>(i) - 4.5F;
    CHECK(umap(x.view(), brute_graph(x, 3), options).coordinates == options.given);
    options.given(3, 1) = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH_AS(umap(x.view(), brute_graph(x, 3), options), doctest::Contains("item 3"), Error);
    options.given = Matrix<float>(9, 2);
    CHECK_THROWS_WITH_AS(umap(x.view(), brute_graph(x, 3), options), doctest::Contains("wanted (10, 2)"),
                         Error);
}

TEST_CASE("umap: progress cancels, bad options are named") {
    const Matrix<float> x = blobs(400, 3, 1, 0);
    const KnnGraph graph = brute_graph(x, 14);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    for (const int threads : {1, 2}) {
        UmapOptions options;
        options.num_threads = threads;
        try {
            umap(x.view(), graph, options, stop);
            FAIL("not cancelled");
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::Cancelled);
        }
    }
    const auto refused = [&](const char* field, auto&& change) {
        UmapOptions options;
        change(options);
        CHECK_THROWS_WITH_AS(umap(x.view(), graph, options), doctest::Contains(field), Error);
    };
    refused("n_neighbors", [](UmapOptions& o) { o.n_neighbors = 1; });
    refused("min_dist", [](UmapOptions& o) { o.min_dist = 2; });
    refused("spread", [](UmapOptions& o) { o.spread = 0; });
    refused("n_components", [](UmapOptions& o) { o.n_components = 0; });
    refused("n_epochs", [](UmapOptions& o) { o.n_epochs = -1; });
    refused("learning_rate", [](UmapOptions& o) { o.learning_rate = 0; });
    refused("negative_sample_rate", [](UmapOptions& o) { o.negative_sample_rate = -1; });
    refused("repulsion_strength", [](UmapOptions& o) { o.repulsion_strength = std::nan(""); });
    refused("num_threads", [](UmapOptions& o) { o.num_threads = -1; });
    CHECK_THROWS_WITH_AS(umap(blobs(5, 3, 1, 0).view(), graph), doctest::Contains("5 vectors and 400"),
                         Error);
    CHECK(default_umap_epochs(5000) == 500);
    CHECK(default_umap_epochs(5001) == 300);
    CHECK(default_umap_epochs(50001) == 150);
    CHECK(default_umap_learning_rate(50000) == 0.07);
    CHECK(default_umap_learning_rate(50001) == 0.5);
}
