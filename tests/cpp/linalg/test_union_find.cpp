// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "filmatlas/core/random.hpp"
#include "filmatlas/linalg/union_find.hpp"

using namespace filmatlas;

TEST_CASE("UnionFind: a worked example") {
    UnionFind sets(6);
    CHECK(sets.num_sets() == 6);
    CHECK(sets.unite(1, 4));
    CHECK(sets.unite(4, 5));
    CHECK_FALSE(sets.unite(5, 1));
    CHECK(sets.unite(0, 2));
    CHECK(sets.num_sets() == 3);
    CHECK(sets.set_size(5) == 3);
    CHECK(sets.find(4) == sets.find(1));
    CHECK(sets.find(0) != sets.find(1));
    CHECK(sets.labels() == std::vector<Index>{0, 1, 0, 2, 1, 1});
    CHECK(UnionFind(0).labels().empty());
}

TEST_CASE("UnionFind: agrees with relabelling, in any order of the pairs") {
    constexpr Index n = 200;
    RandomStream stream(1, "union");
    std::vector<std::pair<Index, Index>> pairs;
    for (int i = 0; i < 150; ++i)
        pairs.emplace_back(static_cast<Index>(stream.below(n)), static_cast<Index>(stream.below(n)));
    std::vector<Index> naive(n);
    for (Index i = 0; i < n; ++i) naive[static_cast<std::size_t>(i)] = i;
    UnionFind forward(n);
    UnionFind backward(n);
    for (const auto& [a, b] : pairs) {
        const Index from = naive[static_cast<std::size_t>(a)];
        const Index to = naive[static_cast<std::size_t>(b)];
        CHECK(forward.unite(a, b) == (from != to));
        for (Index& x : naive) x = x == from ? to : x;
    }
    for (auto it = pairs.rbegin(); it != pairs.rend(); ++it) backward.unite(it->second, it->first);
    CHECK(forward.labels() == backward.labels());
    const auto labels = forward.labels();
    for (Index a = 0; a < n; ++a) {
        for (Index b = 0; b < n; ++b) {
            const auto i = static_cast<std::size_t>(a);
            const auto j = static_cast<std::size_t>(b);
            REQUIRE((labels[i] == labels[j]) == (naive[i] == naive[j]));
        }
    }
}

TEST_CASE("UnionFind: a chain of a million joins does not recurse") {
    constexpr Index n = 1000000;
    UnionFind sets(n);
    for (Index i = n - 1; i > 0; --i) sets.unite(i, i - 1);
    CHECK(sets.num_sets() == 1);
    CHECK(sets.set_size(0) == n);
}
