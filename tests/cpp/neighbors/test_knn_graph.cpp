// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "filmatlas/core/error.hpp"
#include "filmatlas/neighbors/knn_graph.hpp"

using namespace filmatlas;

namespace {

constexpr float inf_value = std::numeric_limits<float>::infinity();

KnnGraph example() {
    KnnGraph graph;
    graph.indices = Matrix<Index>(3, 2, {1, 2, 0, 2, 1, -1});
    graph.distances = Matrix<float>(3, 2, {0.5F, 1, 0.5F, 0.75F, 0.75F, inf_value});
    graph.method = "given";
    return graph;
}

void refused(const std::function<void(KnnGraph&)>& damage, const char* text) {
    CAPTURE(text);
    KnnGraph graph = example();
    damage(graph);
    CHECK_THROWS_WITH_AS(validate(graph), doctest::Contains(text), Error);
}

}  // namespace

TEST_CASE("Metric: names read back") {
    for (const Metric metric :
         {Metric::Cosine, Metric::Euclidean, Metric::SqEuclidean, Metric::InnerProduct, Metric::Manhattan}) {
        CHECK(metric_from_string(to_string(metric)) == metric);
    }
    CHECK_THROWS_WITH_AS(
        metric_from_string("l2"),
        doctest::Contains("use one of cosine, euclidean, sqeuclidean, inner_product, manhattan"), Error);
}

TEST_CASE("KnnGraph validate: accepts a good graph and names the first bad place") {
    validate(example());
    validate(KnnGraph{});
    refused([](KnnGraph& g) { g.distances = Matrix<float>(3, 1); },
            "indices are (3, 2) and distances (3, 1)");
    refused([](KnnGraph& g) { g.indices(1, 1) = 3; }, "slot 1: id 3 is outside [0, 3) [row 1]");
    refused([](KnnGraph& g) { g.indices(1, 1) = -2; }, "slot 1: id -2");
    refused([](KnnGraph& g) { g.indices(2, 0) = 2; }, "its own neighbour [row 2]");
    refused([](KnnGraph& g) { g.distances(0, 1) = 0.25F; }, "do not ascend [row 0]");
    refused([](KnnGraph& g) { g.distances(0, 1) = inf_value; }, "slot 1: the distance is not finite");
    refused([](KnnGraph& g) { g.distances(0, 0) = std::nanf(""); }, "slot 0: the distance is not finite");
    refused([](KnnGraph& g) { g.distances(2, 1) = 3; }, "id -1 needs the distance +inf");
    refused([](KnnGraph& g) { g.distances(0, 0) = -1; }, "negative");
    refused([](KnnGraph& g) { g.indices(0, 1) = 1; }, "neighbour 1 occurs twice [row 0]");
    refused(
        [](KnnGraph& g) {
            g.indices(0, 0) = -1;
            g.distances(0, 0) = inf_value;
        },
        "a neighbour after the padding");
    refused([](KnnGraph& g) { g.invalid_rows = {2, 1}; }, "invalid_rows");
    KnnGraph inner = example();
    inner.metric = Metric::InnerProduct;
    inner.distances(0, 0) = -3;
    validate(inner);
}

TEST_CASE("KnnGraph: which methods are exact") {
    KnnGraph graph = example();
    CHECK_FALSE(graph.exact());
    graph.method = "kd_tree";
    CHECK(graph.exact());
    CHECK(graph.size() == 3);
    CHECK(graph.k() == 2);
}
