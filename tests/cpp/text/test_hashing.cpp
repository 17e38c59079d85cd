// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/text/counts.hpp"
#include "filmatlas/text/hashing.hpp"

using namespace filmatlas;

TEST_CASE("murmur3: published values of MurmurHash3_x86_32") {
    CHECK(murmur3("", 0) == 0);
    CHECK(murmur3("", 1) == 0x514E28B7U);
    CHECK(murmur3("", 0xFFFFFFFFU) == 0x81F16F39U);
    CHECK(murmur3(std::string_view("\0\0\0\0", 4)) == 0x2362F9DEU);
    CHECK(murmur3("aaaa", 0x9747B28CU) == 0x5A97808AU);
    CHECK(murmur3("aaa", 0x9747B28CU) == 0x283E0130U);
    CHECK(murmur3("aa", 0x9747B28CU) == 0x5D211726U);
    CHECK(murmur3("a", 0x9747B28CU) == 0x7FA09EA6U);
    CHECK(murmur3("Hello, world!", 0x9747B28CU) == 0x24884CBAU);
}

TEST_CASE("hash_terms: every term counts at its hash, the same for any number of threads") {
    std::vector<std::string> texts;
    for (int i = 0; i < 600; ++i) texts.push_back("owl night w" + std::to_string(i) + " owl");
    texts.emplace_back();
    const auto counts = hash_terms(texts, {.num_features = 1 << 18, .alternate_sign = false});
    CHECK(counts.rows == 601);
    CHECK(counts.cols == 1 << 18);
    const auto hash = static_cast<std::int64_t>(static_cast<std::int32_t>(murmur3("owl")));
    bool found = false;
    for (std::int64_t e = counts.indptr[0]; e < counts.indptr[1]; ++e) {
        if (counts.indices[static_cast<std::size_t>(e)] == std::llabs(hash) % (1 << 18)) {
            found = true;
            CHECK(counts.values[static_cast<std::size_t>(e)] == 2);
        }
    }
    CHECK(found);
    CHECK(counts.indptr[601] == counts.indptr[600]);
    const auto one = hash_terms(texts, {.num_threads = 1});
    const auto three = hash_terms(texts, {.num_threads = 3});
    CHECK(one.indices == three.indices);
    CHECK(one.values == three.values);
}

TEST_CASE("hash_terms: signs cancel, and arguments are checked") {
    // With one column all terms meet; signs decide.
    const auto sum = hash_terms(std::vector<std::string>{"owl moon sun night bee"}, {.num_features = 1});
    int expected = 0;
    for (const char* word : {"owl", "moon", "sun", "night", "bee"})
        expected += static_cast<std::int32_t>(murmur3(word)) < 0 ? -1 : 1;
    REQUIRE(sum.values.size() == (expected == 0 ? 0U : 1U));
    if (!sum.values.empty()) CHECK(sum.values[0] == expected);
    CHECK_THROWS_WITH_AS(hash_terms({}, {.num_features = 0}), doctest::Contains("num_features: is 0"), Error);
}
