// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/layout.hpp"
#include "filmatlas/layout/map.hpp"
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
        CHECK(layout.init == "pca");
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
    for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca, LayoutInit::Given}) {
        MapOptions options;
        options.init = init;
        options.n_iter = 30;
        options.umap_epochs = 10;
        options.num_threads = 1;
        if (init == LayoutInit::Given) options.given = blobs(500, 2, 1, 0);
        const Layout one = atlas_map(x.view(), graph, options);
        for (const int threads : {2, 3}) {
            options.num_threads = threads;
            CHECK(atlas_map(x.view(), graph, options).coordinates == one.coordinates);
        }
        for (const char* level : {"baseline", "avx2", "avx512"}) {
            const SimdOverride simd(level);
            CHECK(atlas_map(x.view(), graph, options).coordinates == one.coordinates);
        }
    }
}

TEST_CASE("atlas_map: few, identical, repeated, invalid and unconnected items") {
    for (const std::int64_t n : {0, 1, 2, 3, 4, 16}) {
        for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca}) {
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
    for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca}) {
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
