// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/tags.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"

using namespace filmatlas;

TEST_CASE("tag_lift: a hand-worked example") {
    const std::vector<std::vector<std::string>> tags = {{"horror", "film"}, {"horror", "film", "horror", ""},
                                                        {"film"},           {"comedy", "film"},
                                                        {"comedy"},         {"horror"}};
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 0, 1, 1, 1}}, {"macro"});
    const auto result = tag_lift(tags, hierarchy);
    REQUIRE(result.size() == 2);
    REQUIRE(result[0].size() == 2);
    // horror: 2 of 3 inside, 1 of 3 outside; film: 3 of 3 inside, 1 of 3 outside.
    const TagLift& film = result[0][0];
    CHECK(film.tag == "film");
    CHECK(film.support == 3);
    CHECK(film.p_in == 1.0);
    CHECK(film.p_out == doctest::Approx(1.0 / 3));
    CHECK(film.lift == doctest::Approx((3.5 / 4) / (1.5 / 4)));
    CHECK(film.score == doctest::Approx(3.5 / 4 * std::log2(3.5 / 1.5)));
    const TagLift& horror = result[0][1];
    CHECK(horror.tag == "horror");
    CHECK(horror.support == 2);
    CHECK(horror.score < film.score);
    REQUIRE(result[1].size() == 1);
    CHECK(result[1][0].tag == "comedy");
    CHECK(result[1][0].p_out == 0.0);
}

TEST_CASE("tag_lift: options limit the list; a tag that is everywhere says nothing") {
    std::vector<std::vector<std::string>> tags;
    std::vector<Index> labels;
    for (int i = 0; i < 40; ++i) {
        tags.push_back({"drama", i < 20 ? "war" : "love"});
        if (i == 0) tags.back().push_back("once");
        labels.push_back(i < 20 ? 0 : 1);
    }
    const Hierarchy hierarchy = hierarchy_from_labels({labels}, {"macro"});
    const auto result = tag_lift(tags, hierarchy);
    CHECK(result[0][0].tag == "war");
    for (const TagLift& entry : result[0]) CHECK(entry.tag != "once");
    CHECK(tag_lift(tags, hierarchy, {.top_n = 1})[0].size() == 1);
    CHECK(tag_lift(tags, hierarchy, {.min_lift = 1.5})[0].size() == 1);
    CHECK(tag_lift(tags, hierarchy, {.min_support = 1})[0].size() == 3);
}

TEST_CASE("tag_lift: parents count their children's items once; one node that holds all goes by support") {
    const std::vector<std::vector<std::string>> tags = {{"aa", "bb"}, {"bb"}, {"bb"}, {}};
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 0, 0}, {0, 0, 1, 1}}, {"macro", "micro"});
    const auto result = tag_lift(tags, hierarchy, {.min_support = 1});
    REQUIRE(result[0].size() == 2);
    CHECK(result[0][0].tag == "bb");
    CHECK(result[0][0].support == 3);
    CHECK(result[0][0].lift == 1.0);
    CHECK(result[0][0].p_out == 0.0);
    REQUIRE(result[1].size() == 2);
    CHECK(result[1][0].tag == "aa");
    CHECK(result[1][1].support == 2);
}

TEST_CASE("tag_lift: no tags, no items, bad input") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0}}, {"macro"});
    CHECK(tag_lift(std::vector<std::vector<std::string>>(2), hierarchy)[0].empty());
    CHECK(tag_lift({}, Hierarchy{}).empty());
    CHECK_THROWS_WITH_AS(tag_lift({}, hierarchy), doctest::Contains("tags of 0 items"), Error);
    const std::vector<std::vector<std::string>> tags(2);
    CHECK_THROWS_WITH_AS(tag_lift(tags, hierarchy, {.top_n = 0}), doctest::Contains("top_n"), Error);
    CHECK_THROWS_WITH_AS(tag_lift(tags, hierarchy, {.min_support = 0}), doctest::Contains("min_support"),
                         Error);
    CHECK_THROWS_WITH_AS(tag_lift(tags, hierarchy, {.min_lift = -1}), doctest::Contains("min_lift"), Error);
}

TEST_CASE("tag_lift: scored tags have their mean over the members that hold them") {
    const std::vector<std::vector<std::string>> tags = {{"dark", "slow"}, {"dark"}, {"slow", "dark", "dark"}, {"warm"}};
    const std::vector<std::vector<double>> scores = {{0.5, 0.25}, {1.0}, {0.75, 0.75, 0.1}, {0.9}};
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 1, 1}}, {"macro"});
    const auto result = tag_lift(tags, hierarchy, {.min_support = 1, .min_lift = 0}, scores);
    const auto mean = [&](std::size_t node, const std::string& tag) {
        for (const TagLift& entry : result[node]) {
            if (entry.tag == tag) return entry.mean_score;
        }
        return -2.0;
    };
    CHECK(mean(0, "dark") == doctest::Approx(0.75));
    CHECK(mean(0, "slow") == doctest::Approx(0.25));
    CHECK(mean(1, "dark") == doctest::Approx(0.75));  // the first of repeats
    CHECK(mean(1, "warm") == doctest::Approx(0.9));
    CHECK(tag_lift(tags, hierarchy, {.min_support = 1})[0][0].mean_score == -1);
    CHECK_THROWS_WITH_AS(tag_lift(tags, hierarchy, {}, std::vector<std::vector<double>>(4)),
                         doctest::Contains("as many scores"), Error);
}
