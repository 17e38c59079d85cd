// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/text/bm25.hpp"
#include "filmatlas/text/counts.hpp"

using namespace filmatlas;

TEST_CASE("bm25: weights by hand") {
    const std::vector<std::string> texts{"owl owl moon", "owl", "", "sun moon sun sun"};
    const CountResult counted = count_terms(texts);
    REQUIRE(counted.vocabulary == std::vector<std::string>{"moon", "owl", "sun"});
    const Bm25Statistics statistics = bm25_statistics(counted.counts);
    CHECK(statistics.mean_length == 2);
    CHECK(statistics.idf[0] == doctest::Approx(std::log(1 + 2.5 / 2.5)));
    CHECK(statistics.idf[2] == doctest::Approx(std::log(1 + 3.5 / 1.5)));
    const auto weights = bm25(counted.counts, statistics, {.k1 = 1.5, .b = 0.5});
    // "owl" twice in a text of length 3, mean 2: tf 2, held back by 1.5 * (0.5 + 0.5 * 1.5) = 1.875
    CHECK(static_cast<double>(weights.values[1]) == doctest::Approx(std::log(2.0) * 2 * 2.5 / (2 + 1.875)));
    CHECK(weights.indptr == counted.counts.indptr);
    // With k1 = 0 only presence counts.
    const auto flat = bm25(counted.counts, statistics, {.k1 = 0});
    CHECK(static_cast<double>(flat.values[1]) == doctest::Approx(statistics.idf[1]));
}

TEST_CASE("bm25: common terms never count against a document; arguments are checked") {
    const CountResult all = count_terms(std::vector<std::string>{"the", "the", "the"});
    CHECK(bm25_statistics(all.counts).idf[0] > 0);
    CHECK(bm25(count_terms(std::vector<std::string>{}).counts, {}).rows == 0);
    CHECK_THROWS_WITH_AS(bm25(all.counts, {}), doctest::Contains("of 0 terms, the counts of 1"), Error);
    CHECK_THROWS_WITH_AS(validate(Bm25Options{.k1 = -1}), doctest::Contains("k1: is -1"), Error);
    CHECK_THROWS_WITH_AS(validate(Bm25Options{.b = 2}), doctest::Contains("b: is 2"), Error);
}
