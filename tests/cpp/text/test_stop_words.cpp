// SPDX-License-Identifier: MIT
#include "filmatlas/text/stop_words.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "filmatlas/core/error.hpp"
#include "text/digest.hpp"

using namespace filmatlas;

TEST_CASE("stop_words: \"english\" holds scikit-learn's 318 words, ascending") {
    const auto list = stop_list("english");
    REQUIRE(list.size() == 318);
    CHECK(std::is_sorted(list.begin(), list.end()));
    CHECK(std::adjacent_find(list.begin(), list.end()) == list.end());
    Digest digest;  // of the sorted list of scikit-learn 1.9
    for (const std::string_view word : list) {
        digest.add(word);
        digest.add("\n");
    }
    CHECK(digest.value == 0xE6B42CCF6A342876ULL);
    CHECK(stop_list("").empty());
    CHECK(stop_list_names() == std::vector<std::string_view>{"english"});
}

TEST_CASE("stop_words: an unknown list is an error that names those that exist") {
    CHECK_THROWS_WITH_AS(stop_list("klingon"), doctest::Contains("\"klingon\" is not a known list"), Error);
    CHECK_THROWS_WITH_AS(stop_list("klingon"), doctest::Contains("\"english\""), Error);
}
