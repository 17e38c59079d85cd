// SPDX-License-Identifier: MIT
#include "filmatlas/cluster/choose_k.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "cluster/cluster_data.hpp"
#include "filmatlas/core/error.hpp"

using namespace filmatlas;

TEST_CASE("choose_k: every criterion is that of the partition, and well separated clusters are found by all") {
    const auto data = cluster_data::blobs(600, 8, 6, 0.2, 4);
    const std::vector<int> counts = {2, 3, 4, 5, 6, 7, 8, 10, 12};
    ChooseKOptions options;
    options.kmeans.n_init = 4;
    const ChooseKResult out = choose_k(data.X.view(), counts, options);
    CHECK(out.k == counts);
    CHECK(out.elbow == 6);
    CHECK(out.best_silhouette == 6);
    CHECK(out.best_davies_bouldin == 6);
    CHECK(out.best_calinski_harabasz == 6);
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const KMeansResult alone = kmeans(data.X.view(), counts[i], options.kmeans);
        CHECK(out.inertia[i] == alone.inertia);
        CHECK(out.labels[i] == alone.labels);
        CHECK(out.silhouette[i] == silhouette(data.X.view(), alone.labels, {.metric = Metric::SqEuclidean}).mean);
        CHECK(out.davies_bouldin[i] == davies_bouldin(data.X.view(), alone.labels));
        CHECK(out.calinski_harabasz[i] == calinski_harabasz(data.X.view(), alone.labels));
    }
    CHECK(out.bend.front() == doctest::Approx(0.0));
    CHECK(out.bend.back() == doctest::Approx(0.0));
    options.kmeans.num_threads = 3;
    CHECK(choose_k(data.X.view(), counts, options).silhouette == out.silhouette);
}

TEST_CASE("choose_k: one cluster, as many as rows, equal rows, refusals") {
    const auto data = cluster_data::blobs(12, 3, 3, 0.3, 4);
    const ChooseKResult ends = choose_k(data.X.view(), std::vector<int>{1, 3, 12});
    CHECK(std::isnan(ends.silhouette[0]));
    CHECK(std::isnan(ends.davies_bouldin[2]));
    CHECK(std::isnan(ends.calinski_harabasz[2]));
    CHECK(ends.best_silhouette == 3);
    const ChooseKResult single = choose_k(data.X.view(), std::vector<int>{1});
    CHECK(single.elbow == 1);
    CHECK(single.best_silhouette == 0);
    CHECK_THROWS_AS(choose_k(data.X.view(), std::vector<int>{}), Error);
    CHECK_THROWS_AS(choose_k(data.X.view(), std::vector<int>{2, 13}), Error);
    CHECK_THROWS_AS(choose_k(data.X.view(), std::vector<int>{0}), Error);
    const Progress stop([](const Tick&) { return false; }, std::chrono::milliseconds(0));
    CHECK_THROWS_AS(choose_k(data.X.view(), std::vector<int>{2}, {}, stop), Error);
}
