// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/embedding/dominance.hpp"

using namespace filmatlas;

namespace {

/// Items of `groups` random groups; the larger the noise, the less a source tells. `offset` lifts all
/// cosines.
Matrix<float> grouped(std::int64_t n, std::int64_t d, std::uint64_t seed, double noise, double offset = 0,
                      double missing = 0) {
    Matrix<float> m(n, d);
    for (std::int64_t i = 0; i < n; ++i) {
        RandomStream item(seed, "dominance test", static_cast<std::uint64_t>(i));
        const std::uint64_t group = item.below(12);
        const bool absent = item.uniform() < missing;
        RandomStream centre(seed, "dominance centre", group);
        for (std::int64_t j = 0; j < d; ++j) {
            const double value = offset + centre.normal() + noise * item.normal();
            m(i, j) = absent ? 0.0F : static_cast<float>(value);
        }
    }
    return m;
}

double sum_of(const DominanceReport& report, double SourceDominance::*field) {
    double sum = 0;
    for (const SourceDominance& source : report.sources) sum += source.*field;
    return sum;
}

}  // namespace

TEST_CASE("source_dominance: shares sum to one and a source that tells nobody apart has none of it") {
    const auto told = grouped(400, 16, 1, 0.3);
    const auto flat = grouped(400, 16, 2, 0.05, 40);  // cosines of any two near 1
    const auto report = source_dominance({{"told", told.view(), 1}, {"flat", flat.view(), 1}});
    CHECK(sum_of(report, &SourceDominance::share) == doctest::Approx(1));
    CHECK(sum_of(report, &SourceDominance::raw_share) == doctest::Approx(1));
    CHECK(report.sources[1].random_mean > 0.99);
    CHECK(report.sources[1].raw_share > 0.45);  // what the plain sum would say
    CHECK(report.sources[1].share < 0.01);
    CHECK(report.dominance > 0.99);
    CHECK(report.balance < 0.1);
    CHECK(report.sources[0].overlap_without < 0.4);
    CHECK(report.sources[1].overlap_without > 0.9);
    CHECK(report.items == 400);
    CHECK(report.links == 4000);
}

TEST_CASE("source_dominance: Shapley values are exact, symmetric and divide up the overlap") {
    const auto a = grouped(300, 8, 3, 0.5);
    const auto b = grouped(300, 8, 4, 0.5);
    const auto alike = source_dominance({{"a", a.view(), 1}, {"again", a.view(), 1}, {"b", b.view(), 1}});
    CHECK(alike.sources[0].shapley == doctest::Approx(alike.sources[1].shapley));
    CHECK(sum_of(alike, &SourceDominance::shapley) == doctest::Approx(1 - alike.chance_overlap));
    // Two players, by hand: half of what each adds first and last.
    const auto two = source_dominance({{"a", a.view(), 2}, {"b", b.view(), 1}});
    const double va = two.sources[0].overlap_alone;
    const double vb = two.sources[1].overlap_alone;
    CHECK(two.sources[0].shapley == doctest::Approx((va - two.chance_overlap + 1 - vb) / 2));
    CHECK(two.sources[0].overlap_without == doctest::Approx(vb));
    std::vector<EmbeddingSource> many;
    for (int i = 0; i < 7; ++i) many.push_back({std::to_string(i), a.view(), 1});
    CHECK(std::isnan(source_dominance(many).sources[0].shapley));
}

TEST_CASE("source_dominance: a sample stands for all, the same for any number of threads") {
    const auto a = grouped(900, 8, 5, 0.4);
    const auto b = grouped(900, 12, 6, 0.4, 0, 0.5);
    const std::vector<EmbeddingSource> sources{{"a", a.view(), 1}, {"b", b.view(), 1}};
    const auto all = source_dominance(sources);
    const auto part = source_dominance(sources, {.max_items = 300});
    CHECK(part.items == 300);
    CHECK(std::abs(part.sources[0].share - all.sources[0].share) < 0.03);
    CHECK(all.sources[1].items < 500);
    const auto one = source_dominance(sources, {.num_threads = 1});
    const auto three = source_dominance(sources, {.num_threads = 3});
    CHECK(one.sources[0].share == three.sources[0].share);
    CHECK(one.sources[1].shapley == three.sources[1].shapley);
}

TEST_CASE("source_dominance: degenerate catalogues") {
    const Matrix<float> one(1, 2, {1, 0});
    const auto report = source_dominance({{"x", one.view(), 1}});
    CHECK(report.links == 0);
    CHECK(report.sources[0].share == 1);
    const Matrix<float> none(4, 2);
    CHECK(source_dominance({{"x", none.view(), 1}}).links == 0);
    CHECK_THROWS_WITH_AS(source_dominance({{"x", one.view(), 1}}, {.k = 0}), doctest::Contains("k: is 0"),
                         Error);
}

TEST_CASE("auto_balance: five unlike sources reach equal and unequal targets on all links") {
    const auto a = grouped(700, 16, 31, 0.2);
    const auto b = grouped(700, 16, 32, 1.0);
    const auto c = grouped(700, 24, 33, 0.5, 3);
    const auto d = grouped(700, 8, 34, 0.8, 0, 0.2);
    const auto e = grouped(700, 32, 35, 0.6);
    std::vector<EmbeddingSource> sources{
        {"a", a.view(), 1}, {"b", b.view(), 1}, {"c", c.view(), 1}, {"d", d.view(), 1}, {"e", e.view(), 1}};
    for (const std::vector<double>& targets :
         {std::vector<double>{}, std::vector<double>{0.3, 0.1, 0.2, 0.1, 0.3},
          std::vector<double>{2, 0, 1, 1, 1}}) {
        const auto found = auto_balance(sources, targets);
        CHECK(found.run.converged);
        CHECK(found.worst <= 0.01);
        CHECK(std::accumulate(found.weights.begin(), found.weights.end(), 0.0) == doctest::Approx(1));
        for (std::size_t s = 0; s < sources.size(); ++s) sources[s].weight = found.weights[s];
        const auto report = source_dominance(sources);
        const double total = targets.empty() ? 5 : std::accumulate(targets.begin(), targets.end(), 0.0);
        for (std::size_t s = 0; s < sources.size(); ++s) {
            const double target = (targets.empty() ? 1 : targets[s]) / total;
            CHECK(std::abs(report.sources[s].share - target) <= 0.02);
        }
    }
}

TEST_CASE("auto_balance: what cannot be reached is said, and bad targets are refused") {
    const auto a = grouped(100, 4, 41, 0.3);
    const Matrix<float> none(100, 4);
    const std::vector<EmbeddingSource> sources{{"a", a.view(), 1}, {"none", none.view(), 1}};
    const auto found = auto_balance(sources, {}, {.max_iterations = 5});
    CHECK_FALSE(found.run.converged);
    CHECK(found.worst == doctest::Approx(0.5));
    CHECK(found.run.warnings.size() == 1);
    CHECK_THROWS_WITH_AS(auto_balance(sources, std::vector<double>{1}), doctest::Contains("1 targets for 2"),
                         Error);
    CHECK_THROWS_WITH_AS(auto_balance(sources, std::vector<double>{0, 0}), doctest::Contains("all 0"), Error);
    CHECK_THROWS_WITH_AS(auto_balance(sources, std::vector<double>{1, -1}), doctest::Contains("hold -1"),
                         Error);
    CHECK_THROWS_WITH_AS(auto_balance(sources, {}, {.tolerance = 0}), doctest::Contains("tolerance: is 0"),
                         Error);
}

TEST_CASE("auto_balance: a source that half of the items lack reaches its share when items make up for it") {
    const auto a = grouped(800, 16, 51, 0.5);
    const auto b = grouped(800, 16, 52, 0.9, 0.5, 0.5);
    std::vector<EmbeddingSource> sources{{"a", a.view(), 1}, {"b", b.view(), 1}};
    BalanceOptions options;
    options.links.missing = MissingRule::Item;
    const auto found = auto_balance(sources, std::vector<double>{0.6, 0.4}, options);
    CHECK(found.run.converged);
    for (std::size_t s = 0; s < 2; ++s) sources[s].weight = found.weights[s];
    const auto report = source_dominance(sources, {.missing = MissingRule::Item});
    CHECK(std::abs(report.sources[1].share - 0.4) <= 0.02);
}

TEST_CASE("auto_balance: a target that no weights reach is found out early, and the reason is named") {
    const auto a = grouped(400, 16, 61, 0.3);
    const auto b = grouped(400, 16, 62, 0.9, 0, 0.7);  // seven of ten items lack it
    const std::vector<EmbeddingSource> sources{{"a", a.view(), 1}, {"b", b.view(), 1}};
    const auto found = auto_balance(sources, std::vector<double>{0.2, 0.8});
    CHECK_FALSE(found.run.converged);
    CHECK(found.limited_by == "b");
    CHECK(found.run.iterations < 40);
    CHECK(found.weights[1] > 0.9);
    REQUIRE(found.run.warnings.size() == 1);
    CHECK(found.run.warnings[0].find("source 'b' has a share of") != std::string::npos);
    CHECK(found.run.warnings[0].find("missing = item") != std::string::npos);
    // No other weights come nearer to the target.
    for (const double weight : {0.5, 0.9, 0.99, 0.9999, 0.9999999}) {
        std::vector<EmbeddingSource> tried = sources;
        tried[0].weight = 1 - weight;
        tried[1].weight = weight;
        CHECK(source_dominance(tried, {.max_items = 1000}).sources[1].share <= found.shares[1] + 0.02);
    }
    CHECK(auto_balance(sources, std::vector<double>{0.95, 0.05}).limited_by.empty());
}
