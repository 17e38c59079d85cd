// SPDX-License-Identifier: MIT
// UmapRun of umap.hpp
#include "filmatlas/layout/umap.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

TEST_CASE("UmapRun: however the rounds are divided, the map is that of one run") {
    const Matrix<float> x = blobs(300, 5, 3, 5);
    const KnnGraph graph = brute_graph(x, 14);
    for (const bool densmap : {false, true}) {
        for (const int components : {2, 3, 4}) {
            UmapOptions options;
            options.n_components = components;
            options.n_epochs = 60;
            options.densmap = densmap;
            const Layout whole = umap(x.view(), graph, options);
            UmapRun run(x.view(), graph, options);
            CHECK(run.total_epochs() == 60);
            CHECK(run.epoch() == 0);
            for (const int step : {0, 1, 20, 30, 1000}) run.run(step);
            CHECK(run.epoch() == 60);
            const Layout parts = run.layout();
            CHECK(parts.coordinates == whole.coordinates);
            CHECK(parts.run.iterations == 60);
            CHECK(parts.init == whole.init);
            run.run(10);  // nothing is left
            CHECK(run.layout().coordinates == whole.coordinates);
        }
    }
}

TEST_CASE("UmapRun: a snapshot every m rounds equals separate runs, and is the state itself") {
    const Matrix<float> x = blobs(200, 5, 3, 5);
    const KnnGraph graph = brute_graph(x, 14);
    UmapOptions options;
    options.n_epochs = 50;
    UmapRun run(x.view(), graph, options);
    const float* const place = run.coordinates().data();
    Matrix<float> last = run.coordinates();
    while (run.epoch() < run.total_epochs()) {
        run.run(10);
        CHECK(run.coordinates().data() == place);
        UmapRun alone(x.view(), graph, options);
        alone.run(run.epoch());
        CHECK(alone.coordinates() == run.coordinates());
        CHECK(alone.layout().coordinates == run.layout().coordinates);
        CHECK_FALSE(run.coordinates() == last);
        last = run.coordinates();
    }
    UmapRun moved = std::move(run);
    CHECK(moved.coordinates().data() == place);
    CHECK(moved.epoch() == 50);
}

TEST_CASE("UmapRun: a cancelled call ends its round, and going on equals one run") {
    const Matrix<float> x = blobs(900, 5, 3, 5);
    const KnnGraph graph = brute_graph(x, 14);
    UmapOptions options;
    options.n_epochs = 400;
    const Layout whole = umap(x.view(), graph, options);
    UmapRun run(x.view(), graph, options);
    run.run(100);
    int calls = 0;
    bool cancelled = false;
    try {
        run.run(300, Progress([&](const Tick&) { return ++calls < 3; }, std::chrono::milliseconds(1)));
    } catch (const Error& error) {
        cancelled = error.code() == ErrorCode::Cancelled;
    }
    REQUIRE(cancelled);
    CHECK(run.epoch() > 100);
    CHECK(run.epoch() < 400);
    UmapRun again(x.view(), graph, options);
    again.run(run.epoch());
    CHECK(run.coordinates() == again.coordinates());
    run.run(300);
    CHECK(run.layout().coordinates == whole.coordinates);
}

TEST_CASE("UmapRun: no, one and few items; bad numbers are named") {
    UmapOptions options;
    options.n_epochs = 20;
    for (const std::int64_t n : {0, 1, 2, 5}) {
        const Matrix<float> x = blobs(n, 3, 1, 0);
        const KnnGraph graph = brute_graph(x, 4);
        UmapRun run(x.view(), graph, options);
        run.run(100);
        CHECK(run.layout().coordinates.rows() == n);
        CHECK(run.layout().coordinates == umap(x.view(), graph, options).coordinates);
    }
    const Matrix<float> x = blobs(20, 3, 1, 0);
    UmapRun run(x.view(), brute_graph(x, 4), options);
    CHECK_THROWS_WITH_AS(run.run(-1), doctest::Contains("epochs: is -1"), Error);
    options.mobility.assign(3, 1.0F);
    CHECK_THROWS_WITH_AS(UmapRun(x.view(), brute_graph(x, 4), options), doctest::Contains("3 values for 20"), Error);
}
