// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/detail/fft.hpp"
#include "filmatlas/layout/tsne.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

/// Forces and normaliser over all pairs, float64.
double brute_repulsion(const Matrix<float>& y, Matrix<double>& forces) {
    forces = Matrix<double>(y.rows(), y.cols());
    double total = 0;
    for (std::int64_t i = 0; i < y.rows(); ++i) {
        for (std::int64_t j = 0; j < y.rows(); ++j) {
            if (i == j) continue;
            double d2 = 1;
            for (std::int64_t d = 0; d < y.cols(); ++d) {
                const double gap = static_cast<double>(y(i, d)) - static_cast<double>(y(j, d));
                d2 += gap * gap;
            }
            total += 1 / d2;
            for (std::int64_t d = 0; d < y.cols(); ++d) {
                forces(i, d) += (static_cast<double>(y(i, d)) - static_cast<double>(y(j, d))) / (d2 * d2);
            }
        }
    }
    return total;
}

double relative_error(const Matrix<float>& got, const Matrix<double>& wanted) {
    double error = 0;
    double norm = 0;
    for (std::size_t i = 0; i < wanted.values().size(); ++i) {
        const double gap = static_cast<double>(got.values()[i]) - wanted.values()[i];
        error += gap * gap;
        norm += wanted.values()[i] * wanted.values()[i];
    }
    return std::sqrt(error / norm);
}

/// The normaliser and the forces.
std::pair<double, Matrix<float>> repulsion(const Matrix<float>& y, int threads, TsneRepulsion by) {
    Matrix<float> forces;
    const double total = tsne_repulsion(y, 0.5, forces, threads, by);
    return {total, forces};
}

}  // namespace

TEST_CASE("tsne_repulsion: all pairs with theta 0, within 1 % with theta 0.5") {
    for (const std::int64_t n : {2, 15, 16, 17, 33, 500, 1500}) {
        for (const std::int64_t d : {2, 3}) {
            Matrix<float> y = blobs(n, d, 2, 8);
            for (float& v : y.values()) v *= 3;
            Matrix<double> wanted;
            const double total = brute_repulsion(y, wanted);
            Matrix<float> forces;
            CAPTURE(n);
            CAPTURE(d);
            CHECK(tsne_repulsion(y, 0, forces) == doctest::Approx(total).epsilon(1e-5));
            CHECK(relative_error(forces, wanted) < 1e-5);
            CHECK(tsne_repulsion(y, 0.5, forces) == doctest::Approx(total).epsilon(0.01));
            CHECK(relative_error(forces, wanted) < 0.01);
        }
    }
}

TEST_CASE("tsne_repulsion: the same bytes for any number of threads and instruction set; items on one spot") {
    Matrix<float> y = blobs(1000, 2, 1, 0);
    for (std::int64_t i = 0; i < 100; ++i) {
        y(i, 0) = 1;
        y(i, 1) = 2;
    }
    const auto one = check_same_everywhere([&](int threads) { return repulsion(y, threads, TsneRepulsion::Tree); });
    CHECK(all_finite(one.second));
    Matrix<float> forces;
    CHECK_THROWS_WITH_AS(tsne_repulsion(y, 2, forces), doctest::Contains("theta"), Error);
    CHECK_THROWS_AS(tsne_repulsion(Matrix<float>(4, 5), 0.5, forces), Error);
}

TEST_CASE("tsne_repulsion: the grid is within 1 % of all pairs, for maps of any size") {
    for (const float scale : {1e-5F, 1e-2F, 1.0F, 2.0F}) {
        Matrix<float> y = blobs(1500, 2, 2, 3);
        for (float& v : y.values()) v *= scale;
        Matrix<double> wanted;
        const double total = brute_repulsion(y, wanted);
        CAPTURE(scale);
        const auto [sum, forces] =
            check_same_everywhere([&](int threads) { return repulsion(y, threads, TsneRepulsion::Grid); });
        CHECK(sum == doctest::Approx(total).epsilon(2e-3));
        CHECK(relative_error(forces, wanted) < 0.01);
    }
}

TEST_CASE("fft: every length agrees with the sums of its definition, and comes back") {
    for (const int size : {16, 24, 32, 48, 64, 96, 128, 192}) {
        CHECK(detail::FftPlan::fitting(size) == size);
        CHECK(detail::FftPlan::fitting(size - 1) == size);
        const detail::FftPlan plan(size);
        detail::FftBuffer buffer;
        buffer.resize(size);
        const auto value = [](int k, int lane, int part) { return static_cast<float>((k * 7 + lane * 3 + part * 5) % 13 - 6); };
        for (int k = 0; k < size; ++k) {
            for (int lane = 0; lane < 16; ++lane) {
                buffer.re()[k * 16 + lane] = value(k, lane, 0);
                buffer.im()[k * 16 + lane] = value(k, lane, 1);
            }
        }
        buffer.forward(plan, detail::fft_runner());
        for (const int lane : {0, 5, 15}) {
            for (int k = 0; k < size; ++k) {
                double re = 0, im = 0;
                for (int j = 0; j < size; ++j) {
                    const double angle = -2 * 3.14159265358979323846 * j * k / size;
                    re += value(j, lane, 0) * std::cos(angle) - value(j, lane, 1) * std::sin(angle);
                    im += value(j, lane, 0) * std::sin(angle) + value(j, lane, 1) * std::cos(angle);
                }
                CHECK(std::abs(static_cast<double>(buffer.re()[k * 16 + lane]) - re) < 2e-3);
                CHECK(std::abs(static_cast<double>(buffer.im()[k * 16 + lane]) - im) < 2e-3);
            }
        }
        buffer.inverse(plan, detail::fft_runner());
        for (int k = 0; k < size; ++k) {
            CHECK(buffer.re()[k * 16 + 3] / static_cast<float>(size) == doctest::Approx(value(k, 3, 0)).epsilon(1e-5));
            CHECK(buffer.im()[k * 16 + 3] / static_cast<float>(size) == doctest::Approx(value(k, 3, 1)).epsilon(1e-5));
        }
    }
}

TEST_CASE("tsne_affinities: scikit-learn's joint probabilities") {
    Matrix<float> x(40, 4);
    for (int i = 0; i < 40; ++i) {
        for (int j = 0; j < 4; ++j) {
            x(i, j) = static_cast<float>(
                static_cast<double>((i * i * 37 + j * j * 17 + i * j * 29 + 11) % 101) / 10 + 0.001 * i * j);
        }
    }
    const CsrMatrix<float> p = tsne_affinities(brute_graph(x, 9), 3);
    const auto entry = [&](Index row, Index column) {
        const auto ids = p.row_indices(row);
        const auto at = std::lower_bound(ids.begin(), ids.end(), column);
        REQUIRE(at != ids.end());
        REQUIRE(*at == column);
        return static_cast<double>(p.row_values(row)[static_cast<std::size_t>(at - ids.begin())]);
    };
    // scikit-learn 1.9.1, _joint_probabilities_nn on the same 9 neighbours, perplexity 3 (tolerance 1e-5 on
    // the entropy).
    CHECK(entry(0, 7) == doctest::Approx(0.01637335575765252).epsilon(1e-4));
    CHECK(entry(3, 20) == doctest::Approx(0.0042929886698836765).epsilon(1e-4));
    CHECK(entry(17, 9) == doctest::Approx(0.00022066627521242143).epsilon(1e-3));
    CHECK(entry(39, 25) == doctest::Approx(0.001412039162291259).epsilon(1e-3));
    double sum = 0;
    for (const float v : p.values) sum += static_cast<double>(v);
    CHECK(sum == doctest::Approx(1).epsilon(1e-5));
}

TEST_CASE(
    "tsne_affinities: flat when the perplexity reaches the neighbours, equal for cosine and unit rows") {
    const Matrix<float> x = blobs(30, 3, 1, 0);
    double used = 0;
    const CsrMatrix<float> flat = tsne_affinities(brute_graph(x, 6), 30, 0, &used);
    CHECK(used == 6);
    for (const float v : flat.values) {
        const double shares = static_cast<double>(v) * 2 * 30 * 6;
        CHECK(std::min(std::abs(shares - 1), std::abs(shares - 2)) < 1e-5);
    }
    Matrix<float> unit = x;
    for (std::int64_t i = 0; i < 30; ++i) {
        double norm = 0;
        for (const float v : unit.row(i)) norm += static_cast<double>(v) * static_cast<double>(v);
        for (float& v : unit.row(i)) v = static_cast<float>(static_cast<double>(v) / std::sqrt(norm));
    }
    const KnnGraph euclidean = brute_graph(unit, 9);
    KnnGraph cosine = euclidean;
    cosine.metric = Metric::Cosine;
    for (float& d : cosine.distances.values()) d = d * d / 2;
    const CsrMatrix<float> a = tsne_affinities(euclidean, 3);
    const CsrMatrix<float> b = tsne_affinities(cosine, 3);
    CHECK(a.indices == b.indices);
    for (std::size_t i = 0; i < a.values.size(); ++i)
        CHECK(a.values[i] == doctest::Approx(b.values[i]).epsilon(1e-4));
}

TEST_CASE("tsne: separate clouds stay separate, in 2 and 3 dimensions") {
    const Matrix<float> x = blobs(300, 10, 5, 12);
    const KnnGraph graph = brute_graph(x, 30);
    for (const int components : {2, 3}) {
        TsneOptions options;
        options.perplexity = 10;
        options.n_components = components;
        const Layout layout = tsne(x.view(), graph, options);
        CHECK(layout.method == "tsne");
        CHECK(layout.run.warnings.empty());
        CHECK(layout.run.iterations == 750);
        CHECK(nearest_same_group(layout.coordinates, 5) == 1.0);
    }
}

TEST_CASE("tsne: the same bytes for any number of threads and instruction set") {
    const Matrix<float> x = blobs(600, 6, 3, 3);
    const KnnGraph graph = brute_graph(x, 15);
    TsneOptions options;
    options.n_iter = 25;
    options.early_exaggeration_iter = 20;
    check_same_everywhere([&](int threads) {
        options.num_threads = threads;
        const Layout layout = tsne(x.view(), graph, options);
        CHECK(layout.run.warnings.size() == 1);
        return layout.coordinates;
    });
}

TEST_CASE("tsne: few, identical and invalid items") {
    for (const std::int64_t n : {0, 1, 2, 3, 17}) {
        const Matrix<float> x = blobs(n, 4, 1, 0);
        const Layout layout = tsne(x.view(), brute_graph(x, 15));
        CHECK(layout.coordinates.rows() == n);
        CHECK(all_finite(layout.coordinates));
    }
    const Matrix<float> same(50, 3);
    CHECK(all_finite(tsne(same.view(), brute_graph(same, 15)).coordinates));
    Matrix<float> hole = blobs(60, 3, 1, 0);
    hole(7, 1) = std::numeric_limits<float>::quiet_NaN();
    const Layout layout = tsne(hole.view(), brute_graph(hole, 15));
    for (std::int64_t i = 0; i < 60; ++i) CHECK(std::isfinite(layout.coordinates(i, 0)) == (i != 7));
}

TEST_CASE("tsne: progress cancels, bad options are named") {
    const Matrix<float> x = blobs(300, 3, 1, 0);
    const KnnGraph graph = brute_graph(x, 15);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_AS(tsne(x.view(), graph, {}, stop), Error);
    const auto refused = [&](const char* field, auto&& change) {
        TsneOptions options;
        change(options);
        CHECK_THROWS_WITH_AS(tsne(x.view(), graph, options), doctest::Contains(field), Error);
    };
    refused("perplexity", [](TsneOptions& o) { o.perplexity = 1; });
    refused("n_components", [](TsneOptions& o) { o.n_components = 4; });
    refused("n_iter", [](TsneOptions& o) { o.n_iter = -1; });
    refused("early_exaggeration_iter", [](TsneOptions& o) { o.early_exaggeration_iter = -1; });
    refused("early_exaggeration", [](TsneOptions& o) { o.early_exaggeration = 0.5; });
    refused("exaggeration", [](TsneOptions& o) { o.exaggeration = 0; });
    refused("learning_rate", [](TsneOptions& o) { o.learning_rate = -1; });
    refused("theta", [](TsneOptions& o) { o.theta = 1.5; });
    refused("num_threads", [](TsneOptions& o) { o.num_threads = -2; });
}
