// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/pacmap.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

TEST_CASE("pacmap: separate clouds stay separate, in 2 and 3 dimensions and from every start") {
    const Matrix<float> x = blobs(400, 10, 5, 12);
    const KnnGraph graph = brute_graph(x, 30);
    for (const int components : {2, 3}) {
        for (const LayoutInit init : {LayoutInit::Pca, LayoutInit::Spectral}) {
            PacmapOptions options;
            options.n_components = components;
            options.init = init;
            const Layout layout = pacmap(x.view(), graph, options);
            CHECK(layout.method == "pacmap");
            CHECK(layout.run.iterations == 450);
            CHECK(all_finite(layout.coordinates));
            CHECK(nearest_same_group(layout.coordinates, 5) > 0.99);
        }
    }
}

TEST_CASE("pacmap: the same bytes for any number of threads and instruction set") {
    const Matrix<float> x = blobs(700, 6, 3, 3);
    const KnnGraph graph = brute_graph(x, 20);
    for (const int components : {2, 3}) {
        PacmapOptions options;
        options.n_components = components;
        options.n_iter = {10, 10, 11};
        const Matrix<float> one = check_same_everywhere([&](int threads) {
            options.num_threads = threads;
            return pacmap(x.view(), graph, options).coordinates;
        });
        options.seed = 7;
        CHECK_FALSE(pacmap(x.view(), graph, options).coordinates == one);
    }
}

TEST_CASE("pacmap: few, identical and invalid items; the default number of pairs grows with n") {
    for (const std::int64_t n : {0, 1, 2, 3, 16}) {
        const Matrix<float> x = blobs(n, 4, 1, 0);
        const Layout layout = pacmap(x.view(), brute_graph(x, 15));
        CHECK(layout.coordinates.rows() == n);
        CHECK(all_finite(layout.coordinates));
    }
    const Matrix<float> same(60, 3);
    CHECK(all_finite(pacmap(same.view(), brute_graph(same, 15)).coordinates));
    Matrix<float> hole = blobs(60, 3, 1, 0);
    hole(7, 1) = std::numeric_limits<float>::quiet_NaN();
    const Layout layout = pacmap(hole.view(), brute_graph(hole, 15));
    for (std::int64_t i = 0; i < 60; ++i) CHECK(std::isfinite(layout.coordinates(i, 0)) == (i != 7));
    CHECK(default_pacmap_neighbors(500) == 10);
    CHECK(default_pacmap_neighbors(100000) == 25);
    CHECK(default_pacmap_neighbors(1000000) == 40);
}

TEST_CASE("pacmap: progress cancels, bad options are named") {
    const Matrix<float> x = blobs(300, 3, 1, 0);
    const KnnGraph graph = brute_graph(x, 15);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_AS(pacmap(x.view(), graph, {}, stop), Error);
    const auto refused = [&](const char* field, auto&& change) {
        PacmapOptions options;
        change(options);
        CHECK_THROWS_WITH_AS(pacmap(x.view(), graph, options), doctest::Contains(field), Error);
    };
    refused("n_neighbors", [](PacmapOptions& o) { o.n_neighbors = 0; });
    refused("mid_near_ratio", [](PacmapOptions& o) { o.mid_near_ratio = -1; });
    refused("further_ratio", [](PacmapOptions& o) { o.further_ratio = 1e9; });
    refused("n_components", [](PacmapOptions& o) { o.n_components = 4; });
    refused("n_iter", [](PacmapOptions& o) { o.n_iter = {1, -1, 1}; });
    refused("learning_rate", [](PacmapOptions& o) { o.learning_rate = 0; });
    refused("given", [](PacmapOptions& o) { o.init = LayoutInit::Given; });
}
