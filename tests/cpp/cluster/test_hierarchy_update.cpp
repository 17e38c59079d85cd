// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/hierarchy_update.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

struct Fixture {
    cluster_data::Blobs data = cluster_data::blobs(420, 16, 14, 0.35, 5);
    KnnGraph graph = cluster_data::knn(data.X, 10);
    NestedOptions options;
    Hierarchy tree;
    Fixture() {
        options.n_clusters = std::vector<int>{3, 7, 14};
        tree = nested_clusters(data.X.view(), graph, options).hierarchy;
    }
};

std::set<Index> items_of(const Hierarchy& tree, Index node) {
    const auto items = tree.items(node);
    return {items.begin(), items.end()};
}

}  // namespace

TEST_CASE("place_in_tree: the vote is held inside the node chosen above") {
    // Coarse 0: items 0 .. 2 (fine 0: 0, 1; fine 1: 2); coarse 1: items 3, 4 (fine 2, 3).
    const Hierarchy tree = hierarchy_from_labels({{0, 0, 0, 1, 1}, {0, 0, 1, 2, 3}}, {"a", "b"});
    const std::vector<Index> leaves = tree.leaves();
    const Matrix<Index> ids(4, 4, {3, 0, 1, 2, 2, 3, 4, 0, 4, 3, -1, -1, -1, -1, -1, -1});
    const float inf = std::numeric_limits<float>::infinity();
    const Matrix<float> distances(
        4, 4, {0.5F, 0.6F, 0.7F, 0.9F, 0.0F, 0.1F, 0.1F, 0.2F, 0.1F, 0.3F, inf, inf, inf, inf, inf, inf});
    const TreePlacement found = place_in_tree(tree, ids.view(), distances.view());
    // Item 3 is nearest, but 0 and 1 together weigh more (.3 + .2 against .4).
    CHECK(found.leaf[0] == leaves[0]);
    CHECK(found.confidence[0] == 0.5F);
    CHECK(found.leaf[1] == leaves[2]);  // the same as item 2
    CHECK(found.leaf[2] == leaves[4]);
    CHECK(found.leaf[3] == -1);
    CHECK(found.confidence[3] == 0.0F);
    const Matrix<Index> outside(1, 1, {5});
    CHECK_THROWS_AS(place_in_tree(tree, outside.view(), Matrix<float>(1, 1).view()), Error);
    CHECK_THROWS_AS(place_in_tree(tree, outside.view(), Matrix<float>(1, 2).view()), Error);
}

TEST_CASE("update_hierarchy: nodes keep ids, parents and items; new ones come to their like") {
    Fixture f;
    auto fresh = cluster_data::blobs(448, 16, 14, 0.35, 5);  // the same centres, the first 420 rows the same
    Matrix<float> added(30, 16);
    for (std::int64_t q = 0; q < 28; ++q) std::copy_n(fresh.X.row_data(420 + q), 16, added.row_data(q));
    std::copy_n(f.data.X.row_data(17), 16, added.row_data(28));  // a known one; row 29 has no vector
    const HierarchyUpdate found = update_hierarchy(f.tree, f.data.X.view(), added.view());
    validate(found.hierarchy);
    CHECK(found.hierarchy.num_items() == 450);
    REQUIRE(found.hierarchy.num_nodes() == f.tree.num_nodes());
    for (Index node = 0; node < static_cast<Index>(f.tree.num_nodes()); ++node) {
        const auto at = static_cast<std::size_t>(node);
        CHECK(found.hierarchy.nodes[at].parent == f.tree.nodes[at].parent);
        std::set<Index> known = items_of(found.hierarchy, node);
        const auto grown = static_cast<std::int64_t>(known.size());
        std::erase_if(known, [](Index item) { return item >= 420; });
        CHECK(known == items_of(f.tree, node));
        CHECK(found.drift.added[at] == grown - static_cast<std::int64_t>(known.size()));
        CHECK(found.drift.shift[at] >= 0);
        if (found.drift.added[at] == 0) CHECK(found.drift.shift[at] == 0.0F);
    }
    int right = 0;
    const std::vector<Index> leaves = found.hierarchy.leaves();
    for (std::size_t q = 0; q < 28; ++q) {
        CHECK(leaves[420 + q] == found.placement.leaf[q]);
        right += leaves[420 + q] == leaves[(420 + q) % 14] ? 1 : 0;  // item i is in blob i % 14
    }
    CHECK(right >= 27);
    CHECK(found.placement.leaf[28] == leaves[17]);
    Index largest = 0;
    for (Index node = 1; node < f.tree.num_nodes(0); ++node) {
        if (f.tree.nodes[static_cast<std::size_t>(node)].size() >
            f.tree.nodes[static_cast<std::size_t>(largest)].size())
            largest = node;
    }
    CHECK(found.hierarchy.path(leaves[449])[0] == largest);
    TreeUpdateOptions options;
    options.num_threads = 3;
    const HierarchyUpdate again = update_hierarchy(f.tree, f.data.X.view(), added.view(), options);
    CHECK(again.hierarchy == found.hierarchy);
    CHECK(again.drift.shift == found.drift.shift);
    // Nothing new: nothing changes.
    CHECK(update_hierarchy(f.tree, f.data.X.view(), Matrix<float>(0, 16).view()).hierarchy == f.tree);
    options.k = 0;
    CHECK_THROWS_WITH_AS(update_hierarchy(f.tree, f.data.X.view(), added.view(), options),
                         doctest::Contains("k: is 0"), Error);
    CHECK_THROWS_WITH_AS(update_hierarchy(f.tree, f.data.X.view(), Matrix<float>(1, 3).view()),
                         doctest::Contains("3 columns"), Error);
}

TEST_CASE("update_hierarchy: items of another kind show as drift") {
    Fixture f;
    Matrix<float> added(20, 16);
    for (std::int64_t q = 0; q < 20; ++q) {
        for (std::int64_t j = 0; j < 16; ++j) added(q, j) = -f.data.X(0, j) + 0.01F * f.data.X(q, j);
    }
    const HierarchyUpdate found = update_hierarchy(f.tree, f.data.X.view(), added.view());
    const Index leaf = found.placement.leaf[0];
    const auto at = static_cast<std::size_t>(leaf);
    CHECK(found.drift.added[at] > 0);
    CHECK(found.drift.added_cohesion[at] < found.drift.cohesion[at] - 0.3F);
    CHECK(found.drift.shift[at] > 0.05F);
}

TEST_CASE("recluster_nodes: only what is named changes, and what is recognised keeps its id") {
    Fixture f;
    // Break one region: its items are dealt to its fine nodes anyhow.
    const Index named = 0;
    std::vector<std::vector<Index>> labels;
    for (int level = 0; level < 3; ++level) labels.push_back(f.tree.labels(level));
    const std::vector<Index> mid = f.tree.children(named);
    REQUIRE(mid.size() >= 2);
    int deal = 0;
    const std::vector<Index> items(f.tree.items(named).begin(), f.tree.items(named).end());
    for (const Index item : items) {
        const Index to = mid[static_cast<std::size_t>(deal++) % mid.size()];
        labels[1][static_cast<std::size_t>(item)] = to - f.tree.level_begin[1];
        labels[2][static_cast<std::size_t>(item)] = f.tree.children(to)[0] - f.tree.level_begin[2];
    }
    const Hierarchy broken = hierarchy_from_labels(labels, f.tree.level_names);
    Index bad = 0;
    while (items_of(broken, bad) != items_of(f.tree, named)) ++bad;
    NestedOptions options;
    options.level_ranges = std::vector<LevelRange>{{1, 1}, {1, 6}, {2, 8}};
    const std::vector<Index> nodes = {bad};
    const ReclusteredHierarchy found = recluster_nodes(broken, f.data.X.view(), f.graph, nodes, {}, options);
    validate(found.hierarchy);
    CHECK(found.previous.size() == static_cast<std::size_t>(found.hierarchy.num_nodes()));
    std::int64_t kept = 0;
    for (Index node = 0; node < static_cast<Index>(found.hierarchy.num_nodes()); ++node) {
        const Index was = found.previous[static_cast<std::size_t>(node)];
        const std::vector<Index> path = found.hierarchy.path(node);
        const bool inside = path[0] == bad && node != bad;
        if (inside) continue;
        REQUIRE(was >= 0);  // outside all nodes are the old ones
        CHECK(items_of(found.hierarchy, node) == items_of(broken, was));
        ++kept;
    }
    CHECK(kept > 0);
    // The blobs inside are found again.
    std::vector<Index> truth;
    std::vector<Index> got;
    for (const Index item : items) {
        truth.push_back(f.data.labels[static_cast<std::size_t>(item)]);
        got.push_back(found.hierarchy.labels(2)[static_cast<std::size_t>(item)]);
    }
    CHECK(adjusted_rand_index(truth, got) > 0.8);
    // Made anew with the counts that it has, a good tree keeps its nodes, in the order of their ids.
    const ReclusteredHierarchy same =
        recluster_nodes(f.tree, f.data.X.view(), f.graph, std::vector<Index>{named});
    CHECK(same.hierarchy.num_nodes() == f.tree.num_nodes());
    for (std::size_t node = 0; node < same.previous.size(); ++node) {
        if (same.previous[node] >= 0) CHECK(same.previous[node] == static_cast<Index>(node));
    }
}

TEST_CASE("recluster_nodes: pinned nodes stay as they are") {
    Fixture f;
    const Index named = 0;
    const Index pin = f.tree.children(f.tree.children(named)[0])[0];
    const ReclusteredHierarchy found =
        recluster_nodes(f.tree, f.data.X.view(), f.graph, std::vector<Index>{named}, std::vector<Index>{pin});
    validate(found.hierarchy);
    const auto at = std::find(found.previous.begin(), found.previous.end(), pin);
    REQUIRE(at != found.previous.end());
    CHECK(items_of(found.hierarchy, static_cast<Index>(at - found.previous.begin())) ==
          items_of(f.tree, pin));
    CHECK(items_of(found.hierarchy, named) == items_of(f.tree, named));
    const auto refusal = [&](std::vector<Index> nodes, std::vector<Index> pinned) {
        try {
            recluster_nodes(f.tree, f.data.X.view(), f.graph, nodes, pinned);
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    CHECK(refusal({999}, {}).find("holds the node 999") != std::string::npos);
    CHECK(refusal({pin}, {}).find("finest node") != std::string::npos);
    CHECK(refusal({0, f.tree.children(0)[0]}, {}).find("which lies in 0") != std::string::npos);
    CHECK(refusal({0, 0}, {}).find("which lies in 0") != std::string::npos);
    CHECK(refusal({1}, {pin}).find("which lies in none of the named nodes") != std::string::npos);
}

TEST_CASE("nested_under: the given upper levels stay, with their ids") {
    Fixture f;
    std::vector<Index> editorial;
    for (Index i = 0; i < 420; ++i) editorial.push_back(i % 14 < 5 ? 0 : 1);
    const Hierarchy upper = hierarchy_from_labels({editorial}, {"section"});
    NestedOptions options;
    options.level_names = {"mid", "fine"};
    options.n_clusters = std::vector<int>{5, 14};
    const NestedUnder found = nested_under(upper, f.data.X.view(), f.graph, options);
    validate(found.hierarchy);
    CHECK(found.hierarchy.labels(0) == upper.labels(0));
    CHECK(found.hierarchy.level_names == std::vector<std::string>{"section", "mid", "fine"});
    CHECK(found.hierarchy.num_nodes(1) == 5);
    CHECK(found.hierarchy.num_nodes(2) == 14);
    CHECK(adjusted_rand_index(found.hierarchy.labels(2), f.data.labels) > 0.95);
    options.n_clusters.reset();
    validate(nested_under(upper, f.data.X.view(), f.graph, options).hierarchy);
    options.level_names = {"section"};
    CHECK_THROWS_WITH_AS(nested_under(upper, f.data.X.view(), f.graph, options),
                         doctest::Contains("'section'"), Error);
}

TEST_CASE("bound_sizes: every node within bounds, nested, over levels and seeds") {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
        const auto data = cluster_data::blobs(500, 8, 12, 0.6, seed);
        // Crude nodes: blobs put together anyhow, of very different sizes.
        std::vector<Index> coarse;
        std::vector<Index> fine;
        RandomStream random(seed, "test.bounds");
        for (Index i = 0; i < 500; ++i) {
            const auto c = static_cast<Index>(random.below(10));
            fine.push_back(c < 7 ? 0 : c + static_cast<Index>(random.below(3)) * 10);
            coarse.push_back(fine.back() == 0 ? 0 : fine.back() % 10);
        }
        const Hierarchy tree = hierarchy_from_labels({coarse, fine}, {"a", "b"});
        const std::vector<SizeBounds> bounds = {{30, 0}, {10, 40}};
        const BoundedHierarchy found = bound_sizes(tree, data.X.view(), bounds, Metric::Cosine, 1);
        validate(found.hierarchy);
        CHECK(found.split > 0);
        for (const HierarchyNode& node : found.hierarchy.nodes) {
            if (node.level == 0) CHECK(node.size() >= 30);
            if (node.level == 1) CHECK(node.size() >= 10);
        }
        CHECK(bound_sizes(tree, data.X.view(), bounds, Metric::Cosine, 3).hierarchy == found.hierarchy);
        // Within bounds nothing changes.
        const std::vector<SizeBounds> wide = {{1, 0}, {1, 0}};
        CHECK(bound_sizes(tree, data.X.view(), wide).hierarchy == tree);
    }
    // Above the finest level whole children are regrouped: none is torn.
    Fixture f;
    const std::vector<SizeBounds> bounds = {{1, 120}, {1, 0}, {1, 0}};
    const BoundedHierarchy found = bound_sizes(f.tree, f.data.X.view(), bounds);
    validate(found.hierarchy);
    for (Index node = 0; node < found.hierarchy.num_nodes(0); ++node)
        CHECK(found.hierarchy.nodes[static_cast<std::size_t>(node)].size() <= 120);
    CHECK(found.hierarchy.num_nodes(1) == f.tree.num_nodes(1));
    CHECK_THROWS_WITH_AS(bound_sizes(f.tree, f.data.X.view(), std::vector<SizeBounds>{{1, 2}}),
                         doctest::Contains("1 entries"), Error);
    CHECK_THROWS_WITH_AS(
        bound_sizes(f.tree, f.data.X.view(), std::vector<SizeBounds>{{1, 2}, {3, 2}, {1, 0}}),
        doctest::Contains("entry 1 is 3 .. 2"), Error);
}
