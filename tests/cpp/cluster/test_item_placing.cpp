// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/item_placing.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/nested.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

/// Five items: 0, 1, 2 know each other, 3 and 4 each other, 2 also 3.
KnnGraph small_graph() {
    KnnGraph graph;
    graph.indices = Matrix<Index>(5, 2, {1, 2, 0, 2, 0, 3, 4, 2, 3, -1});
    graph.distances =
        Matrix<float>(5, 2, {1, 2, 1, 2, 1, 2, 1, 2, 1, std::numeric_limits<float>::infinity()});
    return graph;
}

}  // namespace

TEST_CASE("item_placing: walks by hand") {
    const Hierarchy tree = hierarchy_from_labels({{0, 0, 0, 1, 1}}, {"only"});
    const ItemPlacing placing = item_placing(tree, small_graph());
    // Item 2: one step to 0 (inside) or 3 (outside): 1/2. Two steps: from 0 to 1, 2: inside; from 3 to 4, 2: 1/2.
    CHECK(placing.key[2] == doctest::Approx((0.5 + 0.75) / 2));
    // Item 0: steps to 1, 2; then from 1: 0, 2; from 2: 0, 3.
    CHECK(placing.key[0] == doctest::Approx((1.0 + 0.75) / 2));
    // Item 4 knows 3 alone, which knows 4 and 2.
    CHECK(placing.key[4] == doctest::Approx((1.0 + 0.5) / 2));
    CHECK(placing.key[3] == doctest::Approx((0.5 + 0.75) / 2));
    CHECK(placing.is_core == std::vector<std::uint8_t>{1, 1, 1, 1, 1});
    CHECK(placing.place_at == std::vector<float>{0.4F, 0.4F, 1.0F, 1.0F, 0.6F});
    CHECK(labels_at_coverage(tree, placing, 0, 0.5) == std::vector<Index>{0, 0, -1, -1, -1});
    CHECK(labels_at_coverage(tree, placing, 0, 0.6) == std::vector<Index>{0, 0, -1, -1, 1});
    CHECK(labels_at_coverage(tree, placing, 0, 0.0) == std::vector<Index>(5, -1));
    CHECK(labels_at_coverage(tree, placing, 0, 1.0) == tree.labels(0));
}

TEST_CASE(
    "item_placing: monotone, nested, and the share that was asked for; rows and threads change nothing") {
    for (const std::int64_t n : {1, 40, 700}) {
        const auto data = cluster_data::blobs(n, 10, 9, 0.8, 3);
        const KnnGraph graph = cluster_data::knn(data.X, 10);
        NestedOptions options;
        const NestedResult found = nested_clusters(data.X.view(), graph, options);
        const Hierarchy& tree = found.hierarchy;
        const ItemPlacing placing = item_placing(tree, graph, 1);
        CHECK(item_placing(tree, graph, 3).place_at == placing.place_at);
        std::vector<std::vector<Index>> before(3, std::vector<Index>(static_cast<std::size_t>(n), -1));
        for (const double coverage : {0.0, 0.2, 0.6, 0.61, 0.8, 1.0}) {
            std::vector<std::vector<Index>> labels;
            for (int level = 0; level < 3; ++level) {
                labels.push_back(labels_at_coverage(tree, placing, level, coverage));
                std::int64_t placed = 0;
                for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
                    const Index label = labels.back()[i];
                    placed += label >= 0 ? 1 : 0;
                    // What is placed keeps its place, and it is the tree's.
                    const Index had = before[static_cast<std::size_t>(level)][i];
                    if (had >= 0) CHECK(label == had);
                    if (label >= 0) CHECK(label == tree.labels(level)[i]);
                    if (level > 0 && label >= 0) CHECK(labels[static_cast<std::size_t>(level) - 1][i] >= 0);
                }
                if (level == 2)
                    CHECK(static_cast<double>(placed) <= coverage * static_cast<double>(n) + 1e-3);
                if (coverage == 1.0) CHECK(placed == n);
            }
            before = labels;
        }
        // The same items in another order have the same coverages.
        const std::vector<Index> order = cluster_data::permutation(n, 7);
        const Matrix<float> moved = cluster_data::permuted(data.X, order);
        std::vector<std::vector<Index>> relabelled(3);
        for (int level = 0; level < 3; ++level) {
            const std::vector<Index> labels = tree.labels(level);
            for (const Index i : order)
                relabelled[static_cast<std::size_t>(level)].push_back(labels[static_cast<std::size_t>(i)]);
        }
        const ItemPlacing other =
            item_placing(hierarchy_from_labels(relabelled, tree.level_names), cluster_data::knn(moved, 10));
        for (std::size_t r = 0; r < order.size(); ++r) {
            for (std::size_t level = 0; level < 3; ++level)
                CHECK(other.place_at[r * 3 + level] ==
                      placing.place_at[static_cast<std::size_t>(order[r]) * 3 + level]);
        }
    }
}

TEST_CASE("item_placing: keys of another origin, missing ones last") {
    const Hierarchy tree = hierarchy_from_labels({{0, 0, 0, 0}, {0, 0, 1, 1}}, {"a", "b"});
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const Matrix<float> one(4, 1, {0.5F, 0.0F, nan, 0.9F});
    const ItemPlacing same = item_placing(tree, one.view());
    CHECK(same.place_at == std::vector<float>{0.5F, 0.5F, 0.75F, 0.75F, 1.0F, 1.0F, 0.25F, 0.25F});
    CHECK(same.is_core == std::vector<std::uint8_t>{1, 1, 0, 0, 0, 0, 1, 1});
    // Sure below, unsure above: the path counts.
    const Matrix<float> both(4, 2, {0, 4, 1, 3, 2, 2, 3, 1});
    CHECK(item_placing(tree, both.view()).place_at ==
          std::vector<float>{0.25F, 0.25F, 0.5F, 0.5F, 0.5F, 0.75F, 0.25F, 1.0F});
}

TEST_CASE("item_placing: what it refuses, and why") {
    const Hierarchy tree = hierarchy_from_labels({{0, 0, 0, 1, 1}}, {"only"});
    const ItemPlacing placing = item_placing(tree, small_graph());
    KnnGraph outside = small_graph();
    outside.indices(2, 1) = 5;
    CHECK_THROWS_AS(item_placing(tree, outside), Error);
    CHECK_THROWS_WITH_AS(item_placing(hierarchy_from_labels({{0}}, {"only"}), small_graph()),
                         doctest::Contains("a graph of 5 items but a hierarchy of 1"), Error);
    CHECK_THROWS_WITH_AS(item_placing(tree, Matrix<float>(5, 3).view()),
                         doctest::Contains("keys of shape (5, 3)"), Error);
    CHECK_THROWS_WITH_AS(labels_at_coverage(tree, placing, 0, 1.5), doctest::Contains("coverage"), Error);
    CHECK_THROWS_AS(labels_at_coverage(tree, placing, 0, std::nan("")), Error);
    CHECK_THROWS_AS(labels_at_coverage(tree, placing, 1, 0.5), Error);
    CHECK_THROWS_WITH_AS(labels_at_coverage(hierarchy_from_labels({{0}}, {"only"}), placing, 0, 0.5),
                         doctest::Contains("another hierarchy"), Error);
}
