// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/embedding/embedding.hpp"
#include "filmatlas/embedding/source_links.hpp"

using namespace filmatlas;

namespace {

Matrix<float> draws(std::int64_t n, std::int64_t d, std::uint64_t seed, double missing = 0) {
    Matrix<float> m(n, d);
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream stream(seed, "links test", static_cast<std::uint64_t>(i));
        const bool absent = stream.uniform() < missing;
        for (std::int64_t j = 0; j < d; ++j) m(i, j) = absent ? 0.0F : static_cast<float>(stream.normal());
    }
    return m;
}

}  // namespace

TEST_CASE("pair_similarity: the weighted mean of the cosines, with its parts") {
    const Matrix<float> plot(2, 2, {3, 4, 4, 3});  // cosine 0.96
    const Matrix<float> tags(2, 2, {0, 2, 5, 0});  // cosine 0
    const auto pair = pair_similarity({{"plot", plot.view(), 3}, {"tags", tags.view(), 1}}, 0, 1);
    CHECK(pair.comparable);
    CHECK(pair.exact);
    CHECK(pair.cosine == doctest::Approx(0.72));
    CHECK(pair.shares[0] == doctest::Approx(0.72));
    CHECK(pair.shares[1] == doctest::Approx(0));
    CHECK(pair.weights == std::vector<double>{0.75, 0.25});
}

TEST_CASE("pair_similarity: a missing source hands its weight to the others, for the pair") {
    const Matrix<float> plot(2, 2, {3, 4, 4, 3});
    const Matrix<float> tags(2, 2, {0, 2, 0, 0});
    const auto pair = pair_similarity({{"plot", plot.view(), 3}, {"tags", tags.view(), 1}}, 0, 1);
    CHECK(pair.cosine == doctest::Approx(0.96));
    CHECK(pair.weights == std::vector<double>{1, 0});
    CHECK(std::isnan(pair.cosines[1]));
    const auto none = pair_similarity({{"tags", tags.view(), 1}}, 0, 1);
    CHECK_FALSE(none.comparable);
    CHECK(none.cosine == 0);
}

TEST_CASE("pair_similarity: shares of an average are exact in sum and marked as a convention") {
    const auto a = draws(6, 5, 1);
    const auto b = draws(6, 5, 2);
    const std::vector<EmbeddingSource> sources{{"a", a.view(), 2}, {"b", b.view(), 1}};
    const auto pair = pair_similarity(sources, 1, 4, Fusion::Average);
    CHECK_FALSE(pair.exact);
    std::vector<double> x(5);
    std::vector<double> y(5);
    const auto unit = [](const Matrix<float>& m, std::int64_t i, std::int64_t j) {
        double sum = 0;
        for (const float v : m.row(i)) sum += static_cast<double>(v) * static_cast<double>(v);
        return static_cast<double>(m(i, j)) / std::sqrt(sum);
    };
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (std::int64_t j = 0; j < 5; ++j) {
        const double p = 2 * unit(a, 1, j) + unit(b, 1, j);
        const double q = 2 * unit(a, 4, j) + unit(b, 4, j);
        xy += p * q;
        xx += p * p;
        yy += q * q;
    }
    CHECK(pair.cosine == doctest::Approx(xy / std::sqrt(xx * yy)));
    CHECK(pair.shares[0] + pair.shares[1] == doctest::Approx(pair.cosine));
    const auto c = draws(6, 4, 3);
    CHECK_THROWS_WITH_AS(pair_similarity({{"a", a.view(), 1}, {"c", c.view(), 1}}, 0, 1, Fusion::Average),
                         doctest::Contains("have no average"), Error);
}

TEST_CASE("pair_similarity: of one vector per item, shares follow the sources' own cosines") {
    const auto a = draws(5, 4, 1);
    const auto b = draws(5, 6, 2);
    const auto fused = draws(5, 3, 3);
    const std::vector<EmbeddingSource> sources{{"a", a.view(), 1}, {"b", b.view(), 1}};
    const auto apart = pair_similarity(sources, 0, 2);
    const auto early = pair_similarity(sources, fused.view(), 0, 2);
    CHECK_FALSE(early.exact);
    CHECK(early.shares[0] + early.shares[1] == doctest::Approx(early.cosine));
    if (apart.cosine * early.cosine > 0) {
        CHECK(early.shares[0] / early.cosine == doctest::Approx(apart.shares[0] / apart.cosine));
    }
    CHECK_THROWS_WITH_AS(pair_similarity(sources, draws(4, 3, 3).view(), 0, 2), doctest::Contains("4 fused"),
                         Error);
    CHECK_THROWS_WITH_AS(pair_similarity(sources, 0, 2, Fusion::Early), doctest::Contains("is early"), Error);
}

TEST_CASE("combine_embeddings: the average's cosines are those of pair_similarity") {
    const auto a = draws(20, 5, 4);
    const auto b = draws(20, 5, 5, 0.2);
    const std::vector<EmbeddingSource> sources{{"a", a.view(), 2}, {"b", b.view(), 1}};
    const auto mean = combine_embeddings(sources, {.fusion = Fusion::Average});
    REQUIRE(mean.parts.size() == 1);
    CHECK(mean.parts[0].name == "average");
    CHECK(mean.vectors.cols() == 5);
    // With renormalised rows, items that lack a source are the other alone; the cosine is the same.
    for (Index i = 1; i < 20; ++i) {
        CHECK(similarity_shares(mean, 0, i)[0] ==
              doctest::Approx(pair_similarity(sources, 0, i, Fusion::Average).cosine).epsilon(1e-5));
    }
    const auto c = draws(20, 4, 6);
    CHECK_THROWS_WITH_AS(
        combine_embeddings({{"a", a.view(), 1}, {"c", c.view(), 1}}, {.fusion = Fusion::Average}),
        doctest::Contains("have no average"), Error);
    CHECK_THROWS_WITH_AS(combine_embeddings(sources, {.fusion = Fusion::Early}),
                         doctest::Contains("is early"), Error);
    CHECK(to_string(Fusion::Average) == "average");
}

TEST_CASE("source_links: neighbours equal brute force over pairs, and shares sum to the cosine") {
    for (const double missing : {0.0, 0.4}) {
        const auto a = draws(150, 7, 11, missing);
        const auto b = draws(150, 24, 12, missing);
        const auto c = draws(150, 3, 13);
        const std::vector<EmbeddingSource> sources{
            {"a", a.view(), 3}, {"b", b.view(), 2}, {"c", c.view(), 1}};
        const auto links = source_links(sources, {.k = 6});
        double worst_sum = 0;
        double worst_cosine = 0;
        int misplaced = 0;
        for (Index i = 0; i < 150; ++i) {
            std::vector<std::pair<double, Index>> all;
            for (Index j = 0; j < 150; ++j) {
                if (j != i) all.emplace_back(-pair_similarity(sources, i, j).cosine, j);
            }
            std::sort(all.begin(), all.end());
            for (std::int64_t slot = 0; slot < 6; ++slot) {
                misplaced += links.indices(i, slot) != all[static_cast<std::size_t>(slot)].second;
                const double cosine = -all[static_cast<std::size_t>(slot)].first;
                worst_cosine =
                    std::max(worst_cosine, std::abs(cosine - static_cast<double>(links.cosines(i, slot))));
                double sum = 0;
                for (const auto& share : links.shares) sum += static_cast<double>(share(i, slot));
                worst_sum = std::max(worst_sum, std::abs(sum - static_cast<double>(links.cosines(i, slot))));
            }
        }
        CHECK(misplaced == 0);
        CHECK(worst_cosine <= 1e-6);
        CHECK(worst_sum <= 1e-6);
        CHECK(source_links(sources, {.k = 6, .num_threads = 1}).indices ==
              source_links(sources, {.k = 6, .num_threads = 3}).indices);
    }
}

TEST_CASE("source_links: without missing sources the links are those of the joined vectors") {
    const auto a = draws(80, 6, 21);
    const auto b = draws(80, 9, 22);
    const std::vector<EmbeddingSource> sources{{"a", a.view(), 1}, {"b", b.view(), 3}};
    const auto links = source_links(sources, {.k = 4});
    const auto joined = combine_embeddings(sources);
    for (Index i = 0; i < 80; ++i) {
        for (std::int64_t slot = 0; slot < 4; ++slot) {
            const auto parts = similarity_shares(joined, i, links.indices(i, slot));
            CHECK(parts[0] == doctest::Approx(links.shares[0](i, slot)).epsilon(1e-5));
            CHECK(parts[1] == doctest::Approx(links.shares[1](i, slot)).epsilon(1e-5));
        }
    }
}

TEST_CASE("source_links: fewer items than k, items without any source, bad arguments") {
    const Matrix<float> x(3, 2, {1, 0, 0, 0, 1, 1});
    const auto links = source_links({{"x", x.view(), 1}}, {.k = 5});
    CHECK(links.indices(0, 0) == 2);
    CHECK(links.indices(0, 1) == -1);
    CHECK(links.indices(1, 0) == -1);
    CHECK(links.cosines(1, 0) == 0);
    const Matrix<float> one(1, 2, {1, 0});
    CHECK(source_links({{"x", one.view(), 1}}, {.k = 2}).indices(0, 0) == -1);
    CHECK(source_links({{"x", Matrix<float>(0, 2).view(), 1}}).indices.rows() == 0);
    CHECK_THROWS_WITH_AS(source_links({}), doctest::Contains("at least one source"), Error);
    CHECK_THROWS_WITH_AS(source_links({{"x", x.view(), 1}}, {.k = 0}), doctest::Contains("k: is 0"), Error);
    CHECK_THROWS_WITH_AS(source_links({{"x", x.view(), 1}, {"y", one.view(), 1}}),
                         doctest::Contains("'y' has 1 rows"), Error);
    CHECK_THROWS_WITH_AS(source_links({{"x", x.view(), -1}}), doctest::Contains("is -1"), Error);
}

TEST_CASE("source_links: with weights made up per item, links are those of the joined rows, missing or not") {
    const auto a = draws(120, 6, 31, 0.3);
    const auto b = draws(120, 9, 32, 0.3);
    const auto c = draws(120, 4, 33);
    const std::vector<EmbeddingSource> sources{{"a", a.view(), 2}, {"b", b.view(), 3}, {"c", c.view(), 1}};
    const auto links = source_links(sources, {.k = 5, .missing = MissingRule::Item});
    const auto joined = combine_embeddings(sources);
    for (Index i = 0; i < 120; ++i) {
        double best = -1;
        for (Index j = 0; j < 120; ++j) {
            const auto parts = similarity_shares(joined, i, j);
            if (j != i) best = std::max(best, parts[0] + parts[1] + parts[2]);
        }
        CHECK(static_cast<double>(links.cosines(i, 0)) == doctest::Approx(best).epsilon(1e-5));
        const auto pair =
            pair_similarity(sources, i, links.indices(i, 0), Fusion::Concatenate, MissingRule::Item);
        CHECK(pair.cosine == doctest::Approx(best).epsilon(1e-5));
        CHECK(pair.weights[0] + pair.weights[1] + pair.weights[2] <= 1 + 1e-12);
    }
    CHECK(to_string(MissingRule::Item) == "item");
}
