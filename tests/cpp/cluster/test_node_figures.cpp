// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/node_figures.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

TEST_CASE("node_figures: a line by hand") {
    // Regions {0, 2, 10, 12} and {100, 104}; the first holds {0, 2} and {10, 12}.
    const Matrix<float> X(6, 1, {0, 2, 10, 12, 100, 104});
    const Hierarchy tree = hierarchy_from_labels({{0, 0, 0, 0, 1, 1}, {0, 0, 1, 1, 2, 2}}, {"a", "b"});
    const NodeFigures found = node_figures(tree, X.view(), Metric::Euclidean);
    CHECK(found.size == std::vector<std::int64_t>{4, 2, 2, 2, 2});
    CHECK(found.cohesion[0] == doctest::Approx(-5));
    CHECK(found.cohesion[1] == doctest::Approx(-2));
    CHECK(found.cohesion[2] == doctest::Approx(-1));
    CHECK(found.separation[0] == doctest::Approx(96));
    CHECK(found.separation[2] == doctest::Approx(10));
    CHECK(found.separation[4] == doctest::Approx(91));  // an only child looks along its level
    CHECK(found.nearest == std::vector<Index>{1, 0, 3, 2, 3});
    // Ward: {0} and {2} meet at 2, {0, 2} and {10, 12} at sqrt(2) * 10, the regions at sqrt(16 / 6) * 96.
    const double top = std::sqrt(16.0 / 6.0) * 96;
    CHECK(found.persistence[0] == doctest::Approx(1 - std::sqrt(2.0) * 10 / top));
    CHECK(found.persistence[2] == doctest::Approx(1 - 2 / (std::sqrt(2.0) * 10)));
    CHECK(found.persistence[1] == doctest::Approx(1 - 4 / top));
    CHECK(found.persistence[4] == found.persistence[1]);
}

TEST_CASE("node_figures: one node, equal rows and rows without a vector") {
    Matrix<float> X(3, 2, {1, 0, 1, 0, 0, 0});
    const Hierarchy tree = hierarchy_from_labels({{0, 0, 0}}, {"only"});
    const NodeFigures found = node_figures(tree, X.view());
    CHECK(found.size[0] == 3);
    CHECK(found.cohesion[0] == doctest::Approx(1));
    CHECK(std::isnan(found.separation[0]));
    CHECK(found.nearest[0] == -1);
    CHECK(found.persistence[0] == 1.0F);
    const NodeFigures blank = node_figures(hierarchy_from_labels({{0, 0, 1}}, {"only"}), X.view());
    CHECK(std::isnan(blank.cohesion[1]));
    CHECK_THROWS_WITH_AS(node_figures(tree, Matrix<float>(2, 2).view()),
                         doctest::Contains("2 vectors but a hierarchy of 3"), Error);
}

TEST_CASE("item_strength: what nested_clusters says; any number of threads") {
    for (const Metric metric : {Metric::Cosine, Metric::Euclidean}) {
        const auto data = cluster_data::blobs(400, 8, 10, 0.7, 6);
        const KnnGraph graph = cluster_data::knn(data.X, 12, metric);
        const NestedResult found = nested_clusters(data.X.view(), graph);
        const ItemStrength again = item_strength(found.hierarchy, data.X.view(), metric, 1);
        CHECK(again.runner_up == found.runner_up);
        for (std::size_t slot = 0; slot < again.strength.size(); ++slot)
            CHECK(again.strength[slot] == doctest::Approx(found.strength[slot]).epsilon(1e-4));
        CHECK(item_strength(found.hierarchy, data.X.view(), metric, 3).strength == again.strength);
        const NodeFigures one = node_figures(found.hierarchy, data.X.view(), metric, 1);
        const NodeFigures three = node_figures(found.hierarchy, data.X.view(), metric, 3);
        CHECK(one.cohesion == three.cohesion);
        CHECK(one.persistence == three.persistence);
        for (const float value : one.persistence) CHECK((value >= 0 && value <= 1));
    }
}

TEST_CASE("node_stability: clear nodes are found again, arbitrary ones are not") {
    const auto data = cluster_data::blobs(300, 12, 6, 0.15, 2);
    const KnnGraph graph = cluster_data::knn(data.X, 10);
    NestedOptions options;
    options.level_names = {"only"};
    options.n_clusters = std::vector<int>{6};
    const Hierarchy clear = nested_clusters(data.X.view(), graph, options).hierarchy;
    StabilityOptions stability;
    stability.replicates = 5;
    const NodeStability sure = node_stability(clear, data.X.view(), graph, {}, stability);
    for (std::size_t node = 0; node < 6; ++node) {
        CHECK(sure.median[node] == 1.0F);
        CHECK(sure.low[node] == 1.0F);
    }
    std::vector<Index> arbitrary;
    for (Index i = 0; i < 300; ++i) arbitrary.push_back(i / 50);
    const NodeStability unsure =
        node_stability(hierarchy_from_labels({arbitrary}, {"only"}), data.X.view(), graph, {}, stability);
    for (const float value : unsure.median) CHECK(value < 0.3F);
    options.num_threads = 3;
    CHECK(node_stability(clear, data.X.view(), graph, options, stability).median == sure.median);
    stability.replicates = 0;
    CHECK_THROWS_WITH_AS(node_stability(clear, data.X.view(), graph, {}, stability),
                         doctest::Contains("replicates"), Error);
    stability.replicates = 1;
    stability.share = 1;
    CHECK_THROWS_WITH_AS(node_stability(clear, data.X.view(), graph, {}, stability),
                         doctest::Contains("share"), Error);
}

TEST_CASE("node_stability: a stop in the middle is heard") {
    const auto data = cluster_data::blobs(200, 6, 5, 0.4, 8);
    const KnnGraph graph = cluster_data::knn(data.X, 8);
    const Hierarchy tree = nested_clusters(data.X.view(), graph).hierarchy;
    const Progress stop([](const Tick& tick) { return tick.stage != "node_stability"; });
    CHECK_THROWS_AS(node_stability(tree, data.X.view(), graph, {}, {}, stop), Error);
}
