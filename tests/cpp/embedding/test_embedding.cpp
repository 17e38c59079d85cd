// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/embedding/embedding.hpp"

using namespace filmatlas;

namespace {

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
constexpr float inf_value = std::numeric_limits<float>::infinity();

Matrix<float> random_rows(std::int64_t n, std::int64_t d, std::uint64_t seed) {
    Matrix<float> m(n, d);
    RandomStream stream(seed, "embedding test");
    for (float& x : m.values()) x = static_cast<float>(stream.normal());
    return m;
}

double dot(const Matrix<float>& m, std::int64_t i, std::int64_t j) {
    double sum = 0;
    for (std::int64_t k = 0; k < m.cols(); ++k)
        sum += static_cast<double>(m(i, k)) * static_cast<double>(m(j, k));
    return sum;
}

double cosine(const Matrix<float>& m, std::int64_t i, std::int64_t j) {
    return dot(m, i, j) / std::sqrt(dot(m, i, i) * dot(m, j, j));
}

}  // namespace

TEST_CASE("make_embedding: unit rows, one named part; or a plain copy") {
    const Matrix<float> x(2, 2, {3, 4, 0, -2});
    const auto e = make_embedding(x.view(), {.name = "plot"});
    CHECK(e.vectors.values() == std::vector<float>{0.6F, 0.8F, 0, -1});
    CHECK(e.normalized);
    CHECK(e.parts == std::vector<EmbeddingPart>{{"plot", 0, 2, 1.0}});
    CHECK(e.bad_rows.empty());
    const auto raw = make_embedding(x.view(), {.normalize = false});
    CHECK(raw.vectors == x);
    CHECK_FALSE(raw.normalized);
}

TEST_CASE("make_embedding: the extremes of float32 neither overflow nor vanish") {
    const Matrix<float> x(2, 2, {3e38F, 3e38F, 1e-45F, 0});
    const auto e = make_embedding(x.view());
    CHECK(e.vectors(0, 0) == doctest::Approx(std::sqrt(0.5)));
    CHECK(e.vectors(1, 0) == 1.0F);
}

TEST_CASE("make_embedding: bad rows are counted and named, or quarantined") {
    Matrix<float> x = random_rows(15, 3, 1);
    x(2, 1) = nan_value;
    x(5, 0) = -inf_value;
    x(6, 0) = inf_value;
    x(6, 1) = nan_value;
    for (std::int64_t j = 0; j < 3; ++j) x(9, j) = 0;
    CHECK_THROWS_WITH_AS(
        make_embedding(x.view()),
        doctest::Contains(
            "4 of 15 rows have no usable vector: 2 (nan), 5 (infinite), 6 (nan), 9 (zero) [row 2]"),
        Error);
    const auto e = make_embedding(x.view(), {.on_invalid = OnInvalid::Quarantine});
    CHECK(e.bad_rows == std::vector<BadRow>{{2, BadRowReason::Nan},
                                            {5, BadRowReason::Infinite},
                                            {6, BadRowReason::Nan},
                                            {9, BadRowReason::Zero}});
    for (const auto& bad : e.bad_rows) {
        for (const float value : e.vectors.row(bad.row)) CHECK(value == 0);
    }
    CHECK(dot(e.vectors, 3, 3) == doctest::Approx(1));
    // Without normalising a zero row is a vector like any other.
    const auto raw = make_embedding(x.view(), {.normalize = false, .on_invalid = OnInvalid::Quarantine});
    CHECK(raw.bad_rows.size() == 3);
    for (auto& value : x.values()) value = nan_value;
    CHECK_THROWS_WITH_AS(make_embedding(x.view()), doctest::Contains("9 (nan), ..."), Error);
    CHECK_THROWS_AS(make_embedding(Matrix<float>(2, 0).view()), Error);
    CHECK(make_embedding(Matrix<float>(0, 4).view()).vectors.rows() == 0);
    CHECK(to_string(BadRowReason::Infinite) == "infinite");
}

TEST_CASE("make_embedding: any strides and threads give the same") {
    const auto x = random_rows(1000, 8, 2);
    const MatrixView<const float> half(x.data(), 1000, 5, 8);
    const auto one = make_embedding(half, {.num_threads = 1});
    const auto three = make_embedding(half, {.num_threads = 3});
    CHECK(one.vectors == three.vectors);
    CHECK(one.vectors.cols() == 5);
}

TEST_CASE(
    "combine_embeddings: the cosine is the weighted sum of the parts' cosines, and splits into shares") {
    const auto plot = random_rows(40, 16, 3);
    const auto tags = random_rows(40, 5, 4);
    const auto cast = random_rows(40, 9, 5);
    const auto e =
        combine_embeddings({{"plot", plot.view(), 3}, {"tags", tags.view(), 1}, {"cast", cast.view(), 0}});
    CHECK(e.normalized);
    CHECK(e.parts ==
          std::vector<EmbeddingPart>{{"plot", 0, 16, 0.75}, {"tags", 16, 21, 0.25}, {"cast", 21, 30, 0.0}});
    for (Index a = 0; a < 40; a += 7) {
        for (Index b = 0; b < 40; b += 3) {
            const double want = 0.75 * cosine(plot, a, b) + 0.25 * cosine(tags, a, b);
            CHECK(dot(e.vectors, a, b) == doctest::Approx(want).epsilon(1e-5));
            const auto shares = similarity_shares(e, a, b);
            REQUIRE(shares.size() == 3);
            CHECK(std::abs(shares[0] - 0.75 * cosine(plot, a, b)) < 1e-6);
            CHECK(shares[2] == 0);
            CHECK(std::accumulate(shares.begin(), shares.end(), 0.0) ==
                  doctest::Approx(dot(e.vectors, a, b)).epsilon(1e-12));
        }
    }
    CHECK_THROWS_WITH_AS(similarity_shares(e, 0, 40), doctest::Contains("[0, 40)"), Error);
    CHECK_THROWS_AS(similarity_shares(e, -1, 0), Error);
}

TEST_CASE("combine_embeddings: items that lack a source") {
    auto plot = random_rows(4, 3, 6);
    auto tags = random_rows(4, 2, 7);
    for (std::int64_t j = 0; j < 3; ++j) plot(1, j) = 0;
    tags(2, 0) = nan_value;
    const std::vector<EmbeddingSource> sources = {{"plot", plot.view(), 1}, {"tags", tags.view(), 1}};
    const auto full = combine_embeddings(sources);
    CHECK(full.normalized);
    for (std::int64_t i = 0; i < 4; ++i) CHECK(dot(full.vectors, i, i) == doctest::Approx(1).epsilon(1e-6));
    for (std::int64_t j = 0; j < 3; ++j) CHECK(full.vectors(1, j) == 0);
    const auto honest = combine_embeddings(sources, {.renormalize_missing = false});
    CHECK_FALSE(honest.normalized);
    CHECK(dot(honest.vectors, 0, 0) == doctest::Approx(1).epsilon(1e-6));
    CHECK(dot(honest.vectors, 1, 1) == doctest::Approx(0.5).epsilon(1e-6));
    CHECK(dot(honest.vectors, 2, 2) == doctest::Approx(0.5).epsilon(1e-6));

    tags(1, 0) = tags(1, 1) = 0;
    CHECK_THROWS_WITH_AS(combine_embeddings(sources),
                         doctest::Contains("1 of 4 rows lack every source: 1 (zero)"), Error);
    const auto kept = combine_embeddings(sources, {.on_invalid = OnInvalid::Quarantine});
    CHECK(kept.bad_rows == std::vector<BadRow>{{1, BadRowReason::Zero}});
    // A source of weight 0 does not save an item.
    const std::vector<EmbeddingSource> unweighted = {{"plot", plot.view(), 1}, {"tags", tags.view(), 0}};
    CHECK_THROWS_AS(combine_embeddings(unweighted), Error);
}

TEST_CASE("combine_embeddings: one source is make_embedding; threads do not matter") {
    const auto x = random_rows(700, 12, 8);
    const auto y = random_rows(700, 4, 9);
    CHECK(combine_embeddings({{"x", x.view(), 2}}).vectors == make_embedding(x.view()).vectors);
    const std::vector<EmbeddingSource> both = {{"x", x.view(), 2}, {"y", y.view(), 5}};
    CHECK(combine_embeddings(both, {.num_threads = 1}).vectors ==
          combine_embeddings(both, {.num_threads = 3}).vectors);
}

TEST_CASE("combine_embeddings: errors name the source") {
    const auto x = random_rows(3, 2, 1);
    const auto y = random_rows(4, 2, 1);
    CHECK_THROWS_WITH_AS(combine_embeddings({}), doctest::Contains("none given"), Error);
    CHECK_THROWS_WITH_AS(combine_embeddings({{"x", x.view(), 1}, {"y", y.view(), 1}}),
                         doctest::Contains("source 'y' has 4 rows, source 'x' has 3"), Error);
    CHECK_THROWS_WITH_AS(combine_embeddings({{"x", x.view(), -1}}), doctest::Contains("'x' is -1"), Error);
    CHECK_THROWS_WITH_AS(combine_embeddings({{"x", x.view(), 0}}),
                         doctest::Contains("at least one positive weight"), Error);
    CHECK_THROWS_AS(combine_embeddings({{"x", x.view(), std::nan("")}}), Error);
}
