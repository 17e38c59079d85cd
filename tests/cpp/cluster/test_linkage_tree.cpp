// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/linkage_tree.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

SpanningTree edges(std::int64_t n, std::vector<Index> a, std::vector<Index> b, std::vector<double> w) {
    SpanningTree tree;
    tree.num_items = n;
    tree.a = std::move(a);
    tree.b = std::move(b);
    tree.weight = std::move(w);
    return tree;
}

}  // namespace

TEST_CASE("linkage_tree: four items by hand") {
    const SingleLinkageTree tree = single_linkage_tree(edges(4, {0, 2, 1}, {1, 3, 2}, {1, 2, 5}));
    CHECK(tree.height == std::vector<double>{1, 2, 5});
    CHECK(tree.size == std::vector<Index>{2, 2, 4});
    CHECK(tree.left == std::vector<Index>{0, 2, 4});
    CHECK(tree.right == std::vector<Index>{1, 3, 5});
    CHECK(tree.roots == std::vector<Index>{6});
    CHECK(tree.order == std::vector<Index>{0, 1, 2, 3});
    const LinkageTree scipy = to_linkage(tree);
    validate(scipy);
    CHECK(scipy.merges(2, 2) == 5);
    CHECK(scipy.merges(2, 3) == 4);
    CHECK(single_linkage_tree(scipy).height == tree.height);
}

TEST_CASE("linkage_tree: every merge holds a contiguous range, the heavier part first") {
    for (const std::uint64_t seed : {1, 2, 3}) {
        RandomStream random(seed, "test.linkage");
        SpanningTree chain = edges(200, {}, {}, {});
        for (Index i = 1; i < 200; ++i) {
            chain.a.push_back(static_cast<Index>(random.below(static_cast<std::uint64_t>(i))));
            chain.b.push_back(i);
            chain.weight.push_back(static_cast<double>(random.below(20)));
        }
        const SingleLinkageTree tree = single_linkage_tree(chain);
        CHECK(std::is_sorted(tree.height.begin(), tree.height.end()));
        std::vector<Index> sorted = tree.order;
        std::sort(sorted.begin(), sorted.end());
        for (Index i = 0; i < 200; ++i) CHECK(sorted[static_cast<std::size_t>(i)] == i);
        for (std::size_t m = 0; m < tree.left.size(); ++m) {
            CHECK(tree.weight_of(tree.left[m]) >= tree.weight_of(tree.right[m]));
            const auto first = [&](Index node) {
                if (!tree.is_item(node)) return tree.begin[tree.merge_of(node)];
                const auto at = std::find(tree.order.begin(), tree.order.end(), node);
                return static_cast<Index>(at - tree.order.begin());
            };
            CHECK(first(tree.left[m]) == tree.begin[m]);
            const auto items = static_cast<Index>(tree.weight_of(tree.left[m]));
            CHECK(first(tree.right[m]) == tree.begin[m] + items);
        }
    }
}

TEST_CASE("linkage_tree: a forest keeps its trees, SciPy's format joins them") {
    SpanningTree forest = edges(6, {0, 3}, {1, 4}, {1, 2});
    forest.invalid_rows = {5};
    const SingleLinkageTree tree = single_linkage_tree(forest);
    CHECK(tree.roots == std::vector<Index>{6, 7, 2});
    CHECK(tree.order.size() == 5);
    const LinkageTree scipy = to_linkage(tree);
    validate(scipy);
    CHECK(scipy.merges(4, 3) == 6);
}

TEST_CASE("linkage_tree: components at a distance") {
    const SingleLinkageTree tree =
        single_linkage_tree(edges(6, {0, 1, 3, 2, 4}, {1, 2, 4, 3, 5}, {1, 2, 2, 5, 9}));
    CHECK(labels_at_distance(tree, 0.5, 2) == std::vector<Index>{-1, -1, -1, -1, -1, -1});
    CHECK(labels_at_distance(tree, 1, 2) == std::vector<Index>{0, 0, -1, -1, -1, -1});
    CHECK(labels_at_distance(tree, 2, 2) == std::vector<Index>{0, 0, 0, 1, 1, -1});
    CHECK(labels_at_distance(tree, 2, 3) == std::vector<Index>{0, 0, 0, -1, -1, -1});
    CHECK(labels_at_distance(tree, 5, 2) == std::vector<Index>{0, 0, 0, 0, 0, -1});
    CHECK(labels_at_distance(tree, 9, 2) == std::vector<Index>(6, 0));
    CHECK(labels_at_distance(tree, 2, 1) == std::vector<Index>{0, 0, 0, 1, 1, 2});
}

TEST_CASE("linkage_tree: what it refuses") {
    CHECK_THROWS_WITH_AS(single_linkage_tree(edges(3, {0, 1, 0}, {1, 2, 2}, {1, 1, 1})),
                         doctest::Contains("cycle"), Error);
    CHECK_THROWS_AS(tie_rule_from_string("x"), Error);
    CHECK(tie_rule_from_string(to_string(TieRule::Hdbscan)) == TieRule::Hdbscan);
    const std::vector<double> weights = {1, 0, 1};
    CHECK_THROWS_WITH_AS(single_linkage_tree(edges(3, {0}, {1}, {1}), TieRule::Canonical, weights),
                         doctest::Contains("positive"), Error);
    CHECK_THROWS_AS(to_linkage(SingleLinkageTree{}), Error);
}
