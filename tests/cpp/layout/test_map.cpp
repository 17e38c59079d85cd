// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/hierarchy/hierarchy.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/layout/map.hpp"
#include "filmatlas/layout/territories.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

TEST_CASE("atlas_map: centred box of half extent 10, largest variance first, fixed reflection") {
    const Matrix<float> x = blobs(400, 8, 4, 6);
    const KnnGraph graph = brute_graph(x, 15);
    for (const int components : {2, 3}) {
        MapOptions options;
        options.n_components = components;
        const Layout layout = atlas_map(x.view(), graph, options);
        CHECK(layout.method == "atlas");
        CHECK(layout.init == "landmarks");
        double previous = std::numeric_limits<double>::infinity();
        float longest = 0;
        for (std::int64_t d = 0; d < components; ++d) {
            float low = 0, high = 0;
            double mean = 0, variance = 0, third = 0;
            for (std::int64_t i = 0; i < 400; ++i) {
                low = std::min(low, layout.coordinates(i, d));
                high = std::max(high, layout.coordinates(i, d));
                mean += static_cast<double>(layout.coordinates(i, d)) / 400;
            }
            for (std::int64_t i = 0; i < 400; ++i) {
                const double v = static_cast<double>(layout.coordinates(i, d)) - mean;
                variance += v * v;
                third += v * v * v;
            }
            CHECK(std::abs(low + high) < 1e-4F);
            CHECK(variance <= previous * (1 + 1e-6));
            CHECK(third > -1e-3 * variance);
            previous = variance;
            longest = std::max(longest, high);
        }
        CHECK(longest == doctest::Approx(kMapHalfExtent).epsilon(1e-6));
        CHECK(nearest_same_group(layout.coordinates, 4) > 0.97);
    }
}

TEST_CASE("atlas_map: the same bytes for any number of threads and instruction set, for every start") {
    const Matrix<float> x = blobs(500, 6, 3, 3);
    const KnnGraph graph = brute_graph(x, 15);
    for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca, LayoutInit::Landmarks, LayoutInit::Given}) {
        MapOptions options;
        options.init = init;
        options.n_iter = 30;
        options.umap_epochs = 10;
        if (init == LayoutInit::Given) options.given = blobs(500, 2, 1, 0);
        check_same_everywhere([&](int threads) {
            options.num_threads = threads;
            return atlas_map(x.view(), graph, options).coordinates;
        });
    }
}

TEST_CASE("atlas_map: few, identical, repeated, invalid and unconnected items") {
    for (const std::int64_t n : {0, 1, 2, 3, 4, 16}) {
        for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca, LayoutInit::Landmarks}) {
            MapOptions options;
            options.init = init;
            const Matrix<float> x = blobs(n, 4, 1, 0);
            const Layout layout = atlas_map(x.view(), brute_graph(x, 15), options);
            CHECK(layout.coordinates.rows() == n);
            CHECK(all_finite(layout.coordinates));
            if (n == 1) CHECK(layout.coordinates(0, 0) == 0);
            if (n == 2)
                CHECK(std::abs(layout.coordinates(0, 0) - layout.coordinates(1, 0)) == doctest::Approx(20));
        }
    }
    const Matrix<float> same(60, 3);
    CHECK(all_finite(atlas_map(same.view(), brute_graph(same, 15)).coordinates));

    Matrix<float> hole = blobs(60, 3, 1, 0);
    hole(7, 1) = std::numeric_limits<float>::quiet_NaN();
    Layout layout = atlas_map(hole.view(), brute_graph(hole, 15));
    for (std::int64_t i = 0; i < 60; ++i) CHECK(std::isfinite(layout.coordinates(i, 0)) == (i != 7));
    // A quarantined row (zero, listed) leaves the others where they are without it.
    Matrix<float> without = blobs(60, 3, 1, 0);
    Matrix<float> with(61, 3);
    std::copy(without.values().begin(), without.values().end(), with.values().begin());
    KnnGraph listed = brute_graph(without, 15);
    const Matrix<float> expected = atlas_map(without.view(), listed).coordinates;
    listed.indices = Matrix<Index>(61, 15, listed.indices.values());
    listed.indices.values().resize(61 * 15, -1);
    listed.distances = Matrix<float>(61, 15, listed.distances.values());
    listed.distances.values().resize(61 * 15, std::numeric_limits<float>::infinity());
    listed.invalid_rows = {60};
    layout = atlas_map(with.view(), listed);
    CHECK(std::isnan(layout.coordinates(60, 0)));
    for (std::int64_t i = 0; i < 60; ++i) CHECK(layout.coordinates(i, 0) == expected(i, 0));

    Matrix<float> none(3, 2);
    for (float& v : none.values()) v = std::numeric_limits<float>::quiet_NaN();
    layout = atlas_map(none.view(), brute_graph(none, 2));
    for (const float v : layout.coordinates.values()) CHECK(std::isnan(v));

    // Many components, of 1 to 40 items.
    Matrix<float> islands(211, 4);
    for (std::int64_t i = 0; i < 211; ++i) {
        RandomStream stream(3, "islands", static_cast<std::uint64_t>(i));
        const std::int64_t island = i < 160 ? i / 40 : i - 156;
        for (std::int64_t d = 0; d < 4; ++d) {
            islands(i, d) =
                static_cast<float>(stream.normal() + static_cast<double>((island * (d + 3)) % 17) * 100);
        }
    }
    KnnGraph graph = brute_graph(islands, 15);
    for (std::size_t s = 0; s < graph.distances.values().size(); ++s) {
        if (graph.distances.values()[s] < 50) continue;
        graph.distances.values()[s] = std::numeric_limits<float>::infinity();
        graph.indices.values()[s] = -1;
    }
    for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca, LayoutInit::Landmarks}) {
        MapOptions options;
        options.init = init;
        CHECK(all_finite(atlas_map(islands.view(), graph, options).coordinates));
    }
}

TEST_CASE("atlas_map: bad options are named, progress cancels") {
    const Matrix<float> x = blobs(100, 3, 1, 0);
    const KnnGraph graph = brute_graph(x, 15);
    const auto refused = [&](const char* field, auto&& change) {
        MapOptions options;
        change(options);
        CHECK_THROWS_WITH_AS(atlas_map(x.view(), graph, options), doctest::Contains(field), Error);
    };
    refused("n_components", [](MapOptions& o) { o.n_components = 1; });
    refused("umap_epochs", [](MapOptions& o) { o.umap_epochs = -1; });
    refused("gather_iter", [](MapOptions& o) { o.gather_iter = -1; });
    refused("n_iter", [](MapOptions& o) { o.n_iter = -1; });
    refused("exaggeration", [](MapOptions& o) { o.exaggeration = 0; });
    refused("perplexity", [](MapOptions& o) { o.perplexity = 0.5; });
    refused("given", [](MapOptions& o) { o.init = LayoutInit::Given; });
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_AS(atlas_map(x.view(), graph, {}, stop), Error);
}

TEST_CASE("atlas_map: with territories every item stands on its own land, in one piece") {
    // Groups that overlap in the vectors: neighbours cross borders.
    const std::int64_t n = 720;
    const Matrix<float> x = blobs(n, 9, 9, 2.5);
    const KnnGraph graph = brute_graph(x, 15);
    MapOptions options;
    options.levels = Matrix<Index>(n, 2);
    for (std::int64_t i = 0; i < n; ++i) {
        options.levels(i, 0) = static_cast<Index>(i % 9 / 3);
        options.levels(i, 1) = static_cast<Index>(i % 9);
    }
    options.n_iter = 100;
    options.territories = true;
    const auto measure = [&](const Matrix<float>& y) {
        std::vector<std::vector<Index>> labels(2);
        for (std::int64_t i = 0; i < n; ++i) {
            for (const std::size_t level : {0U, 1U}) {
                labels[level].push_back(options.levels(i, static_cast<std::int64_t>(level)));
            }
        }
        return territories(y, hierarchy_from_labels(labels, default_level_names(2))).levels;
    };
    const Layout layout = atlas_map(x.view(), graph, options);
    for (const TerritoryLevel& level : measure(layout.coordinates)) {
        CHECK(level.in_main == n);
        CHECK(level.one_piece == level.nodes);
    }
    CHECK(layout.run.warnings.empty());
    MapOptions plain = options;
    plain.territories = false;
    CHECK(measure(atlas_map(x.view(), graph, plain).coordinates)[1].in_main < n);
    options.num_threads = 3;
    CHECK(atlas_map(x.view(), graph, options).coordinates == layout.coordinates);
    options.n_components = 3;
    CHECK_THROWS_WITH_AS(atlas_map(x.view(), graph, options), doctest::Contains("territories"), Error);
    options.n_components = 2;
    options.levels = {};
    CHECK_THROWS_WITH_AS(atlas_map(x.view(), graph, options), doctest::Contains("levels"), Error);
}

TEST_CASE("atlas_map: a nested start parts groups that are no clusters") {
    const std::int64_t n = 400;
    const Matrix<float> x = blobs(n, 6, 1, 0);
    MapOptions options;
    options.levels = Matrix<Index>(n, 1);
    for (std::int64_t i = 0; i < n; ++i) options.levels(i, 0) = static_cast<Index>(i % 4);
    options.n_iter = 0;
    options.gather_iter = 0;
    const KnnGraph graph = brute_graph(x, 15);
    const double plain = nearest_same_group(atlas_map(x.view(), graph, options).coordinates, 4);
    options.nested_start = true;
    const double nested = nearest_same_group(atlas_map(x.view(), graph, options).coordinates, 4);
    CHECK(plain < 0.5);
    CHECK(nested > 0.9);
}
