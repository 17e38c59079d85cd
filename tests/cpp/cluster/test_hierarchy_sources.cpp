// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/hierarchy_sources.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

using Labels = std::vector<std::vector<Index>>;

AdoptOptions rules(NestingRepair repair, NoiseRule noise) {
    AdoptOptions options;
    options.repair = repair;
    options.noise = noise;
    options.metric = Metric::Euclidean;
    return options;
}

std::string refusal(const Labels& labels, const AdoptOptions& options = {}, MatrixView<const float> X = {}) {
    try {
        adopt_labels(labels, default_level_names(static_cast<int>(labels.size())), options, X);
    } catch (const Error& error) {
        return error.what();
    }
    return "accepted";
}

/// Items on a line.
Matrix<float> line(std::vector<float> at) {
    const auto n = static_cast<std::int64_t>(at.size());
    return Matrix<float>(n, 1, std::move(at));
}

/// Random labels with noise and torn nesting.
Labels messy(int n, int levels, std::uint64_t seed) {
    RandomStream random(seed, "test.messy");
    Labels labels(static_cast<std::size_t>(levels));
    for (std::size_t l = 0; l < labels.size(); ++l) {
        const std::uint64_t count = 2 + 3 * l;
        for (int i = 0; i < n; ++i) labels[l].push_back(static_cast<Index>(random.below(count + 2)) - 2);
        for (Index& label : labels[l]) label = label < 0 ? -1 : 10 * label;
    }
    return labels;
}

}  // namespace

TEST_CASE("adopt_labels: nested labels give the strict tree, with their own names") {
    const Labels labels = {{9, 9, 5, 5, 5}, {1, 1, 7, 3, 3}};
    const AdoptedHierarchy found = adopt_labels(labels, {"macro", "micro"});
    CHECK(found.hierarchy == hierarchy_from_labels(labels, {"macro", "micro"}));
    CHECK(found.moved.empty());
    CHECK(found.placed.empty());
    CHECK(found.moved_at == std::vector<std::int64_t>{0, 0});
    CHECK(found.node_label == std::vector<Index>{5, 9, 3, 7, 1});
}

TEST_CASE("adopt_labels: what is not strict is refused by name unless a rule says otherwise") {
    const Labels torn = {{0, 0, 1, 1}, {4, 4, 4, 6}};
    CHECK(
        refusal(torn).find(
            "item 2: label 4 of level 'microcluster' lies under label 1 of level 'macro', but item 0 has it "
            "under 0") != std::string::npos);
    const Labels holed = {{0, 0, 1, -1}, {4, 4, 5, 6}};
    CHECK(refusal(holed).find("item 3 has no node at level 'macro' (label -1)") != std::string::npos);
    CHECK(refusal(holed, rules(NestingRepair::Reject, NoiseRule::Nearest)).find("0 vectors for 4 items") !=
          std::string::npos);
    CHECK(refusal({{0, 1}, {0}}).find("level 'microcluster' has 1 labels, level 'macro' has 2") !=
          std::string::npos);
    CHECK_THROWS_WITH_AS(adopt_labels({}, {}), doctest::Contains("no level given"), Error);
    CHECK_THROWS_AS(adopt_labels({{0}}, {"a", "b"}), Error);
    CHECK_THROWS_AS(nesting_repair_from_string("guess"), Error);
    CHECK_THROWS_AS(noise_rule_from_string("guess"), Error);
    for (const char* word : {"reject", "majority", "split"})
        CHECK(to_string(nesting_repair_from_string(word)) == word);
    for (const char* word : {"reject", "nearest", "rest"})
        CHECK(to_string(noise_rule_from_string(word)) == word);
}

TEST_CASE("adopt_labels: majority keeps fine labels whole, split keeps coarse ones") {
    const Labels torn = {{0, 0, 1, 1, 1}, {4, 4, 4, 6, 6}};
    const AdoptedHierarchy whole =
        adopt_labels(torn, {"a", "b"}, rules(NestingRepair::Majority, NoiseRule::Reject));
    CHECK(whole.moved == std::vector<Index>{2});
    CHECK(whole.moved_at == std::vector<std::int64_t>{1, 0});
    CHECK(whole.hierarchy == hierarchy_from_labels({{0, 0, 0, 1, 1}, {4, 4, 4, 6, 6}}, {"a", "b"}));
    const AdoptedHierarchy cut =
        adopt_labels(torn, {"a", "b"}, rules(NestingRepair::Split, NoiseRule::Reject));
    CHECK(cut.moved.empty());
    CHECK(cut.hierarchy == hierarchy_from_labels({{0, 0, 1, 1, 1}, {4, 4, 5, 6, 6}}, {"a", "b"}));
    CHECK(cut.node_label == std::vector<Index>{1, 0, 6, 4, 4});
    // Of equal counts the parent with more items: label 4 goes to 1, though 0 is smaller.
    const AdoptedHierarchy tie =
        adopt_labels({{0, 1, 1}, {4, 4, 6}}, {"a", "b"}, rules(NestingRepair::Majority, NoiseRule::Reject));
    CHECK(tie.moved == std::vector<Index>{0});
    CHECK(tie.hierarchy.num_nodes(0) == 1);
}

TEST_CASE("adopt_labels: items without labels follow their fine node, else the nearest child") {
    // Two regions of two nodes each on a line; items 8 .. 11 lack labels.
    const Matrix<float> X = line({0, 1, 10, 11, 100, 101, 110, 111, 9, 102, 1e6F, 0});
    const Labels labels = {{0, 0, 0, 0, 1, 1, -1, 1, 0, -1, -1, -1},
                           {0, 0, 1, 1, 2, 2, 3, 3, -1, -1, -1, -1}};
    Matrix<float> bad = X;
    bad(11, 0) = std::numeric_limits<float>::quiet_NaN();
    const AdoptedHierarchy near =
        adopt_labels(labels, {"a", "b"}, rules(NestingRepair::Reject, NoiseRule::Nearest), bad.view());
    // 6 has its fine label's parent; 8 has a parent and goes to node 1; 9 to region 1, node 2; 10 far out on that
    // side; 11 has no vector and follows the largest.
    CHECK(near.hierarchy.labels(0)[6] == near.hierarchy.labels(0)[7]);
    CHECK(near.hierarchy.labels(1)[8] == near.hierarchy.labels(1)[2]);
    CHECK(near.hierarchy.labels(1)[9] == near.hierarchy.labels(1)[4]);
    CHECK(near.hierarchy.labels(1)[10] == near.hierarchy.labels(1)[7]);
    CHECK(near.hierarchy.num_nodes(1) == 4);
    CHECK(near.placed == std::vector<Index>{6, 8, 9, 10, 11});
    CHECK(near.placed_at == std::vector<std::int64_t>{4, 4});
    CHECK(near.moved.empty());
    CHECK(near.hierarchy.labels(0)[11] == near.hierarchy.labels(0)[0]);
    // Nodes of their own: one per parent, and a region for those without any.
    const AdoptedHierarchy rest =
        adopt_labels(labels, {"a", "b"}, rules(NestingRepair::Reject, NoiseRule::Rest));
    CHECK(rest.hierarchy.num_nodes(0) == 3);
    CHECK(rest.hierarchy.num_nodes(1) == 6);
    CHECK(rest.hierarchy.labels(1)[9] == rest.hierarchy.labels(1)[10]);
    CHECK(rest.hierarchy.labels(1)[8] != rest.hierarchy.labels(1)[2]);
    for (std::int64_t node = 0; node < rest.hierarchy.num_nodes(); ++node) {
        const Index item = rest.hierarchy.items(static_cast<Index>(node))[0];
        const auto level =
            static_cast<std::size_t>(rest.hierarchy.nodes[static_cast<std::size_t>(node)].level);
        CHECK((rest.node_label[static_cast<std::size_t>(node)] ==
                   labels[level][static_cast<std::size_t>(item)] ||
               item == 6));
    }
}

TEST_CASE("adopt_labels: a fine label without any parent goes to the nearest, as a whole") {
    const Matrix<float> X = line({0, 1, 100, 101, 90, 91});
    const Labels labels = {{0, 0, 1, 1, -1, -1}, {0, 0, 1, 1, 2, 2}};
    const AdoptedHierarchy near =
        adopt_labels(labels, {"a", "b"}, rules(NestingRepair::Reject, NoiseRule::Nearest), X.view());
    CHECK(near.hierarchy == hierarchy_from_labels({{0, 0, 1, 1, 1, 1}, {0, 0, 1, 1, 2, 2}}, {"a", "b"}));
    const AdoptedHierarchy rest =
        adopt_labels(labels, {"a", "b"}, rules(NestingRepair::Reject, NoiseRule::Rest));
    CHECK(rest.hierarchy == hierarchy_from_labels({{0, 0, 1, 1, 2, 2}, {0, 0, 1, 1, 2, 2}}, {"a", "b"}));
    const AdoptedHierarchy none =
        adopt_labels({{-1, -1}, {-1, -1}}, {"a", "b"}, rules(NestingRepair::Reject, NoiseRule::Nearest),
                     line({1, 2}).view());
    CHECK(none.hierarchy.num_nodes() == 2);
    CHECK(none.node_label == std::vector<Index>{-1, -1});
}

TEST_CASE(
    "adopt_labels: strict whatever comes, labels kept where a rule does not overrule them; threads alike") {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        const int n = 1 + static_cast<int>(seed) * 7;
        const int levels = 1 + static_cast<int>(seed % 4);
        const Labels labels = messy(n, levels, seed);
        const auto data = cluster_data::blobs(n, 3, 4, 0.5, seed);
        for (const NestingRepair repair : {NestingRepair::Majority, NestingRepair::Split}) {
            for (const NoiseRule noise : {NoiseRule::Nearest, NoiseRule::Rest}) {
                AdoptOptions options = rules(repair, noise);
                options.num_threads = 1;
                const auto names = default_level_names(levels);
                const AdoptedHierarchy found = adopt_labels(labels, names, options, data.X.view());
                validate(found.hierarchy);
                options.num_threads = 3;
                CHECK(adopt_labels(labels, names, options, data.X.view()).hierarchy == found.hierarchy);
                CHECK(found.node_label.size() == static_cast<std::size_t>(found.hierarchy.num_nodes()));
                if (repair == NestingRepair::Split) CHECK(found.moved.empty());
                const std::vector<Index> finest = found.hierarchy.leaves();
                for (std::size_t i = 0; i < finest.size(); ++i) {
                    // The finest labels are never overruled.
                    const Index given = labels.back()[i];
                    if (given >= 0) CHECK(found.node_label[static_cast<std::size_t>(finest[i])] == given);
                }
                // Adopting what is strict changes nothing.
                Labels strict;
                for (int level = 0; level < levels; ++level) strict.push_back(found.hierarchy.labels(level));
                CHECK(adopt_labels(strict, names).hierarchy == found.hierarchy);
            }
        }
    }
}

TEST_CASE("hierarchy_from_linkage: cuts of one tree, coarse to fine") {
    const auto data = cluster_data::blobs(120, 6, 8, 0.2, 4);
    const LinkageTree tree = linkage(data.X.view());
    const std::vector<int> counts = {3, 8, 8, 30};
    const Hierarchy found = hierarchy_from_linkage(tree, counts, {"a", "b", "c", "d"});
    validate(found);
    for (int level = 0; level < 4; ++level) {
        CHECK(found.num_nodes(level) == counts[static_cast<std::size_t>(level)]);
        CHECK(adjusted_rand_index(found.labels(level),
                                  cut_linkage(tree, counts[static_cast<std::size_t>(level)])) == 1.0);
    }
    const auto refused = [&](std::vector<int> given) {
        try {
            hierarchy_from_linkage(tree, given, default_level_names(static_cast<int>(given.size())));
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    CHECK_THROWS_WITH_AS(hierarchy_from_linkage(tree, {}, {}), doctest::Contains("holds no count"), Error);
    CHECK(refused({0}).find("entry 0 is 0") != std::string::npos);
    CHECK(refused({3, 121}).find("use 1 .. 120") != std::string::npos);
    CHECK(refused({8, 3}).find("falls from 8 to 3") != std::string::npos);
    LinkageTree broken = tree;
    broken.merges(5, 0) = 4000;
    CHECK_THROWS_AS(hierarchy_from_linkage(broken, counts, {"a", "b", "c", "d"}), Error);
}
