// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/rankers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "filmatlas/keywords/diversity.hpp"
#include "keywords/sample.hpp"

using namespace filmatlas;

namespace {

struct Classes {
    CountResult counted;
    ClassTerms terms;
};

Classes classes_of(const std::vector<std::string>& texts, const std::vector<Index>& groups) {
    Classes out;
    out.counted = count_terms(texts);
    out.terms = class_tfidf(out.counted.counts, out.counted.vocabulary, groups);
    return out;
}

std::vector<Keyword> ranked(const Classes& classes, KeywordRule rule, std::size_t row, int top_n = 20) {
    RankOptions options;
    options.rule = rule;
    options.top_n = top_n;
    options.min_items = 1;
    return rank_keywords(classes.terms, options)[row];
}

double score_of(const std::vector<Keyword>& keywords, const std::string& term) {
    for (const Keyword& keyword : keywords) {
        if (keyword.term == term) return keyword.score;
    }
    return -1;
}

const std::vector<KeywordRule> kRules = {
    KeywordRule::Balanced, KeywordRule::ClassTfidf, KeywordRule::LogOdds,       KeywordRule::Lift,
    KeywordRule::Npmi,     KeywordRule::Bm25,       KeywordRule::SoftClassTfidf};

}  // namespace

TEST_CASE("rank_keywords: scores worked by hand") {
    // Class 0: "aa aa bb", "aa"; class 1: "bb cc", "cc", "cc cc".
    const Classes classes = classes_of({"aa aa bb", "aa", "bb cc", "cc", "cc cc"}, {0, 0, 1, 1, 1});
    CHECK(score_of(ranked(classes, KeywordRule::ClassTfidf, 0), "aa") ==
          doctest::Approx(3.0 / 4 * std::log(4.0 / 3 + 1)));  // A = int(9 / 2) = 4
    CHECK(score_of(ranked(classes, KeywordRule::Lift, 0), "aa") == doctest::Approx((2.5 / 3) / (0.5 / 4)));
    CHECK(score_of(ranked(classes, KeywordRule::Lift, 0), "bb") == doctest::Approx((1.5 / 3) / (1.5 / 4)));
    // "aa" is in 2 of 5 items, all in class 0: pmi = ln(0.4 / (0.4 * 0.4)), over -ln 0.4 = 1.
    CHECK(score_of(ranked(classes, KeywordRule::Npmi, 0), "aa") == doctest::Approx(1.0));
    CHECK(score_of(ranked(classes, KeywordRule::Npmi, 1), "bb") == -1);  // below chance: no keyword
    const double idf = std::log(1 + (2 - 1 + 0.5) / 1.5);
    CHECK(score_of(ranked(classes, KeywordRule::Bm25, 0), "aa") ==
          doctest::Approx(idf * 3 * 2.2 / (3 + 1.2 * (0.25 + 0.75 * 4 / 4.5))));
    CHECK(score_of(ranked(classes, KeywordRule::SoftClassTfidf, 0), "aa") ==
          doctest::Approx(3.0 / 4 * std::log(5.0 / 3)));
    const double prior = 1000 * 3.0 / 9;
    const double delta =
        std::log((3 + prior) / (4 + 1000 - 3 - prior)) - std::log(prior / (5 + 1000 - prior));
    CHECK(score_of(ranked(classes, KeywordRule::LogOdds, 0), "aa") ==
          doctest::Approx(delta / std::sqrt(1 / (3 + prior) + 1 / prior)));
    // (2.5 / 3) / (2.5 / 3 + 0.5 / 4), every item holds it.
    const double ratio = (2.5 / 3) / (2.5 / 3 + 0.5 / 4);
    CHECK(score_of(ranked(classes, KeywordRule::Balanced, 0), "aa") ==
          doctest::Approx(3.0 / 4 * std::log(4.0 / 3 + 1) * ratio * ratio));
}

TEST_CASE("rank_keywords: every rule finds the planted words and gives sorted positive scores") {
    const Sample sample = planted_sample(1200);
    const CountResult counted = count_terms(sample.texts);
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, sample.labels[2]);
    for (const KeywordRule rule : kRules) {
        RankOptions options;
        options.rule = rule;
        options.top_n = 4;
        options.num_threads = 1;
        const auto keywords = rank_keywords(terms, options);
        REQUIRE(keywords.size() == 36);
        int planted = 0;
        for (std::size_t c = 0; c < keywords.size(); ++c) {
            const std::string own = "leaf" + std::to_string(terms.class_ids[c]) + "x";
            const std::string family = "hood" + std::to_string(terms.class_ids[c] / 4) + "x";
            for (std::size_t i = 0; i < keywords[c].size(); ++i) {
                // z weighs how sure a difference is: words that three siblings share may beat the class's
                // own.
                const bool shared = rule == KeywordRule::LogOdds && keywords[c][i].term.starts_with(family);
                planted += keywords[c][i].term.starts_with(own) || shared ? 1 : 0;
                CHECK(keywords[c][i].score > 0);
                if (i > 0) CHECK(keywords[c][i - 1].score >= keywords[c][i].score);
            }
        }
        CAPTURE(to_string(rule));
        CHECK(planted >= 0.9 * 36 * 4);
        options.num_threads = 3;
        CHECK(rank_keywords(terms, options) == keywords);
    }
}

TEST_CASE(
    "rank_keywords: the balanced rule hardly repeats a word, folds forms if asked, wants words that meet") {
    const Sample sample = planted_sample(800, 3);
    const CountResult counted = count_terms(sample.texts);
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, sample.labels[2]);
    for (const auto* given : {static_cast<const CsrMatrix<std::int32_t>*>(nullptr), &counted.counts}) {
        std::set<std::string> seen;
        std::size_t total = 0;
        for (const auto& keywords : rank_keywords(terms, {}, given)) {
            for (const Keyword& keyword : keywords) {
                seen.insert(keyword.term);
                ++total;
            }
        }
        CHECK(static_cast<double>(seen.size()) >= 0.95 * static_cast<double>(total));
    }
    // "bb" and "cc" are as typical of class 0; only "bb" is ever found with "aa".
    const Classes pairs =
        classes_of({"aa bb", "aa bb", "aa", "cc", "cc", "zz", "zz yy", "yy"}, {0, 0, 0, 0, 0, 1, 1, 1});
    RankOptions two;
    two.top_n = 2;
    const auto met = rank_keywords(pairs.terms, two, &pairs.counted.counts)[0];
    CHECK(met[0].term == "aa");
    CHECK(met[1].term == "bb");
    CHECK_THROWS_WITH_AS(rank_keywords(terms, {}, &pairs.counted.counts), doctest::Contains("columns"),
                         Error);
    const Classes forms =
        classes_of({"robots robot war", "robot robots", "love", "love letters"}, {0, 0, 1, 1});
    RankOptions folded;
    folded.fold_forms = true;
    CHECK(rank_keywords(forms.terms)[0].size() == 3);
    CHECK(rank_keywords(forms.terms, folded)[0].size() == 2);
    for (const auto& keywords : rank_keywords(forms.terms, folded)) {
        for (std::size_t a = 0; a < keywords.size(); ++a) {
            for (std::size_t b = a + 1; b < keywords.size(); ++b) {
                CHECK_FALSE(near_duplicate(keywords[a].term, keywords[b].term));
            }
        }
    }
}

TEST_CASE("rank_keywords: levels of a hierarchy are partitions of their own") {
    const Sample sample = planted_sample(500);
    const CountResult counted = count_terms(sample.texts);
    const ClassTerms tree = class_tfidf(counted.counts, counted.vocabulary, sample.hierarchy);
    for (const KeywordRule rule : kRules) {
        RankOptions options;
        options.rule = rule;
        const auto nodes = rank_keywords(tree, sample.hierarchy, options);
        for (int level = 0; level < 3; ++level) {
            const auto groups = rank_keywords(
                class_tfidf(counted.counts, counted.vocabulary, sample.hierarchy.labels(level)), options);
            for (std::size_t c = 0; c < groups.size(); ++c) {
                CHECK(groups[c] == nodes[static_cast<std::size_t>(
                                             sample.hierarchy.level_begin[static_cast<std::size_t>(level)]) +
                                         c]);
            }
        }
    }
}

TEST_CASE("rank_keywords: min_items, classes without words, bad options") {
    const Classes classes = classes_of({"aa", "aa", "aa", "aa zz zz zz", "bb", ""}, {0, 0, 0, 0, 1, 2});
    for (const KeywordRule rule : kRules) {
        RankOptions options;
        options.rule = rule;
        const auto keywords = rank_keywords(classes.terms, options);
        if (rule != KeywordRule::Bm25) REQUIRE_FALSE(keywords[0].empty());  // BM25 may find "aa" all there is
        if (!keywords[0].empty()) CHECK(keywords[0].front().term == "aa");
        if (keywords[0].size() > 1) {
            CHECK(keywords[0].back().term == "zz");  // one item's word fills up, below the others
            CHECK(keywords[0].back().score < keywords[0].front().score);
        }
        CHECK(keywords[2].empty());
    }
    RankOptions options;
    options.prior = 0;
    CHECK_THROWS_WITH_AS(rank_keywords(classes.terms, options), doctest::Contains("prior: is 0"), Error);
    options = {};
    options.top_n = 0;
    CHECK_THROWS_WITH_AS(rank_keywords(classes.terms, options), doctest::Contains("top_n: is 0"), Error);
    CHECK_THROWS_WITH_AS(rank_keywords(classes.terms, Hierarchy{}), doctest::Contains("3 rows"), Error);
    CHECK(rank_keywords(ClassTerms{}).empty());
}

TEST_CASE("soft_class_weights: hard memberships give the soft rule's scores") {
    const Classes classes = classes_of({"aa aa bb", "aa", "bb cc", "cc", "cc cc"}, {0, 0, 1, 1, 1});
    const Matrix<double> hard(5, 2, {1, 0, 1, 0, 0, 1, 0, 1, 0, 1});
    const CsrMatrix<double> weights = soft_class_weights(classes.counted.counts, hard.view());
    CHECK(weights.row_values(0)[0] ==
          doctest::Approx(score_of(ranked(classes, KeywordRule::SoftClassTfidf, 0), "aa")));
    const Matrix<double> half(5, 2, {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5});
    const CsrMatrix<double> even = soft_class_weights(classes.counted.counts, half.view());
    CHECK(std::equal(even.row_values(0).begin(), even.row_values(0).end(), even.row_values(1).begin()));
    CHECK_THROWS_AS(soft_class_weights(classes.counted.counts, Matrix<double>(4, 2).view()), Error);
}

TEST_CASE("contrast_keywords: what tells one class from another, by z of the shares of items") {
    const Classes classes = classes_of({"aa bb", "aa bb", "aa", "bb cc", "cc bb", "cc"}, {0, 0, 0, 1, 1, 1});
    const auto words = contrast_keywords(classes.terms, 0, 1);
    REQUIRE(words.size() == 1);  // "bb" is as common there, "cc" commoner
    CHECK(words[0].term == "aa");
    const double yes = 10 * 0.5 + 1e-9;  // three of six items hold it
    const double delta = std::log((3 + yes) / yes) - std::log(yes / (3 + yes));
    CHECK(words[0].score == doctest::Approx(delta / std::sqrt(1 / (3 + yes) + 1 / yes)));
    CHECK(contrast_keywords(classes.terms, 1, 0).front().term == "cc");
    CHECK(contrast_keywords(classes.terms, 0, 0).empty());
    CHECK_THROWS_WITH_AS(contrast_keywords(classes.terms, 0, 2), doctest::Contains("row: is 2"), Error);
    CHECK_THROWS_WITH_AS(contrast_keywords(classes.terms, 0, 1, 0), doctest::Contains("top_n"), Error);
}
