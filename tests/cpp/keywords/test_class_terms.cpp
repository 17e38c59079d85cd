// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/class_terms.hpp"

#include <doctest/doctest.h>

#include "filmatlas/core/error.hpp"

using namespace filmatlas;

TEST_CASE("ClassTerms::keywords: score descending, then code point; nothing without a positive score") {
    ClassTerms terms;
    terms.vocabulary = {"apple", "bee", "cat", "dog"};
    terms.counts.rows = terms.weights.rows = 2;
    terms.counts.cols = terms.weights.cols = 4;
    terms.counts.indptr = terms.weights.indptr = {0, 4, 5};
    terms.counts.indices = terms.weights.indices = {0, 1, 2, 3, 1};
    terms.counts.values = {1, 2, 3, 4, 5};
    terms.weights.values = {0.5, 0.75, 0.5, -0.1, 0.0};
    terms.class_sizes = {3, 1};
    const std::vector<Keyword> wanted = {{"bee", 0.75}, {"apple", 0.5}, {"cat", 0.5}};
    CHECK(terms.keywords(0, 10) == wanted);
    CHECK(terms.keywords(0, 1) == std::vector<Keyword>{{"bee", 0.75}});
    CHECK(terms.keywords(0, 0).empty());
    CHECK(terms.keywords(1, 5).empty());
    CHECK_THROWS_AS(terms.keywords(2), Error);
    CHECK_THROWS_AS(terms.keywords(-1), Error);
    CHECK_THROWS_AS(terms.keywords(0, -1), Error);
}
