// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "filmatlas/core/error.hpp"
#include "filmatlas/layout/place.hpp"
#include "layout/layout_data.hpp"

using namespace filmatlas;
using namespace filmatlas::testing;

namespace {

/// (m, k) nearest of the rows of `q` among those of `x`.
void nearest(const Matrix<float>& x, const Matrix<float>& q, int k, Matrix<Index>& ids, Matrix<float>& distances) {
    ids = Matrix<Index>(q.rows(), k);
    distances = Matrix<float>(q.rows(), k);
    for (std::int64_t i = 0; i < q.rows(); ++i) {
        std::vector<std::pair<double, Index>> near;
        for (std::int64_t j = 0; j < x.rows(); ++j) {
            double sum = 0;
            for (std::int64_t d = 0; d < x.cols(); ++d) {
                const double gap = static_cast<double>(x(j, d)) - static_cast<double>(q(i, d));
                sum += gap * gap;
            }
            near.emplace_back(std::sqrt(sum), static_cast<Index>(j));
        }
        std::sort(near.begin(), near.end());
        for (int s = 0; s < k; ++s) {
            ids(i, s) = near[static_cast<std::size_t>(s)].second;
            distances(i, s) = static_cast<float>(near[static_cast<std::size_t>(s)].first);
        }
    }
}

}  // namespace

TEST_CASE("map_spacing: 0.6 of an item's side, unmoved by a few far items; 0 without extent") {
    Matrix<float> grid(2500, 2);
    for (std::int64_t i = 0; i < 2500; ++i) {
        grid(i, 0) = static_cast<float>(i % 50);
        grid(i, 1) = static_cast<float>(i / 50);
    }
    CHECK(map_spacing(grid) == doctest::Approx(0.6).epsilon(0.05));
    grid(7, 0) = 1e6F;
    CHECK(map_spacing(grid) == doctest::Approx(0.6).epsilon(0.05));
    CHECK(map_spacing(Matrix<float>(10, 2)) == 0);
    CHECK(map_spacing(Matrix<float>(0, 2)) == 0);
}

TEST_CASE("place_on_map: among most of its neighbours, not in the middle of nowhere") {
    // 40 items around (-10, 0), 40 around (10, 0); three neighbours left, two right.
    Matrix<float> map = blobs(80, 2, 1, 0);
    for (std::int64_t i = 0; i < 80; ++i) map(i, 0) += i < 40 ? -10.0F : 10.0F;
    const Matrix<Index> ids(1, 5, {0, 40, 1, 41, 2});
    const Matrix<float> distances(1, 5, {1, 1, 1, 1, 1});
    const Matrix<float> placed = place_on_map(map, ids, distances);
    CHECK(placed(0, 0) < -7);
    // The gradient of the loss is zero there.
    const double s2 = map_spacing(map) * map_spacing(map);
    for (std::int64_t d = 0; d < 2; ++d) {
        double slope = 0;
        for (const Index j : {0, 40, 1, 41, 2}) {
            double r2 = 0;
            for (std::int64_t e = 0; e < 2; ++e) {
                const double gap = static_cast<double>(placed(0, e)) - static_cast<double>(map(j, e));
                r2 += gap * gap;
            }
            slope += (static_cast<double>(placed(0, d)) - static_cast<double>(map(j, d))) / (1 + r2 / s2);
        }
        CHECK(std::abs(slope) < 1e-2);
    }
}

TEST_CASE("place_on_map: twins, missing neighbours, one by one as together") {
    Matrix<float> map(4, 2);
    map(0, 0) = -10;
    map(1, 0) = 10;
    map(2, 1) = 4;
    map(3, 0) = std::numeric_limits<float>::quiet_NaN();
    const float inf = std::numeric_limits<float>::infinity();
    const Matrix<Index> ids(6, 2, {0, 0, 0, 1, 2, 1, -1, -1, 3, 2, 1, -1});
    const Matrix<float> distances(6, 2, {1, 1, 1, 2, 0, 0, inf, inf, 0, 1, 0.5F, inf});
    const Matrix<float> placed = place_on_map(map, ids, distances);
    CHECK(placed(0, 0) == -10);
    CHECK(placed(2, 0) == 0);  // on its first twin
    CHECK(placed(2, 1) == 4);
    CHECK(std::isnan(placed(3, 0)));  // no neighbour
    CHECK(placed(4, 1) == 4);         // the neighbour without a position is skipped
    CHECK(placed(5, 0) == 10);
    for (std::int64_t i = 0; i < 6; ++i) {
        const Matrix<float> alone = place_on_map(map, Matrix<Index>(1, 2, {ids(i, 0), ids(i, 1)}),
                                                 Matrix<float>(1, 2, {distances(i, 0), distances(i, 1)}));
        CHECK(std::memcmp(alone.row_data(0), placed.row_data(i), 2 * sizeof(float)) == 0);
    }
    CHECK(place_on_map(map, Matrix<Index>(0, 3), Matrix<float>(0, 3)).rows() == 0);
    CHECK_THROWS_WITH_AS(place_on_map(map, Matrix<Index>(1, 1, {4}), Matrix<float>(1, 1, {1})),
                         doctest::Contains("the map has 4 items"), Error);
    CHECK_THROWS_WITH_AS(place_on_map(map, Matrix<Index>(1, 1, {0}), Matrix<float>(1, 1, {-1})),
                         doctest::Contains("distance"), Error);
    CHECK_THROWS_AS(place_on_map(map, Matrix<Index>(1, 1, {0}), Matrix<float>(1, 2)), Error);
}

TEST_CASE("place_on_map: the same bytes for any number of threads, in 1 to 3 dimensions") {
    for (const std::int64_t c : {1, 2, 3}) {
        const Matrix<float> map = blobs(600, c, 1, 0);
        const Matrix<float> x = blobs(600, 5, 3, 4);
        const Matrix<float> q = blobs(700, 5, 3, 4, 9);
        Matrix<Index> ids;
        Matrix<float> distances;
        nearest(x, q, 15, ids, distances);
        const Matrix<float> one = place_on_map(map, ids, distances, 1);
        CHECK(all_finite(one));
        for (const int threads : {2, 3, 8}) CHECK(place_on_map(map, ids, distances, threads) == one);
    }
}

TEST_CASE("out_of_map: a kind of its own scores higher than more of the same") {
    const Matrix<float> x = blobs(600, 10, 3, 12);
    const KnnGraph graph = brute_graph(x, 15);
    Matrix<float> q = blobs(200, 10, 3, 12, 5);
    for (std::int64_t i = 100; i < 200; ++i) q(i, 7) += 12;
    Matrix<Index> ids;
    Matrix<float> distances;
    nearest(x, q, 15, ids, distances);
    const std::vector<float> score = out_of_map(graph, ids, distances);
    const float usual = *std::max_element(score.begin(), score.begin() + 100);
    const float strange = *std::min_element(score.begin() + 100, score.end());
    CHECK(strange > usual);
    // Items of the map themselves: the logarithms average out, which leaves the shares.
    const std::vector<float> own = out_of_map(graph, graph.indices, graph.distances);
    CHECK(std::abs(std::accumulate(own.begin(), own.end(), 0.0F) / 600 - 0.5F) < 0.5F);
    for (const int threads : {1, 2, 3, 8}) CHECK(out_of_map(graph, ids, distances, threads) == score);
}

TEST_CASE("out_of_map: by hand, whatever the unit") {
    // Items at 0, 1, 3, 7 of a line, their two nearest; the nearest distances are 1, 1, 2, 4: 2 in the mean.
    KnnGraph graph;
    graph.indices = Matrix<Index>(4, 2, {1, 2, 0, 2, 1, 0, 2, 1});
    graph.distances = Matrix<float>(4, 2, {1, 3, 1, 2, 2, 3, 4, 6});
    const Matrix<Index> ids(1, 2, {3, 2});
    // A new item at 9: of 3's and 2's distances to their neighbours none of {4, 6} is below 2, all of {2, 3} are below 6;
    // of these neighbours {2, 1, 1, 0} one is the item's own.
    const double expected = std::log(2 / std::sqrt(2 * ((4 + 2) / 2.0 + 2) / 2)) + 2 / 4.0 - 1 / 4.0;
    CHECK(out_of_map(graph, ids, Matrix<float>(1, 2, {2, 6}))[0] == doctest::Approx(expected));
    for (float& d : graph.distances.values()) d *= 1024;
    CHECK(out_of_map(graph, ids, Matrix<float>(1, 2, {2048, 6144}))[0] == doctest::Approx(expected));
    // Missing neighbours of neighbours count neither way: 3 knows 2 alone.
    graph.indices(3, 1) = -1;
    graph.distances(3, 1) = std::numeric_limits<float>::infinity();
    CHECK(out_of_map(graph, ids, Matrix<float>(1, 2, {2048, 6144}))[0] ==
          doctest::Approx(expected - 2 / 4.0 + 1 / 4.0 + 2 / 3.0 - 1 / 3.0));
}

TEST_CASE("out_of_map: duplicates, no neighbours, wrong ids") {
    const Matrix<float> same(20, 2);
    const KnnGraph graph = brute_graph(same, 5);
    const float inf = std::numeric_limits<float>::infinity();
    const std::vector<float> score =
        out_of_map(graph, Matrix<Index>(3, 2, {0, 1, 0, 1, -1, -1}), Matrix<float>(3, 2, {0, 0, 1, 1, inf, inf}));
    CHECK(score[0] == doctest::Approx(std::log(1e-3) - 0.5));  // a twin; its two neighbours know one another and a third
    CHECK(score[1] > std::log(1e3) - 1);                       // on a map of twins: farther than any of them
    CHECK(std::isfinite(score[1]));
    CHECK(std::isnan(score[2]));
    CHECK_THROWS_WITH_AS(out_of_map(graph, Matrix<Index>(1, 1, {20}), Matrix<float>(1, 1, {1})),
                         doctest::Contains("20"), Error);
    CHECK_THROWS_AS(out_of_map(KnnGraph{}, Matrix<Index>(1, 1, {0}), Matrix<float>(1, 1, {1})), Error);
}
