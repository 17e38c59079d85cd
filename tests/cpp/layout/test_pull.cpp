// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/fuzzy_graph.hpp"
#include "filmatlas/layout/pull.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

TEST_CASE("pull_to_classes: umap-learn's intersection at weight 0.5, on iris") {
    FuzzyGraphOptions options;
    options.n_neighbors = 4;
    const CsrMatrix<float> weights = fuzzy_graph(brute_graph(iris10(), 3), options);
    const std::vector<Index> labels = {0, 0, 1, 1, 0, 1, -1, 0, 1, 2};
    const Matrix<double> got = dense(pull_to_classes(weights, labels));
    // umap-learn 0.5.12, discrete_metric_simplicial_set_intersection(far_dist = 5).
    const Matrix<double> wanted(
        10, 10,
        {0, 0, 0, 0, 1, 1, 0, 1, 0, 0.1628222,                                               //
         0, 0, 0.69134, 0.4631212, 0, 0, 0, 0, 0.4268267, 1,                                 //
         0, 0.69134, 0, 1, 0, 0, 0.9999999, 0, 0.8192304, 0.5016818,                         //
         0, 0.4631212, 1, 0, 0, 0, 0.7303534, 0, 1, 0.7290023,                               //
         1, 0, 0, 0, 0, 1, 0.35501, 0.9923972, 0, 0,                                         //
         1, 0, 0, 0, 1, 0, 0, 5.163454e-10, 0, 0,                                            //
         0, 0, 0.9999999, 0.7303534, 0.35501, 0, 0, 0.4378532, 0, 0,                         //
         1, 0, 0, 0, 0.9923972, 5.163454e-10, 0.4378532, 0, 0, 0.3120328,                    //
         0, 0.4268267, 0.8192304, 1, 0, 0, 0, 0, 0, 0,                                       //
         0.1628222, 1, 0.5016818, 0.7290023, 0, 0, 0, 0.3120328, 0, 0});
    for (std::size_t i = 0; i < 100; ++i) CHECK(std::abs(got.values()[i] - wanted.values()[i]) < 1e-5);
}

TEST_CASE("pull_to_classes: weight 0 changes nothing, weight 1 parts the classes, more parts more") {
    const Matrix<float> x = blobs(200, 5, 2, 1);
    const CsrMatrix<float> weights = fuzzy_graph(brute_graph(x, 14));
    std::vector<Index> labels;
    for (Index i = 0; i < 200; ++i) labels.push_back(i % 2);
    CHECK(pull_to_classes(weights, labels, 0) == weights);
    double last = 2;
    for (const double w : {0.05, 0.25, 0.5, 0.75, 1.0}) {
        const CsrMatrix<float> pulled = pull_to_classes(weights, labels, w);
        double across = 0;
        double total = 0;
        for (Index i = 0; i < 200; ++i) {
            for (std::size_t e = 0; e < pulled.row_indices(i).size(); ++e) {
                const double v = static_cast<double>(pulled.row_values(i)[e]);
                total += v;
                across += pulled.row_indices(i)[e] % 2 == i % 2 ? 0 : v;
                CHECK(v <= 1);
            }
        }
        CHECK(across / total < last);
        last = across / total;
    }
    CHECK(last == 0);
    CHECK_THROWS_WITH_AS(pull_to_classes(weights, labels, 1.5), doctest::Contains("target_weight"), Error);
    labels.pop_back();
    CHECK_THROWS_AS(pull_to_classes(weights, labels), Error);
}

TEST_CASE("pull_to_hierarchy: edges weaken with every level that they leave; strength 0 changes nothing") {
    CsrMatrix<float> ring;  // four items, every edge of weight 1
    ring.rows = ring.cols = 4;
    for (Index i = 0; i < 4; ++i) {
        for (Index j = 0; j < 4; ++j) {
            if (i == j) continue;
            ring.indices.push_back(j);
            ring.values.push_back(1);
        }
        ring.indptr.push_back(ring.nnz());
    }
    const Matrix<Index> levels(4, 2, {0, 0, 0, 0, 0, 1, 1, 2});
    CHECK(pull_to_hierarchy(ring, levels, 0) == ring);
    const Matrix<double> pulled = dense(pull_to_hierarchy(ring, levels, 2));
    const double half = std::exp(-1.0);   // one of two levels shared
    const double none = std::exp(-2.0);
    CHECK(pulled(0, 1) == doctest::Approx(1));
    // Row 2's largest is exp(-1), row 3's exp(-2): a + b - a b after scaling.
    CHECK(pulled(0, 2) == doctest::Approx(half + 1 - half));
    CHECK(pulled(0, 3) == doctest::Approx(none + 1 - none));
    CHECK(pulled(2, 3) == doctest::Approx(none / half + 1 - none / half));
    CHECK_THROWS_WITH_AS(pull_to_hierarchy(ring, levels, -1), doctest::Contains("strength"), Error);
    CHECK_THROWS_AS(pull_to_hierarchy(ring, Matrix<Index>(3, 1), 1), Error);
}
