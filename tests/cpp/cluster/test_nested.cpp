// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/nested.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/detail/nested_consensus.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "filmatlas/cluster/scores.hpp"
#include "filmatlas/core/error.hpp"
#include "support/levels.hpp"

using namespace filmatlas;

namespace {

using Counts = std::vector<int>;

/// Blobs of blobs: `coarse` regions of `fine` clusters each; returns rows, region and cluster labels.
struct Regions {
    Matrix<float> X;
    std::vector<Index> region;
    std::vector<Index> cluster;
};
Regions regions(std::int64_t n, std::int64_t d, int coarse, int fine, std::uint64_t seed) {
    const auto outer = cluster_data::blobs(coarse, d, coarse, 0.0, seed);
    const auto inner = cluster_data::blobs(n, d, coarse * fine, 0.1, seed + 1);
    Regions out{Matrix<float>(n, d), {}, inner.labels};
    for (std::int64_t i = 0; i < n; ++i) {
        const Index region = inner.labels[static_cast<std::size_t>(i)] % coarse;
        out.region.push_back(region);
        for (std::int64_t j = 0; j < d; ++j) out.X(i, j) = outer.X(region, j) + 0.5F * inner.X(i, j);
    }
    return out;
}

/// What every result must hold.
void check_result(const NestedResult& result, std::int64_t n) {
    const Hierarchy& tree = result.hierarchy;
    validate(tree);
    CHECK(tree.num_items() == n);
    const auto levels = static_cast<std::size_t>(tree.num_levels());
    CHECK(result.strength.size() == static_cast<std::size_t>(n) * levels);
    CHECK(result.runner_up.size() == static_cast<std::size_t>(n) * levels);
    std::vector<std::vector<Index>> labels;
    for (int level = 0; level < tree.num_levels(); ++level) labels.push_back(tree.labels(level));
    const NestingReport report = nesting_report(labels);
    CHECK(report.strict());
    for (const double coverage : report.coverage) CHECK(coverage == 1.0);
    REQUIRE(result.options.n_clusters.has_value());
    for (std::size_t level = 0; level < levels; ++level) {
        CHECK((*result.options.n_clusters)[level] == tree.num_nodes(static_cast<int>(level)));
        for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
            const Index other = result.runner_up[i * levels + level];
            CHECK(std::isfinite(result.strength[i * levels + level]));
            if (other < 0) {
                CHECK(result.strength[i * levels + level] == 0.0F);
                continue;
            }
            // The runner-up is a sibling of the item's own node, and not that node.
            const Index own = tree.level_begin[level] + labels[level][i];
            CHECK(other != own);
            CHECK(tree.nodes[static_cast<std::size_t>(other)].parent ==
                  tree.nodes[static_cast<std::size_t>(own)].parent);
            CHECK(tree.nodes[static_cast<std::size_t>(other)].level == static_cast<Index>(level));
        }
    }
}

void check_same(const NestedResult& a, const NestedResult& b) {
    CHECK(a.hierarchy == b.hierarchy);
    CHECK(a.strength == b.strength);
    CHECK(a.runner_up == b.runner_up);
    CHECK(a.reassigned == b.reassigned);
    CHECK(a.level_gap == b.level_gap);
}

std::string error_text(const NestedOptions& options) {
    try {
        validate(options);
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::InvalidArgument);
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("nested_clusters: finds regions and the clusters inside them") {
    const Regions data = regions(900, 24, 6, 5, 3);
    const KnnGraph graph = cluster_data::knn(data.X, 15);
    NestedOptions options;
    options.level_names = {"macro", "micro"};
    options.n_clusters = Counts{6, 30};
    const NestedResult result = nested_clusters(data.X.view(), graph, options);
    check_result(result, 900);
    CHECK(result.run.warnings.empty());
    CHECK(result.hierarchy.num_nodes(0) == 6);
    CHECK(result.hierarchy.num_nodes(1) == 30);
    CHECK(adjusted_rand_index(result.hierarchy.labels(0), data.region) > 0.99);
    CHECK(adjusted_rand_index(result.hierarchy.labels(1), data.cluster) > 0.95);
    // Without being told, the number of regions shows as the gap in the heights of the merges.
    const NestedResult found = nested_clusters(data.X.view(), graph);
    check_result(found, 900);
    CHECK(found.hierarchy.num_nodes(0) == 6);
    CHECK(found.level_gap[0] > 0.1);
    CHECK(adjusted_rand_index(found.hierarchy.labels(0), data.region) > 0.99);
}

TEST_CASE("nested_clusters: strict, complete and within the sizes, over sizes, depths and seeds") {
    for (const std::int64_t n : {20, 150, 670, 1500}) {
        for (const int levels : {1, 2, 3, 5}) {
            const auto data = cluster_data::blobs(n, 12, 11, 0.9, 5);
            const KnnGraph graph = cluster_data::knn(data.X, 15);
            NestedOptions options;
            options.level_names = default_level_names(levels);
            options.seed = static_cast<std::uint64_t>(levels);
            const NestedResult result = nested_clusters(data.X.view(), graph, options);
            check_result(result, n);
            const SizeBalance finest = size_balance(result.hierarchy.leaves());
            CHECK(finest.smallest >= *result.options.min_size);
            CHECK(finest.largest <= *result.options.max_size);
            for (int level = 1; level < levels; ++level) {
                CHECK(result.hierarchy.num_nodes(level) >= result.hierarchy.num_nodes(level - 1));
            }
            if (levels > 1 && n >= 600) {
                CHECK(size_balance(result.hierarchy.labels(0)).largest_share <= 0.3);
                CHECK(result.hierarchy.num_nodes(0) >= 6);
                CHECK(result.hierarchy.num_nodes(0) <= 14);
            }
        }
    }
}

TEST_CASE("nested_clusters: the order of the rows does not matter") {
    auto data = cluster_data::blobs(500, 16, 14, 0.8, 21);
    for (std::int64_t i = 0; i < 60; ++i) std::copy_n(data.X.row_data(i % 7), 16, data.X.row_data(400 + i));
    for (float& value : data.X.row(77)) value = 0;
    const NestedResult plain = nested_clusters(data.X.view(), cluster_data::knn(data.X, 15));
    check_result(plain, 500);
    for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
        const std::vector<Index> order = cluster_data::permutation(500, seed);
        const Matrix<float> shuffled = cluster_data::permuted(data.X, order);
        const NestedResult other = nested_clusters(shuffled.view(), cluster_data::knn(shuffled, 15));
        for (int level = 0; level < 3; ++level) {
            const std::vector<Index> labels = plain.hierarchy.labels(level);
            std::vector<Index> expected;
            for (const Index i : order) expected.push_back(labels[static_cast<std::size_t>(i)]);
            CHECK(cluster_data::canonical(other.hierarchy.labels(level)) ==
                  cluster_data::canonical(expected));
        }
        std::vector<float> strength;
        for (const Index i : order) {
            for (std::size_t level = 0; level < 3; ++level) {
                strength.push_back(plain.strength[static_cast<std::size_t>(i) * 3 + level]);
            }
        }
        CHECK(other.strength == strength);
    }
}

TEST_CASE("nested_clusters: the same bytes for any number of threads and any instruction set") {
    const auto data = cluster_data::blobs(1200, 20, 25, 0.9, 2);
    const KnnGraph graph = cluster_data::knn(data.X, 15);
    NestedOptions options;
    options.num_threads = 1;
    const NestedResult one = nested_clusters(data.X.view(), graph, options);
    for (const int threads : {2, 3}) {
        options.num_threads = threads;
        check_same(nested_clusters(data.X.view(), graph, options), one);
    }
    for (const char* level : ::testing::simd_words) {
        const ::testing::SimdLevelScope simd(level);
        check_same(nested_clusters(data.X.view(), graph, options), one);
    }
}

TEST_CASE("nested_clusters: strength is the cosine to the own centroid minus that to the best sibling") {
    const auto data = cluster_data::blobs(200, 8, 6, 0.6, 4);
    NestedOptions options;
    options.level_names = {"a", "b"};
    options.n_clusters = Counts{3, 9};
    const NestedResult result = nested_clusters(data.X.view(), cluster_data::knn(data.X, 15), options);
    check_result(result, 200);
    const Hierarchy& tree = result.hierarchy;
    const auto unit = [&](std::int64_t i) {
        std::vector<double> row(data.X.row(i).begin(), data.X.row(i).end());
        double norm2 = 0;
        for (const double value : row) norm2 += value * value;
        for (double& value : row) value /= std::sqrt(norm2);
        return row;
    };
    const auto cosine = [&](std::int64_t i, Index node) {
        std::vector<double> mean(8, 0.0);
        for (const Index item : tree.items(node)) {
            const auto row = unit(item);
            for (std::size_t j = 0; j < 8; ++j) mean[j] += row[j];
        }
        const auto row = unit(i);
        double dot = 0;
        double norm2 = 0;
        for (std::size_t j = 0; j < 8; ++j) {
            dot += row[j] * mean[j];
            norm2 += mean[j] * mean[j];
        }
        return dot / std::sqrt(norm2);
    };
    const std::vector<Index> leaves = tree.leaves();
    for (std::int64_t i = 0; i < 200; ++i) {
        const std::vector<Index> path = tree.path(leaves[static_cast<std::size_t>(i)]);
        for (std::size_t level = 0; level < 2; ++level) {
            const Index own = path[level];
            double best = -2;
            Index best_node = -1;
            for (Index node = tree.level_begin[level]; node < tree.level_begin[level + 1]; ++node) {
                if (node == own || tree.nodes[static_cast<std::size_t>(node)].parent !=
                                       tree.nodes[static_cast<std::size_t>(own)].parent) {
                    continue;
                }
                if (const double value = cosine(i, node); value > best) {
                    best = value;
                    best_node = node;
                }
            }
            const std::size_t slot = static_cast<std::size_t>(i) * 2 + level;
            CHECK(result.runner_up[slot] == best_node);
            if (best_node < 0) continue;
            CHECK(static_cast<double>(result.strength[slot]) ==
                  doctest::Approx(cosine(i, own) - best).epsilon(1e-4));
        }
    }
}

TEST_CASE("nested_clusters: items with the same vector share all nodes, even against the size bound") {
    auto data = cluster_data::blobs(300, 8, 5, 0.8, 6);
    for (std::int64_t i = 0; i < 100; ++i) std::copy_n(data.X.row_data(0), 8, data.X.row_data(i * 3));
    const NestedResult result = nested_clusters(data.X.view(), cluster_data::knn(data.X, 10));
    check_result(result, 300);
    const std::vector<Index> leaves = result.hierarchy.leaves();
    for (std::size_t i = 0; i < 300; i += 3) CHECK(leaves[i] == leaves[0]);
}

TEST_CASE("nested_clusters: items without a valid vector are placed in the largest nodes and listed") {
    auto data = cluster_data::blobs(240, 8, 6, 0.4, 9);
    for (float& value : data.X.row(5)) value = 0;
    data.X(100, 3) = std::numeric_limits<float>::quiet_NaN();
    data.X(239, 0) = std::numeric_limits<float>::infinity();
    const NestedResult result = nested_clusters(data.X.view(), cluster_data::knn(data.X, 15));
    check_result(result, 240);
    CHECK(result.reassigned == std::vector<Index>{5, 100, 239});
    REQUIRE(result.run.warnings.size() == 1);
    CHECK(result.run.warnings[0] == "3 items have no valid vector and were placed in the largest nodes");
    const std::vector<Index> leaves = result.hierarchy.leaves();
    // Children are ordered by size, so the largest are the first ones.
    Index node = 0;
    for (int level = 1; level < 3; ++level) node = result.hierarchy.children(node).front();
    for (const std::size_t i : {5U, 100U, 239U}) {
        CHECK(leaves[i] == node);
        for (std::size_t level = 0; level < 3; ++level) {
            CHECK(result.runner_up[i * 3 + level] == -1);
            CHECK(result.strength[i * 3 + level] == 0.0F);
        }
    }
    const NestedResult none =
        nested_clusters(Matrix<float>(4, 3).view(), cluster_data::knn(Matrix<float>(4, 3), 2));
    check_result(none, 4);
    CHECK(none.reassigned.size() == 4);
    CHECK(none.hierarchy.num_nodes() == 3);
}

TEST_CASE("nested_clusters: one, two, three and identical items") {
    for (const std::int64_t n : {1, 2, 3, 4, 5, 8}) {
        const auto data = cluster_data::blobs(n, 3, static_cast<int>(n), 0.1, 1);
        const NestedResult result = nested_clusters(data.X.view(), cluster_data::knn(data.X, 15));
        check_result(result, n);
        const Matrix<float> same(n, 3, std::vector<float>(static_cast<std::size_t>(n) * 3, 0.5F));
        const NestedResult one = nested_clusters(same.view(), cluster_data::knn(same, 15));
        check_result(one, n);
        CHECK(one.hierarchy.num_nodes() == 3);
    }
    const Matrix<float> many(500, 3, std::vector<float>(1500, -1.0F));
    NestedOptions options;
    options.n_clusters = Counts{4, 8, 30};
    const NestedResult result = nested_clusters(many.view(), cluster_data::knn(many, 5), options);
    check_result(result, 500);
    CHECK(result.run.warnings.size() == 3);
    CHECK(result.run.warnings[0] ==
          "level 'macro' has 1 nodes instead of 4: the items or the size bounds allow no more");
}

TEST_CASE("nested_clusters: asked sizes are kept, max_share caps the largest region") {
    // One heap and a little around it: without a cap nearly everything would be one region.
    const auto heap = cluster_data::blobs(600, 10, 1, 0.5, 3);
    auto X = heap.X;
    const auto around = cluster_data::blobs(100, 10, 10, 0.05, 4);
    for (std::int64_t i = 0; i < 100; ++i) std::copy_n(around.X.row_data(i), 10, X.row_data(i * 6));
    const KnnGraph graph = cluster_data::knn(X, 15);
    NestedOptions options;
    options.min_size = 6;
    options.max_size = 25;
    const NestedResult sized = nested_clusters(X.view(), graph, options);
    check_result(sized, 600);
    const SizeBalance finest = size_balance(sized.hierarchy.leaves());
    CHECK(finest.smallest >= 6);
    CHECK(finest.largest <= 25);
    for (const double share : {0.25, 0.35}) {
        options.max_share = share;
        const NestedResult capped = nested_clusters(X.view(), graph, options);
        CHECK(size_balance(capped.hierarchy.labels(0)).largest_share <= share);
    }
    // One region that is much larger than the others is told of, unless the cap forbids it.
    const auto small = cluster_data::blobs(60, 10, 6, 0.05, 4);
    auto uneven = cluster_data::blobs(600, 10, 1, 0.05, 3).X;
    for (std::int64_t i = 0; i < 60; ++i) std::copy_n(small.X.row_data(i), 10, uneven.row_data(i * 6));
    NestedOptions told;
    told.level_names = {"macro", "fine"};
    told.n_clusters = Counts{7, 40};
    told.max_share = 1.0;
    const NestedResult large = nested_clusters(uneven.view(), cluster_data::knn(uneven, 9), told);
    std::vector<Index> sizes(static_cast<std::size_t>(large.hierarchy.num_nodes(0)), 0);
    for (const Index node : large.hierarchy.labels(0)) ++sizes[static_cast<std::size_t>(node)];
    std::sort(sizes.begin(), sizes.end());
    const double median = 0.5 * (sizes[(sizes.size() - 1) / 2] + sizes[sizes.size() / 2]);
    REQUIRE(sizes.back() > 3 * median);
    REQUIRE(large.run.warnings.size() == 1);
    CHECK(large.run.warnings[0].find("the largest node of level 'macro' holds " + std::to_string(sizes.back()) +
                                     " items, ") == 0);
    NestedOptions ranged;
    ranged.level_names = {"top", "bottom"};
    ranged.level_ranges = std::vector<LevelRange>{{9, 11}, {70, 80}};
    const NestedResult result = nested_clusters(X.view(), graph, ranged);
    check_result(result, 600);
    CHECK(result.hierarchy.num_nodes(0) >= 9);
    CHECK(result.hierarchy.num_nodes(0) <= 11);
}

TEST_CASE("nested_clusters: says what it tried; the best foresight makes the finest nodes, consensus the rest") {
    const Regions data = regions(1800, 12, 4, 3, 6);
    const KnnGraph graph = cluster_data::knn(data.X, 15);
    NestedOptions options;
    options.level_names = {"region", "cluster"};
    options.n_clusters = Counts{4, 12};
    const NestedResult found = nested_clusters(data.X.view(), graph, options);
    // Steps 0, 1, 4 for nodes of 150; above 0, 1, 2, 4, ... between the nodes, four linkages each, and what they agree on.
    const auto above = static_cast<std::int64_t>(found.trials.size()) - 3;
    REQUIRE(above % 4 == 1);
    REQUIRE(above >= 4 * 3 + 1);
    CHECK(found.trials[3].steps == 0);
    for (std::size_t t = 7; t + 1 < found.trials.size(); ++t)
        CHECK(found.trials[t].steps == std::max(1, 2 * found.trials[t - 4].steps));
    for (int level = 0; level < 2; ++level) {
        double best = -2;
        const NestedTrial* chosen = nullptr;
        int number = 0;
        for (const NestedTrial& trial : found.trials) {
            if (trial.level != level) continue;
            CHECK(trial.foresight > 0);
            CHECK(trial.foresight <= 1);
            best = std::max(best, trial.foresight);
            number += trial.chosen ? 1 : 0;
            if (trial.chosen) chosen = &trial;
        }
        REQUIRE(number == 1);
        if (level == 0) {
            CHECK(chosen->method == "consensus");
            CHECK(chosen->steps == found.trials[found.trials.size() - 2].steps);
        } else {
            CHECK(chosen->foresight == best);
            CHECK(found.options.smoothing_steps == chosen->steps);
        }
    }
    // Steps as given are taken as they are, and cut the same tree when they are the ones that were found.
    options.smoothing_steps = found.options.smoothing_steps;
    const NestedResult given = nested_clusters(data.X.view(), graph, options);
    CHECK(given.hierarchy == found.hierarchy);
    CHECK(given.trials.size() == 1 + 4 + 1);
    for (const NestedTrial& trial : given.trials) {
        CHECK(trial.steps == *options.smoothing_steps);
    }

    for (const char* name : {"auto", "ward", "average", "kmeans", "density"}) {
        options.method = nested_method_from_string(name);
        CHECK(to_string(options.method) == name);
        const NestedResult result = nested_clusters(data.X.view(), graph, options);
        check_result(result, 1800);
        CHECK(adjusted_rand_index(result.hierarchy.labels(0), data.region) > 0.95);
        CHECK(adjusted_rand_index(result.hierarchy.labels(1), data.cluster) > 0.9);
    }
    CHECK_THROWS_AS(nested_method_from_string("magic"), Error);
    // Two neighbours leave none to hold out: most steps for the finest nodes, nothing is compared, consensus as ever.
    options.method = NestedMethod::Auto;
    options.smoothing_steps = std::nullopt;
    const NestedResult blind = nested_clusters(data.X.view(), cluster_data::knn(data.X, 2), options);
    check_result(blind, 1800);
    REQUIRE(blind.trials.size() >= 1 + 4 + 1);
    CHECK(blind.trials[0].steps == 4);
    for (const NestedTrial& trial : blind.trials) CHECK(trial.foresight == -1);
}

TEST_CASE("nested_clusters: consensus counts the trials that part two nodes, and keeps what all agree on") {
    const auto way = [](std::vector<Index> label) {
        detail::NestedWay out;
        out.groups.label = std::move(label);
        return out;
    };
    const std::vector<detail::NestedWay> ways = {way({0, 0, 1, 1}), way({0, 1, 1, 1}), way({0, 0, 0, 1}),
                                                 way({0, 1, 0, 1})};
    const detail::CondensedDistances parted = detail::nested_parted(ways, 4, 1, {});
    const double expected[] = {0.5, 0.5, 1.0, 0.5, 0.5, 0.5};  // pairs 01 02 03 12 13 23
    for (std::size_t pair = 0; pair < 6; ++pair) CHECK(parted[pair] == expected[pair]);
    CHECK(detail::nested_parted({}, 1, 1, {}).count == 0);

    // Nodes on a line: whatever the linkage and the steps, near ones belong together.
    detail::NestedBase base;
    base.parts.weight = {5, 1, 3, 2, 4, 1};
    base.leaving = 1;
    for (const int steps : {0, 1, 4}) {
        detail::NestedView view;
        view.steps = steps;
        view.means = Matrix<double>(6, 1);
        for (std::int64_t i = 0; i < 6; ++i) {
            const double within = 0.1 * steps * static_cast<double>(i % 2);
            view.means(i, 0) = 100.0 * static_cast<double>(i / 2) + within;
        }
        base.views.push_back(std::move(view));
    }
    NestedResult result;
    const detail::NestedParts three = detail::nested_agreed_groups(base, {}, 0, 3, 16, false, {}, result);
    CHECK(three.label == std::vector<Index>{0, 0, 1, 1, 2, 2});
    CHECK(three.weight == std::vector<double>{6, 5, 5});
    REQUIRE(result.trials.size() == 2 * 4 + 1);  // two nodes a group: four steps, two moves, are not worth a trial
    CHECK(result.trials.back().method == "consensus");
    CHECK(result.trials.back().chosen);
    // The level above wins against agreement.
    const detail::NestedParts inside =
        detail::nested_agreed_groups(base, {0, 1, 1, 1, 1, 1}, 1, 3, 16, false, {}, result);
    CHECK(inside.label[0] != inside.label[1]);
    CHECK(inside.count() == 3);
}

TEST_CASE("nested_clusters: smoothing between nodes goes along their items' neighbours, both ways") {
    // Three nodes: points 0, 1 (the second one twice) | 2 | 3. 0 and 1 list each other, 1 lists 2 too, 2 lists 1, 3 itself.
    detail::NestedPoints points;
    points.weights = {1, 2, 1, 1};
    points.neighbors.begin = {0, 2, 5, 7, 8};
    points.neighbors.ids = {0, 1, 0, 1, 2, 1, 2, 3};
    detail::NestedParts parts;
    parts.label = {0, 0, 1, 2};
    parts.weight = {3, 1, 1};
    const detail::NestedFlow flow = detail::nested_flow(points, parts);
    // Edges: inside the first node 1 + 2, from it to the second 2, back 1; the third has none.
    CHECK(flow.leaving == doctest::Approx(0.5));
    CHECK(flow.shares.indptr == std::vector<std::int64_t>{0, 2, 3, 3});
    CHECK(flow.shares.indices == std::vector<Index>{0, 1, 0});
    const float expected[] = {6.0F / 9, 3.0F / 9, 1.0F};
    for (std::size_t e = 0; e < 3; ++e) CHECK(flow.shares.values[e] == doctest::Approx(expected[e]));

    Matrix<double> means(3, 1);
    means(0, 0) = 9;
    means(2, 0) = 5;
    const std::vector<detail::NestedView> views = detail::nested_views(means, flow, false, 1, {});
    REQUIRE(views.size() == 7);
    for (std::size_t v = 0; v < 7; ++v) CHECK(views[v].steps == (v == 0 ? 0 : 1 << (v - 1)));
    // x <- x / 2 + (what the neighbours have) / 2; who has no neighbours stays.
    double x[] = {9, 0};
    for (std::size_t v = 0, steps = 0; v < 7; ++v) {
        for (; steps < static_cast<std::size_t>(views[v].steps); ++steps) {
            const double first = 0.5 * x[0] + 0.5 * (6 * x[0] + 3 * x[1]) / 9;
            x[1] = 0.5 * x[1] + 0.5 * x[0];
            x[0] = first;
        }
        CHECK(views[v].means(0, 0) == doctest::Approx(x[0]).epsilon(1e-6));
        CHECK(views[v].means(1, 0) == doctest::Approx(x[1]).epsilon(1e-6));
        CHECK(views[v].means(2, 0) == 5);
    }
}

TEST_CASE("nested_clusters: many points start from k-means parts; any order and number of threads agree") {
    const Regions data = regions(6500, 8, 4, 10, 8);
    const KnnGraph graph = knn_graph(data.X.view());
    NestedOptions options;
    options.level_names = {"region", "cluster"};
    options.n_clusters = Counts{4, 40};
    options.num_threads = 1;
    const NestedResult one = nested_clusters(data.X.view(), graph, options);
    check_result(one, 6500);
    CHECK(adjusted_rand_index(one.hierarchy.labels(0), data.region) > 0.9);  // a cluster may lie between two regions
    CHECK(adjusted_rand_index(one.hierarchy.labels(1), data.cluster) > 0.9);
    options.num_threads = 3;
    const NestedResult three = nested_clusters(data.X.view(), graph, options);
    CHECK(three.hierarchy == one.hierarchy);
    CHECK(three.trials == one.trials);
}

TEST_CASE("nested_clusters: works in Euclidean space too") {
    Matrix<float> X(400, 2);
    std::vector<Index> truth;
    for (std::int64_t i = 0; i < 400; ++i) {
        RandomStream random(8, "test.grid", static_cast<std::uint64_t>(i));
        const auto cell = static_cast<Index>(i % 16);
        truth.push_back(cell);
        X(i, 0) = static_cast<float>(cell % 4 * 10 + random.normal());
        X(i, 1) = static_cast<float>(cell / 4 * 10 + random.normal());
    }
    NestedOptions options;
    options.level_names = {"a", "b"};
    options.n_clusters = Counts{4, 16};
    const NestedResult result =
        nested_clusters(X.view(), cluster_data::knn(X, 10, Metric::Euclidean), options);
    check_result(result, 400);
    CHECK(adjusted_rand_index(result.hierarchy.labels(1), truth) > 0.97);
    for (const float strength : result.strength) CHECK(std::abs(strength) <= 1.0F);
}

TEST_CASE("nested_clusters: refusals name the field; a callback can cancel") {
    CHECK(error_text({}) == "no error");
    CHECK(error_text({.level_names = {}}).find("level_names: are none") != std::string::npos);
    CHECK(error_text({.level_names = {"a", "a"}}).find("'a' occurs twice") != std::string::npos);
    CHECK(error_text({.level_names = {"a", ""}}).find("entry 1 is empty") != std::string::npos);
    CHECK(error_text({.n_clusters = Counts{2, 3}}).find("n_clusters: holds 2 counts for 3 levels") !=
          std::string::npos);
    CHECK(error_text({.n_clusters = Counts{2, 9, 3}}).find("falls from 9 to 3") != std::string::npos);
    CHECK(error_text({.n_clusters = Counts{0, 9, 13}}).find("entry 0 is 0") != std::string::npos);
    CHECK(error_text({.n_clusters = Counts{1, 9, 20000}}).find("use 1 .. 16384") != std::string::npos);
    CHECK(error_text({.min_size = 0}).find("min_size: is 0") != std::string::npos);
    CHECK(error_text({.min_size = 9, .max_size = 8}).find("max_size: is 8") != std::string::npos);
    CHECK(error_text({.max_share = 0}).find("max_share: is 0") != std::string::npos);
    CHECK(error_text({.max_share = std::nan("")}).find("max_share: is nan") != std::string::npos);
    CHECK(error_text({.smoothing_steps = -1}).find("smoothing_steps: is -1") != std::string::npos);
    CHECK(error_text({.num_threads = -2}).find("num_threads: is -2") != std::string::npos);
    CHECK(error_text({.level_ranges = std::vector<LevelRange>{{1, 2}}}).find("holds 1 ranges") !=
          std::string::npos);
    CHECK(error_text({.level_ranges = std::vector<LevelRange>{{1, 2}, {3, 2}, {1, 9}}})
              .find("entry 1 is 3 .. 2") != std::string::npos);
    const auto data = cluster_data::blobs(30, 4, 3, 0.4, 1);
    const KnnGraph graph = cluster_data::knn(data.X, 5);
    CHECK_THROWS_AS(nested_clusters(Matrix<float>(29, 4).view(), graph), Error);
    CHECK_THROWS_AS(nested_clusters(Matrix<float>(0, 4).view(), KnnGraph{}), Error);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_AS(nested_clusters(data.X.view(), graph, {}, stop), Error);
}

TEST_CASE("nested_clusters: density starts from cores and fills along the passes between them") {
    // Two bent strips that no centroid can tell apart, joined to their ends by stray items.
    Matrix<float> X(400, 2);
    for (std::int64_t i = 0; i < 400; ++i) {
        const double t = 3.14159 * static_cast<double>(i / 2) / 199.0;
        const bool upper = i % 2 == 0;
        X(i, 0) = static_cast<float>(upper ? std::cos(t) : 1 - std::cos(t));
        X(i, 1) = static_cast<float>(upper ? std::sin(t) : 0.4 - std::sin(t));
    }
    const KnnGraph graph = cluster_data::knn(X, 10, Metric::Euclidean);
    NestedOptions options;
    options.level_names = {"strip"};
    options.n_clusters = Counts{2};
    options.smoothing_steps = 0;
    options.method = NestedMethod::Density;
    options.num_threads = 1;
    const NestedResult found = nested_clusters(X.view(), graph, options);
    check_result(found, 400);
    std::vector<Index> strip;
    for (Index i = 0; i < 400; ++i) strip.push_back(i % 2);
    CHECK(adjusted_rand_index(found.hierarchy.labels(0), strip) == 1.0);
    options.num_threads = 3;
    check_same(nested_clusters(X.view(), graph, options), found);
    // Nothing dense, or nothing but repeats: still a tree.
    const Matrix<float> same(30, 2, std::vector<float>(60, 1.0F));
    check_result(nested_clusters(same.view(), cluster_data::knn(same, 5, Metric::Euclidean), options), 30);
    const Matrix<float> one(1, 2, {1, 2});
    check_result(nested_clusters(one.view(), cluster_data::knn(one, 5, Metric::Euclidean), options), 1);
}
