// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/scores.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "cluster/scipy_values.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

TEST_CASE("contingency: counts, sums and labels of a hand-worked table") {
    const std::vector<Index> a = {5, 5, -1, 5, 9};
    const std::vector<Index> b = {0, 2, 2, 0, 0};
    const Contingency table = contingency(a, b);
    CHECK(table.row_labels == std::vector<Index>{-1, 5, 9});
    CHECK(table.col_labels == std::vector<Index>{0, 2});
    CHECK(table.counts.indptr == std::vector<std::int64_t>{0, 1, 3, 4});
    CHECK(table.counts.indices == std::vector<Index>{1, 0, 1, 0});
    CHECK(table.counts.values == std::vector<std::int64_t>{1, 2, 1, 1});
    CHECK(table.row_sums == std::vector<std::int64_t>{1, 3, 1});
    CHECK(table.col_sums == std::vector<std::int64_t>{3, 2});
    CHECK(table.total == 5);
    CHECK_THROWS_AS(contingency(a, std::vector<Index>{1}), Error);
}

TEST_CASE("agreement: equal to scikit-learn") {
    CHECK(adjusted_rand_index(scores_a, scores_b) == doctest::Approx(scores_ari).epsilon(1e-12));
    CHECK(mutual_information(scores_a, scores_b) == doctest::Approx(scores_mi).epsilon(1e-12));
    CHECK(normalized_mutual_information(scores_a, scores_b) == doctest::Approx(scores_nmi).epsilon(1e-12));
    CHECK(adjusted_mutual_information(scores_a, scores_b) == doctest::Approx(scores_ami).epsilon(1e-10));
    CHECK(adjusted_mutual_information(scores_b, scores_a) == doctest::Approx(scores_ami).epsilon(1e-10));
}

TEST_CASE("v_measure, fowlkes_mallows: equal to scikit-learn, and what the trivial partitions give") {
    const VMeasure plain = v_measure(scores_classes, scores_clusters);
    CHECK(plain.homogeneity == doctest::Approx(scores_homogeneity).epsilon(1e-12));
    CHECK(plain.completeness == doctest::Approx(scores_completeness).epsilon(1e-12));
    CHECK(plain.v == doctest::Approx(scores_v).epsilon(1e-12));
    CHECK(v_measure(scores_classes, scores_clusters, 0.5).v == doctest::Approx(scores_v_half).epsilon(1e-12));
    CHECK(fowlkes_mallows(scores_classes, scores_clusters) == doctest::Approx(scores_fowlkes_mallows).epsilon(1e-12));
    const std::vector<Index> apart = {0, 1, 2, 3};
    const std::vector<Index> whole(4, 7);
    CHECK(v_measure(apart, apart).v == 1.0);
    CHECK(v_measure(apart, whole).homogeneity == 0.0);
    CHECK(v_measure(apart, whole).completeness == 1.0);
    CHECK(v_measure(apart, whole).v == 0.0);
    CHECK(v_measure({}, {}).v == 1.0);
    CHECK(fowlkes_mallows(apart, apart) == 0.0);  // no pair is together
    CHECK(fowlkes_mallows(whole, whole) == 1.0);
    CHECK_THROWS_AS(v_measure(apart, whole, 0.0), Error);
    CHECK_THROWS_AS(v_measure(apart, std::vector<Index>{1}), Error);
}

TEST_CASE("match_labels: the best of all one-to-one matchings") {
    const LabelMatching hand = match_labels(scores_classes, scores_clusters);
    CHECK(hand.a == std::vector<Index>{0, 1, 2});
    CHECK(hand.b == std::vector<Index>{0, 1, 2});
    CHECK(hand.items == std::vector<std::int64_t>{2, 3, 1});
    CHECK(hand.accuracy == doctest::Approx(6.0 / 11.0));
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        RandomStream random(seed, "test.match");
        const auto rows = 1 + random.below(5);
        const auto cols = 1 + random.below(5);
        std::vector<Index> a;
        std::vector<Index> b;
        for (int i = 0; i < 30; ++i) {
            a.push_back(static_cast<Index>(random.below(rows)) - 1);
            b.push_back(static_cast<Index>(random.below(cols)) * 3);
        }
        const Contingency table = contingency(a, b);
        // Every order of the larger side, matched from the left.
        const bool turned = table.counts.rows > table.counts.cols;
        std::vector<std::int64_t> order(static_cast<std::size_t>(std::max(table.counts.rows, table.counts.cols)));
        std::iota(order.begin(), order.end(), 0);
        std::int64_t best = 0;
        do {
            std::int64_t sum = 0;
            for (std::int64_t i = 0; i < std::min(table.counts.rows, table.counts.cols); ++i) {
                const std::int64_t row = turned ? order[static_cast<std::size_t>(i)] : i;
                const std::int64_t col = turned ? i : order[static_cast<std::size_t>(i)];
                const auto columns = table.counts.row_indices(row);
                for (std::size_t e = 0; e < columns.size(); ++e) {
                    if (columns[e] == col) sum += table.counts.row_values(row)[e];
                }
            }
            best = std::max(best, sum);
        } while (std::next_permutation(order.begin(), order.end()));
        const LabelMatching found = match_labels(a, b);
        CHECK(std::accumulate(found.items.begin(), found.items.end(), std::int64_t{0}) == best);
        CHECK(found.a.size() == static_cast<std::size_t>(std::min(table.counts.rows, table.counts.cols)));
    }
    CHECK(match_labels({}, {}).accuracy == 1.0);
    std::vector<Index> many(40'000);
    std::iota(many.begin(), many.end(), 0);
    CHECK_THROWS_AS(match_labels(many, many), Error);
}

TEST_CASE("davies_bouldin, calinski_harabasz: equal to scikit-learn; unclustered items left out; refusals") {
    Matrix<float> X(11, 3);
    for (std::size_t i = 0; i < scipy_points.size(); ++i) X.values()[i] = static_cast<float>(scipy_points[i]);
    CHECK(davies_bouldin(X.view(), scores_classes) == doctest::Approx(scores_davies_bouldin).epsilon(1e-12));
    CHECK(calinski_harabasz(X.view(), scores_classes) == doctest::Approx(scores_calinski_harabasz).epsilon(1e-12));
    CHECK(davies_bouldin(X.view(), scores_classes, 3) == davies_bouldin(X.view(), scores_classes, 1));
    Matrix<float> more(12, 3);
    std::copy(X.values().begin(), X.values().end(), more.values().begin());
    more(11, 0) = 100.0F;
    std::vector<Index> labels(scores_classes.begin(), scores_classes.end());
    labels.push_back(-1);
    CHECK(davies_bouldin(more.view(), labels) == davies_bouldin(X.view(), scores_classes));
    CHECK(calinski_harabasz(more.view(), labels) == calinski_harabasz(X.view(), scores_classes));
    const Matrix<float> two(4, 1, {0, 0, 3, 3});
    CHECK(davies_bouldin(two.view(), std::vector<Index>{0, 0, 1, 1}) == 0.0);
    CHECK(calinski_harabasz(two.view(), std::vector<Index>{0, 0, 1, 1}) == 1.0);
    CHECK_THROWS_AS(davies_bouldin(two.view(), std::vector<Index>{0, 0, 0, 0}), Error);
    CHECK_THROWS_AS(calinski_harabasz(two.view(), std::vector<Index>{0, 1, 2, 3}), Error);
    CHECK_THROWS_AS(davies_bouldin(two.view(), std::vector<Index>{0}), Error);
}

TEST_CASE("agreement: 1 for the same partition under other names, about 0 for unrelated ones") {
    const std::vector<Index> a = {0, 0, 1, 1, 2, 2};
    const std::vector<Index> renamed = {7, 7, 3, 3, 5, 5};
    CHECK(adjusted_rand_index(a, renamed) == 1.0);
    CHECK(normalized_mutual_information(a, renamed) == 1.0);
    CHECK(adjusted_mutual_information(a, renamed) == 1.0);
    const std::vector<Index> whole(6, 0);
    CHECK(adjusted_mutual_information(a, whole) == 0.0);
    CHECK(adjusted_rand_index(a, whole) == 0.0);
    CHECK(normalized_mutual_information(a, whole) == 0.0);
    CHECK(adjusted_mutual_information(whole, whole) == 1.0);
    CHECK(adjusted_mutual_information(std::vector<Index>{}, std::vector<Index>{}) == 1.0);
    std::vector<Index> x;
    std::vector<Index> y;
    RandomStream random(3, "test.scores");
    for (int i = 0; i < 5000; ++i) {
        x.push_back(static_cast<Index>(random.below(8)));
        y.push_back(static_cast<Index>(random.below(40)));
    }
    CHECK(std::abs(adjusted_mutual_information(x, y)) < 0.01);
    CHECK(std::abs(adjusted_rand_index(x, y)) < 0.01);
    CHECK(normalized_mutual_information(x, y) > 0.01);  // what the adjustment is for
}

TEST_CASE("silhouette: equal to scikit-learn, item by item, under three metrics") {
    const MatrixView<const float> X(scores_points.data(), 40, 3);
    const auto check = [&](Metric metric, const std::vector<double>& expected) {
        const SilhouetteResult result = silhouette(X, scores_b, {.metric = metric});
        CHECK(result.exact);
        double sum = 0;
        for (std::size_t i = 0; i < 40; ++i) {
            CHECK(std::abs(static_cast<double>(result.per_item[i]) - expected[i]) < 2e-7);
            sum += expected[i];
        }
        CHECK(result.mean == doctest::Approx(sum / 40).epsilon(1e-9));
        double weighted = 0;
        for (std::size_t c = 0; c < result.labels.size(); ++c) {
            weighted += result.per_label[c] *
                        static_cast<double>(std::count(scores_b.begin(), scores_b.end(), result.labels[c]));
        }
        CHECK(weighted / 40 == doctest::Approx(result.mean));
    };
    check(Metric::Cosine, scores_silhouette_cosine);
    check(Metric::Euclidean, scores_silhouette_euclidean);
    check(Metric::SqEuclidean, scores_silhouette_sqeuclidean);
}

TEST_CASE("silhouette: threads do not matter; unclustered, zero and invalid rows are left out") {
    auto data = cluster_data::blobs(300, 8, 5, 0.6, 11);
    const SilhouetteResult one = silhouette(data.X.view(), data.labels, {.num_threads = 1});
    const SilhouetteResult three = silhouette(data.X.view(), data.labels, {.num_threads = 3});
    CHECK(one.per_item == three.per_item);
    CHECK(one.mean == three.mean);
    CHECK(one.mean > 0.2);
    std::vector<Index> labels = data.labels;
    labels[10] = -1;
    for (float& value : data.X.row(20)) value = 0;
    data.X(30, 2) = std::numeric_limits<float>::quiet_NaN();
    const SilhouetteResult part = silhouette(data.X.view(), labels);
    for (const std::size_t i : {10U, 20U, 30U}) CHECK(std::isnan(part.per_item[i]));
    CHECK_FALSE(std::isnan(part.per_item[11]));
    CHECK(std::isfinite(part.mean));
    const SilhouetteResult simplified =
        silhouette(data.X.view(), labels, {.metric = Metric::Euclidean, .exact_limit = 10});
    CHECK_FALSE(simplified.exact);
    CHECK(simplified.mean > 0.2);
}

TEST_CASE("silhouette: one cluster and lone items score 0; bad arguments are refused") {
    const auto data = cluster_data::blobs(20, 4, 2, 0.3, 1);
    const SilhouetteResult whole = silhouette(data.X.view(), std::vector<Index>(20, 3));
    CHECK(whole.mean == 0.0);
    CHECK(whole.per_item == std::vector<float>(20, 0.0F));
    std::vector<Index> lone(20, 0);
    lone[7] = 1;
    CHECK(silhouette(data.X.view(), lone).per_item[7] == 0.0F);
    CHECK(silhouette(data.X.view(), std::vector<Index>(20, -1)).mean == 0.0);
    CHECK_THROWS_AS(silhouette(data.X.view(), std::vector<Index>(19, 0)), Error);
    CHECK_THROWS_AS(silhouette(data.X.view(), data.labels, {.metric = Metric::Manhattan}), Error);
}

TEST_CASE("size_balance: hand-worked sizes") {
    const SizeBalance balance = size_balance(std::vector<Index>{4, 4, 4, 4, 4, 1, 1, 2, -1, -1});
    CHECK(balance.clusters == 3);
    CHECK(balance.smallest == 1);
    CHECK(balance.largest == 5);
    CHECK(balance.median == 2.0);
    CHECK(balance.largest_share == 0.625);
    CHECK(balance.max_over_median == 2.5);
    CHECK(balance.coverage == 0.8);
    // Mean absolute difference over twice the mean: (2 * (1 + 4 + 3) / 9) / (2 * 8 / 3).
    CHECK(balance.gini == doctest::Approx(16.0 / 9.0 / (16.0 / 3.0)));
    CHECK(size_balance(std::vector<Index>{0, 1, 2}).gini == doctest::Approx(0.0));
    CHECK(size_balance(std::vector<Index>{}).clusters == 0);
    CHECK(size_balance(std::vector<Index>{-1}).coverage == 0.0);
}

TEST_CASE("nesting_report: counts what breaks the tree and what no level covers") {
    const NestingReport strict = nesting_report({{0, 0, 1, 1}, {0, 1, 2, 2}});
    CHECK(strict.strict());
    CHECK(strict.coverage == std::vector<double>{1.0, 1.0});
    // Item 2 shares fine label 1 with item 1 but sits elsewhere; item 3 is an orphan.
    const NestingReport broken = nesting_report({{0, 0, 1, -1}, {1, 1, 1, 2}});
    CHECK_FALSE(broken.strict());
    CHECK(broken.violations == std::vector<std::int64_t>{1});
    CHECK(broken.orphans == std::vector<std::int64_t>{1});
    CHECK(broken.coverage == std::vector<double>{0.75, 1.0});
    CHECK_THROWS_AS(nesting_report({{0}, {0, 1}}), Error);
    CHECK(nesting_report({{0, 1}}).strict());
}

TEST_CASE("level_scores: one entry per level, one silhouette per node") {
    const auto data = cluster_data::blobs(80, 6, 4, 0.4, 2);
    std::vector<Index> coarse;
    for (const Index label : data.labels) coarse.push_back(label / 2);
    const Hierarchy tree = hierarchy_from_labels({coarse, data.labels}, {"macro", "micro"});
    const auto scores = level_scores(data.X.view(), tree);
    REQUIRE(scores.size() == 2);
    CHECK(scores[0].balance.clusters == 2);
    CHECK(scores[1].balance.clusters == 4);
    CHECK(scores[1].node_silhouette.size() == 4);
    CHECK(scores[1].silhouette == silhouette(data.X.view(), tree.labels(1)).mean);
}

TEST_CASE("dendrogram_purity, dasgupta_cost, neighbor_containment: equal to their definitions, pair by pair") {
    const std::int64_t n = 60;
    const auto data = cluster_data::blobs(n, 5, 6, 0.4, 5);
    const KnnGraph graph = cluster_data::knn(data.X, 4);
    std::vector<Index> fine;
    std::vector<Index> coarse;
    std::vector<Index> classes;
    for (std::int64_t i = 0; i < n; ++i) {
        fine.push_back(static_cast<Index>((i * 7) % 11));
        coarse.push_back(fine.back() % 3);
        classes.push_back(i % 9 == 0 ? -1 : data.labels[static_cast<std::size_t>(i)]);
    }
    const Hierarchy tree = hierarchy_from_labels({coarse, fine}, {"macro", "micro"});
    const std::vector<std::vector<Index>> node = {std::vector<Index>(60, 0), tree.labels(0), tree.labels(1)};
    const auto smallest = [&](std::size_t i, std::size_t j) {
        std::size_t level = 2;
        while (node[level][i] != node[level][j]) --level;
        return level;
    };
    double purity = 0;
    double pairs = 0;
    for (std::size_t i = 0; i < 60; ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (classes[i] < 0 || classes[i] != classes[j]) continue;
            const std::size_t level = smallest(i, j);
            double same = 0;
            double known = 0;
            for (std::size_t m = 0; m < 60; ++m) {
                if (node[level][m] != node[level][i] || classes[m] < 0) continue;
                known += 1;
                same += classes[m] == classes[i] ? 1 : 0;
            }
            purity += same / known;
            pairs += 1;
        }
    }
    CHECK(dendrogram_purity(tree, classes) == doctest::Approx(purity / pairs).epsilon(1e-12));
    double cost = 0;
    double edges = 0;
    std::vector<double> inside(2, 0.0);
    for (std::int64_t i = 0; i < n; ++i) {
        for (const Index j : graph.indices.row(i)) {
            const std::size_t level = smallest(static_cast<std::size_t>(i), static_cast<std::size_t>(j));
            double size = 0;
            for (std::size_t m = 0; m < 60; ++m) size += node[level][m] == node[level][static_cast<std::size_t>(i)];
            cost += size / 60.0;
            edges += 1;
            for (std::size_t l = 0; l < level; ++l) inside[l] += 1;
        }
    }
    CHECK(dasgupta_cost(tree, graph) == doctest::Approx(cost / edges).epsilon(1e-12));
    const std::vector<double> share = neighbor_containment(tree, graph);
    REQUIRE(share.size() == 2);
    CHECK(share[0] == doctest::Approx(inside[0] / edges).epsilon(1e-12));
    CHECK(share[1] == doctest::Approx(inside[1] / edges).epsilon(1e-12));

    // A tree of the classes themselves is pure; one node for all is as pure as the classes are large.
    const Hierarchy exact = hierarchy_from_labels({data.labels}, {"class"});
    CHECK(dendrogram_purity(exact, data.labels) == 1.0);
    const Hierarchy one = hierarchy_from_labels({std::vector<Index>(60, 0)}, {"all"});
    CHECK(dendrogram_purity(one, data.labels) < 0.5);
    CHECK(dasgupta_cost(one, graph) == 1.0);
    CHECK(dendrogram_purity(one, std::vector<Index>(60, -1)) == 1.0);
    CHECK_THROWS_AS(dendrogram_purity(one, std::vector<Index>{1, 2}), Error);
    CHECK_THROWS_AS(dasgupta_cost(one, KnnGraph{}), Error);
    CHECK_THROWS_AS(neighbor_containment(one, KnnGraph{}), Error);
}
