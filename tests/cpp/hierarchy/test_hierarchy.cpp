// SPDX-License-Identifier: MIT
#include "filmatlas/hierarchy/hierarchy.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"

using namespace filmatlas;

namespace {

/// Item 0 alone in its region; items 1 .. 6 in the other, of two nodes.
Hierarchy small_tree() {
    return hierarchy_from_labels({{9, 5, 5, 5, 5, 5, 5}, {1, 7, 3, 3, 7, 3, 3}}, {"macro", "microcluster"});
}

std::string message_of(const Hierarchy& tree) {
    try {
        validate(tree);
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Format);
        return error.what();
    }
    return "valid";
}

/// Random nested labels: a fine label's parent is a function of it.
std::vector<std::vector<Index>> random_labels(int n, int levels, std::uint64_t seed) {
    RandomStream random(seed, "test.hierarchy");
    std::vector<std::vector<Index>> labels(static_cast<std::size_t>(levels));
    for (int i = 0; i < n; ++i) {
        Index value = 0;
        for (auto& level : labels) {
            value = value * 5 + static_cast<Index>(random.below(5));
            level.push_back(value);
        }
    }
    return labels;
}

}  // namespace

TEST_CASE("hierarchy_from_labels: a hand-worked tree") {
    const Hierarchy tree = small_tree();
    validate(tree);
    CHECK(tree.num_items() == 7);
    CHECK(tree.num_levels() == 2);
    CHECK(tree.num_nodes() == 5);
    CHECK(tree.num_nodes(0) == 2);
    // The larger region first; in it the larger node first; items of a finest node ascend.
    CHECK(tree.order == std::vector<Index>{2, 3, 5, 6, 1, 4, 0});
    CHECK(tree.nodes[0] == HierarchyNode{0, 6, 0, -1});
    CHECK(tree.nodes[1] == HierarchyNode{6, 7, 0, -1});
    CHECK(tree.nodes[2] == HierarchyNode{0, 4, 1, 0});
    CHECK(tree.nodes[3] == HierarchyNode{4, 6, 1, 0});
    CHECK(tree.nodes[4] == HierarchyNode{6, 7, 1, 1});
    CHECK(tree.level_begin == std::vector<Index>{0, 2, 5});
    CHECK(tree.labels(0) == std::vector<Index>{1, 0, 0, 0, 0, 0, 0});
    CHECK(tree.labels(1) == std::vector<Index>{2, 1, 0, 0, 1, 0, 0});
    CHECK(tree.leaves() == std::vector<Index>{4, 3, 2, 2, 3, 2, 2});
    CHECK(tree.children(0) == std::vector<Index>{2, 3});
    CHECK(tree.children(1) == std::vector<Index>{4});
    CHECK(tree.children(4).empty());
    CHECK(tree.path(3) == std::vector<Index>{0, 3});
    CHECK(tree.path(1) == std::vector<Index>{1});
    const auto items = tree.items(3);
    CHECK(std::vector<Index>(items.begin(), items.end()) == std::vector<Index>{1, 4});
}

TEST_CASE("hierarchy_from_labels: equal sizes are ordered by the smallest item") {
    const Hierarchy tree = hierarchy_from_labels({{8, 2, 2, 8}}, {"only"});
    CHECK(tree.order == std::vector<Index>{0, 3, 1, 2});
}

TEST_CASE("hierarchy: valid, and labels come back as the same partition, over sizes, depths and seeds") {
    for (const int n : {1, 2, 17, 400}) {
        for (const int levels : {1, 2, 3, 6}) {
            for (const std::uint64_t seed : {1U, 2U}) {
                const auto labels = random_labels(n, levels, seed);
                const Hierarchy tree = hierarchy_from_labels(labels, default_level_names(levels));
                validate(tree);
                const std::vector<Index> leaves = tree.leaves();
                for (int level = 0; level < levels; ++level) {
                    const std::vector<Index> back = tree.labels(level);
                    for (std::size_t i = 0; i < back.size(); ++i) {
                        const std::size_t j = (i * 7 + 3) % back.size();
                        CHECK((back[i] == back[j]) == (labels[static_cast<std::size_t>(level)][i] ==
                                                       labels[static_cast<std::size_t>(level)][j]));
                        // The node by labels is the one on the path of the leaf.
                        const Index node = tree.level_begin[static_cast<std::size_t>(level)] + back[i];
                        CHECK(tree.path(leaves[i])[static_cast<std::size_t>(level)] == node);
                    }
                }
                for (Index node = 0; node < tree.num_nodes(); ++node) {
                    std::int64_t below = 0;
                    for (const Index child : tree.children(node)) {
                        CHECK(tree.nodes[static_cast<std::size_t>(child)].parent == node);
                        below += tree.nodes[static_cast<std::size_t>(child)].size();
                    }
                    const bool finest = tree.nodes[static_cast<std::size_t>(node)].level == levels - 1;
                    CHECK(below == (finest ? 0 : tree.nodes[static_cast<std::size_t>(node)].size()));
                }
                // Rebuilding from its own labels changes nothing.
                std::vector<std::vector<Index>> again;
                for (int level = 0; level < levels; ++level) again.push_back(tree.labels(level));
                CHECK(hierarchy_from_labels(again, tree.level_names) == tree);
            }
        }
    }
}

TEST_CASE("hierarchy: no items is a valid tree without nodes") {
    const Hierarchy tree = hierarchy_from_labels({{}, {}}, {"a", "b"});
    validate(tree);
    CHECK(tree.num_items() == 0);
    CHECK(tree.num_nodes() == 0);
    CHECK(tree.leaves().empty());
}

TEST_CASE("hierarchy_from_labels: errors name the first bad item") {
    try {
        hierarchy_from_labels({{0, 0, 1, 1}, {4, 5, 5, 6}}, {"macro", "micro"});
        FAIL("not refused");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Format);
        CHECK(error.where().row == 2);
        CHECK(std::string(error.what()).find("label 5 of level 'micro' occurs under two parents") !=
              std::string::npos);
    }
    try {
        hierarchy_from_labels({{0, -1}}, {"macro"});
        FAIL("not refused");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::Format);
        CHECK(error.where().row == 1);
        CHECK(std::string(error.what()).find("negative label -1") != std::string::npos);
    }
    CHECK_THROWS_WITH_AS(
        hierarchy_from_labels({{0, 0}, {1}}, {"a", "b"}),
        "hierarchy: level 'b' has 1 labels, level 'a' has 2; every level needs one label per item", Error);
    CHECK_THROWS_AS(hierarchy_from_labels({{0}}, {"a", "b"}), Error);
    CHECK_THROWS_AS(hierarchy_from_labels({}, {}), Error);
}

TEST_CASE("hierarchy: validate finds each broken invariant") {
    CHECK(message_of(small_tree()) == "valid");
    const auto broken = [](auto change) {
        Hierarchy tree = small_tree();
        change(tree);
        return message_of(tree);
    };
    const auto has = [](const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    };
    CHECK(has(broken([](Hierarchy& t) { t.order[1] = 2; }), "occurs twice"));
    CHECK(has(broken([](Hierarchy& t) { t.order[1] = 7; }), "out of range"));
    CHECK(has(broken([](Hierarchy& t) { t.order[1] = -1; }), "out of range"));
    CHECK(has(broken([](Hierarchy& t) { t.level_names[1] = "macro"; }), "two levels are named 'macro'"));
    CHECK(has(broken([](Hierarchy& t) { t.level_names[1] = ""; }), "empty name"));
    CHECK(has(broken([](Hierarchy& t) { t.level_names.clear(); }), "no levels"));
    CHECK(has(broken([](Hierarchy& t) { t.level_begin[2] = 4; }), "level_begin"));
    CHECK(has(broken([](Hierarchy& t) { t.level_begin[1] = 3; }), "says level 1 but is stored in level 0"));
    CHECK(has(broken([](Hierarchy& t) { t.nodes[2].level = 0; }), "stored in level 1"));
    CHECK(has(broken([](Hierarchy& t) { t.nodes[3].begin = 3; }), "must start at 4"));
    CHECK(has(broken([](Hierarchy& t) { t.nodes[4].end = 6; }), "hold an item"));
    CHECK(has(broken([](Hierarchy& t) { t.nodes[4].end = 8; }), "hold an item"));
    CHECK(has(broken([](Hierarchy& t) { t.nodes[0].parent = 0; }), "of level 0 but has a parent"));
    CHECK(has(broken([](Hierarchy& t) { t.nodes[2].parent = -1; }), "no node of the level above"));
    CHECK(has(broken([](Hierarchy& t) { t.nodes[2].parent = 2; }), "no node of the level above"));
    CHECK(has(broken([](Hierarchy& t) { t.nodes[2].parent = 1; }), "reaches outside its parent"));
    CHECK(has(broken([](Hierarchy& t) {
                  t.nodes.pop_back();
                  t.level_begin[2] = 4;
              }),
              "covers 6 of 7 items"));
}

TEST_CASE("hierarchy: default level names, and ids out of range are refused") {
    CHECK(default_level_names(3) == std::vector<std::string>{"macro", "neighborhood", "microcluster"});
    CHECK(default_level_names(2) == std::vector<std::string>{"macro", "microcluster"});
    CHECK(default_level_names(4) == std::vector<std::string>{"level 0", "level 1", "level 2", "level 3"});
    CHECK(default_level_names(1) == std::vector<std::string>{"level 0"});
    CHECK_THROWS_AS(default_level_names(0), Error);
    const Hierarchy tree = small_tree();
    CHECK_THROWS_AS(tree.labels(2), Error);
    CHECK_THROWS_AS(tree.labels(-1), Error);
    CHECK_THROWS_AS(tree.children(5), Error);
    CHECK_THROWS_AS(tree.path(-1), Error);
}
