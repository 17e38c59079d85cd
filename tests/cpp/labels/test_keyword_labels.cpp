// SPDX-License-Identifier: MIT
#include "filmatlas/labels/keyword_labels.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/text/unicode.hpp"

using namespace filmatlas;

namespace {

std::vector<Keyword> words(const std::vector<std::string>& terms) {
    std::vector<Keyword> keywords;
    double score = 1;
    for (const std::string& term : terms) keywords.push_back({term, score *= 0.9});
    return keywords;
}

std::vector<std::string> texts_of(const Labels& labels) {
    std::vector<std::string> texts;
    for (const NodeLabel& label : labels) texts.push_back(label.text);
    return texts;
}

/// Unique on every level and along every path, never empty, within the limit.
void check_promises(const Hierarchy& hierarchy, const Labels& labels, int max_characters) {
    REQUIRE(labels.size() == hierarchy.nodes.size());
    CHECK(label_issues(hierarchy, labels, max_characters).empty());
    for (int level = 0; level < hierarchy.num_levels(); ++level) {
        std::set<std::string> seen;
        for (Index node = hierarchy.level_begin[static_cast<std::size_t>(level)];
             node < hierarchy.level_begin[static_cast<std::size_t>(level) + 1]; ++node) {
            CHECK(seen.insert(fold(labels[static_cast<std::size_t>(node)].text)).second);
        }
    }
}

}  // namespace

TEST_CASE("keyword_labels: best words, without what the ancestors said") {
    const Hierarchy hierarchy =
        hierarchy_from_labels({{0, 0, 1, 1}, {0, 1, 2, 3}, {0, 1, 2, 3}}, {"a", "b", "c"});
    const Labels labels = keyword_labels(hierarchy, {words({"space", "alien", "ship"}),
                                                     words({"war", "army"}),
                                                     words({"alien", "invasion", "earth", "crew"}),
                                                     words({"spaceship", "aliens", "crew"}),
                                                     words({"war", "trench"}),
                                                     words({"war", "army"}),
                                                     words({"aliens", "panic", "cellar", "rain", "dog"}),
                                                     words({"crew", "mutiny"}),
                                                     words({"gas"}),
                                                     {}});
    CHECK(texts_of(labels) == std::vector<std::string>{"space · alien", "war · army", "invasion · earth",
                                                       "spaceship · crew", "trench", "war · army 2",
                                                       "panic · cellar · rain", "mutiny", "gas", "c 4"});
    CHECK(labels[2].keywords == std::vector<std::string>{"alien", "invasion", "earth", "crew"});
    CHECK(labels[2].origin == LabelOrigin::Keywords);
}

TEST_CASE("keyword_labels: a taken label is repaired by further words, at last by a number") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 1, 2, 3, 4, 5}}, {"macro"});
    const Labels labels =
        keyword_labels(hierarchy, {words({"love", "war", "peace"}), words({"war", "love", "peace"}),
                                   words({"love", "peace", "war"}), words({"war", "love"}), words({"love"}),
                                   words({"love"})});
    CHECK(texts_of(labels) == std::vector<std::string>{"love · war", "war · peace", "love · peace",
                                                       "war · love 2", "love", "love 2"});
    check_promises(hierarchy, labels, 48);
}

TEST_CASE("keyword_labels: nodes without keywords are called after their level") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 1}, {0, 1, 2}}, {"macro", ""});
    const Labels labels = keyword_labels(hierarchy, std::vector<std::vector<Keyword>>(5));
    CHECK(texts_of(labels) == std::vector<std::string>{"macro 1", "macro 2", "1", "2", "3"});
    check_promises(hierarchy, labels, 48);
}

TEST_CASE("keyword_labels: nothing but words reaches a label") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 1, 2}}, {"macro"});
    const Labels labels = keyword_labels(hierarchy, {words({"<script>", "a\n\tb\x01", "\xFF"}),
                                                     words({"<>", "\u202E", "  "}), words({"caf\xC3\xA9"})});
    CHECK(texts_of(labels) == std::vector<std::string>{"script · a b", "macro 2", "café"});
    CHECK(clean_label_text(" a <b>\xC2\xA0 c\xE2\x80\x8B ") == "a b c");
    CHECK(clean_label_text("") == "");
}

TEST_CASE("keyword_labels: long words are shortened between characters") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 1, 2, 3}}, {"a level with a very long name"});
    const std::string giant(100000, 'x');
    LabelOptions options;
    options.max_characters = 12;
    const Labels labels = keyword_labels(
        hierarchy, {words({giant}), words({giant + "y"}), words({"東京東京東京東京東京東京東京", "ab"}), {}},
        options);
    CHECK(labels[0].text == "xxxxxxxxxxx…");
    CHECK(labels[1].text == "xxxxxxxxx… 2");
    CHECK(labels[2].text == "東京東京東京東京東京東…");
    CHECK(labels[3].text == "a level w… 4");
    check_promises(hierarchy, labels, 12);
}

TEST_CASE("keyword_labels: the promises hold for crowded vocabularies, deterministically") {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        RandomStream draw(seed, "keyword_labels");
        std::vector<std::vector<Index>> labels(3);
        for (int i = 0; i < 200; ++i) {
            const auto leaf = static_cast<Index>(draw.below(60));
            labels[0].push_back(leaf / 20);
            labels[1].push_back(leaf / 5);
            labels[2].push_back(leaf);
        }
        const Hierarchy hierarchy = hierarchy_from_labels(labels, {"macro", "neighborhood", "microcluster"});
        std::vector<std::vector<Keyword>> keywords;
        const std::vector<std::string> pool = {"love", "war", "robot",  "robots", "War",
                                               "é",    "e",   "<love>", "2",      "love 2"};
        for (std::int64_t node = 0; node < hierarchy.num_nodes(); ++node) {
            std::vector<std::string> terms;
            for (std::uint64_t k = draw.below(6); k > 0; --k) terms.push_back(pool[draw.below(pool.size())]);
            keywords.push_back(words(terms));
        }
        for (const int max_characters : {8, 48}) {
            LabelOptions options;
            options.max_characters = max_characters;
            const Labels result = keyword_labels(hierarchy, keywords, options);
            check_promises(hierarchy, result, max_characters);
            CHECK(keyword_labels(hierarchy, keywords, options) == result);
        }
    }
}

TEST_CASE("keyword_labels: words per level and separator are the caller's") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0}, {0, 1}}, {"macro", "micro"});
    const std::vector<std::vector<Keyword>> keywords = {words({"a1", "b1", "c1"}), words({"d1", "e1"}),
                                                        words({"f1", "g1"})};
    LabelOptions options;
    options.words_per_level = {1};
    options.separator = " / ";
    CHECK(texts_of(keyword_labels(hierarchy, keywords, options)) ==
          std::vector<std::string>{"a1", "d1", "f1"});
    options.words_per_level = {3, 2};
    CHECK(texts_of(keyword_labels(hierarchy, keywords, options)) ==
          std::vector<std::string>{"a1 / b1 / c1", "d1 / e1", "f1 / g1"});
}

TEST_CASE("keyword_labels: bad input is named") {
    const Hierarchy hierarchy = hierarchy_from_labels({{0}}, {"macro"});
    const std::vector<std::vector<Keyword>> keywords(1);
    const auto run = [&](const LabelOptions& options) {
        return keyword_labels(hierarchy, keywords, options);
    };
    CHECK_THROWS_WITH_AS(run({.words_per_level = {}}), doctest::Contains("words_per_level"), Error);
    CHECK_THROWS_WITH_AS(run({.words_per_level = {2, 0}}), doctest::Contains("words_per_level"), Error);
    CHECK_THROWS_WITH_AS(run({.max_characters = 7}), doctest::Contains("max_characters"), Error);
    CHECK_THROWS_WITH_AS(run({.separator = ""}), doctest::Contains("separator"), Error);
    CHECK_THROWS_WITH_AS(keyword_labels(hierarchy, {}), doctest::Contains("keywords of 0 nodes"), Error);
    CHECK(keyword_labels(Hierarchy{}, {}).empty());
}
