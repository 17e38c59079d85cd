// SPDX-License-Identifier: MIT
#include "filmatlas/text/vocabulary.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"

using namespace filmatlas;

TEST_CASE("vocabulary: terms are found by binary search in byte order") {
    const std::vector<std::string> vocabulary = {"a", "a b", "ab", "z", "é", "東"};
    CHECK_NOTHROW(validate_vocabulary(vocabulary));
    for (std::size_t t = 0; t < vocabulary.size(); ++t) {
        CHECK(find_term(vocabulary, vocabulary[t]) == static_cast<Index>(t));
    }
    CHECK(find_term(vocabulary, "") == -1);
    CHECK(find_term(vocabulary, "b") == -1);
    CHECK(find_term(vocabulary, "東京") == -1);
    CHECK(find_term({}, "a") == -1);
}

TEST_CASE("vocabulary: the first bad term is named") {
    CHECK_THROWS_WITH_AS(validate_vocabulary(std::vector<std::string>{"a", "c", "b"}),
                         doctest::Contains("\"b\" is out of order"), Error);
    CHECK_THROWS_WITH_AS(validate_vocabulary(std::vector<std::string>{"a", "a"}),
                         doctest::Contains("\"a\" occurs twice"), Error);
    CHECK_THROWS_WITH_AS(validate_vocabulary(std::vector<std::string>{""}),
                         doctest::Contains("a term is empty"), Error);
}
