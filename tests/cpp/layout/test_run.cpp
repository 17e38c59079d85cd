// SPDX-License-Identifier: MIT
// run.hpp, and the runs of umap.hpp, tsne.hpp and map.hpp
#include "filmatlas/layout/run.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/map.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "filmatlas/layout/umap.hpp"
#include "layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

/// Each method: options of `rounds` rounds in variants that take different ways, and the layout in one run.
struct Umap {
    using Run = UmapRun;
    using Options = UmapOptions;
    static std::vector<Options> variants(int rounds, const Matrix<float>&) {
        std::vector<Options> all;
        for (const bool densmap : {false, true}) {
            for (const int components : {2, 3, 4}) {
                Options options;
                options.n_components = components;
                options.n_epochs = rounds;
                options.densmap = densmap;
                all.push_back(options);
            }
        }
        return all;
    }
    static Layout whole(const Matrix<float>& x, const KnnGraph& graph, const Options& options) {
        return umap(x.view(), graph, options);
    }
};

struct Tsne {
    using Run = TsneRun;
    using Options = TsneOptions;
    static std::vector<Options> variants(int rounds, const Matrix<float>&) {
        std::vector<Options> all;
        for (const TsneRepulsion repulsion : {TsneRepulsion::Auto, TsneRepulsion::Tree, TsneRepulsion::Grid}) {
            Options options;
            options.repulsion = repulsion;
            options.early_exaggeration_iter = rounds / 3;  // an odd number of rounds and an even one
            options.n_iter = rounds - rounds / 3;
            all.push_back(options);
        }
        all[1].n_components = 3;
        return all;
    }
    static Layout whole(const Matrix<float>& x, const KnnGraph& graph, const Options& options) {
        return tsne(x.view(), graph, options);
    }
};

struct Map {
    using Run = MapRun;
    using Options = MapOptions;
    static std::vector<Options> variants(int rounds, const Matrix<float>& x) {
        Options options;
        options.gather_iter = rounds / 3;
        options.n_iter = rounds - rounds / 3;
        std::vector<Options> all(4, options);
        all[1].n_components = 3;
        all[2].umap_epochs = rounds / 4;
        all[2].n_iter = *options.n_iter - rounds / 4;
        all[3].territories = true;
        all[3].levels = Matrix<Index>(x.rows(), 2);
        for (std::int64_t i = 0; i < x.rows(); ++i) {
            all[3].levels(i, 0) = static_cast<Index>(i % 3);
            all[3].levels(i, 1) = static_cast<Index>(i % 6);
        }
        return all;
    }
    static Layout whole(const Matrix<float>& x, const KnnGraph& graph, const Options& options) {
        return atlas_map(x.view(), graph, options);
    }
};

}  // namespace

TEST_CASE_TEMPLATE("run: however the rounds are divided, the map is that of one run", Method, Umap, Tsne, Map) {
    const Matrix<float> x = blobs(300, 5, 3, 5);
    const KnnGraph graph = brute_graph(x, 14);
    for (const typename Method::Options& options : Method::variants(63, x)) {
        const Layout whole = Method::whole(x, graph, options);
        typename Method::Run run(x.view(), graph, options);
        CHECK(run.total_epochs() == 63);
        CHECK(run.epoch() == 0);
        for (const int step : {0, 1, 19, 25, 1, 1000}) run.run(step);
        CHECK(run.epoch() == 63);
        const Layout parts = run.layout();
        CHECK(parts.coordinates == whole.coordinates);
        CHECK(parts.run.iterations == 63);
        CHECK(parts.init == whole.init);
        CHECK(parts.run.warnings == whole.run.warnings);
        run.run(10);  // nothing is left
        CHECK(run.layout().coordinates == whole.coordinates);
    }
}

TEST_CASE_TEMPLATE("run: a snapshot every m rounds equals separate runs, and is the state itself", Method, Umap, Tsne,
                   Map) {
    const Matrix<float> x = blobs(200, 5, 3, 5);
    const KnnGraph graph = brute_graph(x, 14);
    for (const typename Method::Options& options : Method::variants(50, x)) {
        typename Method::Run run(x.view(), graph, options);
        const float* const place = run.coordinates().data();
        Matrix<float> last = run.coordinates();
        while (run.epoch() < run.total_epochs()) {
            run.run(9);
            CHECK(run.coordinates().data() == place);
            typename Method::Run alone(x.view(), graph, options);
            alone.run(run.epoch());
            CHECK(alone.coordinates() == run.coordinates());
            CHECK(alone.layout().coordinates == run.layout().coordinates);
            CHECK_FALSE(run.coordinates() == last);
            last = run.coordinates();
        }
        LayoutRun moved = std::move(run);
        CHECK(moved.coordinates().data() == place);
        CHECK(moved.epoch() == 50);
    }
}

TEST_CASE_TEMPLATE("run: a start can be cancelled before the first round", Method, Umap, Tsne, Map) {
    const Matrix<float> x = blobs(300, 5, 3, 5);
    const KnnGraph graph = brute_graph(x, 14);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    typename Method::Options options;
    for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Landmarks}) {
        options.init = init;
        CHECK_THROWS_WITH_AS(typename Method::Run(x.view(), graph, options, stop), doctest::Contains("cancelled"), Error);
    }
}

TEST_CASE_TEMPLATE("run: cancelled again and again and gone on with, the map of one run", Method, Umap, Tsne, Map) {
    const Matrix<float> x = blobs(300, 5, 3, 5);
    const KnnGraph graph = brute_graph(x, 14);
    for (const typename Method::Options& options : Method::variants(40, x)) {
        const Layout whole = Method::whole(x, graph, options);
        typename Method::Run run(x.view(), graph, options);
        int cancels = 0;
        while (run.epoch() < run.total_epochs()) {
            const int before = run.epoch();
            int left = 1 + cancels % 7 * 20;
            try {
                run.run(40, Progress([&](const Tick&) { return left-- > 0; }, std::chrono::milliseconds(0)));
            } catch (const Error& error) {
                CHECK(error.code() == ErrorCode::Cancelled);
                ++cancels;
            }
            REQUIRE(run.epoch() > before);
            typename Method::Run again(x.view(), graph, options);
            again.run(run.epoch());
            CHECK(run.coordinates() == again.coordinates());
        }
        CHECK(cancels > 0);
        CHECK(run.layout().coordinates == whole.coordinates);
    }
}

TEST_CASE_TEMPLATE("run: no, one and few items; bad numbers are named", Method, Umap, Tsne, Map) {
    for (const std::int64_t n : {0, 1, 2, 5}) {
        const Matrix<float> x = blobs(n, 3, 1, 0);
        const KnnGraph graph = brute_graph(x, 4);
        const auto options = Method::variants(20, x)[0];
        typename Method::Run run(x.view(), graph, options);
        run.run(100);
        CHECK(run.layout().coordinates.rows() == n);
        CHECK(run.layout().coordinates == Method::whole(x, graph, options).coordinates);
    }
    const Matrix<float> x = blobs(20, 3, 1, 0);
    const KnnGraph graph = brute_graph(x, 4);
    auto options = Method::variants(20, x)[0];
    typename Method::Run run(x.view(), graph, options);
    CHECK_THROWS_WITH_AS(run.run(-1), doctest::Contains("epochs: is -1"), Error);
    options.num_threads = -1;
    CHECK_THROWS_WITH_AS(typename Method::Run(x.view(), graph, options), doctest::Contains("num_threads"), Error);
}

TEST_CASE("UmapRun: as many mobilities as items") {
    const Matrix<float> x = blobs(20, 3, 1, 0);
    UmapOptions options;
    options.mobility.assign(3, 1.0F);
    CHECK_THROWS_WITH_AS(UmapRun(x.view(), brute_graph(x, 4), options), doctest::Contains("3 values for 20"), Error);
}
