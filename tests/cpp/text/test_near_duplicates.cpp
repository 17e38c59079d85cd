// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/text/near_duplicates.hpp"
#include "filmatlas/text/tokenize.hpp"

using namespace filmatlas;

namespace {

double jaccard(const std::string& a, const std::string& b, std::size_t length) {
    const auto runs = [&](const std::string& text) {
        const auto words = tokenize(text, TokenizeOptions{.min_length = 1});
        std::set<std::vector<std::string>> out;
        const std::size_t width = std::min(length, words.size());
        for (std::size_t p = 0; width > 0 && p + width <= words.size(); ++p) {
            out.insert({words.begin() + static_cast<std::ptrdiff_t>(p),
                        words.begin() + static_cast<std::ptrdiff_t>(p + width)});
        }
        return out;
    };
    const auto x = runs(a);
    const auto y = runs(b);
    std::size_t common = 0;
    for (const auto& run : x) common += y.count(run);
    return x.empty() || y.empty()
               ? 0
               : static_cast<double>(common) / static_cast<double>(x.size() + y.size() - common);
}

}  // namespace

TEST_CASE("near_duplicates: equal to comparing all pairs") {
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < 120; ++i) {
        RandomStream stream(7, "near", i);
        if (i > 0 && stream.uniform() < 0.6) {  // an earlier text with some words changed
            std::string text = texts[stream.below(i)];
            if (stream.uniform() < 0.8) text += " w" + std::to_string(stream.below(9));
            texts.push_back(text);
            continue;
        }
        std::string text;
        for (std::uint64_t w = 0, n = stream.below(25); w < n; ++w)
            text += "w" + std::to_string(stream.below(30)) + " ";
        texts.push_back(text);
    }
    for (const double threshold : {0.3, 0.8, 1.0}) {
        const auto pairs = near_duplicates(texts, {.threshold = threshold});
        const auto groups = duplicate_groups(pairs, 120);
        std::vector<NearDuplicate> all;
        for (Index a = 0; a < 120; ++a) {
            for (Index b = a + 1; b < 120; ++b) {
                const double overlap =
                    jaccard(texts[static_cast<std::size_t>(a)], texts[static_cast<std::size_t>(b)], 3);
                if (overlap >= threshold) all.push_back({a, b, overlap});
            }
        }
        CHECK(groups == duplicate_groups(all, 120));
        for (const NearDuplicate& pair : pairs) {
            const auto at = std::find_if(all.begin(), all.end(), [&](const NearDuplicate& other) {
                return other.a == pair.a && other.b == pair.b;
            });
            REQUIRE(at != all.end());
            CHECK(at->overlap == doctest::Approx(pair.overlap));
        }
        CHECK(pairs.size() > 5);
        CHECK(pairs == near_duplicates(texts, {.threshold = threshold, .num_threads = 3}));
    }
}

TEST_CASE("near_duplicates: boilerplate costs one pair per text, not one per pair of texts") {
    std::vector<std::string> texts(20000, "No overview found.");
    texts.emplace_back("Something else entirely.");
    texts.emplace_back();
    texts.emplace_back();
    const auto pairs = near_duplicates(texts);
    CHECK(pairs.size() == 19999);
    CHECK(pairs.front() == NearDuplicate{0, 1, 1.0});
    CHECK(duplicate_groups(pairs, 20003)[19999] == 0);
    CHECK(duplicate_groups(pairs, 20003)[20002] == 20002);
}

TEST_CASE("near_duplicates: order and case, degenerate input, arguments") {
    const std::vector<std::string> texts{"The owl, at night.", "the OWL at night", "night at owl the"};
    CHECK(near_duplicates(texts) == std::vector<NearDuplicate>{{0, 1, 1.0}});
    CHECK(near_duplicates({}).empty());
    CHECK_THROWS_WITH_AS(near_duplicates(texts, {.threshold = 0}), doctest::Contains("threshold: is 0"),
                         Error);
    CHECK_THROWS_WITH_AS(near_duplicates(texts, {.run_length = 0}), doctest::Contains("run_length: is 0"),
                         Error);
}
