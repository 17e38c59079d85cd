// SPDX-License-Identifier: MIT
// spectral.hpp, components.hpp
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/linalg/sparse.hpp"
#include "filmatlas/linalg/spectral.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

CsrMatrix<float> from_edges(std::int64_t n, const std::vector<SparseEntry<float>>& edges) {
    return symmetrize(csr_from_entries<float>(n, n, edges), Symmetrize::Max);
}

CsrMatrix<float> line(Index n) {
    std::vector<SparseEntry<float>> edges;
    for (Index i = 0; i + 1 < n; ++i) edges.push_back({i, i + 1, 1});
    return from_edges(n, edges);
}

/// Random graph on [offset, offset + n): a ring, so that it is connected, and random edges.
void add_random(std::vector<SparseEntry<float>>& edges, Index offset, Index n, int per_vertex,
                std::uint64_t seed) {
    RandomStream stream(seed, "graph");
    for (Index i = 0; i < n; ++i) {
        edges.push_back({offset + i, offset + (i + 1) % n, 0.5F});
        for (int e = 0; e < per_vertex; ++e) {
            const auto j = static_cast<Index>(stream.below(static_cast<std::uint64_t>(n)));
            if (j != i) edges.push_back({offset + i, offset + j, stream.uniform_float() + 0.01F});
        }
    }
}

/// |L v - lambda v| and |v| of a column, from the definition.
void check_pair(const CsrMatrix<float>& w, const SpectralResult& r, std::int64_t column, double tolerance) {
    const auto degree = row_sums(w);
    double residual = 0;
    double norm = 0;
    for (std::int64_t i = 0; i < w.rows; ++i) {
        const double v = static_cast<double>(r.vectors(i, column));
        double image = v;
        for (std::size_t e = 0; e < w.row_indices(i).size(); ++e) {
            const Index j = w.row_indices(i)[e];
            image -= static_cast<double>(w.row_values(i)[e]) * static_cast<double>(r.vectors(j, column)) /
                     std::sqrt(degree[static_cast<std::size_t>(i)] * degree[static_cast<std::size_t>(j)]);
        }
        residual += std::pow(image - r.eigenvalues[static_cast<std::size_t>(column)] * v, 2);
        norm += v * v;
    }
    CHECK(norm == doctest::Approx(1).epsilon(1e-5));
    CHECK(std::sqrt(residual) < tolerance);
}

}  // namespace

TEST_CASE("connected_components: worked example, isolated vertices, one-sided edges") {
    const auto w = csr_from_entries<float>(6, 6, {{4, 1, 1}, {2, 5, 0}, {0, 3, 2}, {3, 0, 2}});
    const auto c = connected_components(w);
    CHECK(c.ids == std::vector<Index>{0, 1, 2, 0, 1, 3});
    CHECK(c.sizes == std::vector<Index>{2, 2, 1, 1});
    CHECK(c.count() == 4);
    CHECK_THROWS_AS(connected_components(csr_from_entries<float>(2, 3, {})), Error);
}

TEST_CASE("spectral_embedding: a ring's eigenvalues are known") {
    for (const Index n : {10, 200, 3000}) {
        std::vector<SparseEntry<float>> edges;
        for (Index i = 0; i < n; ++i) edges.push_back({i, (i + 1) % n, 2});
        const auto w = from_edges(n, edges);
        const auto r = spectral_embedding(w, {.n_components = 2, .max_work = 4000, .tolerance = 1e-4});
        CHECK(r.run.converged);
        const double want = 1 - std::cos(2 * std::numbers::pi / n);
        CHECK(r.eigenvalues[0] == doctest::Approx(want).epsilon(1e-6));
        CHECK(r.eigenvalues[1] == doctest::Approx(want).epsilon(1e-6));
        check_pair(w, r, 0, 1e-4);
        check_pair(w, r, 1, 1e-4);
    }
}

TEST_CASE("spectral_embedding: random graphs of several sizes satisfy the definition") {
    for (const Index n : {50, 100, 200, 300, 2500}) {
        for (const int c : {2, 5}) {
            CAPTURE(n);
            CAPTURE(c);
            std::vector<SparseEntry<float>> edges;
            add_random(edges, 0, n, 4, static_cast<std::uint64_t>(n));
            const auto w = from_edges(n, edges);
            const auto r = spectral_embedding(w, {.n_components = c, .tolerance = 1e-5});
            CHECK(r.run.converged);
            CHECK(r.components.count() == 1);
            const auto degree = row_sums(w);
            for (int j = 0; j < c; ++j) {
                check_pair(w, r, j, 1e-4);
                CHECK(r.eigenvalues[static_cast<std::size_t>(j)] > 1e-6);
                if (j > 0)
                    CHECK(r.eigenvalues[static_cast<std::size_t>(j)] >=
                          r.eigenvalues[static_cast<std::size_t>(j) - 1]);
                double trivial = 0;
                float largest = 0;
                for (std::int64_t i = 0; i < n; ++i) {
                    trivial +=
                        std::sqrt(degree[static_cast<std::size_t>(i)]) * static_cast<double>(r.vectors(i, j));
                    if (std::abs(r.vectors(i, j)) > std::abs(largest)) largest = r.vectors(i, j);
                }
                CHECK(std::abs(trivial) < 1e-4);
                CHECK(largest > 0);
            }
        }
    }
}

TEST_CASE("spectral_embedding: no eigenvalue is missed, against the full spectrum of a small graph") {
    // The same graph solved densely (n below the dense size) and iteratively (three copies, joined by faint
    // edges).
    std::vector<SparseEntry<float>> edges;
    add_random(edges, 0, 150, 3, 5);
    const auto small = spectral_embedding(from_edges(150, edges), {.n_components = 4, .tolerance = 1e-8});
    std::vector<SparseEntry<float>> copies;
    for (Index copy = 0; copy < 3; ++copy) {
        for (const auto& e : edges) copies.push_back({e.row + copy * 150, e.col + copy * 150, e.value});
    }
    const auto large = spectral_embedding(from_edges(450, copies),
                                          {.n_components = 12, .max_work = 3000, .tolerance = 1e-8});
    CHECK(large.components.count() == 3);
    for (std::size_t j = 0; j < 12; ++j)
        CHECK(large.eigenvalues[j] == doctest::Approx(small.eigenvalues[j / 3]).epsilon(1e-7));
}

TEST_CASE("spectral_embedding: same bits for any threads and level") {
    std::vector<SparseEntry<float>> edges;
    add_random(edges, 0, 3000, 5, 1);
    add_random(edges, 3000, 700, 5, 2);
    const auto w = from_edges(3701, edges);  // and one isolated vertex
    const auto r = spectral_embedding(w, {.n_components = 3, .num_threads = 1});
    CHECK(r.components.count() == 3);
    for (const char* level : testing::simd_words) {
        const testing::SimdLevelScope scope(level);
        for (const int threads : {1, 2, 3}) {
            const auto again = spectral_embedding(w, {.n_components = 3, .num_threads = threads});
            CHECK(testing::same_bits(again.vectors, r.vectors));
            CHECK(again.eigenvalues == r.eigenvalues);
            CHECK(again.run.iterations == r.run.iterations);
        }
    }
}

TEST_CASE(
    "spectral_embedding: a long line and nearly separate parts cost bounded work and give usable vectors") {
    const Index n = 20000;
    const auto r = spectral_embedding(line(n), {.n_components = 1, .max_work = 300});
    CHECK(r.run.iterations <= 320);
    // The true first vector is a cosine: rising or falling along the line, so ends differ most.
    double agreement = 0;
    for (Index i = 0; i < n; ++i) {
        const double want = std::cos(std::numbers::pi * (i + 0.5) / n) * std::sqrt(2.0 / n);
        agreement += want * static_cast<double>(r.vectors(i, 0));
    }
    CHECK(std::abs(agreement) > 0.95);

    std::vector<SparseEntry<float>> edges;
    for (Index part = 0; part < 3; ++part)
        add_random(edges, part * 800, 800, 5, static_cast<std::uint64_t>(part));
    edges.push_back({0, 800, 1e-6F});
    edges.push_back({801, 1600, 1e-6F});
    const auto parts = spectral_embedding(from_edges(2400, edges));
    CHECK(parts.components.count() == 1);
    CHECK(parts.eigenvalues[1] < 1e-7);
    // Two vectors tell the three parts apart: constant within (up to the degree), different between.
    const auto degree = row_sums(from_edges(2400, edges));
    for (Index part = 0; part < 3; ++part) {
        double mean = 0;
        double spread = 0;
        for (Index i = part * 800; i < (part + 1) * 800; ++i) {
            mean += static_cast<double>(parts.vectors(i, 0)) /
                    std::sqrt(degree[static_cast<std::size_t>(i)]) / 800;
        }
        for (Index i = part * 800; i < (part + 1) * 800; ++i) {
            spread = std::max(spread, std::abs(static_cast<double>(parts.vectors(i, 0)) /
                                                   std::sqrt(degree[static_cast<std::size_t>(i)]) -
                                               mean));
        }
        CHECK(spread < 1e-3 * std::sqrt(1.0 / 2400));
    }
}

TEST_CASE(
    "spectral_embedding: several components, isolated vertices and graphs too small are laid out with "
    "zeros") {
    std::vector<SparseEntry<float>> edges;
    add_random(edges, 0, 60, 3, 3);
    add_random(edges, 60, 30, 3, 4);
    const auto w = from_edges(95, edges);  // five isolated
    const auto r = spectral_embedding(w, {.n_components = 3});
    CHECK(r.components.count() == 7);
    for (std::int64_t i = 90; i < 95; ++i) {
        for (std::int64_t j = 0; j < 3; ++j) CHECK(std::abs(r.vectors(i, j)) < 1e-6F);
    }
    CHECK(r.eigenvalues[0] > 1e-3);

    const auto pair = spectral_embedding(from_edges(2, {{0, 1, 3}}), {.n_components = 2});
    CHECK(pair.eigenvalues[0] == doctest::Approx(2));
    CHECK(pair.eigenvalues[1] == 0);
    CHECK(pair.vectors(1, 1) == 0);
    REQUIRE(pair.run.warnings.size() == 1);
    CHECK(pair.run.warnings[0].find("only 1 non-trivial") != std::string::npos);
    const auto nothing = spectral_embedding(csr_from_entries<float>(4, 4, {}));
    CHECK(nothing.components.count() == 4);
    for (const float value : nothing.vectors.values()) CHECK(value == 0);
    CHECK(spectral_embedding(csr_from_entries<float>(1, 1, {})).vectors.rows() == 1);
}

TEST_CASE("spectral_embedding: many duplicate-like cliques finish and stay finite") {
    std::vector<SparseEntry<float>> edges;
    for (Index g = 0; g < 300; ++g) {
        for (Index a = 0; a < 6; ++a) {
            for (Index b = 0; b < a; ++b) edges.push_back({g * 6 + a, g * 6 + b, 1});
        }
        if (g % 10 != 0) edges.push_back({g * 6, g * 6 - 1, 0.01F});
    }
    const auto r = spectral_embedding(from_edges(1800, edges), {.n_components = 4});
    CHECK(r.components.count() == 30);
    for (const float value : r.vectors.values()) REQUIRE(std::isfinite(value));
    for (const double value : r.eigenvalues) CHECK((value > 0 && value < 0.1));
}

TEST_CASE("spectral_embedding: errors name the row or the field; progress can cancel") {
    CHECK_THROWS_WITH_AS(spectral_embedding(csr_from_entries<float>(3, 3, {{0, 1, 1}})),
                         doctest::Contains("not symmetric [row 0]"), Error);
    CHECK_THROWS_WITH_AS(spectral_embedding(csr_from_entries<float>(3, 3, {{1, 2, -1}, {2, 1, -1}})),
                         doctest::Contains("negative or not finite [row 1]"), Error);
    CHECK_THROWS_AS(spectral_embedding(csr_from_entries<float>(2, 3, {})), Error);
    CHECK_THROWS_AS(spectral_embedding(CsrMatrix<float>{}), Error);
    CHECK_THROWS_WITH_AS(spectral_embedding(line(3), {.n_components = 0}),
                         doctest::Contains("n_components: is 0"), Error);
    CHECK_THROWS_WITH_AS(spectral_embedding(line(3), {.tolerance = 0}), doctest::Contains("tolerance"),
                         Error);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_WITH_AS(spectral_embedding(line(2000), {}, stop), doctest::Contains("cancelled"), Error);
}

TEST_CASE("spectral_embedding: a star, and many small components, whose coarse graphs hold only trivial vectors") {
    std::vector<SparseEntry<float>> edges;
    for (Index i = 1; i < 1000; ++i) edges.push_back({0, i, 1});
    const auto star = from_edges(1000, edges);
    const auto r = spectral_embedding(star, {.n_components = 3});
    CHECK(r.run.converged);
    for (int j = 0; j < 3; ++j) {
        CHECK(r.eigenvalues[static_cast<std::size_t>(j)] == doctest::Approx(1));
        check_pair(star, r, j, 1e-3);
    }
    edges.clear();
    for (Index g = 0; g < 500; ++g) {
        for (Index i = 0; i < 6; ++i) edges.push_back({g * 6 + i, g * 6 + (i + 1) % 6, 1});
    }
    const auto rings = from_edges(3000, edges);
    const auto many = spectral_embedding(rings, {.n_components = 4});
    CHECK(many.components.count() == 500);
    for (int j = 0; j < 4; ++j) {
        CHECK(many.eigenvalues[static_cast<std::size_t>(j)] == doctest::Approx(0.5));
        check_pair(rings, many, j, 1e-3);
    }
}
