// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/core/random.hpp"
#include "filmatlas/neighbors/graph_stats.hpp"
#include "filmatlas/neighbors/knn.hpp"
#include "neighbors/knn_data.hpp"

using namespace filmatlas;
using testing::gaussian;

namespace {

KnnGraph given(std::int64_t n, std::int64_t k, std::vector<Index> ids) {
    KnnGraph graph;
    graph.indices = Matrix<Index>(n, k, std::move(ids));
    graph.distances = Matrix<float>(n, k);
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t slot = 0; slot < k; ++slot) {
            graph.distances(i, slot) = graph.indices(i, slot) < 0 ? std::numeric_limits<float>::infinity()
                                                                  : static_cast<float>(slot + 1);
        }
    }
    return graph;
}

}  // namespace

TEST_CASE("hubness: worked example") {
    // Everybody lists 0; 0 and 1 list each other; nobody lists 3; 4 has no vector.
    const Hubness h = hubness(given(5, 1, {1, 0, 0, 0, -1}), 2);
    CHECK(h.occurrences == std::vector<std::int64_t>{3, 1, 0, 0, 0});
    CHECK(h.anti_hubs == std::vector<Index>{2, 3});
    CHECK(h.anti_hub_share == 0.5);
    CHECK(h.hubs == std::vector<Index>{0, 1});
    // Counts 3, 1, 0, 0: mean 1, moments 6/4 and (8 - 1 - 1)/4; Gini = sum of |differences| / (2 n^2 mean) = 20/32.
    CHECK(h.skewness == doctest::Approx(1.5 / std::pow(1.5, 1.5)));
    CHECK(h.gini == doctest::Approx(20.0 / 32));
}

TEST_CASE("hubness: regular graphs have none, random ones agree with the plain formulas") {
    const Hubness ring = hubness(given(4, 1, {1, 2, 3, 0}));
    CHECK(ring.skewness == 0);
    CHECK(ring.gini == 0);
    CHECK(ring.anti_hubs.empty());
    CHECK(ring.hubs == std::vector<Index>{0, 1, 2, 3});
    for (const std::int64_t d : {2, 60}) {
        const auto x = gaussian(400, d, 1);
        const KnnGraph graph = knn_graph(x.view(), {.k = 5});
        const Hubness h = hubness(graph);
        std::int64_t edges = 0;
        double mean = 0;
        double pairs = 0;
        for (const std::int64_t count : h.occurrences) edges += count;
        CHECK(edges == 400 * 5);
        mean = 5;
        double squares = 0;
        double cubes = 0;
        for (const std::int64_t a : h.occurrences) {
            squares += std::pow(static_cast<double>(a) - mean, 2);
            cubes += std::pow(static_cast<double>(a) - mean, 3);
            for (const std::int64_t b : h.occurrences) pairs += std::abs(static_cast<double>(a - b));
        }
        CHECK(h.skewness == doctest::Approx(cubes / 400 / std::pow(squares / 400, 1.5)));
        CHECK(h.gini == doctest::Approx(pairs / (2.0 * 400 * 400 * mean)));
        CHECK(h.anti_hubs.size() ==
              static_cast<std::size_t>(std::count(h.occurrences.begin(), h.occurrences.end(), 0)));
        CHECK(h.hubs.size() == 10);
        CHECK(h.occurrences[static_cast<std::size_t>(h.hubs[0])] ==
              *std::max_element(h.occurrences.begin(), h.occurrences.end()));
    }
    const auto skewness = [](std::int64_t d) {
        const auto x = gaussian(400, d, 1);
        return hubness(knn_graph(x.view(), {.k = 5, .metric = Metric::Euclidean})).skewness;
    };
    CHECK(skewness(60) > skewness(2) + 0.5);  // many dimensions make hubs
}

TEST_CASE("mutual_graph: the edges that both ends list, as by comparing all lists") {
    const CsrMatrix<float> m = mutual_graph(given(4, 2, {1, 2, 2, 0, 3, 0, 2, -1}));
    CHECK(m.indptr == std::vector<std::int64_t>{0, 2, 3, 5, 6});
    CHECK(m.indices == std::vector<Index>{1, 2, 0, 0, 3, 2});
    CHECK(m.values == std::vector<float>{1, 2, 2, 2, 1, 1});
    const auto x = gaussian(300, 6, 2);
    const KnnGraph graph = knn_graph(x.view(), {.k = 7});
    const CsrMatrix<float> big = mutual_graph(graph);
    for (std::int64_t i = 0; i < 300; ++i) {
        std::vector<Index> want;
        for (const Index j : graph.indices.row(i)) {
            const auto back = graph.indices.row(j);
            if (std::find(back.begin(), back.end(), static_cast<Index>(i)) != back.end()) want.push_back(j);
        }
        std::sort(want.begin(), want.end());
        const auto first = big.indices.begin() + big.indptr[static_cast<std::size_t>(i)];
        CHECK(std::equal(want.begin(), want.end(), first,
                         big.indices.begin() + big.indptr[static_cast<std::size_t>(i) + 1]));
    }
}

TEST_CASE("hubness and mutual_graph: degenerate graphs and errors") {
    CHECK(hubness(KnnGraph()).occurrences.empty());
    CHECK(mutual_graph(KnnGraph()).indptr == std::vector<std::int64_t>{0});
    const KnnGraph alone = given(2, 1, {-1, -1});
    CHECK(hubness(alone).anti_hubs.empty());
    CHECK(mutual_graph(alone).indices.empty());
    CHECK_THROWS_WITH_AS(hubness(alone, -1), doctest::Contains("max_hubs: is -1"), Error);
    CHECK_THROWS_AS(hubness(given(2, 1, {5, 0})), Error);
    CHECK_THROWS_AS(mutual_graph(given(2, 1, {5, 0})), Error);
}
