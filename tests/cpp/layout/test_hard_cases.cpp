// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "filmatlas/layout/map.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "filmatlas/layout/umap.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "layout/layout_data.hpp"

// Data on which projections are known to fail: to hang, to fall back to random places, or to return NaN.

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

KnnGraph graph_of(const Matrix<float>& x, int k) {
    KnnOptions options;
    options.k = k;
    options.metric = Metric::Euclidean;
    return knn_graph(x.view(), options);
}

struct Method {
    std::string name;
    std::function<Matrix<float>(const Matrix<float>&, const KnnGraph&)> run;
};

/// Every method and start, with few rounds.
std::vector<Method> methods(int rounds) {
    std::vector<Method> all;
    for (const LayoutInit init : {LayoutInit::Spectral, LayoutInit::Pca}) {
        const std::string from = " from " + std::string(to_string(init));
        all.push_back({"umap" + from, [=](const Matrix<float>& x, const KnnGraph& graph) {
                           UmapOptions options;
                           options.init = init;
                           options.n_epochs = rounds;
                           return umap(x.view(), graph, options).coordinates;
                       }});
        all.push_back({"tsne" + from, [=](const Matrix<float>& x, const KnnGraph& graph) {
                           TsneOptions options;
                           options.init = init;
                           options.early_exaggeration_iter = rounds / 2;
                           options.n_iter = rounds;
                           return tsne(x.view(), graph, options).coordinates;
                       }});
        all.push_back({"atlas_map" + from, [=](const Matrix<float>& x, const KnnGraph& graph) {
                           MapOptions options;
                           options.init = init;
                           options.gather_iter = rounds / 2;
                           options.n_iter = rounds;
                           return atlas_map(x.view(), graph, options).coordinates;
                       }});
    }
    return all;
}

double distance(const Matrix<float>& y, std::int64_t i, std::int64_t j) {
    double sum = 0;
    for (std::int64_t d = 0; d < y.cols(); ++d) {
        const double gap = static_cast<double>(y(i, d)) - static_cast<double>(y(j, d));
        sum += gap * gap;
    }
    return std::sqrt(sum);
}

std::vector<double> ranks(const std::vector<double>& values) {
    std::vector<std::size_t> order(values.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<double> rank(values.size());
    for (std::size_t r = 0; r < order.size(); ++r) rank[order[r]] = static_cast<double>(r);
    return rank;
}

double rank_correlation(const std::vector<double>& a, const std::vector<double>& b) {
    const std::vector<double> x = ranks(a);
    const std::vector<double> y = ranks(b);
    const double mean = static_cast<double>(a.size() - 1) / 2;
    double xy = 0, xx = 0, yy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        xy += (x[i] - mean) * (y[i] - mean);
        xx += (x[i] - mean) * (x[i] - mean);
        yy += (y[i] - mean) * (y[i] - mean);
    }
    return xy / std::sqrt(xx * yy);
}

}  // namespace

TEST_CASE("hard cases: 500 components keep the order of their centres") {
    // Groups of 8 far apart on a plane that is tilted in five dimensions.
    const std::int64_t groups = 500;
    const std::int64_t each = 8;
    Matrix<float> centres(groups, 5);
    for (std::int64_t g = 0; g < groups; ++g) {
        RandomStream stream(2, "centres", static_cast<std::uint64_t>(g));
        const double a = stream.uniform() * 1000;
        const double b = stream.uniform() * 1000;
        const double tilt[5] = {a, b, 0.3 * a - 0.2 * b, 0.1 * a + 0.1 * b, -0.2 * a};
        for (std::int64_t d = 0; d < 5; ++d) centres(g, d) = static_cast<float>(tilt[d]);
    }
    Matrix<float> x = blobs(groups * each, 5, 1, 0);
    for (float& v : x.values()) v *= 0.1F;
    for (std::int64_t i = 0; i < x.rows(); ++i) {
        for (std::int64_t d = 0; d < 5; ++d) x(i, d) += centres(i / each, d);
    }
    const KnnGraph graph = graph_of(x, static_cast<int>(each) - 1);
    for (const Method& method : methods(40)) {
        CAPTURE(method.name);
        const Matrix<float> y = method.run(x, graph);
        REQUIRE(all_finite(y));
        Matrix<float> middle(groups, 2);
        for (std::int64_t i = 0; i < x.rows(); ++i) {
            for (std::int64_t d = 0; d < 2; ++d) middle(i / each, d) += y(i, d) / static_cast<float>(each);
        }
        std::vector<double> there;
        std::vector<double> here;
        for (std::int64_t g = 0; g < groups; ++g) {
            for (std::int64_t h = g + 1; h < groups; h += 7) {
                there.push_back(distance(centres, g, h));
                here.push_back(distance(middle, g, h));
            }
        }
        // t-SNE begins at a point and gathers before it spreads: components push one another about.
        CHECK(rank_correlation(there, here) >= (method.name.starts_with("tsne") ? 0.3 : 0.8));
    }
}

TEST_CASE("hard cases: two clusters joined by a thread stay two") {
    Matrix<float> x = blobs(600, 4, 1, 0);
    for (std::int64_t i = 300; i < 600; ++i) x(i, 0) += 100;
    KnnGraph graph = graph_of(x, 10);
    graph.indices(0, 9) = 300;  // the thread
    for (const Method& method : methods(60)) {
        CAPTURE(method.name);
        const Matrix<float> y = method.run(x, graph);
        REQUIRE(all_finite(y));
        double within = 0;
        double across = 0;
        for (std::int64_t i = 0; i < 300; ++i) {
            within += distance(y, i, (i * 7 + 1) % 300) / 300;
            across += distance(y, i, 300 + (i * 7 + 1) % 300) / 300;
        }
        CHECK(across > within);
    }
}

TEST_CASE("hard cases: a line of 20,000 points") {
    Matrix<float> x(20000, 3);
    for (std::int64_t i = 0; i < x.rows(); ++i) {
        for (std::int64_t d = 0; d < 3; ++d) x(i, d) = static_cast<float>(i) * static_cast<float>(d + 1) * 0.01F;
    }
    const KnnGraph graph = graph_of(x, 10);
    for (const Method& method : methods(10)) {
        CAPTURE(method.name);
        const Matrix<float> y = method.run(x, graph);
        REQUIRE(all_finite(y));
        // Points that follow one another lie closer than points far along the line.
        double near = 0;
        double far = 0;
        for (std::int64_t i = 0; i < 5000; ++i) {
            near += distance(y, i, i + 1);
            far += distance(y, i, i + 10000);
        }
        CHECK(near * 10 < far);
    }
}

TEST_CASE("hard cases: a star, duplicates, one far outlier") {
    Matrix<float> star(2000, 50);  // a centre, and rays of which each point knows the centre best
    for (std::int64_t i = 1; i < star.rows(); ++i) {
        RandomStream stream(4, "ray", static_cast<std::uint64_t>(i));
        for (std::int64_t d = 0; d < 50; ++d) star(i, d) = static_cast<float>(stream.normal());
    }
    Matrix<float> same(10000, 3);
    Matrix<float> outlier = blobs(1000, 4, 1, 0);
    for (std::int64_t d = 0; d < 4; ++d) outlier(17, d) = 1e6F;
    for (const Matrix<float>* x : {&star, &same, &outlier}) {
        const KnnGraph graph = graph_of(*x, 15);
        for (const Method& method : methods(20)) {
            CAPTURE(method.name);
            const Matrix<float> y = method.run(*x, graph);
            CHECK(all_finite(y));
            // Nothing flies off: the map's typical distances are not dwarfed by its largest.
            double largest = 0;
            std::vector<double> typical;
            for (std::int64_t i = 0; i < y.rows(); ++i) {
                const double r = distance(y, i, (i * 31 + 7) % y.rows());
                largest = std::max(largest, r);
                if (r > 0) typical.push_back(r);
            }
            if (typical.empty()) continue;
            std::nth_element(typical.begin(), typical.begin() + static_cast<std::ptrdiff_t>(typical.size() / 2),
                             typical.end());
            if (x != &outlier) CHECK(largest < 40 * typical[typical.size() / 2]);
        }
    }
}

TEST_CASE("hard cases: 1, 2, 3 and k + 1 items") {
    for (const std::int64_t n : {1, 2, 3, 16}) {
        const Matrix<float> x = blobs(n, 3, 1, 0);
        const KnnGraph graph = brute_graph(x, 15);
        for (const Method& method : methods(50)) {
            CAPTURE(method.name);
            const Matrix<float> y = method.run(x, graph);
            CHECK(y.rows() == n);
            CHECK(all_finite(y));
            for (std::int64_t i = 1; i < n; ++i) CHECK(distance(y, i, i - 1) > 0);
        }
    }
}

TEST_CASE("hard cases: every method has the same bytes for 1, 2, 3 and 8 threads and every instruction set") {
    const Matrix<float> x = blobs(900, 6, 5, 3);
    const KnnGraph graph = brute_graph(x, 15);
    for (const std::int64_t components : {2, 3}) {
        const auto all = [&](int threads) {
            UmapOptions u;
            u.n_components = static_cast<int>(components);
            u.n_epochs = 20;
            u.num_threads = threads;
            TsneOptions t;
            t.n_components = static_cast<int>(components);
            t.early_exaggeration_iter = 20;
            t.n_iter = 20;
            t.num_threads = threads;
            MapOptions m;
            m.n_components = static_cast<int>(components);
            m.gather_iter = 10;
            m.n_iter = 20;
            m.num_threads = threads;
            return std::vector<Matrix<float>>{umap(x.view(), graph, u).coordinates, tsne(x.view(), graph, t).coordinates,
                                              atlas_map(x.view(), graph, m).coordinates};
        };
        check_same_everywhere(all);
    }
}
