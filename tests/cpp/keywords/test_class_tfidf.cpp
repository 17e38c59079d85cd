// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/class_tfidf.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "keywords/sample.hpp"
#include "text/digest.hpp"

using namespace filmatlas;

namespace {

double weight_of(const ClassTerms& terms, Index row, const std::string& term) {
    const auto columns = terms.weights.row_indices(row);
    for (std::size_t e = 0; e < columns.size(); ++e) {
        if (terms.vocabulary[static_cast<std::size_t>(columns[e])] == term)
            return terms.weights.row_values(row)[e];
    }
    return 0;
}

/// The definition, dense and slow. Rows are the distinct groups, ascending.
std::vector<std::vector<double>> slow_class_tfidf(const CountResult& counted,
                                                  const std::vector<Index>& groups,
                                                  const ClassTfidfOptions& options) {
    std::map<Index, std::vector<double>> x;
    const auto terms = static_cast<std::size_t>(counted.counts.cols);
    for (std::size_t i = 0; i < groups.size(); ++i) {
        std::vector<double>& row = x.try_emplace(groups[i], terms, 0.0).first->second;
        const auto columns = counted.counts.row_indices(static_cast<std::int64_t>(i));
        for (std::size_t e = 0; e < columns.size(); ++e) {
            row[static_cast<std::size_t>(columns[e])] +=
                counted.counts.row_values(static_cast<std::int64_t>(i))[e];
        }
    }
    std::vector<double> f(terms, 0.0);
    double total = 0;
    for (const auto& [group, row] : x) {
        for (std::size_t t = 0; t < terms; ++t) f[t] += row[t];
    }
    for (const double v : f) total += v;
    const double a = std::trunc(total / static_cast<double>(x.size()));
    std::vector<std::vector<double>> weights;
    for (const auto& [group, row] : x) {
        double sum = 0;
        for (const double v : row) sum += v;
        std::vector<double>& out = weights.emplace_back(terms, 0.0);
        for (std::size_t t = 0; t < terms; ++t) {
            if (row[t] == 0) continue;
            double idf = options.bm25_weighting ? std::log(1 + (a - f[t] + 0.5) / (f[t] + 0.5))
                                                : std::log(a / f[t] + 1);
            if (std::find(options.seed_words.begin(), options.seed_words.end(), counted.vocabulary[t]) !=
                options.seed_words.end()) {
                idf *= options.seed_multiplier;
            }
            const double tf = row[t] / sum;
            out[t] = (options.reduce_frequent_words ? std::sqrt(tf) : tf) * idf;
        }
    }
    return weights;
}

}  // namespace

TEST_CASE("class_tfidf: a hand-worked example, with A truncated to an integer") {
    // Class 0: robot 3, space 1, war 1; class 1: war 2. f: robot 3, space 1, war 3; total 7, A = int(3.5)
    // = 3.
    const std::vector<std::string> texts = {"robot robot space", "robot war", "war war"};
    const CountResult counted = count_terms(texts);
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, std::vector<Index>{0, 0, 1});
    REQUIRE(terms.vocabulary == std::vector<std::string>{"robot", "space", "war"});
    CHECK(terms.class_sizes == std::vector<std::int64_t>{2, 1});
    CHECK(terms.class_ids == std::vector<Index>{0, 1});
    CHECK(terms.counts.values == std::vector<std::int64_t>{3, 1, 1, 2});
    CHECK(terms.item_frequency == std::vector<Index>{2, 1, 1, 1});
    CHECK(terms.largest_count == std::vector<std::int32_t>{2, 1, 1, 2});
    CHECK(weight_of(terms, 0, "robot") == doctest::Approx(0.6 * std::log(3.0 / 3 + 1)).epsilon(1e-15));
    CHECK(weight_of(terms, 0, "space") == doctest::Approx(0.2 * std::log(3.0 / 1 + 1)).epsilon(1e-15));
    CHECK(weight_of(terms, 0, "war") == doctest::Approx(0.2 * std::log(2.0)).epsilon(1e-15));
    CHECK(weight_of(terms, 1, "war") == doctest::Approx(std::log(2.0)).epsilon(1e-15));
}

TEST_CASE("class_tfidf: equals the definition for all options; -1 is a class") {
    const Sample sample = planted_sample(400);
    const CountResult counted = count_terms(sample.texts, {.tokens = {.ngram_max = 2}, .min_df = 2});
    std::vector<Index> groups = sample.labels[1];
    for (std::size_t i = 0; i < groups.size(); i += 7) groups[i] = -1;
    for (Index& g : groups) g = g == 4 ? 900 : g;  // ids need not be contiguous
    for (const bool bm25 : {false, true}) {
        for (const bool reduce : {false, true}) {
            for (const bool seeds : {false, true}) {
                ClassTfidfOptions options;
                options.bm25_weighting = bm25;
                options.reduce_frequent_words = reduce;
                if (seeds) options.seed_words = {"common1", "macro0x1", "unknown"};
                const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, groups, options);
                const auto slow = slow_class_tfidf(counted, groups, options);
                REQUIRE(terms.weights.rows == static_cast<std::int64_t>(slow.size()));
                CHECK(terms.class_ids.front() == -1);
                CHECK(terms.class_ids.back() == 900);
                double worst = 0;
                for (std::int64_t row = 0; row < terms.weights.rows; ++row) {
                    std::vector<double> dense(counted.vocabulary.size(), 0.0);
                    const auto columns = terms.weights.row_indices(row);
                    for (std::size_t e = 0; e < columns.size(); ++e) {
                        dense[static_cast<std::size_t>(columns[e])] = terms.weights.row_values(row)[e];
                    }
                    for (std::size_t t = 0; t < dense.size(); ++t) {
                        worst = std::max(worst, std::abs(dense[t] - slow[static_cast<std::size_t>(row)][t]));
                    }
                }
                CHECK(worst <= 1e-15);
            }
        }
    }
}

TEST_CASE("class_tfidf: equals BERTopic's ClassTfidfTransformer") {
    struct Expected {
        bool bm25, reduce, seeds;
        double sum, weighted_squares, moon;
    };
    // BERTopic 0.17.4 with scikit-learn 1.9 on the same documents: 7 topics from -1 to 5.
    const std::vector<Expected> all = {
        {false, false, false, 18.991935676329096, 214.73563888951355, 0.07156278129355774},
        {false, false, true, 19.437369167315605, 241.62351588363555, 0.14312556258711548},
        {false, true, false, 271.60606989115274, 26221.91336407038, 0.3458145167505229},
        {false, true, true, 274.91441572924487, 27180.092671616865, 0.6916290335010458},
        {true, false, false, 17.900042074625738, 173.3578628795191, 0.0625833835732964},
        {true, false, true, 18.296390705582617, 194.05287107525385, 0.1251667671465928},
        {true, true, false, 263.882833878385, 24660.072075467593, 0.30242316125519847},
        {true, true, true, 266.9112297602874, 25439.0575036374, 0.6048463225103969}};
    const CountResult counted = count_terms(
        random_documents(300), {.tokens = {.stop_words = "english", .ngram_max = 2}, .min_df = 2});
    std::vector<Index> groups;
    for (Index d = 0; d < 300; ++d) groups.push_back(d % 7 - 1);
    for (const Expected& expected : all) {
        ClassTfidfOptions options;
        options.bm25_weighting = expected.bm25;
        options.reduce_frequent_words = expected.reduce;
        if (expected.seeds) options.seed_words = {"moon", "king space"};
        const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, groups, options);
        double sum = 0;
        double weighted_squares = 0;
        for (Index row = 0; row < terms.weights.rows; ++row) {
            const auto columns = terms.weights.row_indices(row);
            const auto values = terms.weights.row_values(row);
            for (std::size_t e = 0; e < columns.size(); ++e) {
                sum += values[e];
                weighted_squares += values[e] * values[e] * (row + 1) * (columns[e] + 1);
            }
        }
        CHECK(sum == doctest::Approx(expected.sum).epsilon(1e-12));
        CHECK(weighted_squares == doctest::Approx(expected.weighted_squares).epsilon(1e-12));
        CHECK(weight_of(terms, 2, "moon") == doctest::Approx(expected.moon).epsilon(1e-13));
    }
}

TEST_CASE("class_tfidf: a BM25 idf may be negative, and such terms are no keywords") {
    std::vector<std::string> texts;
    std::vector<Index> groups;
    for (int c = 0; c < 100; ++c) {
        std::string text = "word" + std::to_string(c);
        for (int i = 0; i < 60; ++i) text += " the";
        texts.push_back(text);
        groups.push_back(c);
    }
    const CountResult counted = count_terms(texts);
    const ClassTerms terms =
        class_tfidf(counted.counts, counted.vocabulary, groups, {.bm25_weighting = true});
    CHECK(weight_of(terms, 3, "the") < 0);
    REQUIRE(terms.keywords(3).size() == 1);
    CHECK(terms.keywords(3)[0].term == "word3");
}

TEST_CASE("class_tfidf: of a hierarchy equals that of each level's labels") {
    const Sample sample = planted_sample(500);
    const CountResult counted = count_terms(sample.texts, {.min_df = 2});
    for (const bool bm25 : {false, true}) {
        ClassTfidfOptions options;
        options.bm25_weighting = bm25;
        options.seed_words = {"common3"};
        const ClassTerms nodes = class_tfidf(counted.counts, counted.vocabulary, sample.hierarchy, options);
        REQUIRE(nodes.counts.rows == sample.hierarchy.num_nodes());
        for (int level = 0; level < 3; ++level) {
            const ClassTerms flat =
                class_tfidf(counted.counts, counted.vocabulary, sample.hierarchy.labels(level), options);
            const Index first = sample.hierarchy.level_begin[static_cast<std::size_t>(level)];
            REQUIRE(flat.counts.rows == sample.hierarchy.num_nodes(level));
            for (Index c = 0; c < flat.counts.rows; ++c) {
                const Index node = first + c;
                const auto equal = [](auto a, auto b) {
                    return std::equal(a.begin(), a.end(), b.begin(), b.end());
                };
                CHECK(equal(flat.counts.row_indices(c), nodes.counts.row_indices(node)));
                CHECK(equal(flat.counts.row_values(c), nodes.counts.row_values(node)));
                CHECK(equal(flat.weights.row_values(c), nodes.weights.row_values(node)));
                CHECK(flat.class_sizes[static_cast<std::size_t>(c)] ==
                      nodes.class_sizes[static_cast<std::size_t>(node)]);
                for (std::size_t e = 0; e < flat.counts.row_indices(c).size(); ++e) {
                    const auto a =
                        static_cast<std::size_t>(flat.counts.indptr[static_cast<std::size_t>(c)]) + e;
                    const auto b =
                        static_cast<std::size_t>(nodes.counts.indptr[static_cast<std::size_t>(node)]) + e;
                    if (flat.item_frequency[a] != nodes.item_frequency[b])
                        FAIL("item frequency of node " << node);
                    if (flat.largest_count[a] != nodes.largest_count[b])
                        FAIL("largest count of node " << node);
                }
            }
        }
    }
}

TEST_CASE("class_tfidf: the same for any number of threads") {
    const Sample sample = planted_sample(800);
    const CountResult counted = count_terms(sample.texts);
    const ClassTerms one =
        class_tfidf(counted.counts, counted.vocabulary, sample.hierarchy, {.num_threads = 1});
    CHECK(one == class_tfidf(counted.counts, counted.vocabulary, sample.hierarchy, {.num_threads = 3}));
    const ClassTerms flat =
        class_tfidf(counted.counts, counted.vocabulary, sample.labels[2], {.num_threads = 1});
    CHECK(flat == class_tfidf(counted.counts, counted.vocabulary, sample.labels[2], {.num_threads = 3}));
}

TEST_CASE("class_tfidf: new counts with the idf of the fit") {
    const Sample sample = planted_sample(300);
    const CountResult counted = count_terms(sample.texts);
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, sample.labels[0]);
    const std::vector<double> idf = class_idf(terms.counts, terms.vocabulary);
    CHECK(class_weights(terms.counts, idf) == terms.weights);
    CHECK_THROWS_AS(class_weights(terms.counts, std::vector<double>{1.0}), Error);
    CHECK_THROWS_AS(class_idf(terms.counts, std::vector<std::string>{"a"}), Error);
}

TEST_CASE("class_tfidf: keywords are by score, ties by code point") {
    const CountResult counted = count_terms(std::vector<std::string>{"bb aa cc cc", "dd"});
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, std::vector<Index>{0, 1});
    const std::vector<Keyword> best = terms.keywords(0, 10);
    REQUIRE(best.size() == 3);
    CHECK(best[0].term == "cc");
    CHECK(best[1].term == "aa");
    CHECK(best[2].term == "bb");
    CHECK(best[1].score == best[2].score);
    CHECK(terms.keywords(0, 1).size() == 1);
    CHECK(terms.keywords(0, 0).empty());
    CHECK_THROWS_WITH_AS(terms.keywords(2), doctest::Contains("there are 2 classes"), Error);
    CHECK_THROWS_WITH_AS(terms.keywords(0, -1), doctest::Contains("top_n"), Error);
}

TEST_CASE("class_tfidf: empty texts, unused terms and no items give finite weights") {
    const CountResult counted = count_terms(std::vector<std::string>{"", "", "robot"});
    const ClassTerms terms = class_tfidf(counted.counts, counted.vocabulary, std::vector<Index>{0, 0, 1});
    CHECK(terms.keywords(0).empty());
    for (const double w : terms.weights.values) CHECK(std::isfinite(w));
    const auto fixed =
        count_with_vocabulary(std::vector<std::string>{"robot"}, std::vector<std::string>{"alien", "robot"});
    const ClassTerms partial =
        class_tfidf(fixed, std::vector<std::string>{"alien", "robot"}, std::vector<Index>{0});
    CHECK(class_idf(partial.counts, partial.vocabulary)[0] == 0);
    CHECK(class_tfidf(CsrMatrix<std::int32_t>{}, {}, std::span<const Index>{}).counts.rows == 0);
    CHECK(class_tfidf(CsrMatrix<std::int32_t>{}, {}, Hierarchy{}).counts.rows == 0);
}

TEST_CASE("class_tfidf: bad input is named") {
    const CountResult counted = count_terms(std::vector<std::string>{"aa", "bb"});
    CHECK_THROWS_WITH_AS(class_tfidf(counted.counts, counted.vocabulary, std::vector<Index>{0}),
                         doctest::Contains("the counts have 2 rows, the grouping has 1 items"), Error);
    CHECK_THROWS_WITH_AS(class_tfidf(counted.counts, counted.vocabulary, std::vector<Index>{0, -2}),
                         doctest::Contains("the group is -2"), Error);
    CHECK_THROWS_WITH_AS(
        class_tfidf(counted.counts, std::vector<std::string>{"aa"}, std::vector<Index>{0, 0}),
        doctest::Contains("the vocabulary has 1 terms"), Error);
    for (const double bad : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK_THROWS_WITH_AS(class_tfidf(counted.counts, counted.vocabulary, std::vector<Index>{0, 0},
                                         ClassTfidfOptions{.seed_multiplier = bad}),
                             doctest::Contains("seed_multiplier"), Error);
    }
}

TEST_CASE("drop_name_terms: an item's own name is silent, the same words elsewhere are not") {
    const std::vector<std::string> texts = {"robots fight robots", "a robot dreams", "the matrix of war", ""};
    const std::vector<std::string> names = {"Robot", "Dreams (1999)", "", "x"};
    const CountResult counted = count_terms(texts, {.tokens = {.ngram_max = 2}});
    const auto kept = drop_name_terms(counted.counts, counted.vocabulary, names, 2);
    const auto terms_of = [&](std::int64_t i) {
        std::vector<std::string> terms;
        for (const Index c : kept.row_indices(i))
            terms.push_back(counted.vocabulary[static_cast<std::size_t>(c)]);
        return terms;
    };
    CHECK(terms_of(0) == std::vector<std::string>{"fight"});
    CHECK(terms_of(1) == std::vector<std::string>{"robot"});
    CHECK(terms_of(2).size() == 7);
    CHECK(terms_of(3).empty());
    CHECK(kept.cols == counted.counts.cols);
    CHECK_THROWS_AS(drop_name_terms(counted.counts, counted.vocabulary, std::vector<std::string>{"a"}),
                    Error);
}
