// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/node_keywords.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "filmatlas/keywords/diversity.hpp"
#include "keywords/sample.hpp"

using namespace filmatlas;

namespace {

std::vector<std::string> terms_of(const std::vector<Keyword>& keywords) {
    std::vector<std::string> terms;
    for (const Keyword& k : keywords) terms.push_back(k.term);
    return terms;
}

bool holds(const std::vector<Keyword>& keywords, const std::string& term) {
    return std::any_of(keywords.begin(), keywords.end(), [&](const Keyword& k) { return k.term == term; });
}

struct Named {
    CountResult counted;
    Hierarchy hierarchy;
    ClassTerms terms;
};

Named flat(const std::vector<std::string>& texts, const std::vector<Index>& labels, int ngram_max = 1) {
    Named named;
    named.counted = count_terms(texts, {.tokens = {.ngram_max = ngram_max}});
    named.hierarchy = hierarchy_from_labels({labels}, {"macro"});
    named.terms = class_tfidf(named.counted.counts, named.counted.vocabulary, named.hierarchy);
    return named;
}

}  // namespace

TEST_CASE("node_keywords: the planted words of every node come first, at every level") {
    const Sample sample = planted_sample(1500);
    const CountResult counted = count_terms(sample.texts, {.min_df = 2});
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, sample.hierarchy);
    KeywordOptions options;
    options.top_n = 4;
    const auto keywords = node_keywords(terms, sample.hierarchy, options);
    REQUIRE(static_cast<std::int64_t>(keywords.size()) == sample.hierarchy.num_nodes());
    const std::vector<std::string> prefixes = {"macro", "hood", "leaf"};
    for (std::size_t node = 0; node < keywords.size(); ++node) {
        const auto level = static_cast<std::size_t>(sample.hierarchy.nodes[node].level);
        const Index item = sample.hierarchy.items(static_cast<Index>(node))[0];
        const std::string wanted =
            prefixes[level] + std::to_string(sample.labels[level][static_cast<std::size_t>(item)]) + "x";
        REQUIRE(keywords[node].size() == 4);
        for (const Keyword& k : keywords[node]) {
            CAPTURE(node);
            CAPTURE(k.term);
            CHECK(k.term.starts_with(wanted));
        }
    }
}

TEST_CASE("node_keywords: the score is c-TF-IDF times contrast times coverage") {
    const Named named =
        flat({"alpha beta", "alpha gamma", "alpha beta", "gamma delta", "gamma gamma"}, {0, 0, 0, 1, 1});
    KeywordOptions options;
    options.contrast = 1;
    options.coverage = 0.5;
    const auto keywords = node_keywords(named.terms, named.hierarchy, options);
    // Node 0 has 3 items; beta is in 2 of them and in none of the 2 others.
    const double inside = 2.5 / 4;
    const double beside = 0.5 / 3;
    const auto plain = named.terms.keywords(0);
    const double weight =
        std::find_if(plain.begin(), plain.end(), [](const Keyword& k) { return k.term == "beta"; })->score;
    REQUIRE(keywords[0].size() == 3);
    CHECK(keywords[0][0].term == "alpha");
    CHECK(keywords[0][1].term == "beta");
    CHECK(keywords[0][1].score ==
          doctest::Approx(weight * inside / (inside + beside) * std::sqrt(2.0 / 3)).epsilon(1e-14));
    options.contrast = 0;
    options.coverage = 0;
    CHECK(node_keywords(named.terms, named.hierarchy, options)[0] == plain);
}

TEST_CASE("node_keywords: what one item repeats is not what the node shares") {
    const Named named = flat({"gizmo gizmo gizmo gizmo gizmo gizmo shared", "shared gizmo", "shared lonely",
                              "shared", "other words", "other words"},
                             {0, 0, 0, 0, 1, 1});
    const auto keywords = node_keywords(named.terms, named.hierarchy);
    CHECK(terms_of(keywords[0]) == std::vector<std::string>{"shared"});  // gizmo: one item; lonely: too rare
    CHECK(holds(keywords[1], "other"));                                  // two items are a small node
    KeywordOptions loose;
    loose.max_item_share = 1;
    loose.min_items = 1;
    CHECK(holds(node_keywords(named.terms, named.hierarchy, loose)[0], "gizmo"));
    CHECK(holds(node_keywords(named.terms, named.hierarchy, loose)[0], "lonely"));
}

TEST_CASE("node_keywords: a node goes without keywords only when its items hold no term") {
    const Named named = flat({"aa", "bb", "cc", "dd", "", "", "00 11", "00"}, {0, 0, 0, 0, 1, 1, 2, 2});
    const auto keywords = node_keywords(named.terms, named.hierarchy);
    CHECK(terms_of(keywords[0]) == std::vector<std::string>{"aa", "bb", "cc", "dd"});
    CHECK(keywords[1].empty());
    CHECK(terms_of(keywords[2]) ==
          std::vector<std::string>{"00", "11"});  // no letter, but there is nothing else
    const Named mixed = flat({"00 robot", "00 robot", "xx", "yy"}, {0, 0, 1, 1});
    CHECK(terms_of(node_keywords(mixed.terms, mixed.hierarchy)[0]) == std::vector<std::string>{"robot"});
}

TEST_CASE("node_keywords: forms of a word are folded, a phrase takes its word's place") {
    const std::vector<std::string> texts = {"robots robot york new york",
                                            "robots robot new york",
                                            "new york robots",
                                            "robot new york robots",
                                            "farm cow",
                                            "farm cow"};
    const Named named = flat(texts, {0, 0, 0, 0, 1, 1}, 2);
    const auto folded = node_keywords(named.terms, named.hierarchy)[0];
    const auto raw = node_keywords(named.terms, named.hierarchy, {.fold_duplicates = false})[0];
    CHECK(holds(raw, "robot"));
    CHECK(holds(raw, "robots"));
    CHECK(holds(folded, "new york"));
    CHECK_FALSE(holds(folded, "york"));
    CHECK_FALSE(holds(folded, "new"));
    for (std::size_t a = 0; a < folded.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) CHECK_FALSE(near_duplicate(folded[a].term, folded[b].term));
        if (a > 0) CHECK(folded[a - 1].score >= folded[a].score);
    }
}

TEST_CASE("node_keywords: an only child is compared as its parent is") {
    // Both levels split the items alike, so the fine node has no sibling: its keywords are its parent's.
    const std::vector<std::string> texts = {"robot space", "robot laser", "farm cow", "farm hay"};
    const CountResult counted = count_terms(texts);
    const Hierarchy hierarchy = hierarchy_from_labels({{0, 0, 1, 1}, {0, 0, 1, 1}}, {"macro", "micro"});
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, hierarchy);
    const auto keywords = node_keywords(terms, hierarchy);
    CHECK(keywords[0] == keywords[2]);
    CHECK(keywords[1] == keywords[3]);
    // One node above everything: no contrast at all, but keywords.
    const Hierarchy single = hierarchy_from_labels({{0, 0, 0, 0}}, {"macro"});
    const auto all = node_keywords(class_tfidf(counted.counts, counted.vocabulary, single), single);
    CHECK(all[0].size() == 2);
    CHECK(node_keywords(class_tfidf({}, {}, Hierarchy{}), Hierarchy{}).empty());
}

TEST_CASE("node_keywords: the same for any number of threads") {
    const Sample sample = planted_sample(600);
    const CountResult counted = count_terms(sample.texts, {.tokens = {.ngram_max = 2}});
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, sample.hierarchy);
    CHECK(node_keywords(terms, sample.hierarchy, {.num_threads = 1}) ==
          node_keywords(terms, sample.hierarchy, {.num_threads = 3}));
}

TEST_CASE("node_keywords: bad input is named") {
    const Named named = flat({"aa", "bb"}, {0, 1});
    const auto run = [&](const KeywordOptions& options) {
        return node_keywords(named.terms, named.hierarchy, options);
    };
    CHECK_THROWS_WITH_AS(run({.top_n = 0}), doctest::Contains("top_n"), Error);
    CHECK_THROWS_WITH_AS(run({.contrast = -1}), doctest::Contains("contrast"), Error);
    CHECK_THROWS_WITH_AS(run({.coverage = std::numeric_limits<double>::infinity()}),
                         doctest::Contains("coverage"), Error);
    CHECK_THROWS_WITH_AS(run({.min_items = 0}), doctest::Contains("min_items"), Error);
    CHECK_THROWS_WITH_AS(run({.max_item_share = 0}), doctest::Contains("max_item_share"), Error);
    const Hierarchy other = hierarchy_from_labels({{0, 0}}, {"macro"});
    CHECK_THROWS_WITH_AS(node_keywords(named.terms, other), doctest::Contains("the terms have 2 rows"),
                         Error);
}
