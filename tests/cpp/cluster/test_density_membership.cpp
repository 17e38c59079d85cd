// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/density_membership.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

namespace {

Matrix<double> data(std::int64_t n, std::int64_t d, double spread) {
    const auto blobs = cluster_data::blobs(n, d, 4, spread, 11);
    Matrix<double> X(n, d);
    std::copy(blobs.X.values().begin(), blobs.X.values().end(), X.values().begin());
    return X;
}

}  // namespace

TEST_CASE("density_membership: fitted items are found where they are") {
    for (const std::int64_t d : {2, 5, 30}) {
        for (const Metric metric : {Metric::Euclidean, Metric::Cosine}) {
            const Matrix<double> X = data(300, d, 0.4);
            HdbscanOptions options;
            options.metric = metric;
            options.cut.min_cluster_size = 8;
            const HdbscanResult fit = hdbscan(X.view(), options);
            const DensityPlaces places =
                density_places(X.view(), fit.spanning_tree, fit.options, fit.cut.tree, X.view());
            const DensityPrediction found = predict_places(places, fit.cut.tree, fit.cut.selection);
            CHECK(found.labels == fit.cut.selection.labels);
            if (d < 20) CHECK(found.probabilities == fit.cut.selection.probabilities);
            if (d < 20) CHECK(found.outlier_scores == fit.cut.outlier_scores);
        }
    }
}

TEST_CASE("density_membership: a new item's least mutual reachability is the least of all") {
    for (const std::int64_t d : {2, 5, 30}) {
        const Matrix<double> X = data(200, d, 0.5);
        Matrix<double> Q = data(260, d, 0.9);
        Q = Matrix<double>(40, d, std::vector<double>(Q.values().end() - 40 * d, Q.values().end()));
        HdbscanOptions options;
        options.min_samples = 6;
        const HdbscanResult fit = hdbscan(X.view(), options);
        const DensityPlaces places =
            density_places(X.view(), fit.spanning_tree, fit.options, fit.cut.tree, Q.view());
        for (std::int64_t q = 0; q < 40; ++q) {
            std::vector<double> near;
            for (std::int64_t i = 0; i < 200; ++i) {
                double sum = 0;
                for (std::int64_t k = 0; k < d; ++k) sum += (X(i, k) - Q(q, k)) * (X(i, k) - Q(q, k));
                near.push_back(std::sqrt(sum));
            }
            std::vector<double> sorted = near;
            std::sort(sorted.begin(), sorted.end());
            double least = std::numeric_limits<double>::infinity();
            for (std::size_t i = 0; i < 200; ++i) {
                least = std::min(least, std::max(near[i], std::max(sorted[5], fit.spanning_tree.core[i])));
            }
            if (sorted[0] > 0) {
                CHECK(places.reach[static_cast<std::size_t>(q)] ==
                      doctest::Approx(least).epsilon(d < 20 ? 1e-12 : 1e-5));
            }
        }
    }
}

TEST_CASE("density_membership: exemplars, centres, soft membership") {
    const Matrix<double> X = data(240, 2, 0.3);
    const HdbscanResult fit = hdbscan(X.view());
    const auto& labels = fit.cut.selection.labels;
    const auto stars = exemplars(fit.cut.tree, fit.cut.selection);
    REQUIRE(stars.size() == fit.cut.selection.clusters.size());
    for (std::size_t label = 0; label < stars.size(); ++label) {
        CHECK(!stars[label].empty());
        for (const Index i : stars[label])
            CHECK(labels[static_cast<std::size_t>(i)] == static_cast<Index>(label));
    }
    const ClusterCenters centers = cluster_centers(X.view(), fit.cut);
    for (std::size_t label = 0; label < stars.size(); ++label) {
        const Index medoid = centers.medoids[label];
        CHECK(labels[static_cast<std::size_t>(medoid)] == static_cast<Index>(label));
        // No member is nearer to all others.
        const auto cost = [&](Index from) {
            double sum = 0;
            for (Index i = 0; i < 240; ++i) {
                if (labels[static_cast<std::size_t>(i)] != static_cast<Index>(label)) continue;
                sum += fit.cut.selection.probabilities[static_cast<std::size_t>(i)] *
                       std::hypot(X(i, 0) - X(from, 0), X(i, 1) - X(from, 1));
            }
            return sum;
        };
        for (Index i = 0; i < 240; ++i) {
            if (labels[static_cast<std::size_t>(i)] == static_cast<Index>(label))
                CHECK(cost(medoid) <= cost(i) + 1e-9);
        }
    }
    const Matrix<double> soft = membership_vectors(X.view(), X.view(), places_of_fit(fit.cut.tree), fit.cut);
    for (std::int64_t i = 0; i < 240; ++i) {
        double sum = 0;
        for (const double m : soft.row(i)) {
            CHECK(m >= 0);
            sum += m;
        }
        CHECK(sum <= 1 + 1e-12);
    }
}

TEST_CASE("density_membership: shapes are checked, invalid items stay out") {
    const Matrix<double> X = data(60, 2, 0.3);
    const HdbscanResult fit = hdbscan(X.view());
    const Matrix<double> wide(1, 3);
    CHECK_THROWS_AS(density_places(X.view(), fit.spanning_tree, fit.options, fit.cut.tree, wide.view()),
                    Error);
    Matrix<double> bad(1, 2);
    bad(0, 0) = std::numeric_limits<double>::quiet_NaN();
    const DensityPlaces places =
        density_places(X.view(), fit.spanning_tree, fit.options, fit.cut.tree, bad.view());
    CHECK(places.cluster[0] == -1);
    CHECK(predict_places(places, fit.cut.tree, fit.cut.selection).labels[0] == -1);
}
