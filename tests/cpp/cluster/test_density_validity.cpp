// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/density_validity.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/cluster/hdbscan.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

TEST_CASE("density_validity: two triples on a line by hand") {
    const Matrix<double> X(6, 1, {0, 1, 2, 10, 11, 12});
    const std::vector<Index> labels = {0, 0, 0, 1, 1, 1};
    const DensityValidity found = density_validity(X.view(), labels);
    // d = 1: core of an outer item ((1 + 1/2) / 2)^-1 = 4/3, of the middle one 1. The middle one is the only
    // inner node, so the largest of all edges counts: 4/3. Between the middles: 10.
    CHECK(found.sparseness[0] == doctest::Approx(4.0 / 3));
    CHECK(found.separation[0] == doctest::Approx(10));
    CHECK(found.per_cluster[1] == doctest::Approx((10 - 4.0 / 3) / 10));
    CHECK(found.score == doctest::Approx(found.per_cluster[0]));
    const std::vector<Index> mixed = {0, 1, 0, 1, 0, 1};
    CHECK(density_validity(X.view(), mixed).score < 0);
    const std::vector<Index> noise(6, -1);
    CHECK(density_validity(X.view(), noise).score == 0);
}

TEST_CASE("density_validity: threads change nothing") {
    const auto blobs = cluster_data::blobs(300, 4, 5, 0.4, 3);
    Matrix<double> X(300, 4);
    std::copy(blobs.X.values().begin(), blobs.X.values().end(), X.values().begin());
    const DensityValidity one = density_validity(X.view(), blobs.labels, Metric::Euclidean, 1);
    const DensityValidity three = density_validity(X.view(), blobs.labels, Metric::Euclidean, 3);
    CHECK(one.per_cluster == three.per_cluster);
    CHECK(one.score > 0);
}

TEST_CASE("density_validity: the quick one reads the spanning tree") {
    const Matrix<double> X(6, 1, {0, 1, 2, 10, 11, 12});
    SpanningTreeOptions options;
    options.min_samples = 1;
    const SpanningTree tree = spanning_tree(X.view(), options);
    const std::vector<Index> labels = {0, 0, 0, 1, 1, 1};
    CHECK(relative_validity(tree, labels) == doctest::Approx((8.0 - 1) / 8));
    const std::vector<Index> none(6, -1);
    CHECK(relative_validity(tree, none) == 0);
}

TEST_CASE("density_validity: what it refuses") {
    const Matrix<double> X(3, 1, {0, 1, std::numeric_limits<double>::quiet_NaN()});
    const std::vector<Index> labels = {0, 0, 0};
    const std::vector<Index> noise = {0, 0, -1};
    const std::vector<Index> few = {0};
    CHECK_THROWS_WITH_AS(density_validity(X.view(), labels), doctest::Contains("not finite"), Error);
    CHECK_NOTHROW(density_validity(X.view(), noise));
    CHECK_THROWS_AS(density_validity(X.view(), few), Error);
    CHECK_THROWS_AS(density_validity(X.view(), noise, Metric::Cosine), Error);
    CHECK_THROWS_AS(relative_validity(SpanningTree{}, few), Error);
}
