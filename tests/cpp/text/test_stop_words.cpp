// SPDX-License-Identifier: MIT
#include "filmatlas/text/stop_words.hpp"
#include "filmatlas/text/unicode.hpp"

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
}

TEST_CASE("stop_words: an unknown list is an error that names those that exist") {
    CHECK_THROWS_WITH_AS(stop_list("klingon"), doctest::Contains("\"klingon\" is not a known list"), Error);
    CHECK_THROWS_WITH_AS(stop_list("klingon"), doctest::Contains("arabic, chinese"), Error);
}

TEST_CASE("stop_words: every list is ascending, of lower-case words, and found by name and code") {
    const auto names = stop_list_names();
    CHECK(names.size() >= 20);
    CHECK(std::is_sorted(names.begin(), names.end()));
    for (const std::string_view name : names) {
        CAPTURE(std::string(name));
        const auto list = stop_list(name);
        CHECK(list.size() >= 30);
        CHECK(std::is_sorted(list.begin(), list.end()));
        CHECK(std::adjacent_find(list.begin(), list.end()) == list.end());
        for (const std::string_view word : list) {
            CHECK(lower(word) == word);
            CHECK(is_valid_utf8(word));
            CHECK(word.find_first_of(" \t\n") == std::string_view::npos);
        }
    }
    CHECK(stop_list("de").data() == stop_list("german").data());
    const auto german = stop_list("german");
    CHECK(std::binary_search(german.begin(), german.end(), std::string_view("und")));
}
