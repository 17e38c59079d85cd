// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

/// Twelve points without equal distances; the expected values below are umap-learn 0.5.12's for them.
Matrix<float> twelve() {
    Matrix<float> x(12, 3);
    for (int i = 0; i < 12; ++i) {
        for (int j = 0; j < 3; ++j)
            x(i, j) = static_cast<float>((i * i * 37 + j * j * 17 + i * j * 29 + 11) % 101) / 10;
    }
    return x;
}

float entry(const CsrMatrix<float>& m, Index row, Index column) {
    const auto ids = m.row_indices(row);
    const auto at = std::lower_bound(ids.begin(), ids.end(), column);
    return at == ids.end() || *at != column ? 0.0F
                                            : m.row_values(row)[static_cast<std::size_t>(at - ids.begin())];
}

double total(const CsrMatrix<float>& m) {
    double sum = 0;
    for (const float v : m.values) sum += static_cast<double>(v);
    return sum;
}

}  // namespace

TEST_CASE("smooth_knn: rho and sigma are umap-learn's") {
    const KnnGraph graph = brute_graph(twelve(), 6);
    FuzzyGraphOptions options;
    options.n_neighbors = 5;
    const SmoothKnn one = smooth_knn(graph, options);
    const std::vector<double> sigma = {4.29681396484375,   2.55108642578125,  1.49786376953125,
                                       1.0537261962890625, 1.68194580078125,  3.19427490234375,
                                       1.573455810546875,  4.6806640625,      0.8527679443359375,
                                       0.803497314453125,  1.968841552734375, 1.087554931640625};
    const std::vector<double> rho = {0.7071067690849304, 2.3622021675109863, 3.0935418605804443,
                                     3.4058773517608643, 4.483302116394043,  2.3622021675109863,
                                     3.0935418605804443, 0.7071067690849304, 4.464303016662598,
                                     3.8131353855133057, 4.115823268890381,  3.47131085395813};
    CHECK(one.n_neighbors == 5);
    for (std::size_t i = 0; i < 12; ++i) {
        CHECK(std::abs(one.sigma[i] / sigma[i] - 1) < 1e-4);
        CHECK(std::abs(one.rho[i] / rho[i] - 1) < 1e-6);
    }
    options.local_connectivity = 1.75;
    const SmoothKnn more = smooth_knn(graph, options);
    CHECK(std::abs(more.sigma[3] / 0.4291839599609375 - 1) < 1e-4);
    CHECK(std::abs(more.sigma[8] / 0.23668670654296875 - 1) < 1e-4);
    CHECK(std::abs(more.rho[0] / 2.731184720993042 - 1) < 1e-6);
    CHECK(std::abs(more.rho[11] / 3.954695224761963 - 1) < 1e-6);
}

TEST_CASE("smooth_knn: the memberships of a row add up to log2(n_neighbors)") {
    for (const double connectivity : {1.0, 1.75}) {
        for (const std::uint64_t seed : {1, 2, 3}) {
            const KnnGraph graph = brute_graph(blobs(120, 4, 1, 0, seed), 9);
            FuzzyGraphOptions options;
            options.n_neighbors = 10;
            options.local_connectivity = connectivity;
            const SmoothKnn scale = smooth_knn(graph, options);
            for (std::int64_t i = 0; i < 120; ++i) {
                double sum = 1;  // the item itself, as umap-learn counts
                for (const float d : graph.distances.row(i)) {
                    const double gap = static_cast<double>(d) - scale.rho[static_cast<std::size_t>(i)];
                    sum += gap > 0 ? std::exp(-gap / scale.sigma[static_cast<std::size_t>(i)]) : 1;
                }
                CHECK(std::abs(sum - (1 + std::log2(10.0))) < 1e-3);
            }
        }
    }
}

TEST_CASE("fuzzy_graph: unions and intersections are umap-learn's") {
    const KnnGraph graph = brute_graph(twelve(), 4);
    struct Case {
        double mix, connectivity, sum, w05, w37, w49, w68;
        std::int64_t entries;
    };
    for (const Case& c : {Case{1, 1, 39.954105, 0.2991662, 0.7628422, -1, 0.4506951, 62},
                          Case{0.5, 1, 27.863129, 0.1495831, 0.5124163, -1, 0.2253476, 62},
                          Case{0, 1, 15.772154, 0, 0.2619904, 0.4342816, 0, 34},
                          Case{1, 1.5, 39.242939, 0.2214313, 0.8096306, -1, 0.4595589, 62}}) {
        FuzzyGraphOptions options;
        options.n_neighbors = 5;
        options.set_op_mix_ratio = c.mix;
        options.local_connectivity = c.connectivity;
        const CsrMatrix<float> weights = fuzzy_graph(graph, options);
        CAPTURE(c.mix);
        CHECK(weights.nnz() == c.entries);
        CHECK(std::abs(total(weights) - c.sum) < 1e-3);
        CHECK(std::abs(static_cast<double>(entry(weights, 0, 5)) - c.w05) < 1e-5);
        CHECK(std::abs(static_cast<double>(entry(weights, 3, 7)) - c.w37) < 1e-5);
        CHECK(std::abs(static_cast<double>(entry(weights, 6, 8)) - c.w68) < 1e-5);
        if (c.w49 >= 0) CHECK(std::abs(static_cast<double>(entry(weights, 4, 9)) - c.w49) < 1e-5);
        for (Index i = 0; i < 12; ++i) {
            CHECK(entry(weights, i, i) == 0);
            for (const Index j : weights.row_indices(i)) CHECK(entry(weights, i, j) == entry(weights, j, i));
        }
    }
}

TEST_CASE("smooth_knn: uwot's and umap-learn's values on the first rows of iris") {
    struct Case {
        int n_neighbors;
        std::vector<double> sigma;
    };
    const std::vector<double> rho = {0.14142123, 0.17320503, 0.24494903, 0.24494903, 0.14142123,
                                     0.61644161, 0.26457515, 0.17320499, 0.29999974, 0.17320503};
    for (const Case& c : {Case{8, {0.2567215, 0.22098923, 0.082853317, 0.09981823, 0.28608322, 0.17873764, 0.15968704,
                                   0.17134094, 0.25434113, 0.19572449}},
                          Case{4, {0.17993927, 0.20488739, 0.049380302, 0.090602875, 0.24940491, 0.00390625, 0.15367126,
                                   0.13551712, 0.24542999, 0.20633698}}}) {
        FuzzyGraphOptions options;
        options.n_neighbors = c.n_neighbors;
        const SmoothKnn scale = smooth_knn(brute_graph(iris10(), c.n_neighbors - 1), options);
        for (std::size_t i = 0; i < 10; ++i) {
            CHECK(scale.rho[i] == doctest::Approx(rho[i]).epsilon(1e-6));
            CHECK(scale.sigma[i] == doctest::Approx(c.sigma[i]).epsilon(1e-4));
        }
    }
}

TEST_CASE("fuzzy_graph: umap-learn's whole matrix on the first rows of iris, by mix and local connectivity") {
    struct Case {
        double mix, connectivity;
        std::vector<double> upper;  ///< row by row, right of the diagonal
    };
    // umap-learn 0.5.12, n_neighbors = 4.
    for (const Case& c : std::vector<Case>{
        {1, 1, {0, 0, 0, 1, 1, 0, 0.9999999, 0, 0.1619079,
                 0.6898985, 0.4614467, 0, 0, 0, 0, 0.42518, 1,
                 1, 0, 0, 1, 0, 0.57483, 0.4999973,
                 0, 0, 0.6462525, 0, 1, 0.7276671,
                 1, 0.2807279, 0.912806, 0, 0,
                 0, 5.128895e-10, 0, 0,
                 0.3537517, 0, 0,
                 0, 0.3105901,
                 0}},
        {0.5, 1, {0, 0, 0, 1, 0.5, 0, 0.9190423, 0, 0.08095397,
                 0.4332646, 0.2307234, 0, 0, 0, 0, 0.21259, 1,
                 1, 0, 0, 0.8360163, 0, 0.287415, 0.2499987,
                 0, 0, 0.3231262, 0, 0.772327, 0.4776672,
                 0.5, 0.1403639, 0.7043366, 0, 0,
                 0, 2.564448e-10, 0, 0,
                 0.1768759, 0, 0,
                 0, 0.155295,
                 0}},
        {1, 1.5, {0, 0, 0, 1, 1, 0, 1, 0, 0.1074844,
                 0.6798886, 0.4302284, 0, 0, 0, 0, 0.3748101, 1,
                 1, 0, 0, 1, 0, 0.625192, 0.4999971,
                 0, 0, 0.7157242, 0, 1, 0.7101558,
                 1, 0.2084061, 0.9504327, 0, 0,
                 0, 5.128895e-10, 0, 0,
                 0.2842852, 0, 0,
                 0, 0.237846,
                 0}}}) {
        FuzzyGraphOptions options;
        options.n_neighbors = 4;
        options.set_op_mix_ratio = c.mix;
        options.local_connectivity = c.connectivity;
        const Matrix<double> got = dense(fuzzy_graph(brute_graph(iris10(), 3), options));
        std::size_t next = 0;
        for (std::int64_t i = 0; i < 10; ++i) {
            CHECK(got(i, i) == 0);
            for (std::int64_t j = i + 1; j < 10; ++j, ++next) {
                CAPTURE(i);
                CAPTURE(j);
                CHECK(std::abs(got(i, j) - c.upper[next]) < 1e-5);
                CHECK(got(j, i) == got(i, j));
            }
        }
    }
}

TEST_CASE("fuzzy_graph: the same bytes for any number of threads") {
    const KnnGraph graph = brute_graph(blobs(500, 5, 3, 4), 10);
    FuzzyGraphOptions options;
    options.n_neighbors = 11;
    options.num_threads = 1;
    const CsrMatrix<float> one = fuzzy_graph(graph, options);
    for (const int threads : {2, 3}) {
        options.num_threads = threads;
        CHECK(fuzzy_graph(graph, options) == one);
    }
}

TEST_CASE("fuzzy_graph: duplicates, missing neighbours and opposite vectors") {
    Matrix<float> same(6, 2);
    const CsrMatrix<float> weights = fuzzy_graph(brute_graph(same, 3));
    CHECK(weights.nnz() > 0);
    for (const float w : weights.values) CHECK(w == 1);

    Matrix<float> holes = blobs(5, 2, 1, 0);
    holes(2, 0) = std::numeric_limits<float>::quiet_NaN();
    const CsrMatrix<float> partial = fuzzy_graph(brute_graph(holes, 4));
    CHECK(partial.row_indices(2).empty());
    CHECK_FALSE(partial.row_indices(0).empty());

    KnnGraph opposite = brute_graph(blobs(4, 2, 1, 0), 2);
    opposite.metric = Metric::Cosine;
    for (float& d : opposite.distances.values()) d = 2;
    CHECK(fuzzy_graph(opposite).nnz() == 0);

    KnnGraph none;
    CHECK(fuzzy_graph(none).nnz() == 0);
}

TEST_CASE("fuzzy_graph: rows add up to the bandwidth, neighbours that are too far are none") {
    const KnnGraph graph = brute_graph(blobs(200, 3, 2, 2), 12);
    FuzzyGraphOptions options;
    options.n_neighbors = 10;
    for (const double bandwidth : {0.7, 1.0, 1.6}) {
        options.bandwidth = bandwidth;
        const SmoothKnn scale = smooth_knn(graph, options);
        for (std::int64_t i = 0; i < 200; ++i) {
            const auto at = static_cast<std::size_t>(i);
            double sum = 0;
            for (std::int64_t s = 0; s < 9; ++s) {
                const double gap = static_cast<double>(graph.distances(i, s)) - scale.rho[at];
                sum += gap > 0 ? std::exp(-gap / scale.sigma[at]) : 1.0;
            }
            CHECK(std::abs(sum - bandwidth * std::log2(10)) < 1e-4);
        }
    }
    options = {};
    const float far = graph.distances(0, 5);
    options.disconnection_distance = static_cast<double>(far);
    KnnGraph cut = graph;
    for (std::int64_t i = 0; i < 200; ++i) {
        for (std::int64_t s = 0; s < cut.k(); ++s) {
            if (cut.distances(i, s) < far) continue;
            cut.indices(i, s) = -1;
            cut.distances(i, s) = std::numeric_limits<float>::infinity();
        }
    }
    const CsrMatrix<float> near = fuzzy_graph(graph, options);
    const CsrMatrix<float> expected = fuzzy_graph(cut);
    CHECK(near.indices == expected.indices);
    CHECK(near.values == expected.values);
    CHECK(near.nnz() < fuzzy_graph(graph).nnz());
    // Opposite vectors are neighbours when somebody says so.
    KnnGraph opposite = graph;
    opposite.metric = Metric::Cosine;
    for (float& d : opposite.distances.values()) d = 2;
    CHECK(fuzzy_graph(opposite).nnz() == 0);
    options.disconnection_distance = std::numeric_limits<double>::infinity();
    CHECK(fuzzy_graph(opposite, options).nnz() > 0);
}

TEST_CASE("fuzzy_graph: bad options and graphs are named") {
    const KnnGraph graph = brute_graph(twelve(), 4);
    FuzzyGraphOptions options;
    options.n_neighbors = 1;
    CHECK_THROWS_WITH_AS(fuzzy_graph(graph, options), doctest::Contains("n_neighbors"), Error);
    options = {};
    options.set_op_mix_ratio = 1.1;
    CHECK_THROWS_WITH_AS(fuzzy_graph(graph, options), doctest::Contains("set_op_mix_ratio"), Error);
    options = {};
    options.local_connectivity = -1;
    CHECK_THROWS_WITH_AS(fuzzy_graph(graph, options), doctest::Contains("local_connectivity"), Error);
    options = {};
    options.bandwidth = 0;
    CHECK_THROWS_WITH_AS(fuzzy_graph(graph, options), doctest::Contains("bandwidth"), Error);
    options = {};
    options.disconnection_distance = 0;
    CHECK_THROWS_WITH_AS(fuzzy_graph(graph, options), doctest::Contains("disconnection_distance"), Error);
    KnnGraph broken = graph;
    broken.indices(3, 1) = 99;
    CHECK_THROWS_WITH_AS(fuzzy_graph(broken), doctest::Contains("item 3"), Error);
}
