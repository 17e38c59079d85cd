// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/topic_mix.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "keywords/sample.hpp"

using namespace filmatlas;

namespace {

struct Fitted {
    std::vector<std::string> texts;
    std::vector<Index> groups;
    CountResult counted;
    ClassTerms terms;
    std::vector<double> idf;
};

Fitted fit(std::vector<std::string> texts, std::vector<Index> groups, int ngram_max = 1) {
    Fitted out;
    CountOptions options;
    options.tokens.ngram_max = ngram_max;
    out.texts = std::move(texts);
    out.groups = std::move(groups);
    out.counted = count_terms(out.texts, options);
    out.terms = class_tfidf(out.counted.counts, out.counted.vocabulary, out.groups);
    out.idf = class_idf(out.terms.counts, out.counted.vocabulary);
    return out;
}

Fitted sample_fit(int ngram_max = 1) {
    const Sample sample = planted_sample(200);
    std::vector<Index> groups = sample.labels[1];
    for (std::size_t i = 0; i < groups.size(); i += 9) groups[i] = -1;
    return fit(sample.texts, groups, ngram_max);
}

/// Cosine of a text with a class, from dense vectors.
double cosine(const Fitted& model, const std::string& text, std::size_t row, int ngram_max) {
    TokenizeOptions options;
    options.ngram_max = ngram_max;
    std::map<std::string, double> counts;
    for (const std::string& term : tokenize(text, options)) counts[term] += 1;
    double dot = 0;
    double item = 0;
    double whole = 0;
    const auto columns = model.terms.weights.row_indices(static_cast<std::int64_t>(row));
    const auto values = model.terms.weights.row_values(static_cast<std::int64_t>(row));
    for (std::size_t e = 0; e < columns.size(); ++e) whole += values[e] * values[e];
    for (std::size_t t = 0; t < model.idf.size(); ++t) {
        const auto at = counts.find(model.counted.vocabulary[t]);
        if (at == counts.end()) continue;
        const double weight = at->second * model.idf[t];
        item += weight * weight;
        const auto column = std::lower_bound(columns.begin(), columns.end(), static_cast<Index>(t));
        if (column != columns.end() && *column == static_cast<Index>(t)) {
            dot += weight * values[static_cast<std::size_t>(column - columns.begin())];
        }
    }
    return item > 0 && whole > 0 ? dot / std::sqrt(item * whole) : 0.0;
}

double entry(const CsrMatrix<double>& matrix, std::int64_t row, Index column) {
    const auto columns = matrix.row_indices(row);
    const auto at = std::lower_bound(columns.begin(), columns.end(), column);
    return at == columns.end() || *at != column
               ? 0.0
               : matrix.row_values(row)[static_cast<std::size_t>(at - columns.begin())];
}

}  // namespace

TEST_CASE("topic_mix: equals the definition, window by window") {
    for (const int ngrams : {1, 2}) {
        const Fitted model = sample_fit(ngrams);
        const TokenStream stream = token_stream(model.texts);
        for (const bool padding : {false, true}) {
            for (const auto& [window, stride] : std::vector<std::pair<int, int>>{{4, 1}, {6, 3}, {100, 2}}) {
                MixOptions options;
                options.window = window;
                options.stride = stride;
                options.padding = padding;
                options.normalize = false;
                const CsrMatrix<double> mix = topic_mix(stream, model.terms, model.idf, options);
                for (std::int64_t i = 0; i < 20; ++i) {
                    const std::vector<std::string> tokens =
                        tokenize(model.texts[static_cast<std::size_t>(i)]);
                    const auto length = static_cast<int>(tokens.size());
                    std::vector<std::pair<int, int>> windows;
                    if (length < window) {
                        windows.emplace_back(0, length);
                    } else {
                        if (padding) {
                            const int overhang = (window + stride - 1) / stride - 1;
                            for (int o = 0; o < overhang; ++o)
                                windows.emplace_back(0, window - (overhang - o) * stride);
                        }
                        for (int at = 0; at < length; at += stride) {
                            if (padding || at + window <= length)
                                windows.emplace_back(at, std::min(length, at + window));
                        }
                    }
                    for (std::size_t c = 0; c < model.terms.class_ids.size(); ++c) {
                        double sum = 0;
                        for (const auto& [from, to] : windows) {
                            std::string text;
                            for (int at = from; at < to; ++at)
                                text += tokens[static_cast<std::size_t>(at)] + " ";
                            const double value = cosine(model, text, c, ngrams);
                            if (value >= 0.1) sum += value;
                        }
                        if (model.terms.class_ids[c] == -1) sum = 0;
                        CHECK(entry(mix, i, static_cast<Index>(c)) == doctest::Approx(sum).epsilon(1e-9));
                    }
                }
            }
        }
    }
}

TEST_CASE("topic_mix: rows sum to one, the own topic wins, threads don't matter") {
    const Fitted model = sample_fit();
    const TokenStream stream = token_stream(model.texts);
    MixOptions options;
    options.num_threads = 1;
    const CsrMatrix<double> mix = topic_mix(stream, model.terms, model.idf, options);
    int own = 0;
    int judged = 0;
    for (std::int64_t i = 0; i < mix.rows; ++i) {
        double sum = 0;
        for (const double value : mix.row_values(i)) sum += value;
        CHECK(sum == doctest::Approx(1.0));
        if (model.groups[static_cast<std::size_t>(i)] < 0) continue;
        const auto values = mix.row_values(i);
        const auto best = std::max_element(values.begin(), values.end()) - values.begin();
        const auto row = static_cast<std::size_t>(mix.row_indices(i)[static_cast<std::size_t>(best)]);
        own += model.terms.class_ids[row] == model.groups[static_cast<std::size_t>(i)] ? 1 : 0;
        ++judged;
    }
    CHECK(own > 0.9 * judged);
    options.num_threads = 3;
    CHECK(topic_mix(stream, model.terms, model.idf, options) == mix);
    const TokenStream strange = token_stream(std::vector<std::string>{"", "never seen words"});
    CHECK(topic_mix(strange, model.terms, model.idf).nnz() == 0);
}

TEST_CASE("class_similarity: equals the definition") {
    const Fitted model = sample_fit(2);
    const Matrix<double> similarity = class_similarity(model.counted.counts, model.terms, model.idf);
    for (std::int64_t i = 0; i < 10; ++i) {
        for (std::size_t c = 0; c < model.terms.class_ids.size(); ++c) {
            CHECK(
                similarity(i, static_cast<std::int64_t>(c)) ==
                doctest::Approx(cosine(model, model.texts[static_cast<std::size_t>(i)], c, 2)).epsilon(1e-9));
        }
    }
}

TEST_CASE("term_representatives: the best of all members, repeats of a text included") {
    Fitted model = fit({"war army", "love", "war war army soldier", "war army", "army"}, {0, 1, 0, 0, 0});
    const auto best = term_representatives(model.counted.counts, model.groups, model.terms, model.idf, 3);
    const Matrix<double> similarity = class_similarity(model.counted.counts, model.terms, model.idf);
    REQUIRE(best.size() == 2);
    REQUIRE(best[0].size() == 3);
    for (const Index item : best[0]) {
        int better = 0;
        for (const Index other : {0, 2, 3, 4}) better += similarity(other, 0) > similarity(item, 0) ? 1 : 0;
        CHECK(better < 3);
    }
    CHECK(best[1] == std::vector<Index>{1});
    const auto both = std::count_if(best[0].begin(), best[0].end(), [](Index i) { return i == 0 || i == 3; });
    CHECK(both == 2);  // equal texts are two items
    CHECK_THROWS_WITH_AS(term_representatives(model.counted.counts, std::vector<Index>{0, 1, 0, 0, 7},
                                              model.terms, model.idf, 3),
                         doctest::Contains("item 4"), Error);
}

TEST_CASE("topic_mix: options are checked by name") {
    const Fitted model = sample_fit();
    const TokenStream stream = token_stream(model.texts);
    MixOptions options;
    options.stride = 5;
    CHECK_THROWS_WITH_AS(topic_mix(stream, model.terms, model.idf, options),
                         doctest::Contains("stride: is 5"), Error);
    options = {};
    options.min_similarity = 2;
    CHECK_THROWS_WITH_AS(topic_mix(stream, model.terms, model.idf, options),
                         doctest::Contains("min_similarity"), Error);
    CHECK_THROWS_WITH_AS(topic_mix(stream, model.terms, std::vector<double>{1.0}),
                         doctest::Contains("idf has 1"), Error);
}

TEST_CASE("topic_mix: whatever the least similarity, what is passed over has none") {
    const Fitted model = sample_fit();
    const TokenStream stream = token_stream(model.texts);
    MixOptions options;
    options.normalize = false;
    options.min_similarity = 0;
    // Windows of one token: the cosines themselves.
    for (const int window : {1, 3, 8}) {
        options.window = window;
        for (const double least : {0.0, 0.02, 0.3, 0.8}) {
            options.min_similarity = least;
            const CsrMatrix<double> mix = topic_mix(stream, model.terms, model.idf, options);
            for (std::int64_t i = 0; i < 6; ++i) {
                const std::vector<std::string> tokens = tokenize(model.texts[static_cast<std::size_t>(i)]);
                for (std::size_t c = 0; c < model.terms.class_ids.size(); ++c) {
                    double sum = 0;
                    for (std::size_t at = 0; at + static_cast<std::size_t>(window) <= tokens.size(); ++at) {
                        std::string text;
                        for (std::size_t w = at; w < at + static_cast<std::size_t>(window); ++w)
                            text += tokens[w] + " ";
                        const double value = cosine(model, text, c, 1);
                        if (value >= least) sum += value;
                    }
                    if (model.terms.class_ids[c] == -1) sum = 0;
                    CHECK(entry(mix, i, static_cast<Index>(c)) == doctest::Approx(sum).epsilon(1e-9));
                }
            }
        }
    }
}
