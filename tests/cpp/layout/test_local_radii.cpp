// SPDX-License-Identifier: MIT
// local_radii.hpp, and densMAP in umap.hpp
#include "filmatlas/layout/local_radii.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/curve.hpp"
#include "filmatlas/layout/detail/umap_density.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/start.hpp"
#include "filmatlas/layout/umap.hpp"
#include "layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

/// Five clouds far apart, each twice as wide as the one before it.
Matrix<float> clouds(std::int64_t n, std::uint64_t seed) {
    Matrix<float> x = blobs(n, 5, 5, 0, seed);
    for (std::int64_t i = 0; i < n; ++i) {
        const auto group = i % 5;
        for (float& value : x.row(i)) value *= static_cast<float>(1 << group);
        x(i, group) += 200;
    }
    return x;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
    double mean_a = 0, mean_b = 0;
    for (std::size_t i = 0; i < a.size(); ++i) mean_a += a[i], mean_b += b[i];
    mean_a /= static_cast<double>(a.size()), mean_b /= static_cast<double>(b.size());
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        ab += (a[i] - mean_a) * (b[i] - mean_b);
        aa += (a[i] - mean_a) * (a[i] - mean_a);
        bb += (b[i] - mean_b) * (b[i] - mean_b);
    }
    return ab / std::sqrt(aa * bb);
}

std::vector<double> radii_of(const Matrix<float>& x) {
    const KnnGraph graph = brute_graph(x, 14);
    return log_local_radii(fuzzy_graph(graph), graph);
}

}  // namespace

TEST_CASE("log_local_radii: the weighted mean of squared distances, the larger of an edge's two") {
    KnnGraph graph;
    graph.metric = Metric::Euclidean;
    graph.indices = Matrix<Index>(4, 2, {1, -1, 0, 2, 1, -1, -1, -1});
    const float none = std::numeric_limits<float>::infinity();
    graph.distances = Matrix<float>(4, 2, {1, none, 1, 2, 3, none, none, none});
    CsrMatrix<float> weights;
    weights.rows = weights.cols = 4;
    weights.indptr = {0, 1, 3, 4, 4};
    weights.indices = {1, 0, 2, 1};
    weights.values = {1.0F, 1.0F, 0.5F, 0.5F};
    const std::vector<double> radii = log_local_radii(weights, graph);
    CHECK(radii[0] == doctest::Approx(std::log(1e-8 + 1)).epsilon(1e-12));
    CHECK(radii[1] == doctest::Approx(std::log(1e-8 + (1 * 1 + 0.5 * 9) / 1.5)).epsilon(1e-12));
    CHECK(radii[2] == doctest::Approx(std::log(1e-8 + 9)).epsilon(1e-12));
    CHECK(std::isnan(radii[3]));
    // Without the light edge.
    CHECK(log_local_radii(weights, graph, 0.75F)[1] == doctest::Approx(std::log(1e-8 + 1)).epsilon(1e-12));
    CHECK(std::isnan(log_local_radii(weights, graph, 0.75F)[2]));
    weights.rows = 3;
    CHECK_THROWS_WITH_AS(log_local_radii(weights, graph), doctest::Contains("(3, 4) for a graph of 4"), Error);
}

TEST_CASE("umap: an edge's density force is the gradient that umap-learn writes down") {
    const Matrix<float> x = clouds(60, 3);
    const KnnGraph graph = brute_graph(x, 9);
    const CsrMatrix<float> weights = fuzzy_graph(graph);
    const std::vector<double> original = log_local_radii(weights, graph);
    const Matrix<float> y = blobs(60, 2, 2, 3);
    const auto n = static_cast<std::size_t>(y.rows());
    const UmapCurve curve = fit_umap_curve(1, 0.1);
    std::vector<Index> active(n);
    for (std::size_t i = 0; i < n; ++i) active[i] = static_cast<Index>(i);

    detail::UmapDensity ours;
    ours.weights = &weights;
    ours.active = active;
    ours.fires = detail::UmapFiring(weights, 100000);
    ours.lambda = 2;
    ours.var_shift = 0.1;
    ours.a = static_cast<float>(curve.a);
    ours.b = static_cast<float>(curve.b);
    ours.kernel = detail::umap_kernel();
    detail::umap_density_prepare(ours, original);
    detail::umap_map_radii(ours, y, 0, 60);
    detail::umap_density_pulls(ours);

    // The reference, over directed edges, as it stands in umap-learn's layouts.py.
    const auto squared = [&](std::int64_t j, std::int64_t k) {
        return std::pow(static_cast<double>(y(j, 0)) - static_cast<double>(y(k, 0)), 2) +
               std::pow(static_cast<double>(y(j, 1)) - static_cast<double>(y(k, 1)), 2);
    };
    const auto similarity = [&](double d2) { return 1 / (1 + curve.a * std::pow(d2, curve.b)); };
    std::vector<double> re(n, 0), phi(n, 0);
    double mass = 0;
    const auto each_edge = [&](auto visit) {
        for (std::int64_t j = 0; j < weights.rows; ++j) {
            for (std::size_t e = 0; e < weights.row_indices(j).size(); ++e) {
                visit(static_cast<std::size_t>(j), static_cast<std::size_t>(weights.row_indices(j)[e]),
                      static_cast<double>(weights.row_values(j)[e]));
            }
        }
    };
    each_edge([&](std::size_t j, std::size_t k, double mu) {
        const double d2 = squared(static_cast<std::int64_t>(j), static_cast<std::int64_t>(k));
        for (const std::size_t end : {j, k}) re[end] += similarity(d2) * d2, phi[end] += similarity(d2);
        mass += mu;
    });
    double mean = 0, target_mean = 0;
    for (std::size_t i = 0; i < n; ++i) {
        re[i] = std::log(1e-8 + re[i] / phi[i]);
        mean += re[i] / 60;
        target_mean += original[i] / 60;
    }
    double variance = 0, target_variance = 0, covariance = 0;
    for (std::size_t i = 0; i < n; ++i) {
        variance += (re[i] - mean) * (re[i] - mean) / 60;
        target_variance += (original[i] - target_mean) * (original[i] - target_mean) / 60;
    }
    std::vector<double> target(n);
    for (std::size_t i = 0; i < n; ++i) {
        target[i] = (original[i] - target_mean) / std::sqrt(target_variance);
        covariance += re[i] * target[i] / 59;
    }
    const double deviation = std::sqrt(variance + 0.1);
    int compared = 0;
    each_edge([&](std::size_t j, std::size_t k, double mu) {
        const double d2 = squared(static_cast<std::int64_t>(j), static_cast<std::int64_t>(k));
        const double p = similarity(d2);
        const double fall = curve.a * curve.b * std::pow(d2, curve.b - 1) * p;
        const auto change = [&](std::size_t i) { return p / phi[i] * ((1 - curve.b * (1 - p)) / std::exp(re[i]) + fall); };
        const auto weight = [&](std::size_t i) {
            return target[i] - covariance * (re[i] - mean) / (deviation * deviation);
        };
        const double reference =
            2 * (2 * mass * (weight(k) * change(k) + weight(j) * change(j)) / (mu * deviation) / 60);
        const double period = static_cast<double>(ours.fires.largest) / mu;
        const double near = period * (static_cast<double>(ours.pulls[2 * j]) + static_cast<double>(ours.pulls[2 * k]));
        const double far =
            period * (static_cast<double>(ours.pulls[2 * j + 1]) + static_cast<double>(ours.pulls[2 * k + 1]));
        const double got = p * ((1 - curve.b * (1 - p)) * near + fall * far);
        CHECK(got == doctest::Approx(reference).epsilon(2e-4).scale(1));
        ++compared;
    });
    CHECK(compared > 500);
}

TEST_CASE("umap: with densmap wide clouds are wide on the map and narrow ones narrow") {
    for (const std::uint64_t seed : {1, 2}) {
        const Matrix<float> x = clouds(600, seed);
        const KnnGraph graph = brute_graph(x, 14);
        const std::vector<double> original = log_local_radii(fuzzy_graph(graph), graph);
        UmapOptions options;
        options.n_epochs = 300;
        const double plain = correlation(original, radii_of(umap(x.view(), graph, options).coordinates));
        options.densmap = true;
        const Layout dense = umap(x.view(), graph, options);
        const double drawn = correlation(original, radii_of(dense.coordinates));
        INFO("plain ", plain, ", densmap ", drawn);
        CHECK(drawn > 0.85);
        CHECK(drawn > plain + 0.3);
        CHECK(nearest_same_group(dense.coordinates, 5) > 0.99);
        options.dens_lambda = 0;
        const Matrix<float> without = umap(x.view(), graph, options).coordinates;
        options.densmap = false;
        CHECK(umap(x.view(), graph, options).coordinates == without);
    }
}

TEST_CASE("umap: densmap gives the same bytes for any number of threads and instruction set, and in parts") {
    const Matrix<float> x = clouds(500, 4);
    const KnnGraph graph = brute_graph(x, 14);
    for (const int components : {1, 2, 3, 5}) {
        UmapOptions options;
        options.n_components = components;
        options.n_epochs = 40;
        options.densmap = true;
        CHECK(all_finite(check_same_everywhere([&](int threads) {
            options.num_threads = threads;
            return umap(x.view(), graph, options).coordinates;
        })));
    }
    const CsrMatrix<float> weights = fuzzy_graph(graph);
    UmapOptions options;
    options.densmap = true;
    options.log_radii = log_local_radii(weights, graph);
    Matrix<float> whole = pca_start(x.view()).coordinates;
    Matrix<float> parts = whole;
    Matrix<float> plain = whole;
    umap_optimize(weights, whole, 0, 100, 100, options);
    for (const auto& [from, to] : {std::pair{0, 70}, std::pair{70, 71}, std::pair{71, 90}, std::pair{90, 100}}) {
        umap_optimize(weights, parts, from, to, 100, options);
        if (to != 70) continue;
        // The last three tenths of the rounds are densMAP's, nothing before.
        options.densmap = false;
        umap_optimize(weights, plain, 0, 70, 100, options);
        options.densmap = true;
        CHECK(plain == parts);
    }
    CHECK(whole == parts);
    options.log_radii.pop_back();
    CHECK_THROWS_WITH_AS(umap_optimize(weights, whole, 0, 1, 100, options), doctest::Contains("499 values for 500"), Error);
}

TEST_CASE("umap: densmap on few, identical, equally dense and unconnected items, and bad options") {
    UmapOptions options;
    options.densmap = true;
    options.n_epochs = 60;
    for (const std::int64_t n : {1, 2, 3, 16}) {
        const Matrix<float> x = blobs(n, 3, 1, 0);
        CHECK(all_finite(umap(x.view(), brute_graph(x, static_cast<int>(std::min<std::int64_t>(n, 14))), options).coordinates));
    }
    Matrix<float> same(80, 3);
    CHECK(all_finite(umap(same.view(), brute_graph(same, 14), options).coordinates));
    Matrix<float> ring(60, 2);
    for (std::int64_t i = 0; i < 60; ++i) {
        ring(i, 0) = static_cast<float>(std::cos(0.10471975511965977 * static_cast<double>(i)));
        ring(i, 1) = static_cast<float>(std::sin(0.10471975511965977 * static_cast<double>(i)));
    }
    CHECK(all_finite(umap(ring.view(), brute_graph(ring, 4), options).coordinates));
    Matrix<float> apart = clouds(50, 9);
    for (std::int64_t i = 0; i < 10; ++i) apart(i, 4) += static_cast<float>(1e6 * static_cast<double>(i));
    CHECK(all_finite(umap(apart.view(), brute_graph(apart, 3), options).coordinates));
    const auto refuse = [&](auto change, const char* text) {
        UmapOptions bad = options;
        change(bad);
        CHECK_THROWS_WITH_AS(validate(bad), doctest::Contains(text), Error);
    };
    refuse([](UmapOptions& o) { o.dens_lambda = -1; }, "dens_lambda: is -1");
    refuse([](UmapOptions& o) { o.dens_frac = 1.5; }, "dens_frac: is 1.5");
    refuse([](UmapOptions& o) { o.dens_var_shift = NAN; }, "dens_var_shift");
}
