// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/coherence.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"

using namespace filmatlas;

namespace {

constexpr double kEpsilon = 1e-12;

std::vector<std::string> random_texts(int n, int words, std::uint64_t seed) {
    std::vector<std::string> texts;
    for (int i = 0; i < n; ++i) {
        RandomStream draw(seed, "coherence_texts", static_cast<std::uint64_t>(i));
        std::string text;
        const std::uint64_t length = draw.below(40);
        for (std::uint64_t t = 0; t < length; ++t) {
            text += "w" + std::to_string(draw.below(static_cast<std::uint64_t>(words))) + " ";
        }
        texts.push_back(text);
    }
    return texts;
}

/// The definition, window by window. `gensim` forgets a word when one of its occurrences leaves.
struct Brute {
    std::map<std::pair<std::string, std::string>, double> share;

    Brute(const std::vector<std::string>& texts, std::size_t window, bool gensim) {
        std::map<std::pair<std::string, std::string>, std::int64_t> counts;
        std::int64_t total = 0;
        for (const std::string& text : texts) {
            const std::vector<std::string> tokens = tokenize(text);
            const std::size_t places = tokens.size() <= window ? 1 : tokens.size() - window + 1;
            std::set<std::string> inside;
            for (std::size_t s = 0; s < places; ++s, ++total) {
                const std::size_t end = std::min(tokens.size(), s + window);
                if (s == 0 || !gensim) {
                    inside = {tokens.begin() + static_cast<std::ptrdiff_t>(s),
                              tokens.begin() + static_cast<std::ptrdiff_t>(end)};
                } else {
                    inside.erase(tokens[s - 1]);
                    inside.insert(tokens[end - 1]);
                }
                for (const std::string& a : inside) {
                    for (const std::string& b : inside) ++counts[{a, b}];
                }
            }
        }
        for (const auto& [pair, count] : counts)
            share[pair] = static_cast<double>(count) / static_cast<double>(total);
    }
    double p(const std::string& a, const std::string& b) const {
        const auto at = share.find({a, b});
        return at == share.end() ? 0.0 : at->second;
    }
    double npmi(const std::string& a, const std::string& b) const {
        return std::log((p(a, b) + kEpsilon) / (p(a, a) * p(b, b))) / -std::log(p(a, b) + kEpsilon);
    }
};

}  // namespace

TEST_CASE("coherence: a small corpus worked by hand") {
    // Windows of 2: "a b", "b c", "a b": three in all; a in 2, b in 3, c in 1.
    const std::vector<std::string> texts = {"aa bb cc", "aa bb"};
    const TokenStream stream = token_stream(texts);
    CoherenceOptions options;
    options.window = 2;
    const auto value = [&](const std::vector<std::string>& words) {
        return coherence(stream, {words}, options).per_topic[0];
    };
    CHECK(coherence(stream, {{"aa", "bb"}}, options).windows == 3);
    const double ab = std::log((2.0 / 3 + kEpsilon) / (2.0 / 3 * 1)) / -std::log(2.0 / 3 + kEpsilon);
    CHECK(value({"aa", "bb"}) == doctest::Approx(ab).epsilon(1e-12));
    const double ac = std::log(kEpsilon / (2.0 / 3 * 1 / 3)) / -std::log(kEpsilon);
    CHECK(value({"aa", "cc"}) == doctest::Approx(ac).epsilon(1e-12));
    options.measure = CoherenceMeasure::Umass;  // documents: a in 2, c in 1, both in 1
    CHECK(value({"aa", "cc"}) == doctest::Approx(std::log((0.5 + kEpsilon) / 1.0)).epsilon(1e-12));
    CHECK(coherence(stream, {{"aa", "cc"}}, options).windows == 2);
}

TEST_CASE("coherence: equals window-by-window counting for both rules, all measures and window sizes") {
    for (const std::uint64_t seed : {1U, 2U}) {
        const std::vector<std::string> texts = random_texts(60, 12, seed);
        const TokenStream stream = token_stream(texts);
        const TopicWords topics = {
            {"w0", "w1", "w2", "w3"}, {"w3", "w4", "w5"}, {"w6", "w7", "w8", "w9", "w10"}};
        for (const int window : {1, 2, 5, 10, 39, 200}) {
            for (const WindowRule rule : {WindowRule::Gensim, WindowRule::Exact}) {
                const Brute brute(texts, static_cast<std::size_t>(window), rule == WindowRule::Gensim);
                CoherenceOptions options;
                options.window = window;
                options.rule = rule;
                const Coherence npmi = coherence(stream, topics, options);
                options.measure = CoherenceMeasure::Cv;
                const Coherence cv = coherence(stream, topics, options);
                for (std::size_t t = 0; t < topics.size(); ++t) {
                    double sum = 0;
                    std::vector<std::vector<double>> m;
                    std::vector<double> whole(topics[t].size(), 0.0);
                    for (const std::string& a : topics[t]) {
                        auto& row = m.emplace_back();
                        for (std::size_t b = 0; b < topics[t].size(); ++b) {
                            row.push_back(brute.npmi(a, topics[t][b]));
                            whole[b] += row.back();
                            if (a != topics[t][b]) sum += row.back();
                        }
                    }
                    const auto k = static_cast<double>(topics[t].size());
                    CHECK(npmi.per_topic[t] == doctest::Approx(sum / (k * (k - 1))).epsilon(1e-11));
                    double cosines = 0;
                    for (const auto& row : m) {
                        double dot = 0;
                        double aa = 0;
                        double bb = 0;
                        for (std::size_t b = 0; b < row.size(); ++b) {
                            dot += row[b] * whole[b];
                            aa += row[b] * row[b];
                            bb += whole[b] * whole[b];
                        }
                        cosines += dot / std::sqrt(aa * bb);
                    }
                    CHECK(cv.per_topic[t] == doctest::Approx(cosines / k).epsilon(1e-11));
                }
            }
        }
    }
}

TEST_CASE("coherence: a phrase is a run of tokens") {
    const std::vector<std::string> texts = {"new york city", "york new", "new york"};
    const TokenStream stream = token_stream(texts);
    CoherenceOptions options;
    options.window = 2;
    // Windows: "new york", "york city", "york new", "new york": the phrase in 2 of 4, city in 1, never both.
    const Coherence apart = coherence(stream, {{"new york", "city"}}, options);
    CHECK(apart.windows == 4);
    CHECK(apart.per_topic[0] ==
          doctest::Approx(std::log(kEpsilon / (0.5 * 0.25)) / -std::log(kEpsilon)).epsilon(1e-12));
    options.window = 3;  // "new york city", "york new", "new york"
    const double p = 1.0 / 3;
    CHECK(coherence(stream, {{"new york", "city"}}, options).per_topic[0] ==
          doctest::Approx(std::log((p + kEpsilon) / (2.0 / 3 * p)) / -std::log(p + kEpsilon)).epsilon(1e-12));
    options.window = 1;
    CHECK(coherence(stream, {{"new york", "city"}}, options).unknown[0] ==
          std::vector<std::string>{"new york"});
}

TEST_CASE("coherence: unknown words are named, repeated words count once") {
    const std::vector<std::string> texts = {"aa bb cc", "aa bb"};
    const TokenStream stream = token_stream(texts);
    const Coherence result = coherence(stream, {{"aa", "zz", "bb"}, {"zz", "aa"}, {}, {"aa", "aa", "bb"}});
    CHECK(result.unknown == TopicWords{{"zz"}, {"zz"}, {}, {}});
    CHECK(result.per_topic[0] == result.per_topic[3]);
    CHECK(std::isnan(result.per_topic[1]));
    CHECK(std::isnan(result.per_topic[2]));
    CHECK(result.mean == doctest::Approx(result.per_topic[0]));
    CHECK(std::isnan(coherence(stream, {}).mean));
    CHECK(std::isnan(coherence(TokenStream{}, {{"aa", "bb"}}).mean));
}

TEST_CASE("coherence: ids below zero keep their places") {
    const std::vector<std::string> texts = {"aa xx bb", "aa bb"};
    TokenStream stream = token_stream(texts);
    TokenStream hidden = stream;
    const Index other = static_cast<Index>(
        std::find(stream.vocabulary.begin(), stream.vocabulary.end(), "xx") - stream.vocabulary.begin());
    std::replace(hidden.ids.begin(), hidden.ids.end(), other, Index{-1});
    CoherenceOptions options;
    options.window = 2;
    CHECK(coherence(stream, {{"aa", "bb"}}, options).per_topic ==
          coherence(hidden, {{"aa", "bb"}}, options).per_topic);
}

TEST_CASE("coherence: the same for any number of threads") {
    const TokenStream stream = token_stream(random_texts(2000, 30, 3));
    const TopicWords topics = {{"w0", "w1", "w2"}, {"w3", "w4", "w5", "w6"}};
    for (const CoherenceMeasure measure :
         {CoherenceMeasure::Npmi, CoherenceMeasure::Cv, CoherenceMeasure::Uci, CoherenceMeasure::Umass}) {
        CoherenceOptions options;
        options.measure = measure;
        options.num_threads = 1;
        const Coherence one = coherence(stream, topics, options);
        options.num_threads = 3;
        CHECK(coherence(stream, topics, options).per_topic == one.per_topic);
    }
}

TEST_CASE("topic_diversity, topic_uniqueness: shares of distinct words") {
    const TopicWords topics = {{"a", "b", "c"}, {"a", "d", "e"}};
    CHECK(topic_diversity(topics) == doctest::Approx(5.0 / 6));
    CHECK(topic_diversity(topics, 1) == doctest::Approx(0.5));
    CHECK(topic_uniqueness(topics) == doctest::Approx((0.5 + 1 + 1) / 3));
    CHECK(std::isnan(topic_diversity({})));
}

TEST_CASE("inverted_rank_biased_overlap: equal lists 0, disjoint lists 1, by hand between") {
    CHECK(inverted_rank_biased_overlap({{"a", "b"}, {"a", "b"}}) == doctest::Approx(0.0));
    CHECK(inverted_rank_biased_overlap({{"a", "b"}, {"c", "d"}}) == doctest::Approx(1.0));
    // a b | b a: overlap 0 at depth 1, 2 at depth 2; rbo = 1 * p^2 + (1-p)/p * (1 * p^2).
    const double p = 0.9;
    CHECK(inverted_rank_biased_overlap({{"a", "b"}, {"b", "a"}}) ==
          doctest::Approx(1 - (p * p + (1 - p) / p * p * p)));
    CHECK(std::isnan(inverted_rank_biased_overlap({{"a"}})));
    CHECK_THROWS_WITH_AS(inverted_rank_biased_overlap({{"a"}}, 10, 1.0), doctest::Contains("p: is 1"), Error);
}

TEST_CASE("word_intrusion: found in real topics, not in shuffled ones") {
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < 600; ++i) {
        RandomStream draw(4, "intrusion", i);
        std::string text;
        for (int w = 0; w < 12; ++w) {
            text += "t" + std::to_string(i % 3) + "x" + std::to_string(draw.below(8)) + " ";
        }
        texts.push_back(text);
    }
    const TokenStream stream = token_stream(texts);
    TopicWords real(3);
    TopicWords mixed(3);
    for (std::size_t t = 0; t < 3; ++t) {
        for (std::size_t w = 0; w < 6; ++w) {
            real[t].push_back("t" + std::to_string(t) + "x" + std::to_string(w));
            mixed[t].push_back("t" + std::to_string((t + w) % 3) + "x" + std::to_string(w));
        }
    }
    CHECK(word_intrusion(stream, real).mean == doctest::Approx(1.0));
    CHECK(word_intrusion(stream, mixed).mean < 0.5);
    CHECK(std::isnan(word_intrusion(stream, {real[0]}).mean));
    CHECK(word_intrusion(stream, real).per_topic == word_intrusion(stream, real).per_topic);
}

TEST_CASE("topic_coverage: share of a topic's documents that hold one of its words") {
    const std::vector<std::string> texts = {"war army", "love", "army boots", "new york"};
    const TokenStream stream = token_stream(texts);
    const std::vector<Index> groups = {0, 0, 1, 1};
    const std::vector<double> shares =
        topic_coverage(stream, groups, {{"war", "army"}, {"new york", "army"}, {"x"}});
    CHECK(shares[0] == doctest::Approx(0.5));
    CHECK(shares[1] == doctest::Approx(1.0));
    CHECK(std::isnan(shares[2]));
    CHECK_THROWS_WITH_AS(topic_coverage(stream, std::vector<Index>{0}, {{"a"}}),
                         doctest::Contains("1 groups"), Error);
    CHECK_THROWS_WITH_AS(topic_coverage(stream, groups, {{"a"}}),
                         doctest::Contains("document 2 is in topic 1"), Error);
}

TEST_CASE("coherence: options are checked by name") {
    CoherenceOptions options;
    options.window = 0;
    CHECK_THROWS_WITH_AS(coherence(TokenStream{}, {}, options), doctest::Contains("window: is 0"), Error);
    options = {};
    options.top_n = 1;
    CHECK_THROWS_WITH_AS(coherence(TokenStream{}, {}, options), doctest::Contains("top_n: is 1"), Error);
    CHECK(to_string(CoherenceMeasure::Cv) == "c_v");
}
