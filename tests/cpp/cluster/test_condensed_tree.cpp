// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/condensed_tree.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/hdbscan.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

/// Two pairs and a triple on a line, and one item far off.
SingleLinkageTree line(TieRule ties = TieRule::Canonical) {
    const Matrix<double> X(8, 1, {0, 1, 4, 5, 6, 10, 11, 30});
    SpanningTreeOptions options;
    options.min_samples = 1;
    return single_linkage_tree(spanning_tree(X.view(), options), ties);
}

}  // namespace

TEST_CASE("condensed_tree: a line by hand; equal heights are one split of many parts") {
    const CondensedTree tree = condense(line(), 2);
    // At 19 the far item leaves; at 4 the right pair splits off; at 3 the left pair and the triple part.
    CHECK(tree.cluster_parent == std::vector<Index>{-1, 0, 0, 1, 1});
    CHECK(tree.cluster_size == std::vector<double>{8, 5, 2, 3, 2});
    CHECK(tree.cluster_birth == std::vector<double>{0, 0.25, 0.25, 1.0 / 3, 1.0 / 3});
    CHECK(tree.point_cluster == std::vector<Index>{4, 4, 3, 3, 3, 2, 2, 0});
    CHECK(tree.point_lambda[7] == 1.0 / 19);
    CHECK(tree.point_lambda[0] == 1);
    CHECK(tree.cluster_stability[2] == doctest::Approx(1.5));
    CHECK(tree.cluster_stability[1] == doctest::Approx(5 * (1.0 / 3 - 0.25)));
    CHECK(tree.cluster_death == std::vector<double>{0.25, 1.0 / 3, 1, 1, 1});
    validate(tree);
    const CondensedTree large = condense(line(), 3);
    CHECK(large.num_clusters() == 1);
    CHECK(large.point_lambda == std::vector<double>{1.0 / 3, 1.0 / 3, 1, 1, 1, 0.25, 0.25, 1.0 / 19});
    CHECK_THROWS_WITH_AS(condense(line(), 1), doctest::Contains("at least 2"), Error);
}

TEST_CASE("condensed_tree: a square's four sides are one merge, not three") {
    const Matrix<double> X(8, 2, {0, 0, 0.1, 0, 5, 0, 5.1, 0, 0, 5, 0.1, 5, 5, 5, 5.1, 5});
    SpanningTreeOptions options;
    options.min_samples = 1;
    const SpanningTree edges = spanning_tree(X.view(), options);
    // Widths of gaps: 4.9 between left and right, 5 between below and above.
    const CondensedTree tree = condense(single_linkage_tree(edges), 2);
    CHECK(tree.cluster_parent == std::vector<Index>{-1, 0, 0, 1, 1, 2, 2});
}

TEST_CASE("condensed_tree: rows there and back") {
    const CondensedTree tree = condense(line(), 2);
    const CondensedRows rows = to_rows(tree);
    CHECK(rows.parent.size() == 8 + 4);
    const CondensedTree again = condensed_tree_from_rows(rows);
    CHECK(again.point_cluster == tree.point_cluster);
    CHECK(again.point_lambda == tree.point_lambda);
    CHECK(again.cluster_parent == tree.cluster_parent);
    for (std::size_t c = 0; c < tree.cluster_stability.size(); ++c) {
        CHECK(again.cluster_stability[c] == doctest::Approx(tree.cluster_stability[c]));
    }
    CondensedRows bad = rows;
    bad.child[0] = bad.child[1];
    CHECK_THROWS_WITH_AS(condensed_tree_from_rows(bad), doctest::Contains("twice"), Error);
    bad = rows;
    bad.lambda[0] = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(condensed_tree_from_rows(bad), Error);
    CHECK_THROWS_AS(condensed_tree_from_rows({}), Error);
    CondensedRows endless = rows;
    for (double& lambda : endless.lambda) {
        if (lambda == 1) lambda = std::numeric_limits<double>::infinity();
    }
    CHECK(std::isfinite(condensed_tree_from_rows(endless).cluster_stability[3]));
}

TEST_CASE("condensed_tree: splits that do not last are removed") {
    const CondensedTree tree = condense(line(), 2);
    CHECK(simplify(tree, 0) == tree);
    CHECK(simplify(tree, 0.5).num_clusters() == tree.num_clusters());  // 1 - 1/3 and 1 - 1/4 last longer
    const CondensedTree less = simplify(tree, 0.7);  // the split at 1/3 goes, that at 1/4 stays
    CHECK(less.cluster_parent == std::vector<Index>{-1, 0, 0});
    CHECK(less.point_cluster == std::vector<Index>{1, 1, 1, 1, 1, 2, 2, 0});
    CHECK(less.point_lambda[0] == 1);
    CHECK(simplify(tree, 10).num_clusters() == 1);
    CHECK_THROWS_AS(simplify(tree, -1), Error);
}

TEST_CASE("condensed_tree: outlier scores") {
    const std::vector<double> scores = outlier_scores(condense(line(), 2));
    CHECK(scores[0] == 0);
    CHECK(scores[7] == doctest::Approx(1 - 1.0 / 19));
}

TEST_CASE("condensed_tree: a heavy item is a cluster from its core distance on") {
    const Matrix<double> X(4, 1, {0, 1, 10, 11});
    const std::vector<double> weights = {5, 1, 5, 1};
    SpanningTreeOptions options;
    options.min_samples = 3;
    const SpanningTree edges = spanning_tree(X.view(), options, weights);
    CHECK(edges.core == std::vector<double>{0, 1, 0, 1});
    const CondensedTree tree = condense(single_linkage_tree(edges, TieRule::Canonical, weights), 4);
    CHECK(tree.num_clusters() == 3);
    CHECK(tree.cluster_size[1] == 6);
}
