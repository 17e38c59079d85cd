// SPDX-License-Identifier: MIT
#include "filmatlas/keywords/diversity.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"

using namespace filmatlas;

namespace {

double cosine(std::span<const float> a, std::span<const float> b) {
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t j = 0; j < a.size(); ++j) {
        ab += double{a[j]} * double{b[j]};
        aa += double{a[j]} * double{a[j]};
        bb += double{b[j]} * double{b[j]};
    }
    return aa > 0 && bb > 0 ? ab / (std::sqrt(aa) * std::sqrt(bb)) : 0;
}

std::vector<Index> slow_mmr(std::span<const float> query, MatrixView<const float> c, std::size_t top_n,
                            double lambda) {
    std::vector<Index> chosen;
    while (chosen.size() < top_n && chosen.size() < static_cast<std::size_t>(c.rows)) {
        Index best = -1;
        double best_score = 0;
        for (Index i = 0; i < c.rows; ++i) {
            if (std::find(chosen.begin(), chosen.end(), i) != chosen.end()) continue;
            double nearest = -2;
            for (const Index s : chosen) nearest = std::max(nearest, cosine(c.row(i), c.row(s)));
            const double relevance = cosine(query, c.row(i));
            const double score = chosen.empty() ? relevance : (1 - lambda) * relevance - lambda * nearest;
            if (best < 0 || score > best_score) {
                best = i;
                best_score = score;
            }
        }
        chosen.push_back(best);
    }
    return chosen;
}

}  // namespace

TEST_CASE("mmr: equals the definition on random sets") {
    for (std::uint64_t trial = 0; trial < 300; ++trial) {
        RandomStream draw(3, "mmr", trial);
        Matrix<float> candidates(30, 16);
        std::vector<float> query(16);
        for (float& v : candidates.values()) v = static_cast<float>(draw.normal());
        for (float& v : query) v = static_cast<float>(draw.normal());
        if (trial % 3 == 0) {  // duplicates
            for (std::int64_t j = 0; j < 16; ++j) candidates(7, j) = candidates(3, j);
        }
        for (const double lambda : {0.0, 0.1, 0.5, 0.8, 1.0}) {
            CHECK(maximal_marginal_relevance(query, candidates.view(), 10, lambda) ==
                  slow_mmr(query, candidates.view(), 10, lambda));
        }
    }
}

TEST_CASE("mmr: no diversity is the order of similarity, full diversity avoids the first") {
    Matrix<float> candidates(4, 2, {1, 0, 0.9F, 0.1F, 0, 1, -1, 0});
    const std::vector<float> query = {1, 0};
    CHECK(maximal_marginal_relevance(query, candidates.view(), 4, 0.0) == std::vector<Index>{0, 1, 2, 3});
    CHECK(maximal_marginal_relevance(query, candidates.view(), 2, 1.0) == std::vector<Index>{0, 3});
    CHECK(maximal_marginal_relevance(query, candidates.view(), 99, 0.1).size() == 4);
    CHECK(maximal_marginal_relevance(query, candidates.view(), 0).empty());
    CHECK(maximal_marginal_relevance(query, {}, 3).empty());
    const Matrix<float> zeros(3, 2);
    CHECK(maximal_marginal_relevance(query, zeros.view(), 2) == std::vector<Index>{0, 1});
}

TEST_CASE("mmr: bad input is named") {
    const Matrix<float> candidates(2, 3);
    const std::vector<float> query = {1, 0};
    CHECK_THROWS_WITH_AS(maximal_marginal_relevance(query, candidates.view(), 1),
                         doctest::Contains("2 dimensions"), Error);
    const std::vector<float> fitting = {1, 0, 0};
    CHECK_THROWS_WITH_AS(maximal_marginal_relevance(fitting, candidates.view(), -1),
                         doctest::Contains("top_n"), Error);
    CHECK_THROWS_WITH_AS(maximal_marginal_relevance(fitting, candidates.view(), 1, 1.5),
                         doctest::Contains("diversity"), Error);
}

TEST_CASE("same_word: forms of a word, and nothing else") {
    const std::vector<std::pair<const char*, const char*>> same = {
        {"robot", "robots"},    {"city", "cities"},       {"zombie", "zombies"},     {"movies", "movie"},
        {"murder", "murdered"}, {"murdering", "murders"}, {"kill", "killer"},        {"murder", "murderer"},
        {"rob", "robber"},      {"run", "running"},       {"chase", "chasing"},      {"dance", "dancer"},
        {"witch", "witches"},   {"marry", "married"},     {"wolf", "wolves"},        {"woman", "women"},
        {"café", "cafe"},       {"Robot", "ROBOTS"},      {"gangsters", "gangster"}, {"box", "boxes"},
        {"child", "children"},  {"hunter", "hunters"}};
    for (const auto& [a, b] : same) {
        CAPTURE(a);
        CAPTURE(b);
        CHECK(same_word(a, b));
        CHECK(same_word(b, a));
    }
    const std::vector<std::pair<const char*, const char*>> different = {
        {"robot", "robotics"}, {"king", "kin"},       {"star", "start"},    {"class", "clas"},
        {"bus", "bu"},         {"war", "warm"},       {"sing", "s"},        {"thing", "th"},
        {"red", "r"},          {"love", "lover boy"}, {"new", "news room"}, {"space", "spacious"},
        {"man", "woman"},      {"seed", "se"},        {"東京", "東"},       {"", "s"}};
    for (const auto& [a, b] : different) {
        CAPTURE(a);
        CAPTURE(b);
        CHECK_FALSE(same_word(a, b));
        CHECK_FALSE(same_word(b, a));
    }
}

TEST_CASE("near_duplicate: every word of the shorter term is in the longer") {
    CHECK(near_duplicate("serial killer", "killers"));
    CHECK(near_duplicate("new york", "york"));
    CHECK(near_duplicate("serial killer", "serial killers"));
    CHECK(near_duplicate("super hero", "superhero"));
    CHECK(near_duplicate("superheroes", "super hero"));
    CHECK(near_duplicate("york new", "new york city"));
    CHECK(near_duplicate("robots robot", "new robot"));
    CHECK(near_duplicate("new robot", "robots robot"));
    CHECK_FALSE(near_duplicate("serial killer", "serial murder"));
    CHECK_FALSE(near_duplicate("war", "warrior"));
    CHECK_FALSE(near_duplicate("", "war"));
    CHECK(near_duplicate("", ""));
}

TEST_CASE("fold_near_duplicates: the best of each kind stays, in order") {
    const std::vector<Keyword> keywords = {
        {"robot", 5}, {"alien", 4}, {"robots", 3}, {"evil robot", 2}, {"ship", 1}};
    const std::vector<Keyword> expected = {{"robot", 5}, {"alien", 4}, {"ship", 1}};
    CHECK(fold_near_duplicates(keywords) == expected);
    CHECK(fold_near_duplicates({}).empty());
}

TEST_CASE("max_sum_diverse: the best of all subsets of the nearest, the first one on ties") {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        Matrix<float> candidates(9, 5);
        for (std::size_t e = 0; e < candidates.values().size(); ++e) {
            RandomStream draw(seed, "max sum", e);
            candidates.values()[e] = static_cast<float>(static_cast<int>(draw.below(7)) - 3);
        }
        const std::vector<float> query = {1, 2, 0, -1, 1};
        const std::vector<Index> near = maximal_marginal_relevance(query, candidates.view(), 7, 0.0);
        double least = 1e9;
        std::vector<Index> expected;
        for (std::size_t a = 0; a < near.size(); ++a) {
            for (std::size_t b = a + 1; b < near.size(); ++b) {
                for (std::size_t c = b + 1; c < near.size(); ++c) {
                    const auto pair = [&](std::size_t x, std::size_t y) {
                        return cosine(candidates.row(near[y]), candidates.row(near[x]));
                    };
                    const double sum = pair(a, b) + (pair(a, c) + pair(b, c));
                    if (sum < least - 1e-12) {
                        least = sum;
                        expected = {near[a], near[b], near[c]};
                    }
                }
            }
        }
        const std::vector<Index> found = max_sum_diverse(query, candidates.view(), 3, 7);
        double sum = 0;
        for (std::size_t x = 0; x < 3; ++x) {
            for (std::size_t y = x + 1; y < 3; ++y)
                sum += cosine(candidates.row(found[x]), candidates.row(found[y]));
        }
        CHECK(sum == doctest::Approx(least));
        CHECK(found.size() == expected.size());
    }
}

TEST_CASE("max_sum_diverse: few candidates, and subsets beyond number") {
    const Matrix<float> three(3, 2, {1, 0, 0, 1, 1, 1});
    const std::vector<float> query = {1, 0};
    CHECK(max_sum_diverse(query, three.view(), 5) == std::vector<Index>{0, 2, 1});
    CHECK(max_sum_diverse(query, three.view(), 0).empty());
    CHECK(max_sum_diverse(query, three.view(), 2, 3) == std::vector<Index>{0, 1});
    CHECK_THROWS_WITH_AS(max_sum_diverse(query, Matrix<float>(60, 2).view(), 20, 60),
                         doctest::Contains("too many subsets"), Error);
    CHECK_THROWS_WITH_AS(max_sum_diverse(query, three.view(), 2, -1), doctest::Contains("pool"), Error);
}
