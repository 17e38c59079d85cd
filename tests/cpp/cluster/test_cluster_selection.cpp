// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/cluster_selection.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/hdbscan.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

CondensedTree line_tree() {
    const Matrix<double> X(8, 1, {0, 1, 4, 5, 6, 10, 11, 30});
    SpanningTreeOptions options;
    options.min_samples = 1;
    return condense(single_linkage_tree(spanning_tree(X.view(), options)), 2);
}

}  // namespace

TEST_CASE("cluster_selection: eom, leaf, epsilon and sizes on a line") {
    const CondensedTree tree = line_tree();
    SelectionOptions options;
    const ClusterSelection eom = select_clusters(tree, options);
    CHECK(eom.clusters == std::vector<Index>{2, 3, 4});
    CHECK(eom.labels == std::vector<Index>{2, 2, 1, 1, 1, 0, 0, -1});
    CHECK(eom.probabilities == std::vector<double>{1, 1, 1, 1, 1, 1, 1, 0});
    options.method = SelectionMethod::Leaf;
    CHECK(select_clusters(tree, options).clusters == eom.clusters);
    options.epsilon = 3.5;  // the split at 3 is undone
    CHECK(select_clusters(tree, options).clusters == std::vector<Index>{1, 2});
    options.epsilon = 100;
    CHECK(select_clusters(tree, options).clusters == std::vector<Index>{1, 2});
    options.allow_single_cluster = true;
    const ClusterSelection one = select_clusters(tree, options);
    CHECK(one.clusters == std::vector<Index>{0});
    CHECK(one.labels == std::vector<Index>(8, 0));
    options.epsilon = 5;
    CHECK(select_clusters(tree, options).labels.back() == -1);
    options = {};
    options.max_cluster_size = 2;
    CHECK(select_clusters(tree, options).clusters == std::vector<Index>{2, 4});
    options = {};
    options.epsilon_max = 3.5;
    CHECK(select_clusters(tree, options).clusters == std::vector<Index>{3, 4});
}

TEST_CASE("cluster_selection: every item belongs to its nearest selected ancestor") {
    const auto blobs = cluster_data::blobs(500, 2, 7, 0.3, 5);
    const HdbscanResult fit = hdbscan(blobs.X.view());
    const CondensedTree& tree = fit.cut.tree;
    const ClusterSelection& got = fit.cut.selection;
    for (std::size_t i = 0; i < got.labels.size(); ++i) {
        Index c = tree.point_cluster[i];
        while (c > 0 && std::find(got.clusters.begin(), got.clusters.end(), c) == got.clusters.end()) {
            c = tree.cluster_parent[static_cast<std::size_t>(c)];
        }
        const auto at = std::find(got.clusters.begin(), got.clusters.end(), c);
        const bool found = c > 0 && at != got.clusters.end();
        CHECK(got.labels[i] == (found ? static_cast<Index>(at - got.clusters.begin()) : Index{-1}));
    }
    for (const double p : got.persistence) {
        CHECK(p > 0);
        CHECK(p <= 1);
    }
}

TEST_CASE("cluster_selection: what it refuses") {
    SelectionOptions options;
    options.epsilon = -1;
    CHECK_THROWS_WITH_AS(select_clusters(line_tree(), options), doctest::Contains("epsilon"), Error);
    options = {};
    options.max_cluster_size = -1;
    CHECK_THROWS_AS(select_clusters(line_tree(), options), Error);
    options = {};
    options.epsilon_max = 0;
    CHECK_THROWS_AS(select_clusters(line_tree(), options), Error);
    CHECK_THROWS_AS(selection_method_from_string("x"), Error);
    CHECK(selection_method_from_string(to_string(SelectionMethod::Leaf)) == SelectionMethod::Leaf);
}
