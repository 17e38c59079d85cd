// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/topic_series.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/keywords/class_tfidf.hpp"
#include "keywords/sample.hpp"

using namespace filmatlas;

namespace {

struct Fitted {
    CountResult counted;
    ClassTerms terms;
    std::vector<double> idf;
    std::vector<Index> groups;
};

Fitted fit(const std::vector<std::string>& texts, std::vector<Index> groups) {
    Fitted out;
    out.counted = count_terms(texts);
    out.groups = std::move(groups);
    out.terms = class_tfidf(out.counted.counts, out.counted.vocabulary, out.groups);
    out.idf = class_idf(out.terms.counts, out.counted.vocabulary);
    return out;
}

std::vector<SeriesEntry> series(const Fitted& model, const std::vector<Index>& bins,
                                const SeriesOptions& options) {
    return topic_series(model.terms, model.idf, model.counted.counts, model.groups, bins, options);
}

std::map<std::string, double> words(const SeriesEntry& entry) {
    std::map<std::string, double> out;
    for (const Keyword& keyword : entry.keywords) out[keyword.term] = keyword.score;
    return out;
}

}  // namespace

TEST_CASE("topic_series: two bins with different words, worked by hand") {
    // One class; bin 0 says "aa aa bb", bin 1 says "cc". A = 4, f: aa 2, bb 1, cc 1.
    const Fitted model = fit({"aa aa bb", "cc"}, {0, 0});
    const double aa = 2.0 / 3 * std::log(4.0 / 2 + 1);
    const double bb = 1.0 / 3 * std::log(4.0 / 1 + 1);
    SeriesOptions options;
    auto entries = series(model, {0, 1}, options);
    REQUIRE(entries.size() == 2);
    CHECK(words(entries[0])["aa"] == doctest::Approx(aa).epsilon(1e-12));
    CHECK(words(entries[1]) == std::map<std::string, double>{{"cc", std::log(5.0)}});

    options.evolution = true;  // rows divided by their sums, then averaged with the bin before
    entries = series(model, {0, 1}, options);
    CHECK(words(entries[0])["aa"] == doctest::Approx(aa / (aa + bb)).epsilon(1e-12));
    auto second = words(entries[1]);
    CHECK(second["cc"] == doctest::Approx(0.5).epsilon(1e-12));
    CHECK(second["aa"] == doctest::Approx(aa / (aa + bb) / 2).epsilon(1e-12));
    CHECK(second["bb"] == doctest::Approx(bb / (aa + bb) / 2).epsilon(1e-12));

    options.global = true;  // the stored row of the bin before is already tuned
    entries = series(model, {0, 1}, options);
    const double g_aa = 2.0 / 4 * std::log(3.0);
    const double g_bb = 1.0 / 4 * std::log(5.0);
    const double g = g_aa + 2 * g_bb;
    const double first_aa = (g_aa / g + aa / (aa + bb)) / 2;
    CHECK(words(entries[0])["aa"] == doctest::Approx(first_aa).epsilon(1e-12));
    CHECK(words(entries[1])["aa"] == doctest::Approx((g_aa / g + first_aa / 2) / 2).epsilon(1e-12));

    options = {};
    options.smoothing = 0.5;  // counts of bin 1: cc 1, aa 2 * 0.5, bb 0.5
    entries = series(model, {0, 1}, options);
    CHECK(words(entries[1])["aa"] == doctest::Approx(1 / 2.5 * std::log(3.0)).epsilon(1e-12));
}

TEST_CASE("topic_series: evolution reaches back one bin, not over a gap") {
    const Fitted model = fit({"aa", "bb", "cc", "xx", "yy", "zz"}, {0, 0, 0, 1, 1, 1});
    SeriesOptions options;
    options.evolution = true;
    const auto entries = series(model, {0, 1, 3, 0, 1, 2}, options);
    for (const SeriesEntry& entry : entries) {
        if (entry.row == 0 && entry.bin == 1) CHECK(words(entry).contains("aa"));
        if (entry.row == 0 && entry.bin == 3) CHECK_FALSE(words(entry).contains("bb"));
        if (entry.row == 1 && entry.bin == 2) CHECK(words(entry).contains("yy"));
    }
}

TEST_CASE("topic_series: items are conserved, order is by bin and class, threads don't matter") {
    const Sample sample = planted_sample(700);
    std::vector<Index> groups = sample.labels[1];
    std::vector<Index> bins;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        if (i % 11 == 0) groups[i] = -1;
        bins.push_back(static_cast<Index>(i * 7 % 13) - 1);
    }
    const Fitted model = fit(sample.texts, groups);
    const ClassTerms before = model.terms;
    for (const bool tuned : {false, true}) {
        SeriesOptions options;
        options.evolution = tuned;
        options.global = tuned;
        options.smoothing = tuned ? 0.3 : 0;
        options.num_threads = 1;
        const auto entries = series(model, bins, options);
        std::int64_t items = 0;
        std::set<std::pair<Index, Index>> cells;
        for (std::size_t e = 0; e < entries.size(); ++e) {
            items += entries[e].items;
            cells.insert({entries[e].bin, entries[e].row});
            if (e > 0) {
                CHECK(std::pair(entries[e - 1].bin, entries[e - 1].row) <
                      std::pair(entries[e].bin, entries[e].row));
            }
        }
        CHECK(items == std::count_if(bins.begin(), bins.end(), [](Index b) { return b >= 0; }));
        CHECK(cells.size() == entries.size());
        options.num_threads = 3;
        CHECK(series(model, bins, options) == entries);
    }
    CHECK(model.terms == before);
}

TEST_CASE("topic_series: one bin without tuning is the class itself") {
    const Sample sample = planted_sample(300);
    const Fitted model = fit(sample.texts, sample.labels[0]);
    SeriesOptions options;
    options.top_n = 8;
    for (const SeriesEntry& entry : series(model, std::vector<Index>(300, 0), options)) {
        CHECK(entry.keywords == model.terms.keywords(entry.row, 8));
    }
    CHECK(series(model, std::vector<Index>(300, -1), options).empty());
}

TEST_CASE("topic_series: arguments are checked by name") {
    const Fitted model = fit({"aa", "bb"}, {0, 1});
    SeriesOptions options;
    CHECK_THROWS_WITH_AS(series(model, {0}, options), doctest::Contains("1 items"), Error);
    CHECK_THROWS_WITH_AS(series(model, {0, -2}, options), doctest::Contains("bins: item 1"), Error);
    options.smoothing = 2;
    CHECK_THROWS_WITH_AS(series(model, {0, 0}, options), doctest::Contains("smoothing: is 2"), Error);
    Fitted other = model;
    other.groups = {0, 5};
    CHECK_THROWS_WITH_AS(series(other, {0, 0}, {}), doctest::Contains("class 5"), Error);
}

TEST_CASE("topic_series: terms of other counts are refused") {
    const Fitted model = fit({"aa bb", "cc"}, {0, 1});
    const std::vector<Index> swapped{1, 0};
    SeriesOptions options;
    options.global = true;
    CHECK_THROWS_WITH_AS(topic_series(model.terms, model.idf, model.counted.counts, swapped,
                                      std::vector<Index>{0, 0}, options),
                         doctest::Contains("not made of these counts"), Error);
}
